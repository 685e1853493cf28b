"""An encoder and a decoder with its head, or the encoder alone: transformers' classes, checked tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import CheckpointError
from lexarium_transformer.encoders import as_tensors, compare_names, copied_bytes
from lexarium_transformer.foreign import base_prefix, empty_model, seq2seq_model, text_model, tied_names
from lexarium_transformer.generative import Generative
from lexarium_transformer.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import torch
    from numpy.typing import NDArray
    from torch import nn

    from lexarium_transformer.foreign import HeadKind

__all__ = ["KNOWN", "kept_tensors", "open_model"]

#: Architectures whose vectors and texts are held to transformers' own by tests. Others that transformers has
#: listen to sound, or see the neighbours of a text in its batch (experts, attention in blocks).
KNOWN = (
    "t5", "mt5", "umt5", "bart", "mbart", "marian", "pegasus", "m2m_100", "blenderbot", "blenderbot-small",
    "mvp",
)  # fmt: skip
#: What older checkpoints keep, and today's classes make themselves or never use.
_DISPENSABLE = (
    "embed_positions.weights",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
)
_BIAS = "final_logits_bias"  # zeros, unless somebody trained it
_SINUSOIDS = "embed_positions.weight"


def open_model(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], dtype: torch.dtype, where: str
) -> Generative:
    """Build the network that ``config`` describes over ``tensors``; without a decoder where they have none.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    :raises UnsupportedError: it does not fit into the memory, or is not known to transformers.
    """
    require_memory(copied_bytes(tensors, dtype), where)
    head = _head(tensors)
    _compare(empty_model(config, where, head), tensors, where)
    build = seq2seq_model if head == "seq2seq" else text_model
    whole: Any = build(config, as_tensors(tensors, dtype), where)
    return Generative(whole, whole.get_encoder() if head == "seq2seq" else whole, tensors)


def kept_tensors(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], where: str
) -> dict[str, NDArray[Any]]:
    """Return the tensors of a checkpoint by the names of transformers' class that writes text.

    The embeddings, which may stand under several names, are kept once; a head of its own is kept. What
    follows from the config alone (sinusoidal positions, a bias of zeros) is made where it is left out.
    A checkpoint may hold an encoder alone, as T5's do that were trained for vectors.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    :raises UnsupportedError: an encoder alone, of an architecture that transformers has no such class for.
    """
    head = _head(tensors)
    empty = empty_model(config, where, head)
    expected = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    prefix = f"{base_prefix(config, where)}."
    kept: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors.items():
        full = name if name in expected else prefix + name
        if full in expected:
            kept[full] = tensor
        elif not name.endswith(_DISPENSABLE):
            problem = f"the tensor {name!r} is none of the architecture {config['model_type']!r}"
            raise CheckpointError(where, problem, "config.json and weights belong to different models")
    _untie(empty, kept)
    _complete(empty, kept)
    _compare(empty, kept, where)
    return kept


def _head(names: Iterable[str]) -> HeadKind:
    """Return what a checkpoint with tensors of these names is: both parts, or an encoder alone."""
    both = any("decoder." in name and "embed_tokens" not in name for name in names)
    return "seq2seq" if both else "text"


def _untie(empty: nn.Module, kept: dict[str, NDArray[Any]]) -> None:
    """Leave one name to tensors that stand under several."""
    sources: dict[str, str] = dict(getattr(empty, "all_tied_weights_keys", None) or {})
    for name, source in sources.items():
        if name in kept and source not in kept:
            kept[source] = kept[name]
    for name, source in sources.items():
        if name in kept and np.array_equal(kept[name], kept[source]):
            del kept[name]


def _complete(empty: nn.Module, kept: dict[str, NDArray[Any]]) -> None:
    """Make what follows from the config, where the checkpoint leaves it out."""
    shapes = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    if _BIAS in shapes and _BIAS not in kept:
        kept[_BIAS] = np.zeros(shapes[_BIAS], np.float32)
    for name in shapes:
        module: Any = empty.get_submodule(name.rpartition(".")[0]) if name.endswith(_SINUSOIDS) else None
        if name not in kept and hasattr(module, "create_weight"):
            kept[name] = module.create_weight().numpy()


def _compare(empty: nn.Module, found: Mapping[str, NDArray[Any]], where: str) -> None:
    tied = tied_names(empty)
    shapes = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    expected = {name: shape for name, shape in shapes.items() if name not in tied or name in found}
    compare_names(expected, {name: tensor.shape for name, tensor in found.items()}, where)
