"""The compiled counting gives what scikit-learn gives, on any text and any number of threads."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

counting = pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")

WORD = np.packbits([chr(c).isalnum() or chr(c) == "_" for c in range(0x110000)], bitorder="little").tobytes()
TEXTS = st.lists(
    st.one_of(st.text("abAB_9 é的 .,\n\U00020000", max_size=60), st.text(max_size=30)), max_size=12
)


def learn(texts, longest=1, threads=1, batch=5):
    learner = counting.Learner(WORD, 2, 1, longest, True, threads, [])
    for start in range(0, len(texts), batch):
        learner.add(texts[start : start + batch])
    raw, offsets, indptr, indices, counts = learner.finish()
    ends = offsets.tolist()
    terms = [raw.tobytes()[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]
    return terms, indptr, indices, counts, (raw, offsets)


def reference(texts, longest):
    vectorizer = CountVectorizer(ngram_range=(1, longest))
    try:
        counts = vectorizer.fit_transform(texts)
    except ValueError:
        return [], None
    counts.sort_indices()
    return vectorizer.get_feature_names_out().tolist(), counts


@settings(deadline=None)
@given(TEXTS, st.integers(1, 4), st.integers(1, 4))
def test_terms_and_counts_are_scikit_learns(texts, longest, threads):
    terms, indptr, indices, counts, packed = learn(texts, longest, threads)
    expected, matrix = reference(texts, longest)
    assert terms == expected
    if matrix is None:
        return
    assert np.array_equal(indptr, matrix.indptr)
    assert np.array_equal(indices, matrix.indices)
    assert np.array_equal(counts, matrix.data)
    counter = counting.Counter(WORD, 2, 1, longest, True, threads, [], *packed)
    again = counter.count(texts)
    assert all(np.array_equal(a, b) for a, b in zip(again, (indptr, indices, counts), strict=True))


def test_many_terms_make_the_table_grow_and_long_ones_are_told_apart():
    texts = [
        " ".join(f"word{i} {'long' * 9}{i}" for i in range(start, start + 500))
        for start in range(0, 20_000, 250)
    ]
    terms, *found, _ = learn(texts, 2, 3)
    expected, matrix = reference(texts, 2)
    assert terms == expected
    assert np.array_equal(found[1], matrix.indices)


def test_stop_words_are_left_out_before_n_grams_are_made():
    learner = counting.Learner(WORD, 2, 2, 2, True, 1, ["the"])
    learner.add(["see the film"])
    raw, *_ = learner.finish()
    assert raw.tobytes() == b"see film"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (([1, 0], [0, 1]), "begin with 0"),
        (([0, 2, 1], [0, 1]), "rise"),
        (([0, 9], [0, 1]), "beyond"),
        (([], [0, 1]), "begin with 0"),
    ],
)
def test_a_vocabulary_that_points_outside_its_bytes_is_refused(bad, says):
    offsets, raw = bad
    with pytest.raises(ValueError, match=says):
        counting.Counter(WORD, 2, 1, 1, True, 1, [], np.array(raw, np.uint8), np.array(offsets, np.int64))


@pytest.mark.parametrize("wrong", [[0, 1, 1], [2, 0, 1], [2, 2, 1], [2, 1, 101]])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="out of range"):
        counting.Learner(WORD, *wrong, True, 1, [])


def test_what_is_not_a_text_is_refused_and_nothing_breaks():
    learner = counting.Learner(WORD, 2, 1, 1, True, 2, [])
    with pytest.raises(TypeError, match="not a str"):
        learner.add(["fine", 3])
    learner.add(["fine"])
    assert learner.finish()[0].tobytes() == b"fine"
