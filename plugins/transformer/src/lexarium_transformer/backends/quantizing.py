"""An encoder in 8 bits: calibrated on some texts, checked on others."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from lexarium.compose import Pipeline
from lexarium.errors import DataError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium.output import embed_all
from lexarium.roles import Progress, silent
from lexarium.splits import same_text
from lexarium_transformer.backends.derived import find, publish, write_note
from lexarium_transformer.backends.graph import making, require_extra
from lexarium_transformer.embedder import TransformerEmbedder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.zoo import Zoo

__all__ = ["CLOSE", "Quantized", "quantize", "quantize_embedder"]

CLOSE = 0.99  # a cosine
_CALIBRATED, _CHECKED = 300, 1_000  # texts at most
_LEAST = 8  # texts to calibrate on


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """How near the vectors of 8 bits are to those of 32: cosines over texts that calibration has not seen.

    ``close`` is the share of texts, from 0 to 1, whose cosine is 0.99 or more.
    """

    calibrated: int
    checked: int
    mean: float
    median: float
    least: float
    close: float


def quantize(
    zoo: Zoo,
    model: str,
    texts: Sequence[str],
    check: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Quantized:
    """Calibrate a stored encoder for ``dtype=int8``: the Python verb of ``lexarium quantize``.

    Without ``check``, some of ``texts`` are kept to check with. The graph is kept on this machine; the stored
    model stays as it is.

    :raises UnsupportedError: the model is no pretrained encoder, or OpenVINO cannot compute it.
    :raises MissingExtraError: OpenVINO or NNCF is not installed.
    :raises DataError: there are too few different texts.
    """
    opened = zoo.open(model)
    embedder = opened.model.embedder if isinstance(opened.model, Pipeline) else opened.model
    if not isinstance(embedder, TransformerEmbedder):
        raise UnsupportedError(f"{opened.reference} is no pretrained encoder", "name one, imported as bert")
    return quantize_embedder(embedder, texts, check, progress)


def quantize_embedder(
    embedder: TransformerEmbedder,
    texts: Sequence[str],
    check: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Quantized:
    """Calibrate an encoder; arguments and errors as those of :func:`quantize`."""
    require_extra("openvino", "nncf")
    exact = embedder.with_settings({"backend": "torch", "dtype": "float32", "device": "cpu"})
    calibration, others = _parted(check_texts(texts), None if check is None else check_texts(check))
    graph = exact.graph("openvino", "int8")
    pieces = [piece.ids for piece in exact.tokenizer.first(calibration) if piece.ids]
    if len(pieces) < _LEAST:
        raise DataError(f"{len(pieces)} texts have a token to calibrate on", f"give {_LEAST} at least")
    float32 = graph.folder()
    made_by = version("nncf")
    key = hashlib.sha256(f"{graph.calibrated_key()}\n{made_by}\n{pieces}".encode()).hexdigest()

    from lexarium_transformer.backends.openvino_graph import quantize_graph  # noqa: PLC0415  an extra

    if find(key) is None:
        with making():
            ids = [np.array(piece, np.int64) for piece in pieces]
            publish(key, lambda aside: quantize_graph(float32, ids, aside, progress))
    write_note(graph.calibrated_key(), {"key": key})
    small = exact.with_settings({"backend": "openvino", "dtype": "int8"})
    cosines = _cosines(
        embed_all(exact, others, progress, what="embedding in 32 bits"),
        embed_all(small, others, progress, what="embedding in 8 bits"),
    )
    return Quantized(
        calibrated=len(pieces),
        checked=len(others),
        mean=float(cosines.mean()),
        median=float(np.median(cosines)),
        least=float(cosines.min()),
        close=float((cosines >= CLOSE).mean()),
    )


def _parted(texts: Sequence[str], check: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return texts to calibrate on and others to check with, evenly from what there is, none in both."""
    distinct = {same_text(text): text for text in texts if text.strip()}
    if check is None:
        size = min(_CALIBRATED, len(distinct) // 2)
        keys = set(_evenly(list(distinct), size))
        others = [text for key, text in distinct.items() if key not in keys]
    else:
        keys = set(_evenly(list(distinct), _CALIBRATED))
        unseen = {same_text(text): text for text in check if text.strip()}
        others = [text for key, text in unseen.items() if key not in keys]
    if len(keys) < _LEAST or not others:
        what = f"{len(keys)} different texts to calibrate on and {len(others)} others to check with"
        raise DataError(what, f"give {2 * _LEAST} or more")
    return [distinct[key] for key in distinct if key in keys], _evenly(others, _CHECKED)


def _evenly(items: list[str], most: int) -> list[str]:
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]


def _cosines(one: Floats, other: Floats) -> NDArray[np.float64]:
    a, b = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosines: NDArray[np.float64] = (a * b).sum(1) / np.where(lengths > 0, lengths, 1)
    return cosines
