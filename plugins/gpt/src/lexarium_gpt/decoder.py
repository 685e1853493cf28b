"""A decoder with the head that predicts the next token: transformers' own class over checked tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.conversion import converted
from lexarium_transformer.encoders import as_tensors, compare_names, copied_bytes
from lexarium_transformer.foreign import (
    base_prefix,
    causal_model,
    empty_model,
    open_foreign,
    tied_names,
)
from lexarium_transformer.generative import Generative, expected_shapes
from lexarium_transformer.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.foreign import Foreign

__all__ = ["kept_tensors", "open_decoder", "require_causal"]

_TRIED = 8  # tokens
_ALIKE = 0.05  # of the length of what is compared: 16 bits are less exact than 32
#: Buffers that older checkpoints keep, and that transformers makes itself; the pooler of a BERT that writes.
_DISPENSABLE = (
    "attn.bias",
    "attn.masked_bias",
    "attention.bias",
    "attention.masked_bias",
    "rotary_emb.inv_freq",
    "pooler.dense.weight",
    "pooler.dense.bias",
)


def open_decoder(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], dtype: torch.dtype, where: str
) -> Foreign:
    """Build the network that ``config`` describes over ``tensors``; without a head where they have none.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    :raises UnsupportedError: it does not fit into the memory, or is not known to transformers.
    """
    require_memory(copied_bytes(tensors, dtype), where)
    expected = expected_shapes(config, where, "causal")
    prefix = f"{base_prefix(config, where)}."
    if not any(name.startswith(prefix) for name in tensors):
        loaded = open_foreign(config, as_tensors(tensors, dtype), where)
        network: Any = loaded.encoder.model
        network.config.use_cache = False
        return loaded
    compare_names(expected, {name: tensor.shape for name, tensor in tensors.items()}, where)
    causal: Any = causal_model(config, as_tensors(tensors, dtype), where)
    causal.config.use_cache = False  # writing asks for it; vectors need none
    return Generative(causal, causal.base_model, expected)


def kept_tensors(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], where: str
) -> dict[str, NDArray[Any]]:
    """Return the tensors of a checkpoint by the names of transformers' class that writes text.

    Its buffers, and a head that is the embeddings over again, are left out. A checkpoint that has no head,
    and needs one, keeps the names of the network without it.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    """
    expected = expected_shapes(config, where, "causal")
    prefix = f"{base_prefix(config, where)}."
    known = expected.keys() | tied_names(empty_model(config, where, "causal"))
    bare = {name.removeprefix(prefix) for name in expected if name.startswith(prefix)}

    def _full(name: str) -> str:
        return prefix + name if name in bare and name not in expected else name

    def _unknown(name: str) -> bool:
        return _full(name) not in known and not name.endswith(_DISPENSABLE)

    if any(map(_unknown, tensors)):
        tensors = converted(config, tensors, where, "causal")
    for name in filter(_unknown, tensors):
        problem = f"the tensor {name!r} is none of the architecture {config['model_type']!r}"
        raise CheckpointError(where, problem, "config.json and weights belong to different models")
    kept = {_full(name): tensor for name, tensor in tensors.items() if _full(name) in expected}
    head = {name for name in expected if not name.startswith(prefix)}
    if head and not head & kept.keys():
        kept = {name.removeprefix(prefix): tensor for name, tensor in kept.items()}
        expected = {n.removeprefix(prefix): shape for n, shape in expected.items() if n not in head}
    compare_names(expected, {name: tensor.shape for name, tensor in kept.items()}, where)
    return kept


@torch.inference_mode()
def require_causal(loaded: Loaded, where: str) -> None:
    """Refuse a network in which a token sees what comes after it: it predicts nothing.

    :raises UnsupportedError: it does.
    """
    device = next(loaded.encoder.parameters()).device
    ids = torch.arange(2 * _TRIED, device=device)[None] % loaded.vocabulary
    whole = loaded.encoder(ids, None)[-1][:, :_TRIED].float()
    begun = loaded.encoder(ids[:, :_TRIED], None)[-1].float()
    if (whole - begun).norm() > _ALIKE * begun.norm():
        what = f"{where}: a token of this architecture sees those after it: it is no decoder"
        raise UnsupportedError(what, "take a model that writes text from left to right, as GPT-2 does")
