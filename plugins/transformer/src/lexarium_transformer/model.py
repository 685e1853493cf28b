"""The encoder of Devlin et al., "BERT", 2018, and what its family changes in it.

RoBERTa (Liu et al., 2019) and XLM-R count positions from the padding id, DistilBERT (Sanh et al., 2019)
has no token types, ELECTRA (Clark et al., 2020) may widen its embeddings, MPNet (Song et al., 2020) adds a
bias by relative position, bucketed as T5's (Raffel et al., 2020, section 2.1).

Shapes: B texts, T tokens, H components, A heads of H / A components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ACTIVATIONS", "Architecture", "Encoder", "Layer"]

_BUCKETS, _FURTHEST = 32, 128  # of relative positions, in MPNet

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "gelu_new": lambda x: functional.gelu(x, approximate="tanh"),
    "gelu_pytorch_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "relu": functional.relu,
    "silu": functional.silu,
    "swish": functional.silu,
}


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The sizes of an encoder.

    ``types`` and ``buckets`` are 0 where there are no token types and no relative positions;
    ``padding`` is None where positions count from 0, else the id after which they count.
    """

    vocabulary: int
    hidden: int
    embedding: int
    layers: int
    heads: int
    inner: int
    positions: int
    types: int
    buckets: int
    padding: int | None
    eps: float
    activation: str
    dropout: float
    attention_dropout: float


class _Linear(nn.Linear):
    """Weights are loaded or drawn later; to draw them on the device meta, torch imports its compiler."""

    def reset_parameters(self) -> None:
        pass


class _Embedding(nn.Embedding):
    """As :class:`_Linear`."""

    def reset_parameters(self) -> None:
        pass


class _LayerNorm(nn.LayerNorm):
    """As :class:`_Linear`."""

    def reset_parameters(self) -> None:
        pass


class Encoder(nn.Module):
    """Ids of tokens to their hidden states."""

    def __init__(self, shape: Architecture, device: str | None = None) -> None:
        """Build the modules; on the device ``meta`` they hold no numbers."""
        super().__init__()
        self.shape = shape
        width = shape.embedding
        self.word = _Embedding(shape.vocabulary, width, device=device)
        self.position = _Embedding(shape.positions, width, device=device)
        if shape.types:
            self.token_type = _Embedding(shape.types, width, device=device)
        self.embedding_norm = _LayerNorm(width, eps=shape.eps, device=device)
        if width != shape.hidden:
            self.project = _Linear(width, shape.hidden, device=device)
        if shape.buckets:
            self.relative = _Embedding(shape.buckets, shape.heads, device=device)
        self.layers = nn.ModuleList([Layer(shape, device) for _ in range(shape.layers)])
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, ids: Tensor, mask: Tensor | None, *, every: bool = False) -> list[Tensor]:
        """Return the last hidden states, or ``every``: those of the embeddings and of each layer.

        *Shapes:* ids (B, T) int64; mask (B, T) bool, True at tokens and False at padding, which is at
        the end, or None where there is no padding; each hidden state (B, T, H).
        """
        state = self._embed(ids)
        bias = self._bias(mask, state)
        states = [state]
        for layer in self.layers:
            state = layer(state, bias)
            if every:
                states.append(state)
        return states if every else [state]

    @property
    def embeddings(self) -> nn.Module:
        """What comes before the first layer."""
        names = ("word", "position", "token_type", "embedding_norm", "project", "relative")
        return nn.ModuleDict({name: getattr(self, name) for name in names if hasattr(self, name)})

    def _embed(self, ids: Tensor) -> Tensor:
        padding = self.shape.padding
        if padding is None:
            positions = torch.arange(ids.shape[1], device=ids.device)
        else:
            counted = (ids != padding).long()  # graphs sum no truth values
            positions = counted.cumsum(1) * counted + padding
        state: Tensor = self.word(ids)
        if self.shape.types:
            state = state + self.token_type.weight[0]
        state = self.dropout(self.embedding_norm(state + self.position(positions)))
        return self.project(state) if hasattr(self, "project") else state

    def _bias(self, mask: Tensor | None, state: Tensor) -> Tensor | None:
        """Return what attention adds to its scores, or what it may see: (B or 1, A or 1, T or 1, T)."""
        seen = None if mask is None else mask[:, None, None, :]
        if not self.shape.buckets:
            return seen
        places = torch.arange(state.shape[1], device=state.device)
        bias: Tensor = self.relative(_bucket(places[None, :] - places[:, None])).permute(2, 0, 1)[None]
        bias = bias.to(state.dtype)
        return bias if seen is None else bias.masked_fill(~seen, float("-inf"))


class Layer(nn.Module):
    """Attention and feed-forward network, each added to its input and normalised after that."""

    def __init__(self, shape: Architecture, device: str | None = None) -> None:
        super().__init__()
        hidden = shape.hidden
        self.heads = shape.heads
        self.attention_dropout = shape.attention_dropout
        self.query = _Linear(hidden, hidden, device=device)
        self.key = _Linear(hidden, hidden, device=device)
        self.value = _Linear(hidden, hidden, device=device)
        self.attention_output = _Linear(hidden, hidden, device=device)
        self.attention_norm = _LayerNorm(hidden, eps=shape.eps, device=device)
        self.up = _Linear(hidden, shape.inner, device=device)
        self.down = _Linear(shape.inner, hidden, device=device)
        self.output_norm = _LayerNorm(hidden, eps=shape.eps, device=device)
        self.activation = ACTIVATIONS[shape.activation]
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, state: Tensor, bias: Tensor | None) -> Tensor:
        """Return the hidden states after this layer, (B, T, H)."""
        query, key, value = (self._split(part(state)) for part in (self.query, self.key, self.value))
        dropped = self.attention_dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(query, key, value, bias, dropped)
        mixed = mixed.transpose(1, 2).flatten(2)
        state = self.attention_norm(state + self.dropout(self.attention_output(mixed)))
        inner = self.down(self.activation(self.up(state)))
        result: Tensor = self.output_norm(state + self.dropout(inner))
        return result

    def _split(self, state: Tensor) -> Tensor:
        """Return (B, A, T, H / A) of (B, T, H)."""
        return state.view(*state.shape[:2], self.heads, -1).transpose(1, 2)


def _bucket(distance: Tensor) -> Tensor:
    """Return the bucket of each distance: near ones have their own, far ones share by their logarithm."""
    half = _BUCKETS // 2
    exact = half // 2
    away = distance.abs()
    ratio = torch.log(away.clamp(min=1).float() / exact) / math.log(_FURTHEST / exact)
    far = (exact + (ratio * (half - exact)).long()).clamp(max=half - 1)
    return half * (distance > 0) + torch.where(away < exact, away, far)
