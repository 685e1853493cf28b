"""Texts as gensim takes them."""

from __future__ import annotations

from itertools import chain

import numpy as np

from lexarium_static.sentences import Sentences

WORDS = ["the", "film", "电影"]


def sentences(lengths):
    ids = np.random.default_rng(0).integers(0, 3, sum(lengths)).astype(np.int32)
    return ids, Sentences(ids, np.cumsum([0, *lengths], dtype=np.int64), WORDS)


def test_no_list_is_longer_than_gensim_reads_and_no_word_is_lost():
    ids, found = sentences([3, 20_000, 0, 10_000, 10_001, 0, 25_000])
    lists = list(found)
    assert [len(words) for words in lists] == [3, *[10_000] * 4, 1, 10_000, 10_000, 5000]
    assert list(chain.from_iterable(lists)) == [WORDS[i] for i in ids]
    assert len(found) == len(lists)


def test_each_epoch_reads_the_same():
    _, found = sentences([2, 0, 4])
    assert list(found) == list(found)


def test_texts_without_a_word_give_no_list():
    _, found = sentences([0, 0])
    assert list(found) == []
    assert len(found) == 0
