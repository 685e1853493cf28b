"""A corpus as token ids in a file: each text is tokenised once, and any block is read without the others."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch.utils.data import Dataset

from lexarium.errors import DataError, InputError
from lexarium_transformer.tokens import clean, cut

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from lexarium.roles import Corpus, Run

__all__ = ["Blocks", "Sample", "Survey", "encode", "end_of", "sampled", "shuffled", "survey"]

_PART = 1 << 16  # characters of a text that are tokenised together
_TOGETHER = 1 << 22  # characters handed to the library in one call
_LINE = 4096  # characters that a trainer of tokenizers takes together
_SMALL = 1 << 16  # ids below that take 2 bytes
_ROUNDS = 4


@dataclass(frozen=True)
class Survey:
    """What a corpus is: how many texts and characters, and the sha256 of them all."""

    texts: int
    characters: int
    digest: str


def survey(corpus: Corpus, run: Run) -> Survey:
    """Read a corpus once.

    :raises DataError: it has no text, or none with a character in it.
    :raises InputError: an element is not a string.
    """
    digest = hashlib.sha256()
    texts = characters = 0
    for text in corpus:
        if not isinstance(text, str):
            raise InputError("corpus", f"element {texts} is {text!r:.40}, not text")
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)
        texts += 1
        characters += len(text.strip())
        if not texts % 1000:
            run.progress("read the corpus", texts, None)
    if not characters:
        raise DataError(f"the corpus has {texts} texts and no character", "give texts to train on")
    return Survey(texts, characters, digest.hexdigest())


def sampled(corpus: Corpus, found: Survey, most: int) -> Iterator[str]:
    """Yield parts of texts, about ``most`` characters of them, spread evenly over the corpus."""
    seen = taken = 0
    for text in corpus:
        for start in range(0, len(text), _LINE):
            part = text[start : start + _LINE]
            seen += len(part)
            if taken * found.characters <= seen * most:
                taken += len(part)
                yield clean(part)


def encode(corpus: Corpus, tokenizer: Tokenizer, path: Path, found: Survey, run: Run) -> None:
    """Write the ids of all texts to ``path``, each text followed by the id that ends it; little-endian."""
    aside = path.with_name(path.name + ".part")
    dtype = _dtype(tokenizer)
    end = end_of(tokenizer)
    done = 0
    try:
        with aside.open("wb") as file:
            for texts, parts in _batches(corpus):
                for encoding, last in zip(
                    tokenizer.encode_batch_fast([part for part, _ in parts], add_special_tokens=False),
                    (last for _, last in parts),
                    strict=True,
                ):
                    ids = [*encoding.ids, end] if last else encoding.ids
                    file.write(np.array(ids, dtype).tobytes())
                done += texts
                run.progress("tokenize", done, found.texts)
        os.replace(aside, path)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise InputError(path, problem, "free some space, or name another output_dir") from error


def end_of(tokenizer: Tokenizer) -> int:
    """Return the id that ends a text: that of ``[SEP]``, ``</s>`` or ``<|endoftext|>``."""
    ids = (tokenizer.token_to_id(token) for token in ("[SEP]", "</s>", "<|endoftext|>"))
    return int(next(number for number in ids if number is not None))


def _dtype(tokenizer: Tokenizer) -> np.dtype[np.unsignedinteger]:
    return np.dtype("<u2" if tokenizer.get_vocab_size() <= _SMALL else "<u4")


def _batches(corpus: Corpus) -> Iterator[tuple[int, list[tuple[str, bool]]]]:
    """Yield how many texts end in some parts, and the parts, each with whether a text ends there."""
    parts: list[tuple[str, bool]] = []
    texts = size = 0
    for text in corpus:
        at = 0
        while at < len(text):
            part = cut(text, at, _PART)
            at += len(part)
            parts.append((clean(part), at == len(text)))
            size += len(part)
            if size >= _TOGETHER:
                yield texts, parts
                parts, texts, size = [], 0, 0
        texts += 1
    if parts or texts:
        yield texts, parts


@dataclass(frozen=True)
class Sample:
    """One block of ids (window,) int64, and its number in the run, from which its randomness comes."""

    ids: NDArray[np.int64]
    number: int


class Blocks(Dataset[Sample]):
    """The blocks of a file in the order of a run: every pass over them in another random order.

    The whole run is one data set of ``steps`` x ``batch`` samples. So a run that goes on begins in the
    middle of it without reading what came before, and processes that share it take every p-th batch.
    The file is mapped: no more of it is in memory than the system has room for.
    """

    def __init__(self, path: Path, tokenizer: Tokenizer, window: int, seed: int) -> None:
        """Map the file.

        :raises DataError: it has fewer ids than one block.
        """
        dtype = _dtype(tokenizer)
        tokens = path.stat().st_size // dtype.itemsize
        self.count = tokens // window
        if not self.count:
            problem = f"the corpus has {tokens} tokens, and one block takes {window}"
            raise DataError(problem, "give more text, or lower max_length")
        self._ids = np.memmap(path, dtype, mode="r")
        self._window = window
        self._seed = seed
        self.samples = self.count

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, number: int) -> Sample:
        round_, place = divmod(number, self.count)
        at = shuffled(place, self.count, self._seed * 1_000_003 + round_) * self._window
        return Sample(np.asarray(self._ids[at : at + self._window], np.int64), number)


def shuffled(place: int, count: int, key: int) -> int:
    """Return where ``place`` of ``count`` comes to lie in the random order that ``key`` stands for.

    A Feistel network over the next power of 4, walked until it falls below ``count`` (Black and Rogaway,
    "Ciphers with arbitrary finite domains", 2002): an order of any length that takes no memory.
    """
    half = (max(count - 1, 1).bit_length() + 1) // 2
    mask = (1 << half) - 1
    while True:
        left, right = place >> half, place & mask
        for number in range(_ROUNDS):
            left, right = right, left ^ (_mixed(right, key * _ROUNDS + number) & mask)
        place = left << half | right
        if place < count:
            return place


def _mixed(value: int, key: int) -> int:
    """Return 64 bits in which every bit of both numbers counts (the finaliser of SplitMix64)."""
    found = (value * 0x9E3779B97F4A7C15 + key * 0xD1B54A32D192ED03 + 0x8CB92BA72F3D8DD7) & 0xFFFFFFFFFFFFFFFF
    found = (found ^ found >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
    found = (found ^ found >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
    return found ^ found >> 31
