"""The bytes that each token of a vocabulary stands for: text may be cut anywhere, also within a character."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING

from lexarium_transformer.sentencepieces import BLANK
from lexarium_transformer.translators import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenizers import Tokenizer

__all__ = ["TokenBytes"]

_WRITTEN = str.maketrans({BLANK: " ", **dict.fromkeys(MARKS, "")})
_HEXADECIMAL = re.compile(r"<0x([0-9A-F]{2})>")  # sentencepiece's tokens of single bytes


class TokenBytes:
    """Ids to bytes, special tokens to none."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Take over the vocabulary of ``tokenizer``."""
        self._tokenizer = tokenizer

    @cached_property
    def pieces(self) -> list[bytes]:
        """The bytes of each id; none for a special token, and for an id that no token has."""
        vocabulary = self._tokenizer.get_vocab(with_added_tokens=True)
        found = [b""] * (max(vocabulary.values(), default=-1) + 1)
        byte_level = "ByteLevel" in repr(self._tokenizer.decoder)
        for token, number in vocabulary.items():
            found[number] = _from_letters(token) if byte_level else _from_marks(token)
        for number, added in self._tokenizer.get_added_tokens_decoder().items():
            found[number] = b"" if added.special else added.content.encode("utf-8", "replace")
        return found

    def join(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of several tokens in a row."""
        pieces = self.pieces
        return b"".join(pieces[number] for number in ids if number < len(pieces))

    def starting(self, wanted: bytes) -> list[int]:
        """Return the tokens that start with some bytes."""
        return [number for number, piece in enumerate(self.pieces) if piece.startswith(wanted)]

    def holding(self, wanted: bytes) -> list[int]:
        """Return the tokens that hold some bytes anywhere."""
        return [number for number, piece in enumerate(self.pieces) if wanted in piece]


def _letters() -> dict[str, int]:
    """Return which byte a letter stands for in byte-level BPE (Radford et al., 2019; GPT-2's encoder).

    Bytes that print as a letter of Latin-1 stand for themselves; the others, in order, for the letters
    from U+0100 on.
    """
    themselves = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in themselves]
    return {chr(byte): byte for byte in themselves} | {chr(256 + n): byte for n, byte in enumerate(others)}


_LETTERS = _letters()


def _from_letters(token: str) -> bytes:
    if all(letter in _LETTERS for letter in token):
        return bytes(_LETTERS[letter] for letter in token)
    return token.encode("utf-8", "replace")


def _from_marks(token: str) -> bytes:
    byte = _HEXADECIMAL.fullmatch(token)
    if byte:
        return bytes([int(byte[1], 16)])
    return token.translate(_WRITTEN).encode("utf-8", "replace")
