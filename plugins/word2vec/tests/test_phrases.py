"""Phrases are gensim's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import DataError
from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium_static.encoding import encode
from lexarium_word2vec import phrases as joining
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.phrases import join_found, join_known, prune


def encoded(texts):
    return encode(texts, tokenizer="whitespace", token_pattern=None, lowercase=False, run=Run())


def decoded(found):
    words = list(found.vocabulary)
    return [
        [words[i] for i in found.ids[a:b]] for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)
    ]


def corpus(texts=200):
    rng = np.random.default_rng(4)
    weights = 1 / np.arange(1, 31)
    return [
        " ".join(f"w{i}" for i in rng.choice(30, rng.integers(1, 25), p=weights / weights.sum()))
        + (" new york city" if rng.random() < 0.3 else "")
        for _ in range(texts)
    ]


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize(("scoring", "threshold"), [("default", 0.5), ("default", 3.0), ("npmi", 0.1)])
def test_the_same_words_are_joined_as_by_gensim(passes, scoring, threshold):
    phrases = pytest.importorskip("gensim.models.phrases")
    config = Word2VecConfig(
        phrases=passes, phrases_min_count=3, phrases_threshold=threshold, phrases_scoring=scoring
    )
    expected = [text.split() for text in corpus()]
    for _ in range(passes):
        model = phrases.Phrases(expected, min_count=3, threshold=threshold, scoring=scoring)
        expected = [model[sentence] for sentence in expected]
    found = join_found(encoded(corpus()), config)
    assert decoded(found) == expected
    assert any("_" in word for sentence in expected for word in sentence)
    assert np.array_equal(found.counts, np.bincount(found.ids, minlength=len(found.vocabulary)))


@given(
    st.lists(st.sampled_from("abc"), max_size=12), st.sets(st.sampled_from(["a_b", "b_b", "c_a", "a_b_c"]))
)
def test_known_phrases_are_joined_from_left_to_right(tokens, known):
    vocabulary = Vocabulary.build(["a", *sorted(known)])
    expected, at = [], 0
    while at < len(tokens):
        pair = "_".join(tokens[at : at + 2])
        joined = at + 1 < len(tokens) and pair in known
        expected.append(pair if joined else tokens[at])
        at += 1 + joined
    assert join_known(tokens, vocabulary) == expected


def test_nothing_is_joined_across_texts():
    config = Word2VecConfig(phrases=1, phrases_min_count=1, phrases_threshold=0.0)
    found = join_found(encoded(["a", "b a", "", "b", "b a"]), config)
    assert decoded(found) == [["a"], ["b_a"], [], ["b"], ["b_a"]]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 100])
def test_it_does_not_matter_how_much_of_the_corpus_is_looked_at_at_once(step, monkeypatch):
    config = Word2VecConfig(phrases=2, phrases_min_count=2, phrases_threshold=0.2)
    texts = [*corpus(30), "", "w0 w0 w0 w0 w0", ""]
    whole = join_found(encoded(texts), config)
    monkeypatch.setattr(joining, "_STEP", step)
    cut = join_found(encoded(texts), config)
    assert decoded(cut) == decoded(whole)
    assert cut.counts.tolist() == whole.counts.tolist()
    assert "new_york" in cut.vocabulary


def test_pruning_orders_by_count_then_bytes_and_keeps_the_first():
    found = prune(encoded(["b a c c d", "b a c"]), 2, 2)
    assert list(found.vocabulary) == ["c", "a"]
    assert decoded(found) == [["a", "c", "c"], ["a", "c"]]
    assert found.counts.tolist() == [3, 2]
    with pytest.raises(DataError, match=r"no word \(of 4\) occurs 9 times"):
        prune(encoded(["b a c c d"]), 9, None)
