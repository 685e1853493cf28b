"""The tree of hierarchical softmax is Huffman's, and grows without touching what it was."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium_word2vec.tree import grow, huffman, paths

COUNTS = st.lists(st.integers(1, 1000), min_size=1, max_size=40)


def array(counts):
    return np.array(counts, np.int64)


def shortest(counts):
    """Return the least possible sum of path lengths times counts."""
    heap, total = sorted(counts), 0
    while len(heap) > 1:
        weight = heapq.heappop(heap) + heapq.heappop(heap)
        total += weight
        heapq.heappush(heap, weight)
    return total


@given(COUNTS)
def test_paths_are_distinct_and_as_short_as_can_be(counts):
    found = paths(huffman(array(counts)))
    assert sum(len(points) * count for (points, _), count in zip(found, counts, strict=True)) == shortest(
        counts
    )
    codes = ["".join(map(str, bits)) for _, bits in found]
    assert all(a == b or not b.startswith(a) for a in codes for b in codes)
    assert len(set(codes)) == len(counts)
    assert all(points[0] == len(counts) - 2 for points, _ in found if points)


@given(COUNTS, COUNTS)
def test_old_words_keep_their_nodes_and_the_rarest_gets_more_below(counts, added):
    tree = huffman(array(counts))
    grown, were = grow(tree, array(counts), array(added))
    n, m = len(counts), len(added)
    assert grown.shape == (n + m, 2)
    assert sorted(were[were >= 0]) == list(range(n - 1))
    before, after = paths(tree), paths(grown)
    longer = []
    for word, ((points, bits), (new_points, new_bits)) in enumerate(zip(before, after[:n], strict=True)):
        assert were[new_points[: len(points)]].tolist() == points
        assert new_bits[: len(bits)] == bits
        if len(new_bits) > len(bits):
            longer.append(word)
    assert len(longer) == 1
    assert counts[longer[0]] == min(counts)
    codes = {tuple(bits) for _, bits in after}
    assert len(codes) == n + m
    assert all(points[0] == n + m - 2 for points, _ in after)
    inner = grown[: n + m - 2, 1]
    assert (inner >> 1 > np.arange(n + m - 2)).all()


def test_a_tree_that_grows_often_stays_flat():
    counts = np.arange(1000, 0, -1)
    tree = huffman(counts)
    for _ in range(500):
        tree, _ = grow(tree, counts, array([1]))
        counts = np.append(counts, 1)
    assert max(len(bits) for _, bits in paths(tree)) < 40


def test_no_new_words_leave_the_tree_as_it_is():
    tree = huffman(array([3, 1, 2]))
    grown, were = grow(tree, array([3, 1, 2]), array([]))
    assert np.array_equal(grown, tree)
    assert were.tolist() == [0, 1]


def test_it_weighs_as_much_as_gensims():
    word2vec = pytest.importorskip("gensim.models.word2vec")
    counts = np.random.default_rng(0).integers(1, 500, 300)
    model = word2vec.Word2Vec(hs=1, negative=0, min_count=1, vector_size=2)
    model.build_vocab_from_freq({str(i): int(count) for i, count in enumerate(counts)})
    theirs = sum(
        len(model.wv.get_vecattr(word, "code")) * model.wv.get_vecattr(word, "count")
        for word in model.wv.index_to_key
    )
    ours = sum(len(bits) * count for (_, bits), count in zip(paths(huffman(counts)), counts, strict=True))
    assert ours == theirs
