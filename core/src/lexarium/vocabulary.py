"""Words to rows, kept as tensors so that opening a vocabulary is a memory map and not a parse.

Three tensors (DESIGN, the model on disk): ``vocabulary.bytes`` (b,) uint8, the words in UTF-8 one
after another; ``vocabulary.offsets`` (n + 1,) int64, word i being ``bytes[offsets[i]:offsets[i + 1]]``;
``vocabulary.slots`` (s,) uint32, an open-addressing table: word i stands as ``i + 1`` in the first
free slot from ``crc32(word) % s`` on, 0 is free. The table has 1.6 slots a word, so a look-up reads
two or three slots; a table from a stranger may be full, so probing is bounded.
"""

from __future__ import annotations

from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import numpy as np

from lexarium.backend import kernel
from lexarium.errors import CheckpointError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Vocabulary"]

_BYTES, _OFFSETS, _SLOTS = "vocabulary.bytes", "vocabulary.offsets", "vocabulary.slots"
_SLOTS_PER_WORD = 1.6
_MAX_PROBES = 4096
_MAX_REMEMBERED = 1_000_000
_MODULE = "_vocabulary"


class Vocabulary:
    """An ordered set of n distinct words, each with its index."""

    def __init__(self, tensors: Mapping[str, NDArray[Any]], where: str = "vocabulary") -> None:
        """Open a vocabulary from its three tensors, reading none of them.

        :raises CheckpointError: a tensor is missing, of another type, or of an impossible length.
        """
        self._tensors = {name: _tensor(tensors, name, dtype, where) for name, dtype in _DTYPES.items()}
        self._where = where
        self._bytes = self._tensors[_BYTES].data
        self._offsets = self._tensors[_OFFSETS].data
        self._slots = self._tensors[_SLOTS].data
        if len(self._offsets) < 1 or len(self._slots) < len(self._offsets):
            raise CheckpointError(where, "the vocabulary's tensors do not belong together")
        self._remembered: dict[str, int] = {}

    @classmethod
    def build(cls, words: Sequence[str]) -> Self:
        """Make a vocabulary; word i gets index i.

        :raises DataError: a word occurs twice.
        """
        compiled = kernel(_MODULE)
        if compiled is not None:
            return cls.from_bytes(*compiled.pack(words))
        encoded = [_encode(word) for word in words]
        offsets = np.zeros(len(words) + 1, np.int64)
        np.cumsum([len(word) for word in encoded], out=offsets[1:])
        return cls.from_bytes(np.frombuffer(b"".join(encoded), np.uint8), offsets)

    @classmethod
    def from_bytes(cls, raw: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Self:
        """Make a vocabulary of words that are UTF-8 already; word i is ``raw[offsets[i]:offsets[i + 1]]``.

        *Shapes:* raw (b,); offsets (n + 1,), rising from 0 to b.

        :raises DataError: a word occurs twice.
        :raises ValueError: the offsets do not rise from 0 to b.
        """
        if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(raw) or (np.diff(offsets) < 0).any():
            message = f"the offsets do not rise from 0 to {len(raw)}"
            raise ValueError(message)
        slots = _build_slots(raw, offsets)
        return cls({_BYTES: raw, _OFFSETS: offsets, _SLOTS: slots})

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the three tensors, by the names that they are stored under."""
        return dict(self._tensors)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) >= 0

    def __iter__(self) -> Iterator[str]:
        return (self.word(index) for index in range(len(self)))

    def word(self, index: int) -> str:
        """Return word ``index``.

        :raises CheckpointError: the stored bytes are not UTF-8 or lie outside the tensor.
        """
        try:
            return str(self._slice(index), "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise CheckpointError(self._where, f"word {index} is not UTF-8") from error

    def find(self, word: str) -> int:
        """Return the index of ``word``, or -1."""
        raw = _encode(word)
        slots, size, slot = self._slots, len(self._slots), crc32(raw) % len(self._slots)
        for _ in range(min(size, _MAX_PROBES)):
            entry = slots[slot]
            if entry == 0:
                return -1
            if self._slice(entry - 1) == raw:
                return int(entry) - 1
            slot = slot + 1 if slot + 1 < size else 0
        return -1

    def ids(self, words: Iterable[str]) -> NDArray[np.int64]:
        """Return the index of each word, -1 for an unknown one, as int64 (n,)."""
        if self._compiled is not None:
            asked = words if isinstance(words, list | tuple) else list(words)
            try:
                found: NDArray[np.int64] = self._compiled.find(asked)
            except ValueError:  # the tables are damaged: the loop below says where
                return self._look_up(asked)
            return found
        return self._look_up(words)

    def _look_up(self, words: Iterable[str]) -> NDArray[np.int64]:
        remembered = self._remembered
        if len(remembered) > _MAX_REMEMBERED:
            remembered.clear()
        found = []
        for word in words:
            index = remembered.get(word)
            if index is None:
                index = remembered[word] = self.find(word)
            found.append(index)
        return np.array(found, np.int64)

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  the compiled table, or None
        tensors = [self._tensors[name] for name in (_BYTES, _OFFSETS, _SLOTS)]
        compiled = kernel(_MODULE)
        if compiled is None or not all(t.flags.aligned and t.flags.c_contiguous for t in tensors):
            return None
        return compiled.Table(*tensors, _MAX_PROBES)

    def first(self, count: int) -> Self:
        """Return the vocabulary of words 0 .. ``count`` - 1."""
        offsets = np.array(self._tensors[_OFFSETS][: count + 1])
        return self.from_bytes(np.array(self._tensors[_BYTES][: offsets[-1]]), offsets)

    def sample(self, count: int) -> list[str]:
        """Return up to ``count`` words, spread evenly over the vocabulary."""
        step = max(1, len(self) // count) if count else 1
        return [self.word(index) for index in islice(range(0, len(self), step), count)]

    def _slice(self, index: int) -> memoryview:
        if not 0 <= index < len(self._offsets) - 1:
            raise CheckpointError(self._where, f"the table points at word {index}, which does not exist")
        start, end = self._offsets[index], self._offsets[index + 1]
        if not 0 <= start <= end <= len(self._bytes):
            raise CheckpointError(self._where, f"word {index} lies outside the stored bytes")
        return self._bytes[start:end]


_DTYPES: dict[str, np.dtype[Any]] = {
    _BYTES: np.dtype(np.uint8),
    _OFFSETS: np.dtype(np.int64),
    _SLOTS: np.dtype(np.uint32),
}


def _tensor(tensors: Mapping[str, NDArray[Any]], name: str, dtype: np.dtype[Any], where: str) -> NDArray[Any]:
    tensor = tensors.get(name)
    if tensor is None or tensor.dtype != dtype or tensor.ndim != 1:
        raise CheckpointError(where, f"the tensor {name!r} is missing or is not a list of {dtype}")
    return tensor


def _encode(word: str) -> bytes:
    return word.encode("utf-8", "surrogatepass")


def _build_slots(raw: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.uint32]:
    size = max(8, int((len(offsets) - 1) * _SLOTS_PER_WORD) + 1)
    compiled = kernel(_MODULE)
    if compiled is None:
        whole = raw.tobytes()
        return _table([whole[start:end] for start, end in pairwise(offsets.tolist())], size)
    slots: NDArray[np.uint32]
    slots, first, second, crowded = compiled.build(raw, offsets, size, _MAX_PROBES)
    if second >= 0:
        raise _twice(raw[offsets[first] : offsets[first + 1]].tobytes(), first, second)
    if crowded:
        raise _crowded()
    return slots


def _table(words: Sequence[bytes], size: int) -> NDArray[np.uint32]:
    """Build the table as the compiled module does, slot for slot: its reference."""
    slots = [0] * size
    for index, word in enumerate(words):
        slot = crc32(word) % size
        for _ in range(_MAX_PROBES):
            other = slots[slot]
            if not other:
                break
            if words[other - 1] == word:
                raise _twice(word, other - 1, index)
            slot = slot + 1 if slot + 1 < size else 0
        else:
            raise _crowded()
        slots[slot] = index + 1
    return np.array(slots, np.uint32)


def _twice(word: bytes, first: int, second: int) -> DataError:
    shown = word.decode("utf-8", "replace")
    return DataError(f"the word {shown!r} stands twice, at {first} and {second}", "keep one")


def _crowded() -> DataError:
    return DataError("too many words share one hash value", "this is not natural text")
