"""Golden rows: a few inputs and the vectors (or probabilities) that they must give.

They travel with a model, so that it can prove on another machine that it is still itself.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array, issparse

from lexarium.checkpoint.folder import Golden, Node
from lexarium.checkpoint.manifest import GoldenEntry
from lexarium.compose import Pipeline
from lexarium.errors import CheckpointError
from lexarium.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from lexarium.roles import Embedder

__all__ = ["check_golden", "dense_rows", "make_golden"]

_TEXTS = [
    "",
    "The film was better than the book.",
    "这部电影比原著好看。",
    "2 + 2 = 4, naïve café 🙂",
]
_OWN_WORDS = 16
_MOST = 2**27  # numbers of golden rows
_TOLERANCE = GoldenEntry(atol=1e-5, min_cosine=0.99999)


def make_golden(model: Embedder | Pipeline, node: Node) -> Golden:
    """Run the model on fixed texts in two languages, and on words of its own vocabulary if it has one."""
    inputs = [*_TEXTS, *_own_words(node)]
    kind, tensors = _run(model, inputs)
    return Golden(inputs, kind, tensors, _TOLERANCE)


def check_golden(model: Embedder | Pipeline, golden: Golden) -> list[str]:
    """Run the model on its golden inputs; return one sentence per input whose row has drifted."""
    kind, tensors = _run(model, golden.inputs)
    if kind != golden.kind:
        return [f"it gives {kind} rows instead of {golden.kind}"]
    now = _dense(tensors)
    then = _dense(golden.tensors, now.size)
    if now.shape != then.shape:
        return [f"its golden rows have the shape {now.shape} instead of {then.shape}"]
    problems = []
    for text, a, b in zip(golden.inputs, now, then, strict=True):
        lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
        cosine = float(a @ b) / lengths if lengths else float(not a.any() and not b.any())
        drift = float(np.abs(a - b).max(initial=0.0))
        scale = max(1.0, float(np.abs(b).max(initial=0.0)))
        if not (drift <= golden.tolerance.atol * scale and cosine >= golden.tolerance.min_cosine):
            problems.append(f"the golden input {text[:40]!r} is off by {drift:.3g} (cosine {cosine:.6f})")
    return problems


def dense_rows(golden: Golden) -> NDArray[np.float64]:
    """Return the golden rows as one array, a row per input.

    :raises CheckpointError: they are damaged, or too many to be golden.
    """
    rows = _dense(golden.tensors, _MOST)
    if rows.ndim != 2 or len(rows) != len(golden.inputs):  # noqa: PLR2004  rows and columns
        raise CheckpointError("golden.safetensors", f"rows of the shape {rows.shape}")
    return rows


def _own_words(node: Node) -> list[str]:
    if "vocabulary.bytes" in node.state.tensors:
        words = Vocabulary(node.state.tensors).sample(_OWN_WORDS)
        return [" ".join(words[::2]), " ".join(words[1::2])]
    return [text for part in node.parts.values() for text in _own_words(part)]


def _run(model: Embedder | Pipeline, inputs: list[str]) -> tuple[str, dict[str, NDArray[Any]]]:
    if isinstance(model, Pipeline):
        return "probabilities", {"rows": model.predict_proba(inputs)}
    rows: Any = model.embed(inputs)
    if issparse(rows):
        return "sparse", {
            "data": rows.data,
            "indices": rows.indices.astype(np.int64),
            "indptr": rows.indptr.astype(np.int64),
            "shape": np.array(rows.shape, np.int64),
        }
    return "dense", {"rows": rows}


def _dense(tensors: Mapping[str, NDArray[Any]], most: int | None = None) -> NDArray[np.float64]:
    """Unpack rows, a stranger's only if they are no more than ``most`` numbers."""
    try:
        if "rows" in tensors:
            return tensors["rows"].astype(np.float64)
        shape = tuple(int(n) for n in tensors["shape"])
        if most is not None and math.prod(shape) > most:
            raise ValueError(f"rows of the shape {shape}")  # noqa: TRY301  one message for all damage
        packed = csr_array((tensors["data"], tensors["indices"], tensors["indptr"]), shape=shape)
        packed.check_format(full_check=True)  # an index beyond the shape would be written to
        return np.asarray(packed.astype(np.float64).toarray())
    except (IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise CheckpointError("golden.safetensors", f"the golden rows are damaged: {error}") from error
