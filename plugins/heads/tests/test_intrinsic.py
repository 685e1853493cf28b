"""``evaluate --task``: word vectors of a stored embedder, on a small model of the tests' own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

import lexarium_heads.plugin
import lexarium_registry.plugin
from lexarium import intrinsic
from lexarium.cli.main import cli
from lexarium.cli.session import Session
from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.intrinsic import Options
from lexarium.intrinsic.pairs import read_pairs
from lexarium.method import Method
from lexarium.roles import Space, State
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium.zoo import Zoo
from lexarium_heads.intrinsic.evaluation import WordEvaluation, evaluate_words, tables

VECTORS = {
    "man": (1, 0, 0.1),
    "woman": (1, 1, 0.1),
    "king": (0.1, 0, 1),
    "queen": (0.1, 1, 1),
    "apple": (-1, 0.2, -1),
    "苹果": (-1, 0.3, -1),
}
PAIRS = "man woman 7\nking queen 8\nking apple 1\nman unheard 3\n苹果 apple 10\nqueen Woman 6\n"
QUESTIONS = ": family\nman woman king queen\nman king woman apple\n: gram1\nman king woman queen\nx y z man\n"
GROUPS = "# people\nman woman king apple\nking queen man woman\n"


@dataclass(frozen=True, kw_only=True)
class SpelledConfig:
    pass


class Spelled:
    """Word vectors that are stored."""

    def __init__(self, vocabulary, vectors):
        self.words = WordVectors(vocabulary, vectors)
        self.space = Space(dim=vectors.shape[1])

    def embed(self, inputs):
        return np.array([[len(text), text.count("a"), 1] for text in inputs], np.float32).reshape(-1, 3)

    def with_words(self, words):
        return Spelled(words.vocabulary, words.vectors)

    def state(self):
        return State(config={}, tensors={"vectors": self.words.vectors, **self.words.vocabulary.tensors()})

    @classmethod
    def restore(cls, state):
        return cls(Vocabulary(state.tensors), state.tensors["vectors"])


@hookimpl
def lexarium_methods():
    at = {key: f"{__name__}:{name}" for key, name in (("embedder", "Spelled"), ("config", "SpelledConfig"))}
    return [Method(name="spelled", summary="for tests", **at)]


@pytest.fixture
def words(tmp_path):
    """Give a zoo that has stored the vectors as ``words``."""
    mine = SimpleNamespace(__name__="spelled", lexarium_methods=lexarium_methods)
    zoo = Zoo(tmp_path / "words", host=Host([lexarium_heads.plugin, lexarium_registry.plugin, mine]))
    vectors = np.array(list(VECTORS.values()), np.float32)
    zoo.save(Spelled(Vocabulary.build(list(VECTORS)), vectors), name="words")
    return zoo


@pytest.fixture
def evaluate(words):
    return lambda *arguments: run(words, "evaluate", *arguments)


def run(zoo, *arguments):
    session = Session()
    session.host, session.zoo = zoo.host, zoo
    return CliRunner().invoke(cli, list(map(str, arguments)), obj=session)


@pytest.fixture
def files(tmp_path):
    """Give the path of a file of each task."""
    paths = {}
    for name, content in {"pairs": PAIRS, "questions": QUESTIONS, "groups": GROUPS}.items():
        paths[name] = tmp_path / f"{name}.txt"
        paths[name].write_text(content, encoding="utf-8")
    return paths


def test_similarity_prints_a_row_a_file_and_the_unknown_words(evaluate, files, tmp_path):
    second = tmp_path / "相似.csv"
    second.write_text("word1,word2,score\nman,woman,3\nking,queen,2\nman,apple,1\n", encoding="utf-8")
    done = evaluate("words", files["pairs"], second, "--task", "similarity")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "words@1: similarity; unknown words are left out"
    assert lines[2].split()[:5] == ["file", "pairs", "used", "oov", "Spearman"]
    assert lines[3].split()[:4] == ["pairs.txt", "6", "5", "1"]
    assert lines[4].split()[:4] == ["相似.csv", "3", "3", "0"]
    assert lines[-1] == "unknown words in pairs.txt, for instance: unheard"


class Lettered(WordVectors):
    """Word vectors that make one of an unknown word."""

    def unknown(self, words, threads=1):
        return np.array([[len(word), 1, 2] for word in words], np.float32).reshape(-1, 3)


def test_it_is_said_for_how_many_pairs_the_model_makes_vectors(words, files):
    known = words.load("words").words
    model = Lettered(known.vocabulary, known.vectors)
    found = intrinsic.evaluate(model, files["pairs"], task="similarity")
    done = WordEvaluation(model="words@1", task="similarity", options=Options(), files=(found,))
    first, _, unknown = tables(done)
    assert first.endswith("unknown words are left out where the model makes no vectors of them")
    assert unknown == [
        "unknown words in pairs.txt, for instance: unheard; the model makes vectors of those of 1 pair"
    ]


def test_options_reach_the_evaluation(evaluate, files):
    typed = ("--oov", "zero", "--case", "ignore", "--restrict", 5, "--json")
    document = json.loads(evaluate("words", files["pairs"], "--task", "similarity", *typed).stdout)
    assert list(document) == ["model", "task", "options", "files"]
    options = {"oov": "zero", "case": "ignore", "restrict": 5, "method": "3cosadd"}
    assert (document["model"], document["task"], document["options"]) == ("words@1", "similarity", options)
    (found,) = document["files"]
    assert (found["pairs"], found["used"], found["oov"]) == (6, 6, 2)
    assert found["unknown"] == ["unheard", "苹果"]


def test_analogies_print_sections_and_totals(evaluate, files):
    done = evaluate("words", files["questions"], "--task", "analogy")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[3][:5] == ["family", "2", "2", "0", "1"]
    assert rows[4][:5] == ["gram1", "2", "1", "1", "1"]
    assert rows[7] == ["questions.txt", "4", "3", "1", "2", "0.6667", "0.5000", "0.5000", "1.0000"]
    both = evaluate("words", files["questions"], files["questions"], "--task", "analogy")
    assert "family" not in both.stdout
    assert both.stdout.count("questions.txt  ") == 2


def test_3cosmul_is_chosen_by_name(evaluate, files):
    typed = ("--task", "analogy", "--method", "3cosmul", "--json")
    document = json.loads(evaluate("words", files["questions"], *typed).stdout)
    assert document["options"]["method"] == "3cosmul"
    assert document["files"][0]["total"]["used"] == 3


def test_odd_one_out_prints_the_accuracy(evaluate, files):
    done = evaluate("words", files["groups"], "--task", "odd-one-out")
    assert done.stdout.splitlines()[-1].split()[:5] == ["groups.txt", "2", "2", "0", "1"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "Missing option '--text': give --text and --label for a pipeline, or --task for word vectors"),
        (("--text", "t"), "Missing option '--label'"),
        (("--label", "c"), "Missing option '--text'"),
        (("--task", "similarity", "--text", "t"), "--text is for a pipeline and --task for word vectors"),
        (("--task", "analogy", "--label", "c"), "--label is for a pipeline"),
        (("--text", "t", "--label", "c", "--oov", "zero"), "--oov needs --task"),
        (("--text", "t", "--label", "c", "--restrict", "5"), "--restrict needs --task"),
        (("more.csv", "--text", "t", "--label", "c"), "a pipeline is evaluated on one DATA"),
        (("--task", "similarity", "--method", "3cosmul"), "--method is for --task analogy"),
        (("--task", "analogies"), "Invalid value for '--task'"),
        (("--task", "analogy", "--restrict", "0"), "Invalid value for '--restrict'"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(evaluate, files, more, says):
    done = evaluate("words", files["pairs"], *more)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_file_of_another_task_is_one_line(evaluate, files):
    done = evaluate("words", files["questions"], "--task", "similarity")
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"Error: {files['questions']}, line 1: a section of analogies begins here; use the task analogy"
    ]


def test_a_model_of_texts_embeds_the_words_of_the_file(zoo, files):
    model = zoo.fit("hashed", ["a", "b"], name="counts")
    done = run(zoo, "evaluate", "counts", files["pairs"], "--task", "similarity", "--json")
    found = json.loads(done.stdout)["files"][0]
    pairs = read_pairs(files["pairs"])
    rows = model.embed(pairs.words)
    words = WordVectors(Vocabulary.build(pairs.words), rows)
    wanted = intrinsic.evaluate(words, files["pairs"], task="similarity").document()
    assert found["spearman"]["value"] == pytest.approx(wanted["spearman"]["value"])
    assert (found["pairs"], found["unknown"]) == (wanted["pairs"], wanted["unknown"])


def test_a_model_of_texts_has_no_vocabulary_to_answer_analogies_from(zoo, files):
    zoo.fit("hashed", ["a", "b"], name="counts")
    done = run(zoo, "evaluate", "counts", files["questions"], "--task", "analogy")
    assert done.exit_code == 1
    assert "Error: counts@1 has no vectors of single words; no installed method" in done.stderr


def test_a_pipeline_is_evaluated_by_its_embedders_words(words, table, files):
    words.train(table, text="text", label="label", embedder="words", name="clf")
    options = Options(oov="zero")
    found = [
        evaluate_words(words, name, [files["pairs"]], task="similarity", options=options)
        for name in ("clf", "words")
    ]
    assert found[0].files == found[1].files
    assert found[0].model == "clf@1"
