"""What a text must and must not hold while it is written: on bytes, so that no way of cutting it escapes.

transformers 5 has no constrained beam search any more, and its ``bad_words_ids`` bans one way of cutting a
word into tokens. Shapes: B rows (a beam is a row of its own), V tokens, T tokens so far.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import torch

from lexarium.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from lexarium_transformer.token_bytes import TokenBytes

__all__ = ["BadWords", "ForcedWords", "StopStrings"]

_BEFORE = "."  # what most words are not put together with
_SPARE = 16  # tokens beyond the longest word that are looked at: special ones have no bytes


class BadWords:
    """Scores of tokens that would complete one of ``words`` become -inf."""

    def __init__(self, words: Sequence[str], table: TokenBytes, start: int) -> None:
        """Look from token ``start`` on: what the prompt holds is not counted."""
        self._words = [word.encode("utf-8", "replace") for word in words]
        self._reach = max(map(len, self._words)) + _SPARE
        self._table = table
        self._start = start
        self._whole = [torch.tensor(table.holding(word), dtype=torch.long) for word in self._words]
        self._rests: dict[bytes, Tensor] = {}

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (B, V) after ``input_ids`` (B, T).

        :raises ConfigError: a grammar, which came before, allows nothing else.
        """
        scores = scores.clone()
        for row, ids in enumerate(input_ids[:, self._start :][:, -self._reach :].tolist()):
            tail = self._table.join(ids)
            for word, whole in zip(self._words, self._whole, strict=True):
                scores[row, whole.to(scores.device)] = float("-inf")
                for rest in _rests(tail, word):
                    scores[row, self._starting(rest).to(scores.device)] = float("-inf")
        if bool(scores.isneginf().all(dim=1).any()):
            raise ConfigError("bad_words", "forbids all that json_schema or regex allows at some place")
        return scores

    def _starting(self, rest: bytes) -> Tensor:
        if rest not in self._rests:
            self._rests[rest] = torch.tensor(self._table.starting(rest), dtype=torch.long)
        return self._rests[rest]


class ForcedWords:
    """Until a text holds all ``words`` it cannot end; where it would, the missing ones are written."""

    def __init__(
        self,
        words: Sequence[str],
        table: TokenBytes,
        encode: Callable[[str], list[int]],
        ends: Sequence[int],
        place: tuple[int, int],
    ) -> None:
        """Take the words; ``place`` is the token that the text starts at, and how many it may have.

        :raises ConfigError: the words alone take more tokens than that.
        """
        self._table = table
        self._encode = encode
        self._words = [(word, word.encode("utf-8", "replace")) for word in words]
        self._ends = list(ends)
        self._start, self._most = place
        self._under_way: dict[tuple[int, ...], list[int]] = {}
        needed = sum(len(self._written(word, b"x")) for word, _ in self._words)
        if needed > self._most:
            raise ConfigError("force_words", f"takes {needed} tokens, and there is room for {self._most}")

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (B, V) after ``input_ids`` (B, T)."""
        scores = scores.clone()
        for row, ids in enumerate(input_ids[:, self._start :].tolist()):
            forced = self._next(tuple(ids), scores[row])
            if forced is not None:
                scores[row] = float("-inf")
                scores[row, forced] = 0.0
        return scores

    def _next(self, ids: tuple[int, ...], scores: Tensor) -> int | None:
        """Return the token that must come next; None, and no end among ``scores`` (V,), where none must."""
        rest = self._under_way.get(ids)  # texts that are alike so far share it
        if rest is None:
            text = self._table.join(ids)
            missing = [word for word, written in self._words if written not in text]
            if not missing:
                return None
            needed = sum(len(self._written(word, b"x")) for word in missing)  # each after a blank
            # A word does not come into the middle of a character, whose rest is three bytes at most.
            needed += 0 if text[-4:].decode("utf-8", "replace").endswith("\ufffd") else 3
            if int(scores.argmax()) not in self._ends and self._most - len(ids) > needed:
                scores[self._ends] = float("-inf")
                return None
            rest = self._written(missing[0], text)
        if len(rest) > 1:
            self._under_way[(*ids, rest[0])] = rest[1:]
        return rest[0]

    def _written(self, word: str, before: bytes) -> list[int]:
        """Return the tokens of a word, after a blank where its script has one and none stands there."""
        spaced = unicodedata.east_asian_width(word[0]) not in "WF" and not word[0].isspace()
        blank = spaced and before and not before[-1:].isspace()
        wanted = (b" " if blank else b"") + word.encode("utf-8", "replace")
        ways = [self._encode(" " + word), self._encode(word)]
        if before or not spaced:
            ways.append(self._within(word))
        exact = [ids for ids in ways if self._table.join(ids) == wanted]
        near = [ids for ids in ways if wanted.strip() in self._table.join(ids)]
        if not near:
            raise ConfigError("force_words", f"the vocabulary of the model cannot write {word!r}")
        return (exact or near)[0]

    def _within(self, word: str) -> list[int]:
        """Return the tokens of a word with no blank before it, which sentencepiece puts at a beginning."""
        before, whole = self._encode(_BEFORE), self._encode(_BEFORE + word)
        return whole[len(before) :] if whole[: len(before)] == before else []


class StopStrings:
    """A row is done as soon as it holds one of ``words``."""

    def __init__(self, words: Sequence[str], table: TokenBytes, start: int) -> None:
        """Look from token ``start`` on."""
        self._words = [word.encode("utf-8", "replace") for word in words]
        self._reach = max(map(len, self._words)) + _SPARE
        self._table = table
        self._start = start

    def __call__(self, input_ids: Tensor, scores: Tensor | None) -> Tensor:
        """Return which rows are done, (B,) bool."""
        del scores
        rows = input_ids[:, self._start :][:, -self._reach :].tolist()
        texts = [self._table.join(ids) for ids in rows]
        done = [any(word in text for word in self._words) for text in texts]
        return torch.tensor(done, dtype=torch.bool, device=input_ids.device)


def _rests(tail: bytes, word: bytes) -> Iterator[bytes]:
    """Yield what is left of ``word`` after each beginning of it that ``tail`` ends with."""
    for size in range(1, len(word)):
        if tail.endswith(word[:size]):
            yield word[size:]
