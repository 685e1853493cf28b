"""An encoder as a graph that another program computes: made from the loaded weights, proved, and kept.

The stored model stays what it is. A graph is made at first use and kept (:mod:`.derived`), unless its states
are not those that torch gives for the same tokens: then nobody gets it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from lexarium.errors import MissingExtraError, UnsupportedError
from lexarium_transformer.backends.derived import find, publish, read_note
from lexarium_transformer.pooling import mix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray
    from torch import Tensor

    from lexarium_transformer.config import Dtype, EncoderConfig
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.inference import Forward

__all__ = ["Compute", "Graph", "Network", "Source", "differs", "making", "require_extra"]

_FORMAT, _EIGHT_BITS = 1, 2  # of what is kept, and how products come to 8 bits; others are made again
_EXTRA = "lexarium-transformer"
_NEEDS = {"onnx": ("onnxruntime", "onnx"), "openvino": ("openvino",)}
_SHORT, _LONG = 8, 300  # tokens of the texts that a graph is proved with
_DRIFT = 1e-3  # how far states may be from torch's, as a part of their length
_LEAVE = "leave backend out: torch computes it"
_MAKING = threading.Lock()


class Compute(Protocol):
    """A graph, opened: hidden states (B, T, H) float32 for ids (B, T) int64 and their mask (B, T) bool."""

    def __call__(self, ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Compute; several threads may at once."""
        ...


