"""Counting by the compiled kernels; scikit-learn, with the same result, where they are not built.

The kernels cut texts by themselves with the tokenizers ``unicode``, ``words``, ``whitespace`` and
``characters``, and into n-grams of characters. What a pattern or jieba finds is cut in Python and
counted there.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, strip_accents_ascii, strip_accents_unicode

from lexarium.backend import kernel, processors
from lexarium.errors import DataError
from lexarium_counts.analysis import analyzer
from lexarium_counts.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.vocabulary import Vocabulary
    from lexarium_counts.config import CountConfig

__all__ = ["KernelCounter", "KernelHasher", "KernelLearner", "compiled", "within_32_bits"]

_TEXTS, _CHARACTERS = 4096, 2**23  # of a stream, at most so many at a time
_IN_MEMORY = 2**25  # characters of texts that are in memory anyway: what is not ASCII is copied
_INT32 = 2**31
_CUT_BY_KERNEL: Final = {"unicode", "words", "whitespace", "characters"}
_STRIP: dict[str | None, Callable[[str], str]] = {
    "ascii": strip_accents_ascii,
    "unicode": strip_accents_unicode,
}


def compiled() -> Any:  # noqa: ANN401  the compiled module, or None
    """Return the compiled module, or None where the reference works."""
    return kernel("_counting", instead="scikit-learn")


@contextmanager
def within_32_bits() -> Iterator[None]:
    """Explain what the compiled module refuses because its counts have 32 bits.

    :raises DataError: a text has 2^31 - 1 bytes or more, or so many terms.
    """
    try:
        yield
    except OverflowError as error:
        raise DataError(str(error), "cut it into several texts") from error


class KernelLearner:
    """Learns the terms of a corpus, batch by batch."""

    def __init__(self, config: CountConfig, threads: int, *, rows: bool) -> None:
        self._binary = config.binary
        self._cut = _Cut(config)
        prune_at = 0 if rows else config.prune_at or 0
        self._learner = compiled().Learner(*self._cut.settings(threads), rows, prune_at)
        self.texts = 0

    @property
    def takes_lines(self) -> bool:
        """Whether texts may come as blocks of UTF-8 lines, or need Python first."""
        return self._cut.plain

    def add(self, texts: Iterable[str]) -> None:
        """Count texts, in batches."""
        batch: list[str] = []
        size = 0
        for text in texts:
            batch.append(text)
            size += len(text)
            if len(batch) == _TEXTS or size > _CHARACTERS:
                self._add(batch)
                batch, size = [], 0
        if batch:
            self._add(batch)

    def add_batch(self, texts: Sequence[str]) -> None:
        """Count texts that are in memory: together, unless that would copy too many at a time."""
        ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        begin, counted = 0, 0
        while begin < len(texts):
            end = max(begin + 1, int(np.searchsorted(ends, counted + _IN_MEMORY, "right")))
            self._add(texts[begin:end])
            begin, counted = end, int(ends[end - 1])

    def add_lines(self, block: bytes) -> None:
        """Count the texts of a block, one a line."""
        with within_32_bits():
            self.texts += self._learner.add_lines(block)

    def _add(self, batch: Sequence[str]) -> None:
        with within_32_bits():
            self._learner.add(*self._cut(batch))
        self.texts += len(batch)

    def finish(self) -> tuple[NDArray[np.uint8], NDArray[np.int64], Statistics, csr_array | None]:
        """Return the n terms (UTF-8 and offsets) in order, what they sum up to, and the rows if asked for.

        *Shape:* rows (texts, n) int32.
        """
        raw, offsets, document, term, entropy, (indptr, indices, counts) = self._learner.finish()
        if self._binary:
            term, entropy, counts = document.copy(), np.zeros(len(term)), np.ones(len(counts), np.int32)
        statistics = Statistics(self.texts, document, term, entropy)
        rows = None
        if len(indptr) == self.texts + 1:
            # With indices of one type nothing is copied.
            ends = indptr.astype(np.int32) if len(indices) < _INT32 else indptr
            rows = csr_array((counts, indices, ends), shape=(self.texts, len(term)))
        return raw, offsets, statistics, rows


class KernelCounter:
    """Counts the n terms of a fixed vocabulary."""

    def __init__(self, config: CountConfig, vocabulary: Vocabulary) -> None:
        """Index the terms.

        :raises ValueError: the vocabulary points outside its bytes, or has a term twice.
        """
        self._binary = config.binary
        self._terms = len(vocabulary)
        self._cut = _Cut(config)
        tensors = vocabulary.tensors()
        raw, offsets = (
            np.require(tensors[f"vocabulary.{name}"], requirements=["C", "A"])
            for name in ("bytes", "offsets")
        )
        self._counter = compiled().Counter(*self._cut.settings(processors()), raw, offsets)

    def count(self, texts: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(texts), n), the columns of each row ascending."""
        with within_32_bits():
            indptr, indices, counts = self._counter.count(*self._cut(texts))
        if self._binary:
            counts.fill(1)
        ends = indptr.astype(np.int32) if len(indices) < _INT32 else indptr
        return csr_array((counts, indices, ends), shape=(len(texts), self._terms))


class KernelHasher:
    """Counts terms in the columns that their hash values give."""

    def __init__(self, config: CountConfig, columns: int) -> None:
        self._binary = config.binary
        self._columns = columns
        self._cut = _Cut(config)
        self._hasher = compiled().Hasher(*self._cut.settings(processors()), columns, config.alternate_sign)

    def count(self, texts: Sequence[str]) -> csr_array:
        """Return the counts as float32 (len(texts), columns), the columns of each row ascending."""
        with within_32_bits():
            indptr, indices, counts = self._hasher.count(*self._cut(texts))
        if self._binary:
            counts.fill(1)
        return csr_array((counts, indices, indptr), shape=(len(texts), self._columns))


class _Cut:
    """What has to happen to texts before the kernels see them."""

    def __init__(self, config: CountConfig) -> None:
        self._config = config
        self._given = config.analyzer == "word" and config.tokenizer not in _CUT_BY_KERNEL
        self._analyze = analyzer(config)[0] if self._given else None
        self._strip = _STRIP.get(config.strip_accents)
        self.plain = not self._given and self._strip is None

    def settings(self, threads: int) -> tuple[str, str, bool, int, int, int, list[str]]:
        config = self._config
        if self._given:
            return "given", "unicode", False, 1, 1, threads, []
        word = config.analyzer == "word"
        stop_words = _stop_words(config) if word else []
        rule = config.tokenizer if word else "unicode"
        lowercase = config.lowercase and self._strip is None
        return config.analyzer, rule, lowercase, *config.ngram_range, threads, stop_words

    def __call__(self, texts: Sequence[str]) -> tuple[Sequence[str], NDArray[np.int64] | None]:
        if self._analyze is not None:
            terms = [self._analyze(text) for text in texts]
            offsets = np.zeros(len(terms) + 1, np.int64)
            np.cumsum([len(each) for each in terms], out=offsets[1:])
            return [term for each in terms for term in each], offsets
        if self._strip is None:
            return texts, None
        strip = self._strip  # after the case is lowered, as scikit-learn does it
        return [strip(text.lower() if self._config.lowercase else text) for text in texts], None


def _stop_words(config: CountConfig) -> list[str]:
    return sorted(ENGLISH_STOP_WORDS) if config.stop_words == "english" else list(config.stop_words or ())
