"""Texts that conform to a JSON schema or a regular expression, through ``llguidance``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lexarium.errors import ConfigError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from lexarium.generation import GenerateConfig

__all__ = ["Grammar"]

#: As Python's json writes it: a model may otherwise write blanks for ever. ``x-guidance`` overrides it.
_SPACING: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_EXTRA = "lexarium-transformer[constraints]"


class Grammar:
    """Scores of tokens with which no text conforms any more become -inf. Rows are texts, in one order."""

    def __init__(self, config: GenerateConfig, tokenizer: str, ends: Sequence[int], start: int) -> None:
        """Take the schema or expression; ``tokenizer`` is a ``tokenizer.json``, ``start`` where texts begin.

        :raises MissingExtraError: llguidance is not installed.
        :raises ConfigError: it is no schema, or no expression, or one that llguidance does not have.
        """
        try:
            from llguidance import LLMatcher, LLTokenizer  # noqa: PLC0415  an extra
        except ImportError as error:
            raise MissingExtraError("json_schema or regex", "llguidance", _EXTRA) from error
        self._key = "regex" if config.json_schema is None else "json_schema"
        try:
            if config.json_schema is None:
                grammar = LLMatcher.grammar_from_regex(config.regex or "")
            else:
                grammar = LLMatcher.grammar_from_json_schema(config.json_schema, _SPACING)
            self._tokenizer: Any = LLTokenizer(tokenizer, eos_token=list(ends))
        except (ValueError, RuntimeError) as error:
            raise ConfigError(self._key, _one_line(error)) from error
        self._first: Any = LLMatcher(self._tokenizer, grammar)
        self._check(self._first)
        self._rows: list[Any] = []
        self._done: set[int] = set()
        self._start = self._seen = start
        self._ends = list(ends)

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (B, V) after ``input_ids`` (B, T); one token at a time, from the first on.

        :raises ConfigError: the schema or expression became too much for llguidance.
        """
        if not self._rows:
            self._rows = [self._first.deep_copy() for _ in range(len(input_ids))]
        new = input_ids[:, self._seen :].tolist()
        self._seen = input_ids.shape[1]
        scores = scores.clone()
        for row, (matcher, tokens) in enumerate(zip(self._rows, new, strict=True)):
            for token in tokens:
                # An end that does not conform fills up a text that a stop string ended.
                if token in self._ends and not matcher.is_accepting():
                    self._done.add(row)
                elif row not in self._done and not matcher.is_stopped():
                    matcher.consume_token(token)
            if row in self._done or matcher.is_stopped():
                self._check(matcher)
                scores[row] = float("-inf")
                scores[row, self._ends] = 0.0
                continue
            scores[row, ~self._allowed(matcher, scores.shape[1]).to(scores.device)] = float("-inf")
        return scores

    def _allowed(self, matcher: Any, size: int) -> Tensor:  # noqa: ANN401  llguidance's
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        self._check(matcher)
        found = torch.zeros(size, dtype=torch.bool)
        allowed = torch.from_numpy(np.unpackbits(bits, bitorder="little")[:size].astype(bool))
        found[: len(allowed)] = allowed
        return found

    def _check(self, matcher: Any) -> None:  # noqa: ANN401  llguidance's
        if matcher.is_error():
            raise ConfigError(self._key, _one_line(matcher.get_error()))


def _one_line(error: object) -> str:
    """Return what an error says in one line; one of the regex parser says at the end what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return "llguidance refuses it"
    reasons = [line.removeprefix("error: ") for line in lines[1:] if line.startswith("error: ")]
    return " ".join([lines[0], *reasons[:1]])
