"""What is to be written, as labels: no prompt before it, and the frame of the language that it is in."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from lexarium.errors import ConfigError
from lexarium_t5.languages import find_language, language_tokens
from lexarium_transformer.tokens import TextTokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokenizers import Tokenizer

__all__ = ["Targets"]


class Targets:
    """What the decoder writes, as ids; its tokenizer is made on first use."""

    def __init__(self, made: Callable[[], Tokenizer], max_length: int, *, lowercase: bool) -> None:
        """Take over what ``made`` makes, which nobody else may hold; ``max_length`` bounds a text."""
        self._made = made
        self._max_length = max_length
        self._lowercase = lowercase

    def encode(self, texts: Sequence[str], language: str | None) -> list[list[int]]:
        """Return the ids of texts in ``language``, special ones among them; what is too long is cut.

        :raises ConfigError: the model has tokens of languages, and not of this one, or none is named; or
            it has none, and one is named.
        """
        tokenizer, languages = self._parts
        rows = [piece.ids for piece in tokenizer.first(texts)]
        if not languages:
            if language is not None:
                raise ConfigError("language", "the model has no tokens of languages: leave it out")
            return rows
        goal = languages[find_language("language", language, languages)]
        every = set(languages.values())
        return [[goal if one in every else one for one in row] for row in rows]

    @cached_property
    def _parts(self) -> tuple[TextTokenizer, dict[str, int]]:
        raw = self._made()
        return TextTokenizer(raw, self._max_length, lowercase=self._lowercase), language_tokens(raw)
