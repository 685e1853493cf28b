"""``odd-one-out``, ``distance``, ``index`` and ``words``."""

from __future__ import annotations

import json

import numpy as np
import pytest
from spelling_plugin.embedder import SpellingConfig, spelling

WORDS = ["cab", "bac", "zoo", "ab", "aab", "abb", "cc", "bbb"]
OTHERS = ["cab", "ab", "bbb", "cc", "acc"]


@pytest.fixture(autouse=True)
def models(zoo):
    """Store two models that share four words."""
    zoo.save(spelling(WORDS, SpellingConfig(letters=3)), name="one", license="MIT")
    zoo.save(spelling(OTHERS, SpellingConfig(letters=3)), name="two", license="MIT")
    zoo.save(spelling(OTHERS, SpellingConfig(letters=4)), name="wide")


def document(done):
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def test_the_odd_one_is_named(invoke):
    assert invoke("odd-one-out", "one", "ab", "aab", "cc", "abb").stdout == "cc\n"
    found = document(invoke("odd-one-out", "one", "ab", "aab", "cc", "abb", "--json"))
    assert found["odd"] == found["words"][-1]["item"] == "cc"
    assert [word["score"] for word in found["words"]] == sorted(
        (word["score"] for word in found["words"]), reverse=True
    )


def test_the_distance_of_two_words_is_one_less_their_cosine(invoke):
    found = document(invoke("distance", "one", "ab", "bbb", "--json"))
    assert found == {
        "a": "ab",
        "b": "bbb",
        "similarity": pytest.approx(0.5**0.5),
        "distance": pytest.approx(1 - 0.5**0.5),
    }
    assert invoke("distance", "one", "ab", "bbb").stdout.split() == [
        "similarity",
        "0.7071",
        "distance",
        "0.2929",
    ]


def test_several_words_and_negative_ones_are_searched_together(invoke):
    found = document(invoke("similar", "one", "ab", "cc", "--negative", "bbb", "-n", "2", "--json"))
    assert found["query"] == "ab + cc - bbb"
    assert not {"ab", "cc", "bbb"} & {neighbour["item"] for neighbour in found["neighbours"]}
    assert found["neighbours"][0]["item"] == "cab"


def test_an_analogy_can_be_solved_by_multiplication(invoke):
    added = document(invoke("analogy", "one", "ab", "aab", "abb", "--json"))
    multiplied = document(invoke("analogy", "one", "ab", "aab", "abb", "--method", "3cosmul", "--json"))
    assert added["query"] == multiplied["query"]
    assert added["neighbours"][0]["score"] <= 1 < multiplied["neighbours"][0]["score"] * 1.2
    assert added != multiplied


def test_an_index_is_built_stored_and_searched(zoo, invoke):
    pytest.importorskip("faiss")
    done = invoke("similar", "one", "cab", "--index")
    assert (done.exit_code, "lexarium index one" in done.stderr) == (1, True)
    built = document(invoke("index", "one", "--set", "k_factor=8", "--threads", "1", "--json"))
    assert (built["model"], built["words"], built["recall"]) == ("one@1", 8, 1)
    assert built["settings"] == {"nlist": 4, "nprobe": 1, "k_factor": 8, "recall": 0.985}
    assert (zoo.home / "indexes" / built["space_id"] / "words.json").is_file()
    exact = document(invoke("similar", "one", "cab", "-n", "3", "--json"))
    assert document(invoke("similar", "one", "cab", "-n", "3", "--index", "--json")) == exact
    done = invoke("index", "one")
    assert done.stdout.startswith("indexed 8 words of one@1: ")
    assert done.stdout.endswith("finds at least 100.0 % of 10 nearest words, looking in 1 of 4 cells\n")
    assert "less than recall" not in done.stderr
    assert "type: lexarium index" not in invoke("similar", "two", "cab", "--index").stdout
    (zoo.home / "indexes" / built["space_id"] / "words.faiss").write_bytes(b"faiss")
    done = invoke("similar", "one", "cab", "--index")
    assert done.exit_code == 1
    assert "damaged or unfinished; build it again with: lexarium index" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words", "dim"),
    [
        (["normalize", "one"], 8, 3),
        (["reduce", "one", "2"], 8, 2),
        (["reduce", "one", "2", "--keep-mean"], 8, 2),
        (["remove-top", "one"], 8, 3),
        (["remove-top", "one", "--components", "2"], 8, 3),
        (["restrict", "one", "--count", "3"], 3, 3),
        (["restrict", "one", "--from", "FILE"], 2, 3),
        (["mix", "one", "two"], 4, 6),
        (["mix", "one", "wide", "--how", "mean"], 4, 4),
        (["align", "one", "two"], 8, 3),
        (["align", "one", "two", "--pairs", "PAIRS"], 8, 3),
    ],
)
def test_an_operation_stores_a_new_model(zoo, invoke, tmp_path, arguments, words, dim):
    (tmp_path / "words.txt").write_text("cab\nunheard\nab\n", encoding="utf-8")
    (tmp_path / "pairs.txt").write_text("cab acc\nab ab\nbbb cc\n", encoding="utf-8")
    files = {"FILE": tmp_path / "words.txt", "PAIRS": tmp_path / "pairs.txt"}
    arguments = [files.get(argument, argument) for argument in arguments]
    found = document(invoke("words", *arguments, "--name", "new", "--json"))
    assert (found["model"], found["words"], found["dim"]) == ("new@1", words, dim)
    made = zoo.open("new")
    assert made.model.words.vectors.shape == (words, dim)
    base = made.manifest.about.lineage["base"]
    assert (base[0] if isinstance(base, list) else base)["model"] == "one@1"
    assert made.manifest.about.license == ("MIT" if "wide" not in arguments else None)
    assert invoke("words", *arguments, "--name", "new").stdout.startswith(
        f"stored new@2: {words} words of {dim}"
    )


