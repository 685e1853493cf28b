"""Prompts to texts: in batches of like length, none of which changes what is written for another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from lexarium.errors import InputError
from lexarium_gpt.prefill import aligned, keeps_keys, prefilled
from lexarium_transformer.writing import Job, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch

    from lexarium.generation import GenerateConfig, Generated
    from lexarium_transformer.writing import Voice

__all__ = ["generate"]

#: Of a batch: prompts, and tokens with those to be written; each takes some 10 to 100 kB.
_ROWS, _TOKENS = 64, 65_536


@dataclass(frozen=True)
class _Prompt:
    place: int
    ids: list[int]
    room: int


def generate(
    voice: Voice,
    prompts: Sequence[Sequence[int]],
    config: GenerateConfig,
    limit: int | None,
    on_text: Callable[[str], object] | None,
) -> list[Generated]:
    """Return one text per prompt, in order.

    ``limit`` is how many tokens the model sees, those that it writes among them. Each prompt has at least
    one, and leaves room for another.

    :raises InputError: ``on_text`` is given with several prompts.
    """
    if on_text is not None and len(prompts) != 1:
        raise InputError("prompts", f"{len(prompts)} of them are streamed", "stream one prompt at a time")
    device: torch.device = next(voice.model.parameters()).device
    waiting = []
    for place, ids in enumerate(prompts):
        room = config.max_new_tokens if limit is None else min(config.max_new_tokens, limit - len(ids))
        waiting.append(_Prompt(place, list(ids), room))
    found: dict[int, Generated] = {}
    # Penalties for repetition count what a prompt is filled up with, too.
    even = config.repetition_penalty != 1 or config.no_repeat_ngram_size > 0 or not keeps_keys(voice.model)
    with seeded(config.seed, device):
        for batch in _batches(waiting, config, even=even):
            rows = [prompt.ids for prompt in batch]
            if config.num_beams == 1:
                inputs = prefilled(voice.model, rows, voice.padding)
            else:
                inputs = dict(
                    zip(("input_ids", "attention_mask"), aligned(rows, voice.padding, device), strict=True)
                )
            job = Job(inputs=inputs, start=max(map(len, rows)), prompts=rows, room=batch[0].room)
            texts = voice.write(job, config, on_text)
            found |= {prompt.place: text for prompt, text in zip(batch, texts, strict=True)}
    return [found[place] for place in range(len(prompts))]


def _batches(waiting: list[_Prompt], config: GenerateConfig, *, even: bool) -> Iterator[list[_Prompt]]:
    """Yield prompts with room for the same number of tokens, the longest first; ``even``: of one length."""

    def _alike(prompt: _Prompt) -> tuple[int, int]:
        return prompt.room, len(prompt.ids) if even else 0

    for _, group in groupby(sorted(waiting, key=lambda p: (*_alike(p), -len(p.ids), p.place)), _alike):
        batch: list[_Prompt] = []
        for prompt in group:
            if batch:
                size = len(batch[0].ids) + prompt.room
                full = (len(batch) + 1) * config.num_beams
                if full > _ROWS or full * size > _TOKENS:
                    yield batch
                    batch = []
            batch.append(prompt)
        yield batch