class Network(torch.nn.Module):
    """What a graph is made of: ids and mask to the mean of the hidden states that are asked for."""

    def __init__(self, loaded: Loaded, layers: Sequence[int]) -> None:
        """Join the encoder and the ``layers`` whose states are averaged."""
        super().__init__()
        self.encoder = loaded.encoder.cpu()
        self._layers = tuple(layers)
        self.eval()  # the whole, or an exporter puts the encoder back into training when it is done

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states, (B, T, H)."""
        return mix(self.encoder(ids, mask, every=self._layers != (-1,)), self._layers)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a graph is made from: the weights, the checkpoint's config, and the settings of the model."""

    loaded: Loaded
    tensors: Mapping[str, NDArray[Any]]
    described: Mapping[str, Any]
    config: EncoderConfig

    def key(self, *versions: str) -> str:
        """Return the sha256 over all that the states depend on, and over the ``versions`` of programs."""
        extra = set(self.config.extra)
        settings = [_FORMAT, self.described, self.config.layers, versions]
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for name in sorted(self.tensors.keys() - extra):
            tensor = np.ascontiguousarray(self.tensors[name])
            digest.update(f"\n{json.dumps([name, tensor.dtype.str, tensor.shape])}\n".encode())
            digest.update(tensor.reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    def network(self) -> Network:
        """Return the module to be traced."""
        return Network(self.loaded, self.config.layers)

    def example(self, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return ids (B, T) int64 and mask (B, T) bool of random texts of so many tokens."""
        rng = np.random.default_rng(0)
        longest = max(lengths)
        ids = rng.integers(0, self.loaded.vocabulary, (len(lengths), longest))
        mask = np.arange(longest) < np.array(lengths)[:, None]
        return torch.from_numpy(ids), torch.from_numpy(mask)

    @property
    def probes(self) -> list[tuple[int, ...]]:
        """The lengths, in tokens, of the batches that a graph is proved with."""
        most = self.config.max_length or _LONG
        return [(min(3, most),), (min(17, most), min(5, most), 1), (min(_LONG, most), min(40, most))]


class Graph:
    """One of the graphs of a model, opened when it is first needed."""

    device = torch.device("cpu")

    def __init__(self, source: Source, backend: str, dtype: Dtype) -> None:
        """Say what is to be computed, and with what.

        :raises MissingExtraError: the program is not installed.
        """
        require_extra(backend)
        self._source = source
        self._backend = backend
        self._dtype = dtype
        self._lock = threading.Lock()

    def ready(self, batches: int) -> Forward:
        """Open the graph, and make it first where it is not there; return what computes with it.

        :raises UnsupportedError: the program cannot compute the model; or ``dtype`` is int8, and nobody has
            calibrated it.
        """
        if batches:
            with self._lock:
                self._compute  # noqa: B018  opened before several threads ask for it
        return self._states

    def _states(self, ids: Tensor, mask: Tensor | None) -> Tensor:
        every = np.ones(ids.shape, np.bool_) if mask is None else mask.numpy()
        return torch.from_numpy(self._compute(ids.numpy(), every))

    def folder(self) -> Path:
        """Return where the float32 graph lies; it is made where it does not yet."""
        program = _program(self._backend)
        key = self._source.key(self._backend, *program.versions())
        found = find(key)
        return found or publish(key, lambda aside: self._make(program, aside))

    def calibrated_key(self) -> str:
        """Return the name under which is noted which int8 graph is this model's."""
        versions = _program(self._backend).versions()
        return "int8-" + self._source.key(self._backend, f"int8 {_EIGHT_BITS}", *versions)

    @cached_property
    def _compute(self) -> Compute:
        opened: Compute = _program(self._backend).open_graph(self._calibrated() or self.folder())
        return opened

    def _calibrated(self) -> Path | None:
        if self._dtype != "int8":
            return None
        key = read_note(self.calibrated_key()).get("key")
        found = find(key) if isinstance(key, str) and key.isalnum() else None
        if found is None:
            what = "dtype=int8: this model has not been calibrated on this machine"
            raise UnsupportedError(what, "type: lexarium quantize MODEL --corpus FILE")
        return found

    def _make(self, program: ModuleType, folder: Path) -> None:
        ids, mask = self._source.example((min(_SHORT, self._source.config.max_length or _SHORT), 1))
        network = self._source.network()
        try:
            with making(), torch.inference_mode():
                program.write_graph(network, (ids, mask), folder)
            compute: Compute = program.open_graph(folder)
            drift = max(differs(compute, network, *self._source.example(p)) for p in self._source.probes)
        except OSError:
            raise
        except Exception as error:  # an exporter raises whatever its parts raise
            what = f"backend={self._backend} cannot compute this model: {_first_line(error)}"
            raise UnsupportedError(what, _LEAVE) from error
        if not drift <= _DRIFT:
            what = f"backend={self._backend} gives other numbers for this model: off by {drift:.2g}"
            raise UnsupportedError(what, _LEAVE)


@contextmanager
def making() -> Iterator[None]:
    """Let one graph be made at a time, and put the program's log and warnings back: what makes it sets both.

    It makes no warnings: what a tracer cannot follow is found by comparing the numbers.
    """
    root = logging.getLogger()
    with _MAKING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level, handlers, filters = root.level, [*root.handlers], [*root.filters]
        try:
            yield
        finally:
            root.setLevel(level)
            root.handlers[:], root.filters[:] = handlers, filters


def differs(
    compute: Callable[[NDArray[np.int64], NDArray[np.bool_]], NDArray[np.float32]],
    network: Network,
    ids: Tensor,
    mask: Tensor,
) -> float:
    """Return how far the states of a graph are from the network's, as a part of the latter's length."""
    with torch.inference_mode():
        wanted = network(ids, mask)[mask].numpy().astype(np.float64)
    found = compute(ids.numpy(), mask.numpy())[mask.numpy()]
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def require_extra(backend: str, *more: str) -> None:
    """Refuse a backend whose packages are not installed.

    :raises MissingExtraError: names the first of them.
    """
    for package in (*_NEEDS[backend], *more):
        if find_spec(package) is None:
            raise MissingExtraError(f"backend={backend}", package, f"{_EXTRA}[{backend}]")


def _program(backend: str) -> ModuleType:
    if backend == "onnx":
        from lexarium_transformer.backends import onnx_graph  # noqa: PLC0415  an extra

        return onnx_graph
    from lexarium_transformer.backends import openvino_graph  # noqa: PLC0415  an extra

    return openvino_graph


def _first_line(error: BaseException) -> str:
    said = f"{error}".strip().splitlines()
    return f"{type(error).__name__}: {said[0][:200]}" if said else type(error).__name__
