"""Word vectors: look-up, neighbours, analogies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import CheckpointError, ConfigError, InputError, NotFoundError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium.words.spelling import spelled_like

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


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("Kimg", "king"), ("草果", "苹果"), ("苹果树", "苹果"), ("苹", None), ("果苹", "苹果"), ("ma", None)],
)
def test_spelling_is_looked_at_by_characters_of_any_script(asked, meant):
    with pytest.raises(NotFoundError) as caught:
        small()[asked]
    assert caught.value.known == ([] if meant is None else [meant])


def test_a_word_unlike_any_is_answered_with_their_number_and_no_other_word():
    words, vectors = large()
    with pytest.raises(NotFoundError) as caught:
        WordVectors(Vocabulary.build(words), vectors)["不存在"]
    assert str(caught.value) == "no word named '不存在'; none of the 3000 words is spelled like it"


@given(
    st.text("abc影电", min_size=2, max_size=6),
    st.lists(st.text("abc影电", min_size=1, max_size=7), min_size=1, max_size=30, unique=True),
)
def test_the_first_word_with_one_edit_is_found_whatever_the_vocabulary(asked, words):
    words = [word for word in words if word != asked]
    if not words or len(asked.encode()) < 3:
        return
    near = [word for word in words if one_edit_away(asked, word)]
    assert spelled_like(asked, Vocabulary.build(words)) == (near[0] if near else None)


def one_edit_away(asked, word):
    letters = "abc影电"
    cuts = [(asked[:i], asked[i:]) for i in range(len(asked) + 1)]
    made = {a + b[1:] for a, b in cuts} | {a + c + b for a, b in cuts for c in letters}
    made |= {a + c + b[1:] for a, b in cuts if b for c in letters}
    return word in made | {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}


def test_a_damaged_vocabulary_gives_no_suggestion_from_elsewhere():
    tensors = Vocabulary.build(["king", "queen"]).tensors()
    offsets = np.array([7, 11, 9])
    vocabulary = Vocabulary(
        {**tensors, "vocabulary.offsets": offsets, "vocabulary.slots": np.zeros(8, np.uint32)}
    )
    assert spelled_like("kimg", vocabulary) is None


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


@pytest.mark.parametrize("n", ["3", 1.5, True, None])
def test_a_number_of_neighbours_that_is_no_whole_number_is_refused(n):
    with pytest.raises(ConfigError, match=f"n: {n!r} is not a whole number"):
        small().similar("king", n)
    with pytest.raises(ConfigError, match=f"n: {n!r} is not a whole number"):
        small().similar_many(["king"], n)


def test_what_is_no_word_is_named_by_its_type():
    words = small()
    for odd in (3, None, ["king", "queen"]):
        with pytest.raises(InputError, match=f"word: .* is {type(odd).__name__}, not text"):
            words[odd]
    for ask in (words.similar, words.similar_many, words.centroid, words.odd_one_out, words.restricted):
        with pytest.raises(InputError, match="element 1 is int, not text; pass strings"):
            ask(["king", 3, "queen"])
    with pytest.raises(InputError, match="word: 3 is int, not text"):
        words.distance("king", 3)
    with pytest.raises(InputError, match="words: element 1 is int, not text"):
        words.analogy("man", 3, "king")
    with pytest.raises(InputError, match="negative: a single text where a list of texts belongs"):
        words.similar("king", negative="man")
    for odd in (b"king", np.array("king"), [[1, 2], [3]]):
        with pytest.raises(InputError, match="query: "):
            words.similar(odd)


def test_what_is_no_word_vectors_is_named_by_its_type():
    words = small()
    for ask in (words.aligned, words.mixed, words.drift):
        with pytest.raises(
            InputError, match="other: list where word vectors belong; of a model that has them"
        ):
            ask(["king"])
    with pytest.raises(InputError, match="index: True is bool, not an index"):
        words.similar("king", index=True)
    with pytest.raises(InputError, match="vectors: list where an array belongs"):
        WordVectors(["a", "b"], [[1.0], [2.0]])
    for odd, says in (("ab", "a single text where"), (5, "int where a list"), ([1, 2], "element 0 is int")):
        with pytest.raises(InputError, match=f"vocabulary: {says}"):
            WordVectors(odd, np.ones((2, 1), np.float32))


@pytest.mark.parametrize("pairs", [5, ["ab"], [("king", "king"), (1, 2)], [("king",)]])
def test_what_is_no_pair_of_words_is_named_by_its_place(pairs):
    place = 0 if pairs == 5 else len(pairs) - 1
    with pytest.raises(InputError, match=f"pairs: element {place}, .*, is no pair of words"):
        small().aligned(small(), pairs)


def test_pairs_may_be_rows_of_an_array():
    pairs = np.array([["king", "king"], ["queen", "queen"]])
    assert small().aligned(small(), pairs).pairs == 2


def test_a_list_of_words_becomes_a_vocabulary():
    words = WordVectors(["man", "king"], np.ones((2, 3), np.float32))
    assert words.vocabulary.find("king") == 1


def test_words_may_come_one_by_one():
    words = small()
    np.testing.assert_array_equal(words.centroid(iter(["man", "king"])), words.centroid(["man", "king"]))
    assert list(words.restricted(iter(["man", "king"]))) == ["man", "king"]
    assert list(words.restricted(np.int64(2))) == list(SMALL)[:2]


@pytest.mark.parametrize("odd", ["2", 1.5, True])
def test_dimensions_and_numbers_of_words_are_whole_numbers(odd):
    words = small()
    for ask in (words.reduced, words.all_but_the_top):
        with pytest.raises(ConfigError, match="is not a whole number"):
            ask(odd)
    if not isinstance(odd, str):
        with pytest.raises(ConfigError, match=r"words: .* is not a whole number"):
            words.restricted(odd)


def test_one_word_is_no_list_of_words():
    words = small()
    for ask in (words.similar_many, words.centroid, words.odd_one_out, words.restricted):
        with pytest.raises(InputError, match="a single text where a list of texts belongs"):
            ask("king")
    for ask in (words.centroid, words.odd_one_out):
        with pytest.raises(InputError, match="words: int where a list of texts belongs; pass a list"):
            ask(3)


def test_an_array_of_words_is_a_list_of_words():
    words = small()
    assert words.similar(np.array(["king", "man"])) == words.similar(["king", "man"])
    assert words.similar_many(np.array(["king", "man"], object)) == words.similar_many(["king", "man"])


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


def reference():
    words, vectors = large()
    keyed = pytest.importorskip("gensim.models").KeyedVectors(700)
    keyed.add_vectors(words, vectors)
    return WordVectors(Vocabulary.build(words), vectors), keyed


def test_several_words_and_negative_ones_are_gensims():
    kv, keyed = reference()
    ours = kv.similar(["w1", "w2"], 10, negative=["w3", "w4"])
    theirs = keyed.most_similar(positive=["w1", "w2"], negative=["w3", "w4"], topn=10)
    assert [word for word, _ in ours] == [word for word, _ in theirs]
    np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-6)
    assert kv.similar(["w1"], 5) == kv.similar("w1", 5)


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`:DeprecationWarning")  # gensim's own
def test_an_analogy_by_multiplication_is_levy_and_goldbergs():
    kv, keyed = reference()
    ours = dict(kv.analogy("w1", "w2", "w3", n=len(kv), method="3cosmul"))
    theirs = dict(keyed.most_similar_cosmul(positive=["w2", "w3"], negative=["w1"], topn=len(kv)))
    assert ours.keys() == theirs.keys()
    for word in list(ours)[::100]:
        away = (1 + kv.similarity(word, "w1")) / 2
        # gensim adds 1e-6 below the line, the paper 0.001
        assert ours[word] * (away + 0.001) == pytest.approx(theirs[word] * (away + 1e-6), rel=1e-5)
    assert list(ours.values()) == sorted(ours.values(), reverse=True)
    assert kv.analogy("w1", "w2", "w3", n=3, method="3cosmul") == list(ours.items())[:3]


def test_an_unknown_way_to_solve_analogies_is_refused():
    with pytest.raises(ConfigError, match="3cosmul"):
        small().analogy("man", "king", "woman", method="cosmul")


def test_distance_centroid_and_the_odd_one_are_gensims():
    kv, keyed = reference()
    assert kv.distance("w1", "w2") == pytest.approx(keyed.distance("w1", "w2"), abs=1e-6)
    assert kv.similarity("w1", "w1") == pytest.approx(1)
    group = ["w1", "w7", "w9", "w30"]
    np.testing.assert_allclose(kv.centroid(group), keyed.get_mean_vector(group), atol=1e-6)
    raw = keyed.get_mean_vector(group, pre_normalize=False)
    np.testing.assert_allclose(kv.centroid(group, normalized=False), raw, atol=1e-6)
    for start in range(0, 60, 6):
        group = [f"w{i}" for i in range(start, start + 6)]
        assert kv.odd_one_out(group) == keyed.doesnt_match(group)
    assert small().odd_one_out(["苹果", "pear", "king"]) == "king"
    assert small().centrality(["苹果", "pear", "king"])[-1][0] == "king"


def test_what_needs_words_says_so_when_there_are_too_few():
    with pytest.raises(InputError, match="at least three"):
        small().odd_one_out(["king", "queen"])
    with pytest.raises(InputError, match="at least one"):
        small().centroid([])
    with pytest.raises(InputError, match="at least one"):
        small().similar([])
    with pytest.raises(InputError, match="go with words"):
        small().similar([0.0, 1, 0], negative=["king"])
    with pytest.raises(InputError, match="queries"):
        small().similar_many(np.zeros((2, 4)))


def test_gensim_gets_the_same_memory():
    pytest.importorskip("gensim.models")
    kv = small().restricted(6)  # gensim divides by the length of a zero vector
    keyed = kv.as_gensim()
    assert np.shares_memory(keyed.vectors, kv.vectors)
    assert keyed.index_to_key == list(SMALL)[:6]
    assert keyed.most_similar("pear", topn=2)[0][0] == kv.similar("pear", 2)[0][0]


def test_a_class_with_vectors_for_unknown_words_is_asked_for_them():
    class Spelled(WordVectors):
        def __getitem__(self, word):
            return np.array([0, 0, len(word)], np.float32) if word not in self else super().__getitem__(word)

    kv = Spelled(Vocabulary.build(list(SMALL)), np.array(list(SMALL.values()), np.float32))
    assert kv.similar("unheard", n=1)[0][0] == "pear"
    assert kv.similar_many(["unheard"], n=1) == [kv.similar("unheard", n=1)]
