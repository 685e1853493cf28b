"""Models of sentencepiece (Kudo, Richardson, 2018), read from their protobuf: no length in it is trusted.

The messages and the numbers of their fields are those of ``sentencepiece_model.proto``.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium.errors import CheckpointError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BLANK", "SentencePieces", "parse_pieces"]

#: What stands for a blank in a piece.
BLANK = "▁"
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # how protobuf writes a field
_LONGEST = 10  # bytes of a varint
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3  # of a piece
_MODEL_TYPE, _BYTE_FALLBACK, _SUFFIX = 3, 35, 24  # of the trainer
_CHARSMAP, _DUMMY, _EXTRA = 2, 3, 4  # of the normalizer
_UNIGRAM, _BPE = 1, 2
_NORMAL = 1


@dataclass(frozen=True, kw_only=True)
class SentencePieces:
    """A vocabulary that cuts text, and what is done to a text first.

    ``scores`` are those of the pieces that text is cut into, logarithms of probabilities for ``unigram`` and
    minus the rank of the merge for BPE. ``charsmap`` rewrites characters; ``tidy``: blanks at both ends
    are taken away, and several become one; ``prefix``: a blank goes before the text.
    """

    unigram: bool
    scores: dict[str, float]
    charsmap: bytes
    tidy: bool
    prefix: bool


def parse_pieces(raw: bytes, where: str) -> SentencePieces:
    """Parse the bytes of a ``.spm`` or ``.model`` file.

    :raises CheckpointError: it is none, or is damaged.
    :raises UnsupportedError: it cuts text into words, characters or bytes, or marks the ends of words.
    """
    try:
        found = list(_fields(raw))
        scores = dict(_piece(value) for number, value in found if number == _PIECES)
        trainer = dict(_fields(b"".join(_message(v) for number, v in found if number == _TRAINER)))
        normalizer = dict(_fields(b"".join(_message(v) for number, v in found if number == _NORMALIZER)))
        charsmap = _message(normalizer.get(_CHARSMAP, b""))
    except (ValueError, struct.error) as error:
        raise CheckpointError(where, f"is no model of sentencepiece: {error}", _AGAIN) from error
    scores.pop("", None)
    if not scores:
        raise CheckpointError(where, "is no model of sentencepiece: it has no pieces", _AGAIN)
    kind = trainer.get(_MODEL_TYPE, _UNIGRAM)
    if kind not in {_UNIGRAM, _BPE} or trainer.get(_BYTE_FALLBACK) or trainer.get(_SUFFIX):
        what = f"{where}: it cuts text into words, characters or bytes, or marks the ends of words"
        raise UnsupportedError(what, "take a checkpoint with a tokenizer.json")
    return SentencePieces(
        unigram=kind == _UNIGRAM,
        scores=scores,
        charsmap=charsmap,
        tidy=bool(normalizer.get(_EXTRA, 1)),
        prefix=bool(normalizer.get(_DUMMY, 1)),
    )


def _piece(value: int | bytes) -> tuple[str, float]:
    """Return a piece and its score; an empty one for those that no text is cut into."""
    said = dict(_fields(_message(value)))
    if said.get(_TYPE, _NORMAL) != _NORMAL:
        return "", 0.0
    (score,) = struct.unpack("<f", _message(said.get(_SCORE, bytes(4))))
    if not math.isfinite(score):
        message = "a score is not finite"
        raise ValueError(message)
    return _message(said.get(_TEXT, b"")).decode("utf-8"), float(score)


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field of a message: an integer, or bytes.

    :raises ValueError: it is cut short, or no message.
    """
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(raw, at)
        elif kind in {_FOUR, _EIGHT}:
            size = 4 if kind == _FOUR else 8
        else:
            message = f"byte {at} begins no field"
            raise ValueError(message)
        if at + size > len(raw):
            message = "it is cut short"
            raise ValueError(message)
        yield number, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(raw[at : at + _LONGEST]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:  # noqa: PLR2004  the last one has no eighth bit
            return value, at + place + 1
    message = f"byte {at} begins no number"
    raise ValueError(message)


def _message(value: int | bytes) -> bytes:
    if isinstance(value, int):
        message = "a number stands where a message belongs"
        raise ValueError(message)  # noqa: TRY004  the file is wrong, and not a call
    return value


_AGAIN = "fetch it again"
