"""An encoder-decoder that can be trained: on a task through its vectors, or on texts for texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from lexarium.errors import InputError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium_transformer.network import EncoderNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from lexarium_transformer.generative import Generative

__all__ = ["EncoderDecoderNetwork"]

_IGNORED = -100  # the label that torch's cross-entropy leaves out


class EncoderDecoderNetwork(EncoderNetwork):
    """The network of an embedder with weights of its own, that an optimiser may change."""

    def collate_pairs(self, inputs: Sequence[str], targets: Sequence[str]) -> dict[str, Tensor]:
        """Return the batch of :meth:`collate` and ``labels`` (B, U) int64: the ids of ``targets``.

        Padding has the label -100. What is longer than ``max_length`` is cut.

        :raises InputError: a text is not a string, or there is not one target per input.
        """
        if len(inputs) != len(targets):
            raise InputError("targets", f"{len(targets)} for {len(inputs)} inputs", "give one per input")
        batch, wanted = self.collate(inputs), self.collate(check_texts(targets))
        labels = wanted["input_ids"].masked_fill(~wanted["attention_mask"], _IGNORED)
        return {**batch, "labels": labels}

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
