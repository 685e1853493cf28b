"""One vector per text from the hidden states of its tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from lexarium_transformer.config import Pooling

__all__ = ["mix", "pool"]


def mix(states: Sequence[Tensor], layers: Sequence[int]) -> Tensor:
    """Return the mean of the hidden states of ``layers`` (0 the embeddings, -1 the last), (B, T, H)."""
    if len(layers) == 1:
        return states[layers[0]]
    return torch.stack([states[layer] for layer in layers]).mean(0)


def pool(states: Tensor, mask: Tensor | None, pooling: Pooling) -> Tensor:
    """Return one vector per text, (B, H) float32.

    *Shapes:* states (B, T, H), T at least 1; mask (B, T) bool, True at tokens, which come before padding;
    None where there is no padding.
    """
    states = states.float()  # sums of 16-bit numbers would lose what they hold
    if pooling == "cls":
        return states[:, 0]
    if mask is None:
        mask = states.new_ones(states.shape[:2], dtype=torch.bool)
    if pooling == "max":
        return states.masked_fill(~mask[..., None], float("-inf")).amax(1)
    if pooling == "last":
        last = mask.sum(1) - 1
        return states[torch.arange(len(states), device=states.device), last]
    weights = mask.float()
    if pooling == "echo":  # the second half of the tokens, of an odd number without the one in the middle
        count = mask.sum(1, keepdim=True)
        place = torch.arange(states.shape[1], device=states.device)
        weights = weights * (place >= count - count // 2)
    if pooling == "weighted":
        weights = weights * torch.arange(1, states.shape[1] + 1, device=states.device)
    return torch.einsum("bt,bth->bh", weights, states) / weights.sum(1, keepdim=True)
