"""An encoder that can be trained: texts to a batch, a batch to token states and pooled vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from lexarium.inputs import check_texts
from lexarium.roles import Encoded
from lexarium_transformer.inference import padded
from lexarium_transformer.pooling import mix, pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium_transformer.config import EncoderConfig
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.tokens import TextTokenizer

__all__ = ["EncoderNetwork"]


class EncoderNetwork(nn.Module):
    """The encoder of an embedder with weights of its own, that an optimiser may change."""

    def __init__(self, loaded: Loaded, tokenizer: TextTokenizer, config: EncoderConfig, padding: int) -> None:
        """Take over ``loaded``, whose weights are copied: those of a stored model can only be read."""
        super().__init__()
        for parameter in loaded.encoder.parameters():
            parameter.data = parameter.data.float().clone()
        self.encoder = loaded.encoder.requires_grad_()
        self._loaded = [loaded]  # in a list, so that it is no module of this one twice
        self._tokenizer = tokenizer
        self._config = config
        self._padding = padding

    @property
    def loaded(self) -> Loaded:
        """The encoder that is trained, and what is known of it."""
        return self._loaded[0]

    def collate(self, inputs: Sequence[str]) -> dict[str, Tensor]:
        """Return ``input_ids`` (B, T) int64 and ``attention_mask`` (B, T) bool; what is too long is cut.

        :raises InputError: an input is not a string.
        """
        pieces = self._tokenizer.first(check_texts(inputs))
        # A text without a token, under a tokenizer without special ones, is one token of padding.
        ids, mask = padded([piece.ids or [self._padding] for piece in pieces], self._padding)
        return {"input_ids": ids, "attention_mask": ids.new_ones(ids.shape).bool() if mask is None else mask}

    def forward(self, batch: Mapping[str, Tensor]) -> Encoded:
        """Return token states (B, T, H), their mask (B, T) and pooled vectors (B, H), which carry gradients.

        Neither ``truncate_dim`` nor ``normalize`` is applied: a loss does that where it wants it.
        """
        mask = batch["attention_mask"]
        layers = self._config.layers
        states = mix(self.encoder(batch["input_ids"], mask, every=layers != (-1,)), layers)
        return Encoded(tokens=states, mask=mask, pooled=pool(states, mask, self._config.pooling or "mean"))

    def layers(self) -> list[nn.Module]:
        """Return the modules from input to output: the embeddings, then each layer."""
        return self._loaded[0].blocks()

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by the checkpoint's names."""
        return self._loaded[0].weights()
