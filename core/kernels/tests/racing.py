"""Run under the thread sanitizer (make sanitize): all that several threads do here without racing on purpose.

Where it finds a race, it says so and the process ends with status 66.
"""

from __future__ import annotations

import tempfile
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
from lexarium_kernels import _corpus, _counting, _glove, _pooling, _vocabulary

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
        learner = _counting.Learner("word", "words", True, 1, 2, THREADS, ["w1"], rows, 0 if rows else 5000)
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


def main() -> None:
    """Do all of it."""
    rng = np.random.default_rng(0)
    texts = [
        " ".join(f"w{i}" if i % 7 else f"ΣΑΣ{i}" for i in rng.integers(0, 3000, 40)) for _ in range(4000)
    ]
    count(texts)
    raw, ends = encode(texts)
    pool(texts, raw, ends, rng)
    cooccur(rng)


if __name__ == "__main__":
    main()
