"""Exact search: the kernel and the matrix products find the same, whatever else is asked or equal."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.backend import kernel
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors, search
from lexarium.words.search import Search

WAYS = [
    pytest.param(0, marks=pytest.mark.skipif(kernel("_search") is None, reason="the kernels are not built")),
    1 << 62,
]
ways = pytest.mark.parametrize("worth", WAYS, ids=["kernel", "products"])


@contextmanager
def found_by(worth):
    """Let the kernel look for what is worth so many multiplications, one query as well."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "_WORTH", worth)
        patch.setattr(search, "_SEVERAL", 1)
        yield


def large():
    words = [f"w{i}" for i in range(3000)]
    vectors = np.random.default_rng(3).standard_normal((3000, 700)).astype(np.float32)
    return words, vectors


@ways
def test_many_queries_are_answered_as_one_by_one(worth):
    words, vectors = large()
    kv = WordVectors(Vocabulary.build(words), vectors)
    one_by_one = [kv.similar(word, 5) for word in words[:40]], [kv.similar(row, 5) for row in vectors[:9] * 7]
    with found_by(worth):
        assert kv.similar_many(words[:40], 5) == one_by_one[0]
        assert kv.similar_many(vectors[:9] * 7, 5) == one_by_one[1]
        assert kv.similar_many([], 5) == []


@ways
@pytest.mark.parametrize("n", [1, 5, 20])
@pytest.mark.parametrize("scales", [(1e-32,), (1e-38, 1e-20, 1e-3, 1e15)])
def test_many_very_short_vectors_do_not_hide_the_others(worth, scales, n):
    rng = np.random.default_rng(5)
    vectors = rng.standard_normal((2000, 16))
    vectors[1::7] *= np.resize(scales, (len(vectors[1::7]), 1))
    stored = vectors.astype(np.float32)
    units = search.units(stored[:30].astype(np.float64))
    cosines = units @ search.units(stored.astype(np.float64)).T
    cosines[np.arange(30), np.arange(30)] = -2
    with found_by(worth):
        found = Search(stored, "here").nearest(units, [[i] for i in range(30)], n)
    for answer, row in zip(found, cosines, strict=True):
        np.testing.assert_allclose([score for _, score in answer], np.sort(row)[::-1][:n], atol=1e-9)


@pytest.mark.parametrize("kinds", [2, 40, 4000])
@pytest.mark.parametrize("n", [1, 10, 700, 5000])
def test_the_kernel_finds_what_products_find_among_equal_and_zero_rows_too(kinds, n):
    rng = np.random.default_rng(kinds)
    some = rng.integers(-3, 4, (kinds, 20)).astype(np.float32)
    vectors = some[rng.integers(0, kinds, 4000)]
    vectors[::50] = 0
    units = search.units(vectors[:70].astype(np.float64))
    without = [rng.choice(4000, i % 5, replace=False).tolist() for i in range(70)]
    answers = []
    for worth in (0, 1 << 62):
        with found_by(worth):
            answers.append(Search(vectors, "here").nearest(units, without, n))
    assert answers[0] == answers[1]
    assert not any(
        {row for row, _ in found} & set(out) for found, out in zip(*answers[:1], without, strict=True)
    )


@ways
@given(
    rows=st.lists(st.tuples(*[st.integers(-1, 1)] * 3), min_size=1, max_size=40),
    n=st.integers(1, 50),
    block=st.integers(1, 200),
)
def test_neighbours_are_those_of_comparing_every_pair_and_equal_ones_come_in_order(worth, rows, n, block):
    vectors = np.array(rows, np.float32)
    lengths = np.linalg.norm(vectors.astype(float), axis=1)
    units = vectors / np.where(lengths > 0, lengths, 1)[:, None]
    with found_by(worth):
        found = Search(vectors, "here", block).nearest(units, [[i] for i in range(len(rows))], n)
        assert found == Search(vectors, "here").nearest(units, [[i] for i in range(len(rows))], n)
    for i, answer in enumerate(found):
        scores = np.delete(units @ units[i], i)
        np.testing.assert_allclose([score for _, score in answer], np.sort(scores)[::-1][:n], atol=1e-12)
        assert answer == sorted(answer, key=lambda pair: (-pair[1], pair[0]))
        last = answer[-1] if answer else (0, 0.0)
        twins = [j for j in range(len(rows)) if j != i and rows[j] == rows[last[0]]]
        assert [j for j in twins if j <= last[0]] == [j for j, _ in answer if j in twins]


@ways
def test_vectors_shorter_or_longer_than_float32_products_are_compared_too(worth):
    vectors = np.array([[3e-40, 1e-40], [1e-40, 3e-40], [3e30, 1e30], [0, 0]], np.float32)
    kv = WordVectors(Vocabulary.build(list("abcd")), vectors)
    with found_by(worth):
        found = kv.similar("a", n=3)
    assert [word for word, _ in found] == ["c", "b", "d"]
    np.testing.assert_allclose([score for _, score in found], [1, 0.6, 0], atol=1e-4)


@ways
@pytest.mark.parametrize("count", [2000, 9000])
def test_the_memory_of_a_search_is_bounded_where_all_words_are_equal(worth, count):
    kv = WordVectors(Vocabulary.build([f"w{i}" for i in range(count)]), np.ones((count, 4), np.float32))
    with found_by(worth):
        assert [word for word, _ in kv.similar_many(["w0"] * 300, 2)[299]] == ["w1", "w2"]
