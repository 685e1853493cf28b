"""Numbering the words of a corpus while it is read: compiled or in plain Python, with the same result."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np

from lexarium.backend import kernel
from lexarium.errors import CheckpointError, InputError
from lexarium.tokens import tokenizer
from lexarium.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.corpora import TextBlock
    from lexarium.tokens import Tokenize, TokenizerName

__all__ = ["Numbering", "Spill", "numbering", "renumber"]

_COMPILED = {"unicode", "words", "whitespace", "characters"}
_STEP = 2**24  # word numbers that plain Python replaces at once


class Numbering(Protocol):
    """Gives each distinct word a provisional number as it comes, and the final one in the end."""

    takes_lines: bool

    @property
    def words(self) -> int:
        """How many distinct words there were."""
        ...

    @property
    def highest(self) -> int:
        """How often the most frequent one occurred."""
        ...

    def add(self, block: TextBlock) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the provisional numbers of the tokens (t,) of a block, and how many each text has (s,)."""
        ...

    def choose(
        self, min_count: int, max_vocab: int | None
    ) -> tuple[Vocabulary, NDArray[np.int64], NDArray[np.int32]]:
        """Return the words to keep, how often each occurs, and each provisional number's final one or -1."""
        ...

    def match(self, vocabulary: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return how often each given word occurs, and each provisional number's final one or -1."""
        ...


def numbering(
    name: TokenizerName,
    pattern: str | None,
    *,
    lowercase: bool,
    threads: int,
    analyze: Tokenize | None = None,
) -> Numbering:
    """Return the compiled numbering, or where it is not there or not wanted the one in plain Python.

    ``analyze``, where given, cuts the texts, and ``name``, ``pattern`` and ``lowercase`` do not.

    :raises ConfigError: the pattern is not a regular expression.
    :raises MissingExtraError: ``jieba`` is asked for and not installed.
    """
    kernels = kernel("_corpus", instead="plain Python")
    if analyze is None:
        if kernels is not None and name in _COMPILED:
            return _Compiled(kernels.Encoder(name, lowercase, threads))
        cut = tokenizer(name, pattern)
        analyze = (lambda text: cut(text.lower())) if lowercase else cut
    if kernels is None:
        return _Plain(analyze)
    return _Compiled(kernels.Encoder("words", lowercase, threads), analyze)


def renumber(ids: NDArray[np.int32], offsets: NDArray[np.int64], table: NDArray[np.int32]) -> int:
    """Put ``table[i]`` in place of each i of ``ids``, close the gaps of -1, and keep the offsets right.

    Return how many ids are left, at the beginning of ``ids``; both arrays are changed in place.

    *Shapes:* ids (t,); offsets (s + 1,), text i being ``ids[offsets[i]:offsets[i + 1]]``; table (n,).
    """
    kernels = kernel("_corpus", instead="plain Python")
    if kernels is not None:
        return int(kernels.renumber(ids, offsets, table))
    old, first, kept = offsets.copy(), 0, 0
    for start in range(0, len(ids), _STEP):
        new = table[ids[start : start + _STEP]]
        known = new >= 0
        before = np.concatenate([[0], np.cumsum(known)])
        last = int(np.searchsorted(old, start + len(new), "right"))
        offsets[first:last] = kept + before[old[first:last] - start]
        ids[kept : kept + before[-1]] = new[known]
        first, kept = last, kept + int(before[-1])
    return kept


class _Compiled:
    """The kernels; ``analyze``, where given, cuts the texts instead of them."""

    def __init__(self, encoder: Any, analyze: Tokenize | None = None) -> None:  # noqa: ANN401  compiled
        self._encoder = encoder
        self._analyze = analyze
        self.takes_lines = analyze is None

    @property
    def words(self) -> int:
        return int(self._encoder.words)

    @property
    def highest(self) -> int:
        return int(self._encoder.highest)

    def add(self, block: TextBlock) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        if isinstance(block, bytes):
            self._encoder.add_lines(block)
        elif self._analyze is None:
            self._encoder.add(block)
        else:
            self._encoder.add_tokens([self._analyze(text) for text in block])
        ids, lengths = self._encoder.take()
        return ids, lengths

    def choose(
        self, min_count: int, max_vocab: int | None
    ) -> tuple[Vocabulary, NDArray[np.int64], NDArray[np.int32]]:
        raw, ends, counts, table = self._encoder.choose(min_count, max_vocab)
        return Vocabulary.from_bytes(raw, ends), counts, table

    def match(self, vocabulary: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        tensors = vocabulary.tensors()
        try:
            counts, table = self._encoder.match(tensors["vocabulary.bytes"], tensors["vocabulary.offsets"])
        except ValueError as error:
            raise CheckpointError("vocabulary", str(error)) from error
        return counts, table


class _Plain:
    """A Counter and a dictionary."""

    takes_lines = False

    def __init__(self, analyze: Tokenize) -> None:
        self._analyze = analyze
        self._counts: Counter[str] = Counter()
        self._numbers: dict[str, int] = {}

    @property
    def words(self) -> int:
        return len(self._numbers)

    @property
    def highest(self) -> int:
        return max(self._counts.values(), default=0)

    def add(self, block: TextBlock) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        numbers = self._numbers
        ids: list[int] = []
        lengths = []
        for text in cast("list[str]", block):
            tokens = self._analyze(text)
            self._counts.update(tokens)
            ids.extend([numbers.setdefault(token, len(numbers)) for token in tokens])
            lengths.append(len(tokens))
        return np.array(ids, np.int32), np.array(lengths, np.int64)

    def choose(
        self, min_count: int, max_vocab: int | None
    ) -> tuple[Vocabulary, NDArray[np.int64], NDArray[np.int32]]:
        frequent = [(word, count) for word, count in self._counts.items() if count >= min_count]
        frequent.sort(key=lambda item: (-item[1], item[0].encode("utf-8", "surrogatepass")))
        kept = frequent[:max_vocab]
        table = np.full(len(self._numbers), -1, np.int32)
        table[[self._numbers[word] for word, _ in kept]] = np.arange(len(kept))
        return Vocabulary.build([word for word, _ in kept]), np.array([n for _, n in kept], np.int64), table

    def match(self, vocabulary: Vocabulary) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        table = vocabulary.ids(self._numbers).astype(np.int32)
        counts = np.zeros(len(vocabulary), np.int64)
        occurrences = np.array([self._counts[word] for word in self._numbers], np.int64)
        counts[table[table >= 0]] = occurrences[table >= 0]
        return counts, table


class Spill:
    """The provisional numbers read so far: in memory up to a limit, then in a file without a name."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._pieces: list[NDArray[np.int32]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._file: IO[bytes] | None = None
        #: How many there are.
        self.tokens = 0

    def append(self, ids: NDArray[np.int32], lengths: NDArray[np.int64]) -> None:
        """Keep the numbers of some texts, and how many each text has.

        :raises InputError: the disk has no room for them.
        """
        self._lengths.append(lengths)
        self._pieces.append(ids)
        self.tokens += len(ids)
        if self._file is not None or self.tokens * ids.itemsize > self._memory:
            try:
                self._write()
            except OSError as error:
                where = tempfile.gettempdir()
                problem = f"the numbers of {self.tokens} words cannot be kept in {where}: {error.strerror}"
                remedy = "free some space there, or set TMPDIR to a folder that has some"
                raise InputError("corpus", problem, remedy) from error

    def finish(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return all numbers (t,), which may be changed in place, and the offsets of the texts (s + 1,)."""
        lengths = np.concatenate(self._lengths) if self._lengths else np.empty(0, np.int64)
        offsets = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        if self._file is not None:
            mapped = np.memmap(self._file, np.int32, "r+", shape=(self.tokens,))
            return mapped.view(np.ndarray), offsets
        ids = np.empty(self.tokens, np.int32)
        end = self.tokens
        while self._pieces:  # from the end, so that each piece is freed once it is copied
            piece = self._pieces.pop()
            ids[end - len(piece) : end] = piece
            end -= len(piece)
        return ids, offsets

    def close(self) -> None:
        """Let go of the file; what has been mapped stays until it is dropped."""
        if self._file is not None:
            with suppress(OSError):  # what could not be written is written again on closing
                self._file.close()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  close() does it
        for piece in self._pieces:
            rest = piece.data.cast("B")
            while rest:
                rest = rest[self._file.write(rest) :]
        self._pieces.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
