"""Texts to texts: special tokens around the ids, batches of like length, what the decoder is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lexarium.errors import ConfigError, InputError
from lexarium_transformer.inference import padded
from lexarium_transformer.prompts import encode_prompt
from lexarium_transformer.running import bucket
from lexarium_transformer.tokens import clean
from lexarium_transformer.writing import Job, Voice, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from tokenizers import Tokenizer

    from lexarium.generation import GenerateConfig, Generated

__all__ = ["Frame", "Room", "Speech", "Task", "frame_of"]

#: Tokens of a batch, those to be written among them, times the beams of each.
_TOKENS = 16_384


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The special tokens before and after the ids of a text."""

    lead: tuple[int, ...] = ()
    trail: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is to be done with a text: words before it, other tokens around it, settings of the decoder.

    ``settings`` are of transformers' ``GenerationConfig``, ``usual`` of :class:`GenerateConfig`: what the
    checkpoint says about writing for this task.
    """

    prefix: str = ""
    frame: Frame | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Room:
    """How many tokens a text may have, and how many may be written; None where nothing bounds them."""

    read: int
    written: int | None


class Speech:
    """A network that writes, and how texts come to it."""

    def __init__(self, voice: Voice, room: Room, padding: int) -> None:
        """Join the parts; ``padding`` fills up a batch and is masked."""
        self.voice = voice
        self.frame = frame_of(voice.tokenizer)
        self._room = room
        self._padding = padding

    def write(
        self,
        texts: Sequence[str],
        task: Task,
        config: GenerateConfig,
        on_text: Callable[[str], object] | None,
    ) -> list[Generated]:
        """Return one text per text, in order.

        :raises InputError: a text is longer than the model can see, or several are streamed.
        :raises ConfigError: the settings do not go with the model.
        """
        if on_text is not None and len(texts) != 1:
            raise InputError("prompts", f"{len(texts)} of them are streamed", "stream one prompt at a time")
        frame = task.frame or self.frame
        rows = [self._row(clean(text), task.prefix, frame, config) for text in texts]
        most = self._room.written
        room = config.max_new_tokens if most is None else min(config.max_new_tokens, most)
        if config.min_new_tokens > room:
            raise ConfigError(
                "min_new_tokens", f"{config.min_new_tokens} is more than the {room} of the model"
            )
        device: torch.device = next(self.voice.model.parameters()).device
        found: dict[int, Generated] = {}
        with seeded(config.seed, device):
            sizes = [len(row) + room for row in rows]
            for batch in bucket(sizes, max(1, _TOKENS // config.num_beams)):
                ids, mask = padded([rows[place] for place in batch], self._padding)
                given = ids.new_ones(ids.shape) if mask is None else mask.to(ids.dtype)
                inputs = {"input_ids": ids.to(device), "attention_mask": given.to(device)}
                nothing: list[list[int]] = [[]] * len(batch)  # no text comes before what the decoder writes
                job = Job(inputs=inputs, start=1, prompts=nothing, room=room, settings=task.settings)
                written = self.voice.write(job, config, on_text)
                found |= dict(zip(batch, written, strict=True))
        return [found[place] for place in range(len(texts))]

    def _row(self, text: str, prefix: str, frame: Frame, config: GenerateConfig) -> list[int]:
        """Return the ids of a text; where it is cut on the left, the words before it stay."""
        room = self._room.read - len(frame.lead) - len(frame.trail)
        encode = self.voice.encode
        try:
            ids = encode_prompt(prefix + text, encode, room, None)
        except InputError:
            if config.truncate is None:
                raise
            ahead = encode(prefix) if prefix else []
            if len(ahead) >= room:
                raise
            ids = [*ahead, *encode_prompt(text, encode, room - len(ahead), "left")]
        # A text without a token, of a model without special ones, is one token of padding.
        return [*frame.lead, *ids, *frame.trail] or [self._padding]


def frame_of(tokenizer: Tokenizer) -> Frame:
    """Return the special tokens that a tokenizer puts around a text."""
    found = tokenizer.encode("a")
    inside = [place for place, out in enumerate(found.special_tokens_mask) if not out]
    if not inside:
        return Frame(trail=tuple(found.ids))
    return Frame(lead=tuple(found.ids[: inside[0]]), trail=tuple(found.ids[inside[-1] + 1 :]))
