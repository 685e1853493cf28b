"""Ctrl-C stops long work, and what was interrupted in the middle of a change refuses to go on."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager

import numpy as np
import pytest

counting = pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")
corpus = pytest.importorskip("lexarium_kernels._corpus", reason="the kernels are not built")
vocabulary = pytest.importorskip("lexarium_kernels._vocabulary", reason="the kernels are not built")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a timer's signal stands for Ctrl-C")

LONG = ["a bc d e f g h i " * 100_000] * 4000  # one string, four thousand times: a minute of work and more
ONE = ["a bc d e f g h i " * 3_000_000]  # with n-grams of 1 to 30 characters also
SECONDS = 5.0  # far less than any of the work below takes when nothing stops it


@contextmanager
def interrupted(after=0.2):
    """Fail unless what is done here ends in KeyboardInterrupt, and soon."""
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    begin = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - begin < SECONDS


def settings(analyzer="word", longest=1, threads=2):
    return (analyzer, "words", True, 1, longest, threads, [])


def numbers(count):
    """Return `count` distinct words of 8 digits, in no order, as bytes (8 x count,) and offsets."""
    order = np.random.default_rng(0).permutation(count)
    digits = (order[:, None] // 10 ** np.arange(7, -1, -1) % 10 + 48).astype(np.uint8)
    return digits, np.arange(0, 8 * count + 1, 8)


@pytest.mark.parametrize("texts", [LONG, ONE], ids=["many texts", "one text"])
@pytest.mark.parametrize(("analyzer", "longest"), [("word", 30), ("char", 30), ("char_wb", 30)])
def test_counting_is_stopped_and_the_learner_is_of_no_more_use(texts, analyzer, longest):
    learner = counting.Learner(*settings(analyzer, longest), True, 0)
    with interrupted():
        learner.add(texts)
    for again in (lambda: learner.add(["a b"]), lambda: learner.add_lines(b"a b"), learner.finish):
        with pytest.raises(RuntimeError, match="no more use"):
            again()


@pytest.mark.parametrize("texts", [LONG, ONE], ids=["many texts", "one text"])
def test_counting_in_known_columns_is_stopped_and_can_be_done_again(texts):
    raw, offsets = np.frombuffer(b"aa bcbc", np.uint8), np.array([0, 1, 5, 7])
    for counter in (
        counting.Counter(*settings(longest=30), raw, offsets),
        counting.Hasher(*settings(longest=30), 100, True),
        counting.Hasher(*settings("char", longest=30), 100, True),
    ):
        with interrupted():
            counter.count(texts)
        assert counter.count(["a bc"])[0].tolist()[0] == 0


def stopped_early(whole, again):
    """Do `whole()`; fail unless `again()`, interrupted after a tenth of its time, takes clearly less."""
    begin = time.monotonic()
    found = whole()
    taken = time.monotonic() - begin
    begin = time.monotonic()
    with interrupted(taken / 10):
        again()
    assert time.monotonic() - begin < 0.6 * taken + 0.3
    return found


def test_finishing_is_stopped():
    # n-grams of 100 words, nearly all of them the same: they take long to sort.
    words = np.random.default_rng(0).choice(["a", "b"], 300_000, p=[0.9, 0.1])
    whole, stopped = (counting.Learner("word", "words", True, 100, 100, 1, [], False, 0) for _ in range(2))
    for learner in (whole, stopped):
        learner.add([" ".join(words)])
    stopped_early(whole.finish, stopped.finish)
    with pytest.raises(RuntimeError, match="no more use"):
        stopped.finish()


@pytest.mark.parametrize("threads", [1, 2])
def test_encoding_is_stopped_and_the_encoder_is_of_no_more_use(threads):
    encoder = corpus.Encoder("words", False, threads)
    with interrupted():
        encoder.add(LONG)
    for again in (
        lambda: encoder.add(["a b"]),
        lambda: encoder.add_lines(b"a b"),
        lambda: encoder.add_tokens([["a"]]),
        lambda: encoder.choose(1, None),
        lambda: encoder.words,
        encoder.take,
    ):
        with pytest.raises(RuntimeError, match="no more use"):
            again()


def test_a_block_that_was_refused_leaves_the_encoder_as_it_was():
    encoder = corpus.Encoder("words", False, 2)
    encoder.add(["a b"])
    with pytest.raises(ValueError, match="not UTF-8"):
        encoder.add_lines(b"c \xff")
    encoder.add(["b"])
    assert encoder.take()[0].tolist() == [0, 1, 1]


@pytest.mark.parametrize("threads", [1, 3])
def test_choosing_words_is_stopped_and_can_be_done_again(threads):
    digits, _ = numbers(1_000_000)
    encoder = corpus.Encoder("whitespace", False, threads)
    encoder.add_lines(np.pad(digits, ((0, 0), (0, 1)), constant_values=10).tobytes())
    whole = stopped_early(lambda: encoder.choose(1, None), lambda: encoder.choose(1, None))
    assert np.array_equal(encoder.choose(1, None)[3], whole[3])


def test_building_and_merging_tables_are_stopped():
    digits, offsets = numbers(1_000_000)
    parts = [(digits.ravel(), offsets)] * 3
    stopped_early(lambda: vocabulary.merge(parts), lambda: vocabulary.merge(parts))
    # One slot more than words: the last ones are looked for a place for long.
    arguments = (digits.ravel(), offsets, len(offsets), len(offsets))
    stopped_early(lambda: vocabulary.build(*arguments), lambda: vocabulary.build(*arguments))


def test_indexing_a_vocabulary_of_terms_is_stopped():
    digits, offsets = numbers(1_500_000)
    arguments = (*settings(longest=2), digits.ravel(), offsets)
    stopped_early(lambda: counting.Counter(*arguments), lambda: counting.Counter(*arguments))
