"""Many texts to vectors, batch by batch, and vectors to files: whole, or not at all."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lexarium.errors import MissingExtraError, UnsupportedError
from lexarium.inputs import batches
from lexarium.roles import Embedder, Floats, Matrix, Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["atomic", "embed_all", "nearest_texts", "write_matrix"]

_BATCH = 512


def embed_all(embedder: Embedder, texts: Sequence[str], progress: Progress = silent) -> Matrix:
    """Embed any number of texts in batches; the rows are those of one call, (n, dim)."""
    parts: list[Any] = []
    done = 0
    for batch in batches(texts, _BATCH):
        parts.append(embedder.embed(batch))
        done += len(batch)
        progress("embedding", done, len(texts))
    if embedder.space.sparse:
        return sparse.csr_array(sparse.vstack(parts, format="csr")) if parts else embedder.embed([])
    return np.concatenate(parts) if parts else embedder.embed([])


def nearest_texts(
    embedder: Embedder, query: str, texts: Sequence[str], count: int, progress: Progress = silent
) -> list[tuple[str, float]]:
    """Return the ``count`` texts nearest to ``query`` by cosine, nearest first, with their cosines."""
    rows = _unit(embed_all(embedder, texts, progress))
    wanted = _unit(embedder.embed([query]))
    product = rows @ wanted.T
    scores = np.asarray(product.toarray() if sparse.issparse(product) else product).ravel()
    order = np.argsort(-scores, kind="stable")[:count]
    return [(texts[int(i)], float(scores[i])) for i in order]


def write_matrix(path: Path, matrix: Matrix, texts: Sequence[str], space_id: str) -> None:
    """Write vectors: ``.npy`` (dense), ``.npz`` (scipy, sparse), ``.parquet`` or ``.jsonl`` (with texts).

    :raises UnsupportedError: another ending, or one that does not suit the vectors.
    :raises MissingExtraError: ``.parquet`` needs pyarrow.
    """
    is_sparse = sparse.issparse(matrix)
    ending = path.suffix.lower()
    if ending == ".npy" and not is_sparse:
        write: Callable[[Path], None] = lambda aside: _save_npy(aside, matrix)  # noqa: E731
    elif ending == ".npz" and is_sparse:
        write = lambda aside: _save_npz(aside, matrix)  # noqa: E731
    elif ending == ".parquet":
        write = lambda aside: _save_parquet(aside, matrix, texts, space_id)  # noqa: E731
    elif ending == ".jsonl":
        write = lambda aside: _save_jsonl(aside, matrix, texts)  # noqa: E731
    else:
        fits = ".npz, .parquet or .jsonl" if is_sparse else ".npy, .parquet or .jsonl"
        raise UnsupportedError(
            f"{path}: these vectors are {'sparse' if is_sparse else 'dense'}", f"use {fits}"
        )
    with atomic(path) as aside:
        write(aside)


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a path to write to beside ``path``; it takes its place when the block succeeds."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _save_npy(path: Path, matrix: Matrix) -> None:
    with path.open("wb") as file:
        np.save(file, np.asarray(matrix), allow_pickle=False)


def _save_npz(path: Path, matrix: Matrix) -> None:
    with path.open("wb") as file:
        sparse.save_npz(file, matrix)


def _save_jsonl(path: Path, matrix: Matrix, texts: Sequence[str]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for text, row in zip(texts, _dense_rows(matrix), strict=True):
            file.write(json.dumps({"text": text, "vector": row.tolist()}, ensure_ascii=False) + "\n")


def _save_parquet(path: Path, matrix: Matrix, texts: Sequence[str], space_id: str) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415  as above
    except ImportError as error:
        raise MissingExtraError("writing .parquet", "pyarrow", "lexarium-core[parquet]") from error
    schema = pa.schema(
        [("text", pa.string()), ("vector", pa.list_(pa.float32(), matrix.shape[1]))],
        metadata={"space_id": space_id},
    )
    with parquet.ParquetWriter(path, schema) as writer:
        rows = list(range(len(texts)))
        for part in batches(rows, _BATCH):
            flat = np.concatenate([np.ravel(r) for r in _dense_rows(matrix[part[0] : part[-1] + 1])])
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(flat, pa.float32()), matrix.shape[1])
            words = pa.array([texts[i].encode("utf-8", "backslashreplace") for i in part]).cast(pa.string())
            writer.write_table(pa.Table.from_arrays([words, vectors], schema=schema))


def _dense_rows(matrix: Matrix) -> Iterator[Floats]:
    for start in range(0, matrix.shape[0], _BATCH):
        part: Any = matrix[start : start + _BATCH]
        yield from part.toarray() if sparse.issparse(part) else part


def _unit(matrix: Matrix) -> Any:  # noqa: ANN401  scipy has no types
    if sparse.issparse(matrix):
        norms = sparse.linalg.norm(matrix, axis=1)
        return sparse.csr_array(sparse.diags_array(1 / np.where(norms > 0, norms, 1)) @ matrix)
    norms = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(norms > 0, norms, 1)
