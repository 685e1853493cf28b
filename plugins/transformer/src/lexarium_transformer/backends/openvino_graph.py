"""Graphs for OpenVINO: traced from torch, computed in 32 bits, or in 8 after calibration with NNCF.

Nothing is reported to their makers: both packages send usage statistics where ``openvino_telemetry`` can be
imported, so here it cannot.
"""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.backend import processors
from lexarium.roles import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from lexarium_transformer.backends.graph import Compute

__all__ = ["open_graph", "quantize_graph", "versions", "write_graph"]

_FILE = "model.xml"
_REPORTS = "openvino_telemetry"
_TRIED = 32  # texts that are looked at for outliers
_FORMING = frozenset(("Convert", "Multiply", "Reshape", "Subtract", "Transpose", "Unsqueeze"))
_OUTLIER = 90  # then the root mean square is less than one and a half of the 127 steps of 8 bits


@contextmanager
def _unreported() -> Iterator[None]:
    """Keep the packages that are imported meanwhile from what sends statistics."""
    if _REPORTS in sys.modules:  # imported by somebody else, or kept away already
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[_REPORTS] = None  # to import it is an ImportError then
    try:
        yield
    finally:
        del sys.modules[_REPORTS]


with _unreported():
    import openvino
    import openvino.tools.ovc
    from openvino import opset13 as ops


def versions() -> list[str]:
    """Return the versions of what makes and computes a graph."""
    return [version(name) for name in ("torch", "openvino")]


def write_graph(network: nn.Module, example: tuple[Tensor, Tensor], folder: Path) -> None:
    """Trace ``network`` on an example into a graph for batches of any size and length."""
    anything = openvino.PartialShape([-1, -1])
    with _unreported():
        made = openvino.convert_model(network, example_input=example, input=[anything, anything])
    openvino.save_model(made, folder / _FILE, compress_to_fp16=False)


def open_graph(folder: Path) -> Compute:
    """Open a graph: as many calls as there are processors are computed at once, each on one of them."""
    count = processors()
    settings = {
        "INFERENCE_NUM_THREADS": count,
        "NUM_STREAMS": str(count),
        "INFERENCE_PRECISION_HINT": "f32",  # left alone it takes 16 bits where it finds them faster
        "ENABLE_CPU_PINNING": False,
    }
    compiled = openvino.Core().compile_model(folder / _FILE, "CPU", settings)
    requests: SimpleQueue[Any] = SimpleQueue()
    for _ in range(count):
        requests.put(compiled.create_infer_request())

    def compute(ids: NDArray[np.int64], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
        request = requests.get()
        try:
            found: NDArray[np.float32] = request.infer([ids, mask], share_inputs=True)[0]
            return found  # a copy: the request's own memory is the next call's
        finally:
            requests.put(request)

    return compute


def quantize_graph(
    folder: Path, texts: Sequence[NDArray[np.int64]], into: Path, progress: Progress = silent
) -> None:
    """Write the graph of ``folder`` with products in 8 bits, their ranges taken from the ids of texts.

    Weights and activations of products are integers, per channel and per tensor; SmoothQuant moves outliers
    from the latter to the former (Xiao et al., 2023), as NNCF does it for transformers. Products whose inputs
    have outliers that 8 bits cannot hold beside the rest stay in 32. NNCF reads the texts more than once, so
    ``progress`` does too.
    """
    with _unreported():
        import nncf  # noqa: PLC0415  seconds, and only here

        nncf.set_log_level(40)  # errors
        inputs = [[ids[None], np.ones((1, len(ids)), np.bool_)] for ids in texts]
        passed = 0

        def following(text: list[NDArray[Any]]) -> list[NDArray[Any]]:
            nonlocal passed
            progress("calibrating", passed % len(inputs) + 1, len(inputs))
            passed += 1
            return text

        calibration = nncf.Dataset(inputs, following)
        left = _with_outliers(folder / _FILE, inputs[:: -(-len(inputs) // _TRIED)], progress)
        with redirect_stdout(io.StringIO()):  # its bars would stand among the results
            made = nncf.quantize(
                openvino.Core().read_model(folder / _FILE),
                calibration,
                preset=nncf.QuantizationPreset.MIXED,
                model_type=nncf.ModelType.TRANSFORMER,
                subset_size=len(inputs),
                ignored_scope=nncf.IgnoredScope(names=left),
            )
    openvino.save_model(made, into / _FILE, compress_to_fp16=False)


def _with_outliers(graph: Path, texts: Sequence[list[NDArray[Any]]], progress: Progress) -> list[str]:
    """Return the products with weights whose inputs reach ``_OUTLIER`` times their root mean square."""
    model = openvino.Core().read_model(graph)
    ours = len(model.outputs)
    names = []
    for op in model.get_ops():
        if op.get_type_name() == "MatMul" and _is_constant(op.input_value(1)):
            names.append(op.get_friendly_name())
            # A node of its own for each: several products may have one input, and outputs are one each.
            model.add_outputs(ops.abs(op.input_value(0)).output(0))
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    largest, squares, counts = (np.zeros(len(names)) for _ in range(3))
    for done, text in enumerate(texts, 1):
        found = compiled(text)
        progress("looking for outliers", done, len(texts))
        for number in range(len(names)):
            values = found[ours + number]
            largest[number] = max(largest[number], values.max())
            squares[number] += np.square(values, dtype=np.float64).sum()
            counts[number] += values.size
    outliers = largest > _OUTLIER * np.sqrt(squares / counts)
    return [name for name, outlier in zip(names, outliers, strict=True) if outlier]


def _is_constant(output: Any) -> bool:  # noqa: ANN401  openvino has no types
    """Whether a value hangs on no input: constants, and what brings weights into their form."""
    pending = [output.get_node()]
    while pending:
        node = pending.pop()
        if node.get_type_name() in _FORMING:
            pending.extend(each.get_source_output().get_node() for each in node.inputs())
        elif node.get_type_name() != "Constant":
            return False
    return True