def test_a_reduced_model_holds_the_reduced_vectors(zoo, invoke):
    assert invoke("words", "reduce", "one", "2", "--name", "new").exit_code == 0
    expected = zoo.load("one").words.reduced(2).vectors
    np.testing.assert_array_equal(zoo.load("new").words.vectors, expected)


def test_aligning_tells_how_well_it_fits(invoke):
    found = document(invoke("words", "align", "one", "two", "--name", "new", "--json"))
    assert found["pairs"] == 4
    assert found["score"] == pytest.approx(1, abs=1e-6)
    assert ", score 1, pairs 4" in invoke("words", "align", "one", "two", "--name", "new").stdout


def test_pairs_that_do_not_fix_a_rotation_are_noted(invoke, tmp_path):
    (tmp_path / "few.txt").write_text("cab acc\nab ab\n", encoding="utf-8")
    done = invoke("words", "align", "one", "two", "--pairs", tmp_path / "few.txt", "--name", "new")
    assert "2 pairs of words do not fix a rotation of 3 dimensions; give 3 or more" in done.stderr


def test_drift_lists_shared_words(invoke):
    found = document(invoke("words", "drift", "one", "two", "-n", "2", "--json"))
    assert found["query"] == "one@1 to two@1"
    assert [neighbour["score"] for neighbour in found["neighbours"]] == pytest.approx([0, 0], abs=1e-6)


def test_different_licences_are_noted(invoke):
    said = invoke("words", "mix", "one", "wide", "--name", "new").stderr
    assert "the two models have MIT and no licence; the new one has none" in said


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["odd-one-out", "one", "ab", "cc"], 1, "at least three"),
        (["odd-one-out", "one"], 2, "Missing argument"),
        (["distance", "one", "ab", "cbb"], 1, "no word named 'cbb'"),
        (["similar", "one"], 2, "Missing argument"),
        (["similar", "one", "a", "b", "--in", "x.txt"], 1, "there is no such file"),
        (["similar", "one", "a", "--index", "--in", "x.txt"], 2, "--index goes without --in FILE"),
        (["analogy", "one", "ab", "cc", "abb", "--method", "4cos"], 2, "3cosmul"),
        (["index", "one", "--set", "speed=1"], 1, "no such setting"),
        (["words", "reduce", "one", "4", "--name", "new"], 1, "between 1 and 3"),
        (["words", "reduce", "one", "2", "--name", "../new"], 1, "Error:"),
        (["words", "reduce", "one", "2"], 2, "--name"),
        (["words", "restrict", "one", "--name", "new"], 2, "one of the two"),
        (["words", "align", "one", "wide", "--name", "new"], 1, "3 dimensions here, 4 there"),
        (["words", "align", "one", "two", "--pairs", "nowhere", "--name", "new"], 1, "cannot be read"),
        (["words", "drift", "one", "none"], 1, "none"),
    ],
)
def test_what_cannot_be_done_says_why_and_stores_nothing(zoo, invoke, arguments, code, says):
    done = invoke(*arguments)
    assert done.exit_code == code, done.stderr
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert zoo.store.names() == ["one", "two", "wide"]
