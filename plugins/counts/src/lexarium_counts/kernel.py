"""The compiled counting of ``lexarium-kernels``, for the settings that it covers.

It covers words and word n-grams with the tokenizer ``unicode``; everything else, and a machine on which the
kernels are not built, is counted by scikit-learn, with the same result.
"""

from __future__ import annotations

import logging
import os
import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, strip_accents_ascii, strip_accents_unicode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from lexarium.roles import Run
    from lexarium.vocabulary import Vocabulary
    from lexarium_counts.config import CountConfig

__all__ = ["LAST_WORD_PLANE", "KernelCounter", "covers", "kernels", "learn_terms"]

_MIN_LENGTH = 2  # of a token, as in scikit-learn's default pattern
_BATCH = 4096
#: No code point from here on is a word character in any version of Unicode so far.
LAST_WORD_PLANE = 0x40000
_log = logging.getLogger("lexarium")
_STRIP: dict[str | None, Callable[[str], str] | None] = {
    None: None,
    "ascii": strip_accents_ascii,
    "unicode": strip_accents_unicode,
}


@cache
def kernels() -> Any:  # noqa: ANN401  the compiled module, or None
    """Return the compiled module, or None where it is not built or ``LEXARIUM_BACKEND=reference`` is set."""
    if os.environ.get("LEXARIUM_BACKEND") == "reference":
        return None
    try:
        from lexarium_kernels import _counting  # noqa: PLC0415  optional
    except ImportError:
        _log.info("lexarium-kernels is not installed: counting runs on scikit-learn, with the same result")
        return None
    return _counting


def covers(config: CountConfig) -> bool:
    """Tell whether the compiled counting is there and gives what scikit-learn gives with these settings."""
    return kernels() is not None and config.analyzer == "word" and config.tokenizer == "unicode"


def learn_terms(texts: Iterable[str], config: CountConfig, run: Run) -> tuple[list[str], csr_array]:
    """Read a corpus, batch by batch; return its terms in order, and the counts (texts, terms) int64."""
    strip = _STRIP[config.strip_accents]
    learner = kernels().Learner(*_settings(config), run.threads, _stop_words(config))
    batch: list[str] = []
    for text in texts:
        batch.append(text if strip is None else strip(text))
        if len(batch) == _BATCH:
            learner.add(batch)
            batch = []
    learner.add(batch)
    raw, offsets, indptr, indices, counts = learner.finish()
    whole, ends = raw.tobytes(), offsets.tolist()
    terms = [whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(ends)]
    data = np.ones(len(counts), np.int64) if config.binary else counts.astype(np.int64)
    return terms, csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(terms)))


class KernelCounter:
    """Counts the n terms of a fixed vocabulary."""

    def __init__(self, config: CountConfig, vocabulary: Vocabulary) -> None:
        self._strip = _STRIP[config.strip_accents]
        self._binary = config.binary
        self._terms = len(vocabulary)
        threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
        tensors = vocabulary.tensors()
        raw, offsets = (np.array(tensors[f"vocabulary.{name}"]) for name in ("bytes", "offsets"))
        self._counter = kernels().Counter(
            *_settings(config), max(1, threads), _stop_words(config), raw, offsets
        )

    def count(self, texts: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(texts), n), the columns of each row ascending."""
        given = texts if self._strip is None else [self._strip(text) for text in texts]
        indptr, indices, counts = self._counter.count(given)
        data = np.ones(len(counts), np.float32) if self._binary else counts.astype(np.float32)
        return csr_array((data, indices, indptr), shape=(len(given), self._terms))


def _settings(config: CountConfig) -> tuple[bytes, int, int, int, bool]:
    return _word_characters(), _MIN_LENGTH, *config.ngram_range, config.lowercase


def _stop_words(config: CountConfig) -> list[str]:
    return sorted(ENGLISH_STOP_WORDS) if config.stop_words == "english" else list(config.stop_words or ())


@cache
def _word_characters() -> bytes:
    """Return a bit per code point: what a word character is to the Unicode version of this Python."""
    every = "".join(map(chr, range(LAST_WORD_PLANE)))
    bits = np.zeros(len(every), bool)
    for run in re.finditer(r"\w+", every):
        bits[run.start() : run.end()] = True
    return np.packbits(bits, bitorder="little").tobytes()
