"""transformers' own networks, where their loss computes more than it needs; the weights are theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import transformers
from torch.nn.functional import cross_entropy

from lexarium_transformer.pretraining.objective import IGNORED

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BertForMaskedLM"]


class BertForMaskedLM(transformers.BertForMaskedLM):  # type: ignore[no-untyped-call]
    """BERT that scores the tokens that are to be told, and no others: for 15 % of them 15 % of the work.

    config.json names the class, so it has the name of transformers'.
    """

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the ``loss`` of a batch, each (B, T), in nats per token that is told."""
        told = labels != IGNORED
        states = self.bert(input_ids, attention_mask=attention_mask).last_hidden_state
        return {"loss": cross_entropy(self.cls(states[told]), labels[told])}
