"""Models that write text: how they are asked, and what they give back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias, runtime_checkable

from lexarium.config import require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Chats", "Ending", "GenerateConfig", "Generated", "Generator", "Perplexity", "Predicts"]

#: Why a text ends: the model ended it, a stop string came, or there was no room for more tokens.
Ending: TypeAlias = Literal["end", "stop", "length"]
_MOST_EXPONENT = 700.0  # e to the power of 710 is no float


@dataclass(frozen=True, kw_only=True)
class GenerateConfig:
    """How to write, with the names that transformers' ``GenerationConfig`` has for it.

    Without sampling the likeliest token is taken each time (greedy), or the likeliest text of ``num_beams``.
    ``do_sample`` left open: it is sampled where ``temperature``, ``top_k``, ``top_p`` or ``min_p`` is given.
    Under one ``seed`` the same prompts in the same order give the same texts.

    ``stop_strings``: a text ends before the first of them. ``force_words``: what a text must contain; what
    is missing when it would end, or when there is room for nothing else, is written then.
    ``bad_words``: what no text contains, in this spelling, not even within a word. ``json_schema`` and
    ``regex``: what the whole text conforms to. ``truncate="left"``: of a prompt that is too long the end
    is kept; otherwise it is an error.
    """

    max_new_tokens: int = 128
    min_new_tokens: int = 0
    do_sample: bool | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    num_beams: int = 1
    length_penalty: float = 1.0
    early_stopping: bool = False
    seed: int = 0
    stop_strings: tuple[str, ...] = ()
    force_words: tuple[str, ...] = ()
    bad_words: tuple[str, ...] = ()
    json_schema: str | None = None
    regex: str | None = None
    truncate: Literal["left"] | None = None

    def __post_init__(self) -> None:
        """Check ranges, and what does not go together."""
        require("max_new_tokens", self.max_new_tokens >= 1, f"{self.max_new_tokens} is below 1")
        room = 0 <= self.min_new_tokens <= self.max_new_tokens
        require("min_new_tokens", room, f"{self.min_new_tokens} is not from 0 to max_new_tokens")
        require("num_beams", self.num_beams >= 1, f"{self.num_beams} is below 1")
        size = self.no_repeat_ngram_size
        require("no_repeat_ngram_size", size >= 0, f"{size} is below 0")
        require(
            "repetition_penalty", self.repetition_penalty > 0, f"{self.repetition_penalty} is not above 0"
        )
        heat = self.temperature
        require("temperature", heat is None or heat > 0, f"{heat} is not above 0; do_sample=false is greedy")
        require("top_k", self.top_k is None or self.top_k >= 1, f"{self.top_k} is below 1")
        for key in ("top_p", "min_p"):
            share = getattr(self, key)
            require(key, share is None or 0 < share <= 1, f"{share} is not above 0 and at most 1")
        for key in ("stop_strings", "force_words", "bad_words"):
            require(key, all(getattr(self, key)), "holds an empty text")
        require("seed", 0 <= self.seed < 2**63, f"{self.seed} is not from 0 to 2**63 - 1")
        self._check_together()

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn."""
        if self.do_sample is not None:
            return self.do_sample
        return any(value is not None for value in (self.temperature, self.top_k, self.top_p, self.min_p))

    def _check_together(self) -> None:
        grammar = "json_schema" if self.json_schema is not None else "regex"
        given = self.json_schema is not None or self.regex is not None
        both = self.json_schema is not None and self.regex is not None
        require("regex", not both, "goes without json_schema: a text conforms to one of them")
        require(grammar, not given or self.num_beams == 1, "goes with num_beams=1 only")
        require(grammar, not (given and self.force_words), "goes without force_words: put them into it")
        require("force_words", not (self.force_words and self.stop_strings), "goes without stop_strings")
        clash = next((w for w in self.force_words if any(bad in w for bad in self.bad_words)), None)
        require("force_words", clash is None, f"{clash!r} is among bad_words as well")


@dataclass(frozen=True, kw_only=True)
class Generated:
    """One text: what was written after the prompt, its tokens (the one that ends it is left out), its end."""

    text: str
    tokens: tuple[int, ...]
    ending: Ending


@runtime_checkable
class Generator(Protocol):
    """Models that go on with a text, or answer it."""

    def generate(
        self,
        prompts: Sequence[str],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> list[Generated]:
        """Return one text per prompt, in order; ``on_text`` is told the text of a single prompt as it grows.

        :raises InputError: a prompt is not a string, or it is longer than the model can see.
        :raises ConfigError: a setting does not go with the model.
        """
        ...


@runtime_checkable
class Chats(Generator, Protocol):
    """Generators that were trained on conversations."""

    def chat_prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return the prompt that :meth:`chat` answers for messages of ``role`` and ``content``.

        :raises UnsupportedError: the model has no template of conversations.
        """
        ...

    def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Generated:
        """Return the answer to messages of ``role`` (system, user, assistant) and ``content``.

        :raises UnsupportedError: the model has no template of conversations.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """How well a text is predicted: ``loss`` is the mean of -ln p of ``tokens``; ``size`` in UTF-8 bytes.

    Without a token that anything comes before, ``loss`` is not a number.
    """

    loss: float
    tokens: int
    size: int

    @property
    def perplexity(self) -> float:
        """``exp(loss)``; comparable between models with one tokenizer only."""
        return math.inf if self.loss > _MOST_EXPONENT else math.exp(self.loss)

    @property
    def bits_per_byte(self) -> float:
        """Bits for each byte of the texts; comparable between tokenizers."""
        return self.loss * self.tokens / math.log(2) / self.size if self.size else math.nan

    @classmethod
    def together(cls, parts: Sequence[Self]) -> Self:
        """Return that of several texts: each token counts as much as another."""
        tokens = sum(part.tokens for part in parts)
        total = math.fsum(part.loss * part.tokens for part in parts if part.tokens)
        size = sum(part.size for part in parts)
        return cls(loss=total / tokens if tokens else math.nan, tokens=tokens, size=size)


@runtime_checkable
class Predicts(Protocol):
    """Models that give each next token a probability."""

    def perplexity(self, texts: Sequence[str], stride: int | None = None) -> list[Perplexity]:
        """Return how well each text is predicted, each from its own beginning.

        :raises ConfigError: ``stride`` is not from 1 to the length that the model sees.
        """
        ...
