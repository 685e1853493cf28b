"""A decoder that can be trained: on a task through its vectors, or on the next token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import UnsupportedError
from lexarium_gpt.predicting import next_token_loss
from lexarium_transformer.generative import Generative
from lexarium_transformer.network import EncoderNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["DecoderNetwork"]


class DecoderNetwork(EncoderNetwork):
    """The decoder of an embedder with weights of its own, that an optimiser may change."""

    def loss(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Return the mean of -ln p over the tokens of a :meth:`collate` batch that follow another.

        :raises UnsupportedError: the checkpoint came without the head that predicts the next token.
        """
        decoder = self.loaded
        if not isinstance(decoder, Generative):
            raise UnsupportedError("this checkpoint predicts no token", "take one that came with its head")
        ids, mask = batch["input_ids"], batch["attention_mask"]
        scores = decoder.whole(input_ids=ids, attention_mask=mask.to(ids.dtype)).logits
        return next_token_loss(scores, ids, mask)
