"""Graphs for onnxruntime: written by torch's exporter, computed in 32 bits on the processor."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import onnxruntime
import torch

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lexarium_transformer.backends.graph import Compute

__all__ = ["open_graph", "versions", "write_graph"]

_FILE = "model.onnx"
_OPSET = 18
_INPUTS, _OUTPUT = ("ids", "mask"), "states"


def versions() -> list[str]:
    """Return the versions of what makes and computes a graph."""
    return [version(name) for name in ("torch", "onnx", "onnxruntime")]


def write_graph(network: nn.Module, example: tuple[Tensor, Tensor], folder: Path) -> None:
    """Trace ``network`` on an example into a graph for batches of any size and length."""
    places = {name: {0: "batch", 1: "tokens"} for name in (*_INPUTS, _OUTPUT)}
    torch.onnx.export(
        network,
        example,
        str(folder / _FILE),
        dynamo=False,  # the older of torch's exporters needs no further package
        input_names=list(_INPUTS),
        output_names=[_OUTPUT],
        dynamic_axes=places,
        opset_version=_OPSET,
    )


def open_graph(folder: Path) -> Compute:
    """Open a graph; each thread that calls it computes for itself alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    file = str(folder / _FILE)
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def compute(ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = session.run(None, dict(zip(_INPUTS, (ids, mask), strict=True)))[0]
        return found

    return compute
