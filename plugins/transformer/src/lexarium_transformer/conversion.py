"""Tensors as classes of transformers hold them: it renames some as it loads, and puts others together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.encoders import as_tensors
from lexarium_transformer.foreign import class_of, number_of, quiet, refused, tied_names
from lexarium_transformer.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from lexarium_transformer.foreign import HeadKind

__all__ = ["converted"]


def converted(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], where: str, head: HeadKind
) -> dict[str, NDArray[Any]]:
    """Return a checkpoint's tensors by the names of the class that computes them, and in its pieces.

    What the class does not have keeps its name; what the checkpoint lacks is not made up, and a tensor that
    is another over again is left out.

    :raises CheckpointError: transformers refuses them.
    :raises UnsupportedError: what it makes of them is something else when it is loaded again; or the memory
        does not hold them twice more.
    """
    require_memory(2 * sum(tensor.nbytes for tensor in tensors.values()), where)
    halves = {tensor.dtype.name for tensor in tensors.values() if tensor.dtype.kind == "f"} == {"float16"}
    dtype = torch.float16 if halves else torch.float32
    state, unknown = _loaded(config, as_tensors(tensors, dtype), where, head)
    if not any(tensor.is_floating_point() for tensor in state.values()):
        return dict(tensors)  # none of them is the architecture's
    again, _ = _loaded(config, state, where, head)
    if any(name not in again or not torch.equal(again[name], tensor) for name, tensor in state.items()):
        what = f"{where}: the architecture {config['model_type']!r} is not supported"
        raise UnsupportedError(what, "take a checkpoint of another architecture")
    found = {name: tensor.numpy() for name, tensor in state.items()}
    return found | {name: tensors[name] for name in unknown if name in tensors}


def _loaded(
    config: Mapping[str, Any], state: Mapping[str, Tensor], where: str, head: HeadKind
) -> tuple[dict[str, Tensor], set[str]]:
    """Return what transformers holds after loading ``state``, and the names that it has no place for."""
    cls, settings = class_of(config, where, head)
    dtype = number_of(state, where)
    with refused(where), quiet():
        model, report = cls.from_pretrained(
            None,
            config=settings,
            state_dict=dict(state),
            dtype=dtype,
            output_loading_info=True,
            ignore_mismatched_sizes=True,
        )
    for name, shape, wanted in report["mismatched_keys"]:
        problem = f"the tensor {name!r} has the shape {tuple(shape)}, config.json says {tuple(wanted)}"
        raise CheckpointError(where, problem, "config.json and weights belong to different models")
    made_up = set(report["missing_keys"]) | tied_names(model)
    held = {name: tensor for name, tensor in model.state_dict().items() if name not in made_up}
    return held, set(report["unexpected_keys"])
