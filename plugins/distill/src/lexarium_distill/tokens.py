"""Texts to ids with ``tokenizers`` alone: no special tokens, bounded work for any text. No torch here."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
from tokenizers import Tokenizer

from lexarium.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from tokenizers import Encoding

__all__ = ["MOST_BYTES", "TokenIds", "parse_tokenizer", "unknown_id"]

MOST_BYTES = 128 * 2**20  # of a tokenizer.json; the largest on the Hub take some 35 MB
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s")
_BLOCK = 1 << 16  # characters of one text that are tokenised together
_BACK = 1 << 10  # characters to go back for a blank to cut at
_TOGETHER = 1 << 20  # characters handed to the library in one call


def parse_tokenizer(raw: bytes, where: str) -> Tokenizer:
    """Build a tokenizer, which cuts nothing off and fills nothing up, from the bytes of a ``tokenizer.json``.

    :raises CheckpointError: it is none, or longer than 128 MiB.
    """
    if len(raw) > MOST_BYTES:
        raise CheckpointError(where, f"takes {len(raw)} bytes, more than {MOST_BYTES}")
    try:
        tokenizer = Tokenizer.from_buffer(raw)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        first = f"{error}".splitlines()[0] if f"{error}" else type(error).__name__
        raise CheckpointError(where, f"is no tokenizer: {first}", "fetch it again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def unknown_id(tokenizer: Tokenizer) -> int | None:
    """Return the id that stands for what the vocabulary lacks; None where there is none."""
    model = tokenizer.model
    if hasattr(model, "unk_token"):
        return None if model.unk_token is None else tokenizer.token_to_id(model.unk_token)
    number = json.loads(tokenizer.to_str())["model"].get("unk_id")  # Unigram does not say it otherwise
    return number if isinstance(number, int) else None


class TokenIds:
    """A tokenizer as one model uses it: ids of the tokens that count, packed as core's pooling takes them."""

    def __init__(self, tokenizer: Tokenizer, *, limit: int | None, skip_unknown: bool) -> None:
        """Take over ``tokenizer``, which cuts nothing off.

        ``limit`` is how many tokens of a text count, None for all; what ``skip_unknown`` leaves out
        counts as one of them.
        """
        self._tokenizer = tokenizer
        self._limit = limit
        self._unknown = unknown_id(tokenizer)
        self._skipped = self._unknown if skip_unknown else None
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        self.tokens = {number: token for token, number in vocabulary.items()}
        self.highest = max(self.tokens, default=-1)
        lengths = [len(token) for token in vocabulary]
        self._characters = None if limit is None else limit * int(np.median(lengths or [1]))

    def packed(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the ids of all tokens, (t,), -1 where one is left out, and the offsets of texts, (n + 1,).

        A text of more than 65,536 characters is tokenised in pieces of as many, cut at blanks.
        """
        flat: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        lengths = np.zeros(len(texts), np.int64)
        for owner, ids in self._ids(texts):
            kept = ids if self._limit is None else ids[: self._limit - lengths[owner]]
            lengths[owner] += len(kept)
            flat.append(np.array(kept, np.int64))
        found = np.concatenate(flat)
        if self._skipped is not None:
            found[found == self._skipped] = -1
        return found, np.concatenate(([0], np.cumsum(lengths)))

    def unknown(self, text: str) -> list[str]:
        """Return the parts of a text that have no token but the unknown one."""
        cleaned = _clean(text[: self._characters])
        encoding = self._tokenizer.encode(cleaned, add_special_tokens=False)
        pairs = zip(encoding.ids, encoding.offsets, strict=True)
        return [cleaned[start:end] for number, (start, end) in pairs if number == self._unknown]

    def names(self, numbers: Sequence[int]) -> list[str]:
        """Return what each id is called among words, each name once.

        A token that a word becomes whole has that word's name, without the mark of a word's beginning that
        some tokenizers put there (``▁``, ``Ġ``). Another token keeps its own, or, where a word has that,
        has ``##`` before it, as WordPiece writes what goes on in a word.
        """
        words = [text.strip() for text in self._tokenizer.decode_batch([[n] for n in numbers])]
        whole = [
            bool(word) and ids == [number]
            for number, word, ids in zip(numbers, words, self._encode(map(_clean, words)), strict=True)
        ]
        taken = {word for word, fits in zip(words, whole, strict=True) if fits}
        names = []
        for number, word, fits in zip(numbers, words, whole, strict=True):
            name = word if fits else self.tokens[number]
            while not fits and name in taken:
                name = f"##{name}"
            taken.add(name)
            names.append(name)
        return names

    def _ids(self, texts: Sequence[str]) -> Iterator[tuple[int, list[int]]]:
        """Yield the ids of each part of each text, and to which text it belongs, in order."""
        owners: list[int] = []
        parts: list[str] = []
        size = 0
        for owner, text in enumerate(texts):
            for part in _parts(text[: self._characters]):
                owners.append(owner)
                parts.append(part)
                size += len(part)
                if size >= _TOGETHER:
                    yield from zip(owners, self._encode(parts), strict=True)
                    owners, parts, size = [], [], 0
        yield from zip(owners, self._encode(parts), strict=True)

    def _encode(self, parts: Iterable[str]) -> list[list[int]]:
        # Without spans the library leaves out the alignment, which costs a third of its time.
        found: list[Encoding] = self._tokenizer.encode_batch_fast([*parts], add_special_tokens=False)
        return [encoding.ids for encoding in found]


def _parts(text: str) -> Iterator[str]:
    at = 0
    while len(text) - at > _BLOCK:
        end = at + _BLOCK
        blanks = (place for place in range(end, end - _BACK, -1) if _SPACE.match(text, place))
        end = next(blanks, end)
        yield _clean(text[at:end])
        at = end
    yield _clean(text[at:])


def _clean(text: str) -> str:
    """Put U+FFFD where half a character (a lone surrogate) stands, which no encoding of Unicode has."""
    return _SURROGATE.sub("\ufffd", text)
