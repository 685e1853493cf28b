"""Tokens that transformers' ``generate`` writes, for decoders and for encoder-decoders."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from lexarium.errors import ConfigError
from lexarium.generation import Generated
from lexarium_transformer.constraints import BadWords, ForcedWords, StopStrings
from lexarium_transformer.grammar import Grammar
from lexarium_transformer.streaming import TextStream
from lexarium_transformer.token_bytes import TokenBytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium.generation import Ending, GenerateConfig

__all__ = ["Job", "Voice", "seeded", "special_ids"]

_CONTEXT = 8  # tokens of a prompt that decide how the text after it is spelt
_USUAL_TOP_K = 50  # transformers'


@dataclass(frozen=True, kw_only=True)
class Job:
    """One batch: what ``generate`` takes, where the texts begin in its answer, and the tokens before each.

    ``settings`` are of transformers' ``GenerationConfig``, for this batch alone.
    """

    inputs: Mapping[str, Any]
    start: int
    prompts: Sequence[Sequence[int]]
    room: int
    settings: Mapping[str, Any] = field(default_factory=dict)


class Voice:
    """A model of transformers that writes, its tokenizer, and the ids of its special tokens."""

    def __init__(self, model: Any, tokenizer: Tokenizer, ends: Sequence[int], padding: int) -> None:  # noqa: ANN401  a GenerationMixin
        """Join the parts; ``tokenizer`` cuts nothing off and fills nothing up."""
        self.model = model
        self.tokenizer = tokenizer
        self.ends = list(ends)
        self.padding = padding
        self._table = TokenBytes(tokenizer)

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text without special tokens around it."""
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    @torch.inference_mode()
    def write(
        self, job: Job, config: GenerateConfig, on_text: Callable[[str], object] | None
    ) -> list[Generated]:
        """Return one text per row of a job.

        :raises ConfigError: the settings do not go with the model.
        """
        if on_text is not None and config.num_beams > 1:
            raise ConfigError("num_beams", "goes without streaming: a beam is known at its end only")
        stops = [StopStrings(config.stop_strings, self._table, job.start)] if config.stop_strings else []
        streamer = None
        if on_text is not None:
            before = job.prompts[0][-_CONTEXT:]
            streamer = TextStream(lambda tokens: self._decoded(tokens, before), config.stop_strings, on_text)
        ids: Tensor = self.model.generate(
            **job.inputs,
            generation_config=self._settings(job, config),
            logits_processor=self._processors(job, config),
            stopping_criteria=stops,
            streamer=streamer,
        )
        written = ids[:, job.start :].tolist()
        return [self._generated(row, job, n, config) for n, row in enumerate(written)]

    def _settings(self, job: Job, config: GenerateConfig) -> Any:  # noqa: ANN401  transformers' GenerationConfig
        from transformers import GenerationConfig  # noqa: PLC0415  takes seconds

        drawn = {}
        if config.samples:
            drawn = {
                "temperature": 1.0 if config.temperature is None else config.temperature,
                "top_k": _USUAL_TOP_K if config.top_k is None else config.top_k,
                "top_p": 1.0 if config.top_p is None else config.top_p,
                "min_p": config.min_p,
            }
        if config.num_beams > 1:
            drawn |= {"length_penalty": config.length_penalty, "early_stopping": config.early_stopping}
        return GenerationConfig(  # type: ignore[no-untyped-call]
            max_new_tokens=job.room,
            min_new_tokens=min(config.min_new_tokens, job.room) or None,
            do_sample=config.samples,
            num_beams=config.num_beams,
            repetition_penalty=config.repetition_penalty,
            no_repeat_ngram_size=config.no_repeat_ngram_size,
            eos_token_id=self.ends or None,
            pad_token_id=self.ends[0] if self.ends else self.padding,
            **drawn,
            **job.settings,
        )

    def _processors(self, job: Job, config: GenerateConfig) -> list[Any]:
        found: list[Any] = []
        if config.json_schema is not None or config.regex is not None:
            if not self.ends:
                raise ConfigError("json_schema", "the model has no token that ends a text")
            found.append(Grammar(config, self.tokenizer.to_str(), self.ends, job.start))
        if config.bad_words:
            found.append(BadWords(config.bad_words, self._table, job.start))
        if config.force_words:
            place = (job.start, job.room)
            found.append(ForcedWords(config.force_words, self._table, self.encode, self.ends, place))
        return found

    def _generated(self, row: list[int], job: Job, number: int, config: GenerateConfig) -> Generated:
        end = next((place for place, token in enumerate(row) if token in self.ends), None)
        ending: Ending = "length" if end is None else "end"
        stop = self._stop(row[:end], config.stop_strings)
        tokens = row[:end] if stop is None else row[: stop[0]]
        text = self._decoded(tokens, job.prompts[number][-_CONTEXT:])
        if stop is not None:
            text, ending = self._before(text, tokens, stop[1], config.stop_strings), "stop"
        return Generated(text=text, tokens=tuple(tokens), ending=ending)

    def _stop(self, tokens: list[int], stops: Sequence[str]) -> tuple[int, int] | None:
        """Return how many tokens complete the first stop string, and how many bytes are before it.

        The tokens after those fill up the batch.
        """
        written = b""
        wanted = [stop.encode("utf-8", "replace") for stop in stops]
        for place, token in enumerate(tokens):
            written += self._table.join([token])
            places = [at for at in map(written.find, wanted) if at >= 0]
            if places:
                return place + 1, min(places)
        return None

    def _before(self, text: str, tokens: list[int], size: int, stops: Sequence[str]) -> str:
        """Return the text before a stop string, which begins after ``size`` bytes of its tokens."""
        places = [place for place in map(text.find, stops) if place >= 0]
        if places:
            return text[: min(places)]
        # A decoder takes away the blank that a text begins with, and it is a part of the stop string.
        begun = self._table.join(tokens)[:size].decode("utf-8", "replace")
        return begun if text.startswith(" ") else begun.removeprefix(" ")

    def _decoded(self, tokens: list[int], before: Sequence[int]) -> str:
        """Return the text of tokens, with the blank before it that a decoder takes away at a beginning."""
        first = self.tokenizer.decode(list(before))
        whole = self.tokenizer.decode([*before, *tokens])
        return str(whole[len(first) :] if whole.startswith(first) else self.tokenizer.decode(tokens))


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Draw under ``seed``, and give torch its own random numbers back after that."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def special_ids(settings: Sequence[Mapping[str, Any]], key: str) -> list[int]:
    """Return the ids that the first of ``settings`` to say so has for ``key``, as ``eos_token_id``."""
    for found in settings:
        value = found.get(key)
        ids = value if isinstance(value, list) else [value]
        good = [one for one in ids if isinstance(one, int) and not isinstance(one, bool) and one >= 0]
        if good:
            return good
    return []
