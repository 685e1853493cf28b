"""``embed``, ``similar`` and ``analogy``."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from spelling_plugin.embedder import Spelling, SpellingConfig, spelling
from spelling_plugin.head import Nearest, NearestConfig

from lexarium.compose import Pipeline
from lexarium.host import Host
from lexarium.roles import Run
from lexarium.zoo import Zoo

WORDS = ["cab", "bac", "zoo", "ab"]


@pytest.fixture(autouse=True)
def models(zoo):
    """Store a dense model, a sparse one, and a pipeline."""
    dense = spelling(WORDS, SpellingConfig(letters=3))
    zoo.save(dense, name="dense")
    zoo.save(spelling(WORDS, SpellingConfig(letters=3, sparse=True)), name="sparse")
    head = Nearest.fit(dense.embed(["aaa", "ccc"]), ["a", "c"], NearestConfig(), Run())
    zoo.save(Pipeline(dense, head), name="pipeline")
    return zoo


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\ncab ab,x\n好\u3000b,y\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("model", ["dense", "sparse", "dense@1", "pipeline"])
def test_texts_as_json_are_model_space_dim_and_vectors(invoke, zoo, model):
    done = invoke("embed", model, "--text", "abba", "--text", "", "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    space_id, _ = zoo.store.resolve(model).manifest.root.find_space()
    name = model.partition("@")[0] + "@1"
    vectors = [[2, 2, 0], [0, 0, 0]]
    coverage = document.pop("coverage")
    assert document == {"model": name, "space_id": space_id, "dim": 3, "vectors": vectors}
    assert coverage == {"tokens": 1, "unknown": 1}


def test_texts_in_words_are_a_line_of_numbers_each(invoke):
    assert invoke("embed", "dense", "--text", "abba", "--text", "c").stdout == "2 2 0\n0 0 1\n"


def test_unknown_words_are_noted_on_stderr(invoke):
    done = invoke("embed", "dense", "--text", "cab gone gone ab other", "--json")
    assert done.stderr == "unknown words: 3 of 5 (60.0 %), for instance gone, other\n"
    json.loads(done.stdout)
    assert invoke("embed", "dense", "--text", "cab").stderr == ""


def test_vectors_of_a_file_go_to_npy_jsonl_or_npz(invoke, source, tmp_path):
    expected = [[2, 2, 1], [0, 1, 0]]
    for name in ("v.npy", "v.jsonl", "v.npz"):
        model = "sparse" if name == "v.npz" else "dense"
        done = invoke("embed", model, source, "--column", "text", "--out", tmp_path / name)
        assert done.exit_code == 0, done.stderr
        assert done.stdout == f"wrote 2 vectors of 3 dimensions to {tmp_path / name}\n"
    assert np.load(tmp_path / "v.npy").tolist() == expected
    assert sparse.load_npz(tmp_path / "v.npz").toarray().tolist() == expected
    lines = (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["vector"] for line in lines] == expected


def test_vectors_of_a_file_go_to_parquet_where_pyarrow_is_installed(invoke, source, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    assert (
        invoke("embed", "sparse", source, "--column", "text", "--out", tmp_path / "v.parquet").exit_code == 0
    )
    vectors = parquet.read_table(tmp_path / "v.parquet").column("vector")
    assert vectors.to_pylist() == [[2, 2, 1], [0, 1, 0]]


def test_a_written_file_as_json_is_named_with_its_rows(invoke, source, tmp_path):
    out = tmp_path / "v.npy"
    document = json.loads(invoke("embed", "dense", source, "--column", "text", "--out", out, "--json").stdout)
    assert (document["out"], document["rows"], document["dim"]) == (str(out), 2, 3)
    assert "vectors" not in document


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["embed", "dense"], 2, "give INPUT or --text, one of the two"),
        (["embed", "dense", "SOURCE", "--text", "a"], 2, "give INPUT or --text, one of the two"),
        (["embed", "dens", "--text", "a"], 1, "did you mean 'dense'"),
        (["embed", "dense", "SOURCE"], 1, "it has 2 columns"),
        (["embed", "dense", "SOURCE", "--column", "text", "--out", "v.npz"], 1, "are dense; use .npy"),
        (["embed", "sparse", "--text", "a", "--out", "v.npy"], 1, "are sparse; use .npz"),
        (["embed", "dense", "--text", "a", "--out", "no/such/v.npy"], 1, "there is no folder"),
        (["similar", "dense", "coat"], 1, "no word named 'coat'"),
        (["similar", "dense", "a", "--in", "nowhere.csv"], 1, "there is no such file"),
        (["analogy", "dense", "cab", "bac", "car"], 1, "did you mean 'cab'"),
    ],
)
def test_what_cannot_be_done_says_why(invoke, source, tmp_path, monkeypatch, arguments, code, says):
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    done = invoke(*[source if argument == "SOURCE" else argument for argument in arguments])
    assert done.exit_code == code
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir() == []


def test_similar_words_come_nearest_first(invoke):
    document = json.loads(invoke("similar", "dense", "cab", "-n", "2", "--json").stdout)
    assert document["query"] == "cab"
    assert [neighbour["item"] for neighbour in document["neighbours"]] == ["bac", "ab"]
    np.testing.assert_allclose([n["score"] for n in document["neighbours"]], [1, np.sqrt(2 / 3)], atol=1e-6)
    assert invoke("similar", "dense", "cab", "-n", "1").stdout.splitlines()[1].split() == ["bac", "1.0000"]


@pytest.mark.parametrize("model", ["dense", "sparse", "pipeline"])
def test_similar_texts_of_a_file_come_nearest_first_and_odd_text_is_shown(invoke, tmp_path, model):
    path = tmp_path / "t.jsonl"
    path.write_text('{"t": "ccc"}\n{"t": "好\\u3000b \\ud800"}\n{"t": "bbb"}\n', encoding="utf-8")
    done = invoke("similar", model, "b", "--in", path, "-n", "2", "--json")
    items = [neighbour["item"] for neighbour in json.loads(done.stdout)["neighbours"]]
    assert items == ["好\u3000b \ud800", "bbb"]
    assert invoke("similar", model, "b", "--in", path).stdout.splitlines()[1].startswith("好 b ")


def test_an_analogy_leaves_its_words_out(invoke):
    document = json.loads(invoke("analogy", "dense", "cab", "bac", "ab", "--json").stdout)
    assert document["query"] == "cab : bac = ab : ?"
    assert [neighbour["item"] for neighbour in document["neighbours"]] == ["zoo"]


def test_a_model_without_words_says_what_to_do_instead(zoo, invoke, make_plugin):
    plugin = zoo.host.plugins[0]
    method = replace(zoo.host.method("spelling"), embedder=f"{__name__}:Wordless")
    others = [offer for offer in plugin.offers if offer.kind != "embedder"]
    wordless = Zoo(zoo.home, Host([replace(plugin, offers=(method, *others))]))
    wordless.save(Wordless(), name="wordless")
    zoo.host = wordless.host
    done = invoke("similar", "wordless", "a")
    assert done.exit_code == 1
    assert done.stderr.endswith("no vectors of single words; name a file to choose from with --in FILE\n")
    assert "choose from with --in FILE" in invoke("analogy", "wordless", "a", "b", "c").stderr
    assert "no installed method has such vectors" in invoke("index", "wordless").stderr
    wordy = replace(zoo.host.method("spelling"), name="wordy", embedder="spelling_plugin.embedder:Spelling")
    zoo.host = Host([replace(plugin, offers=(method, wordy, *others))])
    for command in (
        ["index", "wordless"],
        ["words", "restrict", "wordless", "--count", "1", "--name", "r"],
    ):
        wrong = invoke(*command)
        assert wrong.exit_code == 1
        assert "wordless@1 has no vectors of single words; name a model of wordy\n" in wrong.stderr


class Wordless:
    """An embedder without words."""

    def __init__(self):
        self.inner = Spelling.tiny()
        self.space = self.inner.space

    def embed(self, inputs):
        return self.inner.embed(inputs)

    def state(self):
        return self.inner.state()

    @classmethod
    def restore(cls, state):
        Spelling.restore(state)
        return cls()

    @classmethod
    def tiny(cls):
        return cls()


def test_more_numbers_than_anybody_reads_are_not_printed_but_written(zoo, invoke, monkeypatch):
    monkeypatch.setattr("lexarium.cli.vectors._MOST_PRINTED", 3)
    zoo.fit("spelling", ["a", "b"], name="s")
    done = invoke("embed", "s", "--text", "a")
    assert done.exit_code == 1
    assert "--out vectors" in done.stderr


@pytest.mark.parametrize("model", ["wordless", "dense"])
def test_words_of_a_model_of_texts_are_embedded_as_texts(zoo, invoke, tmp_path, model):
    if model == "wordless":
        plugin = zoo.host.plugins[0]
        method = replace(zoo.host.method("spelling"), embedder=f"{__name__}:Wordless")
        zoo.host = Host(
            [replace(plugin, offers=(method, *[o for o in plugin.offers if o.kind != "embedder"]))]
        )
        Zoo(zoo.home, zoo.host).save(Wordless(), name="wordless")
    path = tmp_path / "words.txt"
    path.write_text("abc\n\nccc\nbbb\naab\nabc\n", encoding="utf-8")

    def neighbours(*arguments):
        done = invoke(*arguments, "--in", path, "--json")
        assert done.exit_code == 0, done.stderr
        return [each["item"] for each in json.loads(done.stdout)["neighbours"]]

    assert neighbours("similar", model, "ab", "c", "-n", "1") == ["abc"]
    assert neighbours("similar", model, "abc", "--negative", "aab", "-n", "1") == ["ccc"]
    assert neighbours("analogy", model, "a", "aab", "ac", "-n", "1") == ["abc"]


def test_two_words_of_a_model_of_texts_have_a_distance_and_several_an_odd_one(zoo, invoke):
    plugin = zoo.host.plugins[0]
    method = replace(zoo.host.method("spelling"), embedder=f"{__name__}:Wordless")
    zoo.host = Host([replace(plugin, offers=(method, *[o for o in plugin.offers if o.kind != "embedder"]))])
    Zoo(zoo.home, zoo.host).save(Wordless(), name="wordless")
    found = json.loads(invoke("distance", "wordless", "aab", "bbb", "--json").stdout)
    assert found["similarity"] == pytest.approx(5**-0.5)
    assert invoke("odd-one-out", "wordless", "aab", "ab", "ccc").stdout == "ccc\n"


@pytest.mark.parametrize(
    ("model", "name"), [("dense", "v.npy"), ("sparse", "v.npz"), ("pipeline", "v.jsonl")]
)
def test_similar_searches_vectors_that_embed_wrote_and_refuses_those_of_another_space(
    invoke, zoo, source, tmp_path, model, name
):
    out = tmp_path / name
    assert invoke("embed", model, source, "--column", "text", "--out", out).exit_code == 0
    document = json.loads(invoke("similar", model, "b", "--in", out, "--json").stdout)
    assert document["neighbours"] == [
        {"item": item, "score": pytest.approx(score)}
        for item, score in zip(
            ["好\u3000b", "cab ab"] if name == "v.jsonl" else ["row 2", "row 1"], [1, 2 / 3], strict=True
        )
    ]
    zoo.save(spelling(WORDS[:2], SpellingConfig(letters=3, sparse=model == "sparse")), name="other")
    done = invoke("similar", "other", "b", "--in", out)
    assert done.exit_code == 1
    assert "its vectors are of the space" in done.stderr
    zoo.save(zoo.load(model), name="renamed")
    assert invoke("similar", "renamed", "b", "--in", out).exit_code == 0
