"""Texts to ids with ``tokenizers``: bounded work for any text, pieces of long ones, character spans."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tokenizers import Tokenizer, normalizers

from lexarium.errors import CheckpointError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tokenizers import Encoding

__all__ = ["MOST_BYTES", "Piece", "TextTokenizer", "clean", "cut", "parse_tokenizer"]

MOST_BYTES = 128 * 2**20  # of a tokenizer.json; the largest on the Hub take some 35 MB
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"\s")
_UNKNOWN = re.compile(r'"unk_id":\s*(\d+)')
_FIRST = 24  # characters looked at for each token that is wanted, and more if they were too few
_MOST = 1 << 20  # characters of a text that are looked at for its first tokens
_BLOCK = 1 << 16  # characters tokenised together where all of a text is wanted
_TOGETHER = 1 << 22  # characters handed to the library in one call
_BACK = 1 << 10  # characters to go back for a blank to cut at


@dataclass(frozen=True)
class Piece:
    """A text, or a part of one, as the encoder takes it.

    ``ids`` are its tokens, special ones among them; ``tokens`` is how many are not special; ``spans``
    says where each token stands in the text, in characters (None where nobody asked); special ones have
    (-1, -1).
    """

    ids: list[int]
    tokens: int
    spans: list[tuple[int, int]] | None = None


def parse_tokenizer(raw: bytes, where: str) -> Tokenizer:
    """Build a tokenizer from the bytes of a ``tokenizer.json``.

    :raises CheckpointError: it is none, or longer than 128 MiB.
    """
    if len(raw) > MOST_BYTES:
        raise CheckpointError(where, f"takes {len(raw)} bytes, more than {MOST_BYTES}")
    try:
        return Tokenizer.from_buffer(raw)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        first = f"{error}".splitlines()[0] if f"{error}" else type(error).__name__
        raise CheckpointError(where, f"is no tokenizer: {first}", "fetch it again") from error


class TextTokenizer:
    """A tokenizer as one model uses it: so many tokens at most, this prompt before every text."""

    def __init__(
        self, tokenizer: Tokenizer, max_length: int, *, prompt: str = "", lowercase: bool = False
    ) -> None:
        """Take over ``tokenizer``, which nobody else may hold: its truncation and padding are set.

        :raises ConfigError: ``max_length`` leaves no place beside the special tokens.
        """
        self.special = tokenizer.num_special_tokens_to_add(is_pair=False)
        if max_length <= self.special:
            problem = f"{max_length} leaves no token beside the {self.special} special ones"
            raise ConfigError("max_length", problem)
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length)
        if lowercase:
            inner = tokenizer.normalizer
            steps = [normalizers.Lowercase(), *([inner] if inner is not None else [])]
            tokenizer.normalizer = normalizers.Sequence(steps)
        self._tokenizer = tokenizer
        self.max_length = max_length
        self.prompt = prompt

    def highest_id(self) -> int:
        """Return the highest id that a token can have, added tokens among them."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1)

    def id_of(self, token: str) -> int:
        """Return the id of a token that the vocabulary has.

        :raises CheckpointError: it has not.
        """
        found = self.find(token)
        if found is None:
            raise CheckpointError(
                "tokenizer.json", f"there is no token {token!r}", "fetch the checkpoint again"
            )
        return found

    def find(self, token: str) -> int | None:
        """Return the id of a token; None where the vocabulary has no such one."""
        found = self._tokenizer.token_to_id(token)
        return None if found is None else int(found)

    @cached_property
    def unknown(self) -> int | None:
        """The id of what the vocabulary has no token for; None where every text has its own tokens."""
        token = getattr(self._tokenizer.model, "unk_token", None)
        if token is not None:
            return self._tokenizer.token_to_id(token)
        said = _UNKNOWN.search(self._tokenizer.to_str())  # Unigram does not say it otherwise
        return int(said[1]) if said else None

    def word_of(self, number: int) -> str:
        """Return a token as it is read, without the marks of its place in a word."""
        return str(self._tokenizer.decode([number])).strip()

    def first(self, texts: Sequence[str], *, spans: bool = False) -> list[Piece]:
        """Return what of each text fits into ``max_length``.

        Only the beginning of a long text is looked at, at most a million characters.
        """
        found: list[Piece | None] = [None] * len(texts)
        reach = self.max_length * _FIRST
        pending = list(range(len(texts)))
        while pending:
            again: list[int] = []
            parts = [self._prompted(texts[index], reach) for index in pending]
            for index, part, encoding in zip(pending, parts, self._encode(parts, spans=spans), strict=True):
                whole = len(part) - len(self.prompt) >= min(len(texts[index]), _MOST)
                if whole or encoding.overflowing:
                    found[index] = self._piece(encoding, -len(self.prompt) if spans else None)
                else:
                    again.append(index)
            pending, reach = again, reach * 8
        return [piece for piece in found if piece is not None]

    def pieces(self, text: str, *, spans: bool = False) -> Iterator[Piece]:
        """Yield all of a text, in pieces that fit into ``max_length``, in order; the first has the prompt.

        A text that fits is one piece. The text is tokenised 65,536 characters at a time, cut at blanks.
        """
        at, prompt = 0, self.prompt
        while True:
            block = cut(text, at, _BLOCK)
            for encoding in self._encode([prompt + clean(block)], spans=spans):
                for window in (encoding, *encoding.overflowing):
                    yield self._piece(window, at - len(prompt) if spans else None)
            at, prompt = at + len(block), ""
            if at >= len(text):
                return

    def lost(self, texts: Sequence[str]) -> Iterator[int]:
        """Yield for each text how many of its tokens do not fit."""
        place = self.max_length - self.special
        for text in texts:
            yield max(0, sum(piece.tokens for piece in self.pieces(text)) - place)

    def _prompted(self, text: str, reach: int) -> str:
        return self.prompt + clean(cut(text, 0, min(reach, _MOST)))

    def _encode(self, texts: Sequence[str], *, spans: bool) -> Iterator[Encoding]:
        # Without spans the library leaves out the alignment, which costs a third of its time.
        encode = self._tokenizer.encode_batch if spans else self._tokenizer.encode_batch_fast
        for some in _together(texts):
            yield from encode(some)

    def _piece(self, encoding: Encoding, shift: int | None) -> Piece:
        ids = list(encoding.ids)
        if shift is None:
            return Piece(ids, len(ids) - self.special)
        special = encoding.special_tokens_mask
        pairs = zip(encoding.offsets, special, strict=True)
        placed = [(-1, -1) if out else (max(0, a + shift), b + shift) for (a, b), out in pairs]
        # A prompt's tokens end before the text begins.
        inside = [span if span[1] > 0 else (-1, -1) for span in placed]
        return Piece(ids, len(ids) - self.special, inside)


def clean(text: str) -> str:
    """Put U+FFFD where half a character (a lone surrogate) stands, which no encoding of Unicode has."""
    return _SURROGATE.sub("\ufffd", text)


def cut(text: str, at: int, most: int) -> str:
    """Return at most ``most`` characters from ``at``; a cut goes before a blank where one is near."""
    end = at + most
    if end >= len(text):
        return text[at:] if at else text
    low = max(at + 1, end - _BACK)
    for place in range(end, low, -1):
        if _SPACE.match(text, place) and not _SPACE.match(text, place - 1):
            return text[at:place]
    return text[at:end]


def _together(texts: Sequence[str]) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for text in texts:
        some.append(text)
        size += len(text)
        if size >= _TOGETHER:
            yield some
            some, size = [], 0
    if some:
        yield some
