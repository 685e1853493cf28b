"""Word vectors: look-up, neighbours, analogies."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ConfigError, InputError, NotFoundError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors

#: gender, royalty, fruit
SMALL = {
    "man": (1, 0, 0),
    "woman": (-1, 0, 0),
    "king": (1, 1, 0),
    "queen": (-1, 1, 0),
    "苹果": (0, 0.1, 2),
    "pear": (0, 0, 1),
    "nothing": (0, 0, 0),
}


def small():
    return WordVectors(Vocabulary.build(list(SMALL)), np.array(list(SMALL.values()), np.float32))


def large():
    words = [f"w{i}" for i in range(3000)]
    vectors = np.random.default_rng(3).standard_normal((3000, 700)).astype(np.float32)
    return words, vectors


def test_a_word_gives_a_copy_of_its_vector():
    kv = small()
    vector = kv["苹果"]
    np.testing.assert_array_equal(vector, np.array([0, 0.1, 2], np.float32))
    vector[:] = 9
    assert kv["苹果"][0] == 0


def test_length_membership_and_iteration_are_those_of_the_words():
    kv = small()
    assert len(kv) == 7
    assert "king" in kv
    assert "kin" not in kv
    assert 3 not in kv
    assert list(kv) == list(SMALL)


@pytest.mark.parametrize("typo", ["kimg", "kng", "knig", "kinge"])
def test_a_misspelt_word_is_answered_with_the_word_meant(typo):
    with pytest.raises(NotFoundError, match="did you mean 'king'"):
        small()[typo]


def test_a_word_in_other_case_is_answered_with_the_one_there_is():
    with pytest.raises(NotFoundError, match="king"):
        small().similar("KING")


def test_a_word_unlike_any_is_answered_with_some_words_and_their_number():
    words, vectors = large()
    with pytest.raises(NotFoundError, match="12 of 3000 words") as caught:
        WordVectors(Vocabulary.build(words), vectors)["不存在"]
    assert len(caught.value.known) == 12


def test_neighbours_are_those_of_gensim():
    words, vectors = large()
    reference = pytest.importorskip("gensim.models").KeyedVectors(700)
    reference.add_vectors(words, vectors)
    kv = WordVectors(Vocabulary.build(words), vectors)
    for ours, theirs in (
        (kv.similar("w5", n=20), reference.most_similar("w5", topn=20)),
        (kv.similar(vectors[7] * 3, n=20), reference.similar_by_vector(vectors[7], topn=20)),
        (kv.analogy("w1", "w2", "w3"), reference.most_similar(positive=["w2", "w3"], negative=["w1"])),
    ):
        assert [word for word, _ in ours] == [word for word, _ in theirs]
        np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-6)


def test_the_query_word_is_left_out_and_a_query_vector_finds_its_word():
    kv = small()
    assert "king" not in dict(kv.similar("king", n=100))
    assert kv.similar(kv["king"], n=1)[0][0] == "king"


def test_an_analogy_leaves_out_its_three_words():
    kv = small()
    assert kv.analogy("man", "king", "woman", n=1)[0][0] == "queen"
    assert not {"man", "king", "woman"} & set(dict(kv.analogy("man", "king", "woman", n=100)))
    assert len(kv.analogy("man", "man", "man", n=100)) == 6


def test_zero_vectors_have_cosine_zero_with_everything():
    kv = small()
    assert dict(kv.similar("king", n=100))["nothing"] == 0.0
    assert kv.similar("nothing", n=3) == [("man", 0.0), ("woman", 0.0), ("king", 0.0)]
    assert kv.similar([0, 0, 0], n=1) == [("man", 0.0)]


def test_words_of_one_cosine_come_in_the_order_of_the_vocabulary():
    vectors = np.tile(np.array([1, 2], np.float32), (40, 1))
    kv = WordVectors(Vocabulary.build([f"w{i}" for i in range(40)]), vectors)
    assert [word for word, _ in kv.similar("w0", n=3)] == ["w1", "w2", "w3"]


def test_more_neighbours_than_words_are_all_the_words():
    assert len(small().similar("king", n=10**9)) == 6


@pytest.mark.parametrize("n", [0, -1])
def test_fewer_than_one_neighbour_is_refused(n):
    with pytest.raises(ConfigError, match="n: "):
        small().similar("king", n=n)
    with pytest.raises(ConfigError, match="n: "):
        small().analogy("man", "king", "woman", n=n)


@pytest.mark.parametrize("query", [[1, 2], [[1, 2, 3]], [1, 2, np.nan]])
def test_a_query_vector_of_another_shape_or_not_finite_is_refused(query):
    with pytest.raises(InputError, match="query"):
        small().similar(query)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_called_damaged(bad):
    vectors = np.array(list(SMALL.values()), np.float32)
    vectors[5, 0] = bad
    with pytest.raises(CheckpointError, match="not finite"):
        WordVectors(Vocabulary.build(list(SMALL)), vectors).similar("king")


@pytest.mark.parametrize("shape", [(6, 3), (7,), (7, 3, 1)])
def test_vectors_of_another_shape_than_the_words_are_refused(shape):
    with pytest.raises(CheckpointError, match="float32"):
        WordVectors(Vocabulary.build(list(SMALL)), np.zeros(shape, np.float32))


def test_vectors_of_another_type_are_refused():
    with pytest.raises(CheckpointError, match="float64"):
        WordVectors(Vocabulary.build(list(SMALL)), np.zeros((7, 3)))


def test_a_read_only_memory_map_serves_as_well(tmp_path):
    words, vectors = large()
    np.save(tmp_path / "v.npy", vectors)
    mapped = np.load(tmp_path / "v.npy", mmap_mode="r")
    vocabulary = Vocabulary.build(words)
    assert WordVectors(vocabulary, mapped).similar("w9") == WordVectors(vocabulary, vectors).similar("w9")
