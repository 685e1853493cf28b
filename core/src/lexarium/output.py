"""Many texts to vectors, batch by batch, and vectors to files: whole, or not at all."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from contextlib import contextmanager, suppress
from errno import EINVAL
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lexarium.errors import InputError, MissingExtraError, PluginError, UnsupportedError
from lexarium.inputs import batches
from lexarium.roles import Embedder, Floats, Matrix, Progress, silent
from lexarium.vector_files import SPACE, describe_npy, sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from lexarium.words import WordVectors

__all__ = [
    "atomic",
    "check_target",
    "embed_all",
    "nearest_rows",
    "nearest_texts",
    "word_vectors",
    "write_matrix",
]

_BATCH = 512


def embed_all(
    embedder: Embedder, texts: Sequence[str], progress: Progress = silent, *, what: str = "embedding"
) -> Matrix:
    """Embed any number of texts in batches; the rows are those of one call, (n, dim).

    ``what`` is how ``progress`` calls the work. Dense rows go to one array, never held twice.

    :raises PluginError: the embedder returns another number of rows or components than it must.
    """
    space, done = embedder.space, 0
    packed: list[Any] = []
    dense = np.empty((0 if space.sparse else len(texts), space.dim), np.float32)
    for batch in batches(texts, _BATCH):
        rows = embedder.embed(batch)
        if rows.shape != (len(batch), space.dim):  # numpy would stretch a single row over the batch
            raise PluginError(f"the vectors are {rows.shape} where {(len(batch), space.dim)} belongs")
        if space.sparse:
            packed.append(rows)
        else:
            dense[done : done + len(batch)] = rows
        done += len(batch)
        progress(what, done, len(texts))
    if space.sparse:
        return sparse.csr_array(sparse.vstack(packed, format="csr")) if packed else embedder.embed([])
    return dense


def nearest_texts(
    embedder: Embedder, query: str, texts: Sequence[str], count: int, progress: Progress = silent
) -> list[tuple[str, float]]:
    """Return the ``count`` texts nearest to ``query`` by cosine, nearest first, with their cosines."""
    found = nearest_rows(embedder, query, embed_all(embedder, texts, progress), count)
    return [(texts[row], score) for row, score in found]


def nearest_rows(embedder: Embedder, query: str, matrix: Matrix, count: int) -> list[tuple[int, float]]:
    """Return the ``count`` rows nearest to ``query`` by cosine, nearest first, with their cosines.

    *Shapes:* matrix (n, dim), of the embedder's space.
    """
    product = _unit(matrix) @ _unit(embedder.embed([query])).T
    scores = np.asarray(product.toarray() if sparse.issparse(product) else product).ravel()
    order = np.argsort(-scores, kind="stable")[:count]
    return [(int(row), float(scores[row])) for row in order]


def word_vectors(
    embedder: Embedder, words: Iterable[str], progress: Progress = silent, *, where: str = "the model"
) -> WordVectors:
    """Return vectors of ``words``, each embedded as a text of its own; a word given twice is there once.

    :raises UnsupportedError: the vectors are sparse; a count of one word says nothing of others.
    """
    from lexarium.vocabulary import Vocabulary  # noqa: PLC0415  only where words are asked for
    from lexarium.words import WordVectors  # noqa: PLC0415  as above

    if embedder.space.sparse:
        raise UnsupportedError(f"{where} has no vectors of single words", "name a model with dense vectors")
    distinct = list(dict.fromkeys(words))
    rows: Any = embed_all(embedder, distinct, progress, what="words")
    return WordVectors(Vocabulary.build(distinct), rows, where)


def check_target(path: Path, *, is_sparse: bool) -> None:
    """Refuse a path that :func:`write_matrix` would refuse, before the vectors are there.

    :raises UnsupportedError: its ending does not suit the vectors.
    :raises InputError: its folder is not there, or it is no regular file.
    """
    fits = (".npz" if is_sparse else ".npy", ".parquet", ".jsonl")
    if path.suffix.lower() not in fits:
        kind = "sparse" if is_sparse else "dense"
        raise UnsupportedError(f"{path}: these vectors are {kind}", f"use {fits[0]}, {fits[1]} or {fits[2]}")
    if not path.parent.is_dir():
        raise InputError(path, f"there is no folder {path.parent}", "make it, or give another path")
    if path.exists() and not path.is_file():
        raise InputError(path, "is a folder or a device, not a regular file", "give another path")


def write_matrix(path: Path, matrix: Matrix, texts: Sequence[str], space_id: str) -> None:
    """Write vectors: ``.npy`` (dense), ``.npz`` (scipy, sparse), ``.parquet`` or ``.jsonl`` (with texts).

    Each says of which space they are, as :mod:`lexarium.vector_files` has it; beside a ``.npy`` stands a file
    that does.

    :raises UnsupportedError: another ending, or one that does not suit the vectors.
    :raises MissingExtraError: ``.parquet`` needs pyarrow.
    """
    is_sparse = sparse.issparse(matrix)
    check_target(path, is_sparse=is_sparse)
    ending = path.suffix.lower()
    if ending == ".npy":
        write: Callable[[Path], None] = lambda aside: _save_npy(aside, matrix)  # noqa: E731
    elif ending == ".npz":
        write = lambda aside: _save_npz(aside, matrix, space_id)  # noqa: E731
    elif ending == ".parquet":
        write = lambda aside: _save_parquet(aside, matrix, texts, space_id)  # noqa: E731
    else:
        write = lambda aside: _save_jsonl(aside, matrix, texts, space_id)  # noqa: E731
    with atomic(path) as aside:
        write(aside)
    if ending == ".npy":
        with atomic(sidecar(path)) as aside:
            aside.write_text(describe_npy(path, space_id), encoding="utf-8")


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a path to write to beside ``path``; it takes its place, synced, when the block succeeds.

    A link stays and the file that it names is replaced; a file that exists keeps its mode.

    :raises OSError: it cannot be written, or is no regular file; names ``path``.
    """
    target = Path(os.path.realpath(path))
    aside = target.with_name(f".lexarium-{token_hex(8)}.part")
    try:
        mode = _mode(path)
        # Until it is whole, others read no more of a new version than of the old one.
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666 if mode is None else 0o600))
        yield aside
        if mode is not None:
            aside.chmod(mode)
        _sync(aside)
        os.replace(aside, target)
        if os.name == "posix":  # elsewhere a folder cannot be opened
            _sync(target.parent)
    except OSError as error:
        if error.errno is None or error.filename not in {None, os.fspath(aside)}:
            raise
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
    finally:
        with suppress(OSError):  # it has moved, or its folder is what is wrong
            aside.unlink()


