"""Weights of an encoder laid out for this processor, for many texts one after the other.

oneDNN wants a matrix in blocks of its own and rearranges it in every call; here it is done once. Query, key
and value are one product, and GELU is computed on the products as they leave the registers. The weights are
copied: they take their memory a second time.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from lexarium_transformer.memory import available_memory
from lexarium_transformer.model import Encoder

if TYPE_CHECKING:
    from torch import Tensor

    from lexarium_transformer.model import Layer

__all__ = ["PackedLayer", "pack"]

_ROWS = 512  # tokens of a product that the layout is chosen for; it holds for any
#: What oneDNN calls an activation, and its kind: "none" is GELU by the error function.
_FUSED = {functional.gelu: ("gelu", "none"), functional.relu: ("relu", "")}
_DTYPES = (torch.float32, torch.bfloat16)


def pack(encoder: nn.Module) -> nn.Module:
    """Return an encoder that gives the same states from packed weights, for inference alone.

    It is the encoder itself where torch has no oneDNN, the encoder is on a GPU or is not one of
    :mod:`lexarium_transformer.model`, or its weights do not fit into the memory a second time.
    """
    if not isinstance(encoder, Encoder) or not _can_pack(encoder):
        return encoder
    packed = copy.copy(encoder)
    packed._modules = dict(encoder._modules)  # noqa: SLF001  a shallow copy shares the table of modules
    packed.layers = nn.ModuleList([PackedLayer(layer) for layer in encoder.layers])  # type: ignore[arg-type]
    return packed


def _can_pack(encoder: Encoder) -> bool:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    ops: Any = torch.ops.mkldnn
    if not (hasattr(ops, "_linear_pointwise") and hasattr(ops, "_reorder_linear_weight")):
        return False
    weights = [parameter for layer in encoder.layers for parameter in layer.parameters()]
    if any(weight.device.type != "cpu" or weight.dtype not in _DTYPES for weight in weights):
        return False
    free = available_memory()
    return free is None or free > 2 * sum(weight.nbytes for weight in weights)


class PackedLayer(nn.Module):
    """What a :class:`lexarium_transformer.model.Layer` computes, without its dropout."""

    def __init__(self, layer: Layer) -> None:
        """Copy the weights of ``layer``."""
        super().__init__()
        self._heads = layer.heads
        parts = (layer.query, layer.key, layer.value)
        weight = torch.cat([part.weight for part in parts])
        self._mixed = _Product(weight, torch.cat([part.bias for part in parts]))
        self._output = _Product(layer.attention_output.weight, layer.attention_output.bias)
        self.attention_norm = layer.attention_norm
        fused = next((name for known, name in _FUSED.items() if known is layer.activation), None)
        self._up = _Product(layer.up.weight, layer.up.bias, fused)
        self._after = None if fused else layer.activation
        self._down = _Product(layer.down.weight, layer.down.bias)
        self.output_norm = layer.output_norm

    def forward(self, state: Tensor, bias: Tensor | None) -> Tensor:
        """Return the hidden states after this layer, (B, T, H)."""
        batch, tokens, _ = state.shape
        mixed = self._mixed(state).view(batch, tokens, 3, self._heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)  # each (B, A, T, H / A)
        seen = functional.scaled_dot_product_attention(query, key, value, bias)
        state = self.attention_norm(self._output(seen.transpose(1, 2).flatten(2)).add_(state))
        inner = self._up(state)
        if self._after is not None:
            inner = self._after(inner)
        result: Tensor = self.output_norm(self._down(inner).add_(state))
        return result


class _Product:
    """x Wᵀ + b, and a function of that."""

    def __init__(self, weight: Tensor, bias: Tensor, fused: tuple[str, str] | None = None) -> None:
        ops: Any = torch.ops.mkldnn
        self._multiply = ops._linear_pointwise  # noqa: SLF001  as torch's compiler calls it
        self._weight = ops._reorder_linear_weight(weight.detach().contiguous(), _ROWS)  # noqa: SLF001
        self._bias = bias.detach().contiguous()
        self._fused = fused or ("none", "")

    def __call__(self, given: Tensor) -> Tensor:
        name, kind = self._fused
        result: Tensor = self._multiply(given.contiguous(), self._weight, self._bias, name, [], kind)
        return result
