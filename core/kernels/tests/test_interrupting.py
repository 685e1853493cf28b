"""Ctrl-C stops long work, and what was interrupted in the middle of a change refuses to go on."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager

import numpy as np
import pytest

counting = pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")
corpus = pytest.importorskip("lexarium_kernels._corpus", reason="the kernels are not built")
vocabulary = pytest.importorskip("lexarium_kernels._vocabulary", reason="the kernels are not built")

pytestmark = pytest.mark.skipif(os.name != "posix", reason="a timer's signal stands for Ctrl-C")

TEXT = "a bc d e f g h i " * 100_000
ONE = [TEXT * 30]  # with n-grams of 1 to 30 characters also
MOST = 30 * len(TEXT)
LONG = [*[TEXT] * 4000, TEXT * 30 + "."]  # a minute of work and more, then a text that is refused
SPARSE = [("a" + " " * 99) * 16_000] * 4000  # few words in many bytes


@contextmanager
def interrupted():
    """Fail unless what is done here ends in KeyboardInterrupt."""
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


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
    learner = counting.Learner(*settings(analyzer, longest), True, 0, MOST)
    with interrupted():
        learner.add(texts)
    for again in (lambda: learner.add(["a b"]), lambda: learner.add_lines(b"a b"), learner.finish):
        with pytest.raises(RuntimeError, match="no more use"):
            again()


@pytest.mark.parametrize("texts", [LONG, ONE], ids=["many texts", "one text"])
def test_counting_in_known_columns_is_stopped_and_can_be_done_again(texts):
    most = MOST if texts is LONG else 30 * MOST  # of hashed terms, those of all lengths together
    raw, offsets = np.frombuffer(b"aa bcbc", np.uint8), np.array([0, 1, 5, 7])
    for counter in (
        counting.Counter(*settings(longest=30), raw, offsets, most),
        counting.Hasher(*settings(longest=30), 100, True, most),
        counting.Hasher(*settings("char", longest=30), 100, True, most),
    ):
        with interrupted():
            counter.count(texts)
        assert counter.count(["a bc"])[0].tolist()[0] == 0


def stopped_before(less, more):
    """Interrupt `more()`; fail unless it ends before `less()` does, begun first, in another thread and whole.

    As much as `less()` is less work, so much of `more()` is then left undone.
    """
    found = []
    other = threading.Thread(target=lambda: found.append(less()))
    other.start()
    try:
        with interrupted():
            more()
        assert not found
    finally:
        other.join()
    return found[0]


def test_finishing_is_stopped():
    # n-grams of 100 words, nearly all of them the same: they take long to sort.
    words = np.random.default_rng(0).choice(["a", "b"], 600_000, p=[0.9, 0.1])
    less, more = (counting.Learner("word", "words", True, 100, 100, 1, [], False, 0) for _ in range(2))
    less.add([" ".join(words[:300_000])])
    more.add([" ".join(words)])
    stopped_before(less.finish, more.finish)
    with pytest.raises(RuntimeError, match="no more use"):
        more.finish()


@pytest.mark.parametrize("threads", [1, 2])
def test_encoding_is_stopped_and_the_encoder_is_of_no_more_use(threads):
    other, encoder = (corpus.Encoder("words", False, threads) for _ in range(2))
    stopped_before(lambda: other.add(SPARSE[:600]), lambda: encoder.add(SPARSE))
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
    digits, _ = numbers(2_000_000)
    lines = np.pad(digits, ((0, 0), (0, 1)), constant_values=10)
    less, more = (corpus.Encoder("whitespace", False, threads) for _ in range(2))
    less.add_lines(lines[:1_000_000].tobytes())
    more.add_lines(lines.tobytes())
    stopped_before(lambda: less.choose(1, None), lambda: more.choose(1, None))
    assert np.array_equal(np.sort(more.choose(1, None)[3]), np.arange(2_000_000))


def test_building_and_merging_tables_are_stopped():
    digits, offsets = numbers(2_000_000)
    half = len(offsets) // 2
    less, more = (digits[:half].ravel(), offsets[: half + 1]), (digits.ravel(), offsets)
    stopped_before(lambda: vocabulary.merge([less] * 3), lambda: vocabulary.merge([more] * 3))
    # One slot more than words: the last ones are looked for a place for long.
    slots = len(offsets)
    stopped_before(
        lambda: vocabulary.build(*less, half + 1, slots), lambda: vocabulary.build(*more, slots, slots)
    )


def test_indexing_a_vocabulary_of_terms_is_stopped():
    digits, offsets = numbers(3_000_000)
    half = len(offsets) // 2
    less, more = (digits[:half].ravel(), offsets[: half + 1]), (digits.ravel(), offsets)
    stopped_before(
        lambda: counting.Counter(*settings(longest=2), *less),
        lambda: counting.Counter(*settings(longest=2), *more),
    )
