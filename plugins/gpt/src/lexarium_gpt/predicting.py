"""How well a decoder predicts texts: perplexity (Jelinek et al., 1977), and the loss that training lowers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from lexarium_gpt.prefill import keeps_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["next_token_loss", "text_loss"]

_TOGETHER = 256  # tokens whose scores, one per token of the vocabulary each, are held at a time


@torch.inference_mode()
def text_loss(model: Any, ids: Sequence[int], window: int, stride: int) -> tuple[float, int]:  # noqa: ANN401  a GenerationMixin
    """Return the sum of -ln p of the tokens of a text, and their number: all but the first.

    A text of more than ``window`` tokens is read in windows that start ``stride`` tokens apart; in each,
    only the tokens count that none before it had, so each has window - stride tokens before it at least.
    """
    total, counted, done = 0.0, 0, 1
    for begin in range(0, max(len(ids) - 1, 0), stride):
        end = min(begin + window, len(ids))
        losses = _losses(model, ids[begin:end])  # of the tokens begin + 1 to end - 1
        new = losses[done - begin - 1 :]
        total += float(new.sum())
        counted += len(new)
        done = end
        if end == len(ids):
            break
    return total, counted


def next_token_loss(scores: Tensor, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of -ln p over the tokens of a batch that follow another; carries gradients.

    *Shapes:* scores (B, T, V); ids (B, T) int64; mask (B, T) bool, True at tokens, which come before padding.
    """
    wanted = ids[:, 1:].masked_fill(~mask[:, 1:], -100)
    return functional.cross_entropy(scores[:, :-1].float().flatten(0, 1), wanted.flatten(), ignore_index=-100)


def _losses(model: Any, ids: Sequence[int]) -> Tensor:  # noqa: ANN401  as above
    """Return -ln p of each token but the first, (t - 1,) float64."""
    from transformers import DynamicCache  # noqa: PLC0415  takes seconds

    device = next(model.parameters()).device
    whole = torch.tensor(ids, device=device)[None]
    kept: dict[str, Any] = {}
    together = len(ids)
    if keeps_keys(model):
        kept = {"past_key_values": DynamicCache(config=model.config), "use_cache": True}
        together = _TOGETHER
    found = []
    for start in range(0, len(ids) - 1, together):
        end = min(start + together, len(ids) - 1)
        scores = model(input_ids=whole[:, start:end], **kept).logits[0].float()
        found.append(functional.cross_entropy(scores, whole[0, start + 1 : end + 1], reduction="none"))
    return torch.cat(found).double()
