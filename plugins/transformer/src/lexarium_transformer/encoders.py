"""Tensors by the checkpoint's names to an encoder: every name and shape is checked, none is made up."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

import torch

from lexarium.errors import CheckpointError
from lexarium_transformer.architecture import architecture_of
from lexarium_transformer.memory import require_memory
from lexarium_transformer.model import Encoder
from lexarium_transformer.names import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lexarium_transformer.names import Family

__all__ = [
    "Loaded",
    "as_tensors",
    "checkpoint_names",
    "compare_names",
    "copied_bytes",
    "modern",
    "open_encoder",
]

_SHOWN = 4
_OLD = {".weight": ".gamma", ".bias": ".beta"}  # of a LayerNorm, in checkpoints that began in TensorFlow


class Loaded(Protocol):
    """An encoder with its weights, and what is known of it."""

    hidden: int
    depth: int
    vocabulary: int
    #: No test holds its architecture, and its texts are never filled up.
    alone: bool

    @property
    def encoder(self) -> nn.Module:
        """The module: ids and mask to hidden states, as :class:`Encoder`."""
        ...

    def blocks(self) -> list[nn.Module]:
        """Return its modules from input to output: the embeddings, then each layer."""
        ...

    def weights(self) -> dict[str, Tensor]:
        """Return its weights by the checkpoint's names."""
        ...


class _Own:
    """An encoder that :mod:`lexarium_transformer.model` computes."""

    alone = False

    def __init__(self, encoder: Encoder, names: Mapping[str, str]) -> None:
        self.encoder = encoder
        self.hidden = encoder.shape.hidden
        self.depth = encoder.shape.layers
        self.vocabulary = encoder.shape.vocabulary
        self._names = names

    def blocks(self) -> list[nn.Module]:
        encoder = self.encoder
        return [encoder.embeddings, *encoder.layers]

    def weights(self) -> dict[str, Tensor]:
        return {self._names[own]: tensor for own, tensor in self.encoder.state_dict().items()}


def open_encoder(
    config: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]], dtype: torch.dtype, where: str
) -> Loaded:
    """Build the encoder that ``config`` describes over ``tensors``, which are not copied where they fit.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    :raises UnsupportedError: it does not fit into the memory.
    """
    require_memory(copied_bytes(tensors, dtype), where)
    shape = architecture_of(config, where)
    if shape is None:
        from lexarium_transformer.foreign import open_foreign  # noqa: PLC0415  transformers takes seconds

        return open_foreign(config, as_tensors(tensors, dtype), where)
    if shape.layers > len(tensors):  # before a module is built for each
        raise CheckpointError(where, f"{shape.layers} layers, and {len(tensors)} tensors", _FETCH)
    encoder = Encoder(shape, "meta")
    expected = {own: tuple(tensor.shape) for own, tensor in encoder.state_dict().items()}
    names = checkpoint_names(FAMILIES[str(config["model_type"])], expected, tensors)
    compare_names(
        {names[own]: shape for own, shape in expected.items()},
        {name: tensor.shape for name, tensor in tensors.items()},
        where,
    )
    given = as_tensors(tensors, dtype)
    encoder.load_state_dict({own: given[name] for own, name in names.items()}, assign=True)
    return _Own(encoder.eval().requires_grad_(requires_grad=False), names)


def as_tensors(tensors: Mapping[str, NDArray[Any]], dtype: torch.dtype) -> dict[str, Tensor]:
    """Return torch tensors over the same memory, floating ones in ``dtype``; nobody may write to them."""
    with warnings.catch_warnings():
        # Stored tensors are maps of a file, read only; so are the encoders over them: network() copies.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        found = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    return {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in found.items()
    }


def copied_bytes(tensors: Mapping[str, NDArray[Any]], dtype: torch.dtype) -> int:
    """Return how many bytes :func:`as_tensors` takes: those of what is not in ``dtype`` yet."""
    name = f"{dtype}".removeprefix("torch.")
    floats = (tensor for tensor in tensors.values() if tensor.dtype.kind == "f")
    return sum(tensor.size * dtype.itemsize for tensor in floats if tensor.dtype.name != name)


def checkpoint_names(family: Family, own: Iterable[str], present: Iterable[str]) -> dict[str, str]:
    """Return what a checkpoint with the tensors ``present`` calls each parameter of an :class:`Encoder`."""
    given = set(present)
    prefix = f"{family.prefix}." if any(name.startswith(f"{family.prefix}.") for name in given) else ""
    names = {}
    for parameter in own:
        module, dot, last = parameter.rpartition(".")
        if module.startswith("layers."):
            _, number, part = module.split(".")
            theirs = family.layer[part].format(number)
        else:
            theirs = family.tensors[module]
        name = f"{prefix}{theirs}{dot}{last}"
        old = f"{prefix}{theirs}{_OLD[dot + last]}"
        names[parameter] = old if old in given and name not in given else name
    return names


def compare_names(
    expected: Mapping[str, Sequence[int]], found: Mapping[str, Sequence[int]], where: str
) -> None:
    """Refuse tensors that are not exactly those ``expected``, by name and shape.

    :raises CheckpointError: names the first of them.
    """
    missing = sorted(expected.keys() - found.keys())
    if missing:
        raise CheckpointError(where, f"tensors are missing: {_some(missing)}", _FETCH)
    unknown = sorted(found.keys() - expected.keys())
    if unknown:
        remedy = "the checkpoint is of another architecture than its config.json says"
        raise CheckpointError(where, f"tensors that the architecture does not have: {_some(unknown)}", remedy)
    for name, shape in expected.items():
        if tuple(shape) != tuple(found[name]):
            problem = (
                f"the tensor {name!r} has the shape {tuple(found[name])}, config.json says {tuple(shape)}"
            )
            raise CheckpointError(where, problem, "config.json and weights belong to different models")


def modern(name: str) -> str:
    """Return today's name of a tensor whose checkpoint began in TensorFlow (``LayerNorm.gamma``)."""
    for new, old in _OLD.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


_FETCH = "fetch the checkpoint again"
