"""Run under the thread sanitizer (make sanitize): all that several threads do here.

Where it finds a race, it says so and the process ends with status 66. The loops of training race on purpose
and are compiled without it (``RACING`` in CMakeLists.txt); it looks at the locks and counters around them.
"""

from __future__ import annotations

import tempfile
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
from lexarium_kernels import (
    _corpus,
    _counting,
    _fasttext_train,
    _glove,
    _pooling,
    _search,
    _vocabulary,
    _word2vec,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

THREADS = 4


def at_once(work: Callable[[], object]) -> None:
    """Do the same in three Python threads."""
    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def count(texts: list[str]) -> None:
    """Learn terms, with rows and with pruning, and count them."""
    for rows in (True, False):
        learner = _counting.Learner("word", "words", True, 1, 2, THREADS, ["w1"], rows, 0 if rows else 20_000)
        at_once(lambda learner=learner: learner.add(texts[:1000]))
        learner.add(texts)
        raw, offsets, *_ = learner.finish()
    counter = _counting.Counter("word", "words", True, 1, 2, THREADS, [], raw, offsets)
    at_once(lambda: counter.count(texts))
    hasher = _counting.Hasher("word", "words", True, 1, 2, THREADS, [], 1000, True)
    at_once(lambda: hasher.count(texts))


def encode(texts: list[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read a corpus as word ids; return its words."""
    encoder = _corpus.Encoder("words", True, THREADS)
    at_once(lambda: (encoder.add(texts), encoder.words, encoder.take()))
    encoder.add_lines("\n".join(texts).encode())
    ids, lengths = encoder.take()
    raw, ends, _, table = encoder.choose(1, None)
    _corpus.renumber(ids, np.concatenate([[0], np.cumsum(lengths)]), table)
    return raw, ends


def pool(texts: list[str], raw: NDArray[np.uint8], ends: NDArray[np.int64], rng: np.random.Generator) -> None:
    """Look words up, and average their vectors."""
    slots, *_ = _vocabulary.build(raw, ends, 2 * len(ends) + 8, 4096)
    _vocabulary.merge([(raw, ends)] * 3)
    vectors = rng.random((len(ends) - 1, 33), dtype=np.float32)
    pooler = _pooling.Pooler(raw, ends, slots, 4096, vectors)
    at_once(lambda: pooler.pool_texts(texts, "words", True, None, False, THREADS))
    at_once(lambda: pooler.find_texts(texts, "words", True, THREADS))


def search(rng: np.random.Generator) -> None:
    """Find what is near to several queries."""
    vectors = rng.standard_normal((20_000, 33), dtype=np.float32)
    inverse = (1 / np.linalg.norm(vectors, axis=1)).astype(np.float32)
    units = vectors[:70] * inverse[:70, None]
    at_once(lambda: _search.candidates(vectors, inverse, units, np.full(70, 10), 1e-5, THREADS))


def cooccur(rng: np.random.Generator) -> None:
    """Count co-occurrences, in memory and on disk."""
    ids = rng.integers(0, 2000, 300_000).astype(np.int32)
    offsets = np.arange(0, 300_001, 100)
    with tempfile.TemporaryDirectory() as folder:
        for tile in (0, 64):
            for memory in (1 << 30, 200_000):
                _glove.Entries(
                    ids, offsets, 2000, 5, True, True, 100.0, 0.75, tile, 1, memory, folder, THREADS
                )
    _glove.cooccurrence(ids, offsets, 2000, 5, True, True, THREADS)


def train(rng: np.random.Generator, words: int) -> None:
    """Train all that is trained; of 500 words each thread has copies of all rows, of 20,000 not of most."""
    ids = rng.integers(0, words, 60_000).astype(np.int32)
    offsets = np.arange(0, 60_001, 100)
    counts = np.sort(np.bincount(ids, minlength=words))[::-1].astype(np.int64)
    inputs, outputs, nodes = rng.random((3, words, 32), dtype=np.float32)
    tree = np.full((words, 2), -1, np.int32)  # balanced: nodes are joined two and two, leaves first
    tree[:, 0] = np.arange(words)
    tree[: words - 2, 1] = words + np.arange(words - 2)
    for skip_gram in (True, False):
        options = _word2vec.Options()
        options.threads, options.epochs, options.skip_gram = THREADS, 2, skip_gram
        options.hierarchical, options.shared_words = True, 20_000
        _word2vec.train(ids, offsets, np.maximum(counts, 1), options, inputs, outputs, nodes, tree, ignore)
    texts = _fasttext_train.Texts(ids, offsets, np.arange(words + 1), np.arange(words, dtype=np.int32), -1)
    schedule = (0.05, 0.0, 2, THREADS, 1, 20_000)
    for name in ("ns", "hs"):
        loss = _fasttext_train.Loss(name, counts, 5, 0.5)
        for cbow in (True, False):
            _fasttext_train.learn_words(
                texts, np.ones(words, np.float32), loss, inputs, outputs, cbow, 5, schedule, ignore
            )
    runs = _fasttext_train.Runs(1, np.empty(0, np.uint32), np.empty(0, np.int32))
    labels = rng.integers(0, 20, 600).astype(np.int32)
    for name in ("ns", "hs", "softmax", "ova"):
        loss = _fasttext_train.Loss(name, np.full(20, 30), 5, 0.5)
        _fasttext_train.learn_labels(
            texts, runs, labels, np.arange(601), loss, inputs, outputs, schedule, ignore
        )
    with tempfile.TemporaryDirectory() as folder:
        entries = _glove.Entries(
            ids, offsets, words, 5, True, True, 100.0, 0.75, 64, 1, 1 << 30, folder, THREADS
        )
    tables = [below + rng.random((words, 9), dtype=np.float32) for below in (0, 0, 1, 1)]
    parameters = _glove.Parameters(*tables)
    parameters.train(entries, 0.05, 100.0, 0, THREADS, 1, ignore)
    parameters.read(*tables)
    if not all(np.isfinite(table).all() for table in (inputs, outputs, nodes, *tables)):
        raise SystemExit("training gave numbers that are none")


def ignore(done: int) -> None:
    """Take the progress that is told while threads work."""
    del done


def main() -> None:
    """Do all of it."""
    rng = np.random.default_rng(0)
    texts = [
        " ".join(f"w{i}" if i % 7 else f"ΣΑΣ{i}" for i in rng.integers(0, 3000, 40)) for _ in range(4000)
    ]
    count(texts)
    raw, ends = encode(texts)
    pool(texts, raw, ends, rng)
    search(rng)
    cooccur(rng)
    for words in (500, 20_000):
        train(rng, words)


if __name__ == "__main__":
    main()