def _mode(path: Path) -> int | None:
    """Return the mode of the file at ``path``, None where there is none yet."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(EINVAL, "is a folder or a device, not a regular file", os.fspath(path))
    return stat.S_IMODE(found.st_mode)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _save_npy(path: Path, matrix: Matrix) -> None:
    rows = np.ascontiguousarray(matrix)
    if rows.dtype.hasobject:
        raise ValueError("vectors of objects")
    with path.open("wb") as file:  # np.save does not say why a disk refuses
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(rows))
        file.write(rows.data)


def _save_npz(path: Path, matrix: Matrix, space_id: str) -> None:
    with path.open("wb") as file:
        sparse.save_npz(file, matrix)
    with zipfile.ZipFile(path, "a") as archive, archive.open(f"{SPACE}.npy", "w") as member:
        np.lib.format.write_array(member, np.array(space_id), allow_pickle=False)


def _save_jsonl(path: Path, matrix: Matrix, texts: Sequence[str], space_id: str) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        for text, row in zip(texts, _dense_rows(matrix), strict=True):
            line = {"text": text, "vector": row.tolist(), SPACE: space_id}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _save_parquet(path: Path, matrix: Matrix, texts: Sequence[str], space_id: str) -> None:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        from pyarrow import parquet  # noqa: PLC0415  as above
    except ImportError as error:
        raise MissingExtraError("writing .parquet", "pyarrow", "lexarium-core[parquet]") from error
    schema = pa.schema(
        [("text", pa.string()), ("vector", pa.list_(pa.float32(), matrix.shape[1]))],
        metadata={SPACE: space_id},
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
