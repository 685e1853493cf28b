"""An encoder-decoder that can be trained: on a task through its vectors, or on texts for texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from lexarium.errors import InputError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium_transformer.inference import padded
from lexarium_transformer.network import EncoderNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from lexarium_t5.targets import Targets
    from lexarium_transformer.config import EncoderConfig
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.generative import Generative
    from lexarium_transformer.tokens import TextTokenizer

__all__ = ["EncoderDecoderNetwork"]

_IGNORED = -100  # the label that torch's cross-entropy leaves out


class EncoderDecoderNetwork(EncoderNetwork):
    """The network of an embedder with weights of its own, that an optimiser may change."""

    def __init__(
        self, loaded: Loaded, parts: tuple[TextTokenizer, Targets], config: EncoderConfig, padding: int
    ) -> None:
        """Take over ``loaded``, whose weights are copied, and the tokenizers of what is read and written."""
        tokenizer, self._targets = parts
        super().__init__(loaded, tokenizer, config, padding)

    def collate_pairs(
        self, inputs: Sequence[str], targets: Sequence[str], language: str | None = None
    ) -> dict[str, Tensor]:
        """Return the batch of :meth:`collate` and ``labels`` (B, U) int64: the ids of ``targets``.

        Padding has the label -100. What is longer than ``max_length`` is cut. A prompt stands before inputs
        alone. ``language`` is that of the targets, where the model has a token for it (mBART, M2M-100, NLLB).

        :raises InputError: a text is not a string, or there is not one target per input.
        :raises ConfigError: the language is left open, or the model does not know it.
        """
        if len(inputs) != len(targets):
            raise InputError("targets", f"{len(targets)} for {len(inputs)} inputs", "give one per input")
        rows = [row or [self._padding] for row in self._targets.encode(check_texts(targets), language)]
        ids, mask = padded(rows, self._padding)
        labels = ids if mask is None else ids.masked_fill(~mask, _IGNORED)
        return {**self.collate(inputs), "labels": labels}

    def loss(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the mean of -ln p over the labels of a :meth:`collate_pairs` batch; carries gradients.

        :raises UnsupportedError: the checkpoint came without its decoder.
        """
        ids = batch["input_ids"]
        whole = cast("Generative", self.loaded).whole
        if not whole.can_generate():
            raise UnsupportedError("this checkpoint has no decoder", "take one that came with both parts")
        mask = batch["attention_mask"].to(ids.dtype)
        found: Tensor = whole(input_ids=ids, attention_mask=mask, labels=batch["labels"]).loss
        return found.to(torch.float32)
