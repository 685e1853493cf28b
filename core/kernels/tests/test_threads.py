"""Threads that do not start, and arrays that another thread writes to while a kernel reads them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress

import numpy as np
import pytest

counting = pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")
corpus = pytest.importorskip("lexarium_kernels._corpus", reason="the kernels are not built")
pooling = pytest.importorskip("lexarium_kernels._pooling", reason="the kernels are not built")
vocabulary = pytest.importorskip("lexarium_kernels._vocabulary", reason="the kernels are not built")

BEGIN = """
import os, resource, sys, threading
import numpy as np
from lexarium_kernels import _corpus, _counting, _fasttext_train, _word2vec

if os.getuid() == 0:
    os.setuid(65534)  # the limit does not bind root
resource.setrlimit(resource.RLIMIT_NPROC, (int(sys.argv[1]),) * 2)
end = threading.Event()
started = []
try:
    for _ in range(50):
        started.append(threading.Thread(target=end.wait, daemon=True))
        started[-1].start()
except RuntimeError:
    end.set()
    for thread in started[:-1]:
        thread.join()
else:
    print("every thread starts", flush=True)
    os._exit(0)
"""
COUNTED = """
texts = [f"word{i % 1000} x{i % 7}" for i in range(20_000)]
encoder = _corpus.Encoder("words", False, 50)  # in_parallel
learner = _counting.Learner("word", "words", True, 1, 1, 50, [], True, 0)  # in_parallel_watched
encoder.add(texts)
ids, lengths = encoder.take()
learner.add(texts)
offsets = learner.finish()[1]
print(len(ids), len(lengths), encoder.words, len(offsets) - 1, flush=True)
os._exit(0)
"""
# Four parts of 800 words, two words in each that no other part has: how far do their vectors go?
TRAINED = """
ids = np.repeat(np.arange(0, 8, 2), 800).astype(np.int32) + np.tile([0, 1], 1600).astype(np.int32)
offsets, counts, rate = np.arange(0, 3201, 800), np.full(8, 400), 1e-5
context = np.cos(np.arange(128, dtype=np.float32)).reshape(8, 16)
options = _word2vec.Options()
options.alpha, options.min_alpha, options.epochs, options.threads, options.sample = rate, 0, 1, 4, 0
found = np.zeros((2, 8, 16), np.float32)
_word2vec.train(ids, offsets, counts, options, found[0], context.copy(), None, None, None)
texts = _fasttext_train.Texts(ids, offsets, np.arange(9), np.arange(8, dtype=np.int32), -1)
loss = _fasttext_train.Loss("ns", counts, 5, 0.5)
schedule = rate, 0.0, 1, 4, 0
_fasttext_train.learn_words(
    texts, np.ones(8, np.float32), loss, found[1], context.copy(), False, 5, schedule, None
)
print(*np.abs(found.reshape(8, 32)).sum(axis=1), flush=True)
os._exit(0)
"""


def where_few_threads_start(code, most):
    """Run code in a process in which no more than so many threads start; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code, str(most)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.stdout.startswith("every thread starts"):
        pytest.skip("the limit of threads does not bind here")
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif(os.name != "posix", reason="there is no limit of threads")
@pytest.mark.parametrize("most", [1, 4])
def test_where_threads_do_not_start_the_others_do_their_part(most):
    assert where_few_threads_start(COUNTED, most) == ["40000", "20000", "1007", "1007"]


@pytest.mark.skipif(os.name != "posix", reason="there is no limit of threads")
def test_a_part_that_waits_for_a_thread_is_learned_with_the_rate_of_its_turn():
    moved = np.array(where_few_threads_start(TRAINED, 1), float).reshape(2, 4)
    assert (moved[:, 0] > 0).all()
    shares = moved / moved[:, :1]
    # Of 3200 words 0, 800, 1600 and 2400 are done before; what is drawn differs, so the ways do by a little.
    np.testing.assert_allclose(shares, np.tile([1, 0.75, 0.5, 0.25], (2, 1)), rtol=0.35)


@contextmanager
def written_to(array, place, value):
    """Switch array[place] between its value and another, from another thread, all the time."""
    good, end = array[place], threading.Event()

    def write():
        while not end.is_set():
            for _ in range(1000):
                array[place] = value
                array[place] = good

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()
        array[place] = good


def test_numbers_that_change_while_they_are_replaced_are_never_looked_up_outside():
    table = np.arange(1000, dtype=np.int32)
    for wrong, place, value in (("ids", -1, 2**31 - 1), ("offsets", 1, 2**62), ("offsets", 1, -(2**62))):
        arrays = {"ids": np.zeros(1_000_000, np.int32), "offsets": np.array([0, 500_000, 1_000_000])}
        with written_to(arrays[wrong], place, value):
            for _ in range(50):
                with suppress(ValueError):
                    corpus.renumber(arrays["ids"], arrays["offsets"], table)
                arrays["offsets"][[0, 2]] = 0, 1_000_000
        assert arrays["ids"].max() == 0


def test_offsets_that_change_while_they_are_used_point_nowhere_else():
    raw, ends = vocabulary.pack(["a", "b"])
    slots = vocabulary.build(raw, ends, 8, 8)[0]
    pooler = pooling.Pooler(raw, ends, slots, 8, np.ones((2, 4), np.float32))
    learner = counting.Counter("given", "words", True, 1, 1, 2, [], raw, ends)
    tokens, offsets = ["a", "b"] * 50_000, np.arange(0, 100_001, 2)
    seen = 0
    with written_to(offsets, 25_000, 2**61):
        for _ in range(25):
            with suppress(ValueError):
                assert pooler.pool_tokens(tokens, offsets, None, False, 2).sum() == 4 * 50_000
                seen += 1
            with suppress(ValueError):
                assert learner.count(tokens, offsets)[2].sum() == 100_000
                seen += 1
    assert seen > 0


@pytest.mark.parametrize("wrong", [np.float32, np.int16])
def test_arrays_of_another_type_are_refused_and_not_converted(wrong):
    raw, ends = vocabulary.pack(["a", "b"])
    slots = vocabulary.build(raw, ends, 8, 8)[0]
    arguments = ("given", "words", True, 1, 1, 1, [])
    encoder = corpus.Encoder("words", False, 1)
    for call in (
        lambda: vocabulary.build(raw, ends.astype(wrong), 8, 8),
        lambda: vocabulary.build(raw.astype(wrong), ends, 8, 8),
        lambda: vocabulary.merge([(raw, ends.astype(wrong))]),
        lambda: vocabulary.merge([(raw[::-1], ends)]),
        lambda: vocabulary.Table(raw, ends, slots.astype(wrong), 8),
        lambda: counting.Counter(*arguments, raw, ends.astype(wrong)),
        lambda: counting.Counter(*arguments, raw, ends).count(["a"], np.array([0, 1], wrong)),
        lambda: counting.Learner(*arguments, True, 0).add(["a"], np.array([0, 1], wrong)),
        lambda: encoder.match(raw, ends.astype(wrong)),
        lambda: corpus.renumber(np.zeros(1, np.int32), np.array([0, 1]), np.zeros(1, wrong)),
    ):
        with pytest.raises(TypeError):
            call()
