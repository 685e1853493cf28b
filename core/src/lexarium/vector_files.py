"""Vectors that ``lexarium embed`` wrote, read again: with the id of their space, or not at all.

Each format says of which space its vectors are, since vectors of two spaces have nothing to do with each
other: ``.parquet`` in the metadata of its schema, ``.jsonl`` in every line, ``.npz`` in an array ``space_id``
beside scipy's own, and ``.npy``, which has no room for it, in a file of the same name with ``.json`` behind,
which also holds the sha256 of the ``.npy``.

What a file says of its size is checked before there is room made for it: an array takes the bytes that its
header promises, a line is at most 64 MiB long, and a ``.npz`` unpacks to at most 64 MiB and 200 times its
size.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, InputError, MissingExtraError, UnsupportedError
from lexarium.files import TextFile
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lexarium.roles import Floats, Matrix

__all__ = ["SPACE", "Vectors", "describe_npy", "read_vectors", "sidecar"]

SPACE = "space_id"
_MOST = 2**16  # bytes of what stands beside a .npy
_MOST_SWOLLEN = 200  # times the size of a .npz; the same rows again and again reach 1000
_SMALL = 2**26
_DAMAGE = (
    OSError,
    ValueError,
    KeyError,
    EOFError,
    TypeError,
    NotImplementedError,  # an archive of a later version of the format
    zipfile.BadZipFile,
    zlib.error,
)
_STORED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_LINE = {"text", "vector", SPACE}
_AGAIN = "write it again with: lexarium embed MODEL INPUT --out FILE"


@dataclass(frozen=True)
class Vectors:
    """Rows (n, dim), and the texts that they are of; None where the format keeps none."""

    matrix: Matrix
    texts: list[str] | None


def sidecar(path: Path) -> Path:
    """Return the file that says of which space the vectors of a ``.npy`` are."""
    return path.with_name(f"{path.name}.json")


def describe_npy(path: Path, space_id: str) -> str:
    """Return what the file beside a ``.npy`` holds."""
    return json.dumps({SPACE: space_id, "sha256": _hash(path)}) + "\n"


def read_vectors(path: Path, space_id: str, dim: int) -> Vectors | None:
    """Return the vectors of a file, or None where it holds none of ours: texts, or nothing.

    :raises UnsupportedError: they are of another space than ``space_id``, or nobody says of which.
    :raises InputError: the file is damaged, or has vectors of another length than ``dim``.
    :raises MissingExtraError: ``.parquet`` needs pyarrow.
    """
    reader = {".npy": _npy, ".npz": _npz, ".jsonl": _jsonl, ".parquet": _parquet}.get(path.suffix.lower())
    if reader is None or not path.is_file():
        return None
    try:
        found = reader(path)
    except _DAMAGE as error:
        raise InputError(path, f"its vectors cannot be read: {error}", _AGAIN) from error
    if found is None:
        return None
    theirs, vectors = found
    if theirs != space_id:
        problem = (
            f"{path}: its vectors are of the space {theirs[:80]!a}, not of the model's, {space_id[:12]}..."
        )
        raise UnsupportedError(problem, "name the model that they were made with, or embed the texts again")
    if vectors.matrix.ndim != 2 or vectors.matrix.shape[1] != dim:  # noqa: PLR2004  rows and columns
        raise InputError(path, f"its vectors are {vectors.matrix.shape}, not of {dim} dimensions", _AGAIN)
    values: Any = vectors.matrix.data if sparse.issparse(vectors.matrix) else vectors.matrix
    if values.dtype != np.float32 or not np.isfinite(values).all():
        problem = "not float32" if values.dtype != np.float32 else "which are not all finite"
        raise InputError(path, f"it holds numbers of {values.dtype}, {problem}", _AGAIN)
    return vectors


def _npy(path: Path) -> tuple[str, Vectors]:
    try:
        said = parse_object(read_small(sidecar(path), _MOST), sidecar(path), _AGAIN)
    except (FileNotFoundError, CheckpointError) as error:
        problem = (
            f"{path}: nothing says of which space its vectors are: {sidecar(path).name} is missing or damaged"
        )
        raise UnsupportedError(problem, _AGAIN) from error
    if said.get("sha256") != _hash(path):
        raise UnsupportedError(f"{path}: {sidecar(path).name} is of other vectors", _AGAIN)
    with path.open("rb") as file:
        _check_size(file, path.stat().st_size)
    return str(said.get(SPACE)), Vectors(np.load(path, allow_pickle=False), None)


def _npz(path: Path) -> tuple[str, Vectors]:
    _check_members(path)
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        if SPACE not in arrays:
            raise UnsupportedError(f"{path}: it does not say of which space its vectors are", _AGAIN)
        if arrays["format"].item() != b"csr":
            raise InputError(path, "its sparse matrix is not in the format csr", _AGAIN)
        space_id, shape = str(arrays[SPACE]), tuple(arrays["shape"].tolist())
        matrix = sparse.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
    matrix.check_format(full_check=True)  # scipy's loops trust the indices
    return space_id, Vectors(matrix, None)


def _check_members(path: Path) -> None:
    """Refuse an archive that unpacks to much more than it is, before anything of it is unpacked.

    :raises InputError: it does, or a file in it is packed in another way than numpy packs.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if sum(info.file_size for info in members) > _SMALL + _MOST_SWOLLEN * path.stat().st_size:
            raise InputError(path, f"it unpacks to more than {_MOST_SWOLLEN} times its size", _AGAIN)
        for info in members:
            if info.flag_bits & 1 or info.compress_type not in _STORED:
                raise InputError(path, f"{info.filename!r} is encrypted, or not deflated", _AGAIN)
            with archive.open(info) as member:
                _check_size(member, info.file_size)


def _check_size(file: IO[bytes], size: int) -> None:
    """Check that an array of ``size`` bytes has as many as its header says, before numpy makes room for it.

    :raises ValueError: it has not, or the header is none.
    """
    version = np.lib.format.read_magic(file)
    if version not in {(1, 0), (2, 0)}:
        message = f"version {version} of the format of arrays is not read"
        raise ValueError(message)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    promised = math.prod(shape) * dtype.itemsize
    if promised != size - file.tell():
        message = f"an array of {promised} bytes takes {size - file.tell()}"
        raise ValueError(message)


def _jsonl(path: Path) -> tuple[str, Vectors] | None:
    texts: list[str] = []
    rows: list[Floats] = []
    spaces: set[str] = set()
    for number, document in _lines(path):
        if not isinstance(document, dict) or set(document) != _LINE:
            if not texts:
                return None  # a table of texts
            raise InputError(path, "the fields text, vector and space_id belong here", _AGAIN, line=number)
        texts.append(str(document["text"]))
        rows.append(_row(path, number, document["vector"]))
        spaces.add(str(document[SPACE]))
        if rows[-1].shape != rows[0].shape:
            raise InputError(path, "the vector is of another length than the first", _AGAIN, line=number)
    if len(spaces) > 1:
        raise UnsupportedError(f"{path}: it mixes vectors of {len(spaces)} spaces", _AGAIN)
    return (spaces.pop(), Vectors(np.stack(rows), texts)) if rows else None


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number and the document of each line; a line that is no JSON as None."""
    for number, line in TextFile(path).lines():
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, None


def _row(path: Path, line: int, given: Any) -> Floats:  # noqa: ANN401  any JSON value
    """Return the vector of a line, (dim,)."""
    try:
        with np.errstate(over="ignore"):
            row = np.array(given, np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(path, "the vector is not a list of numbers", _AGAIN, line=line) from error
    if row.ndim != 1 or not np.isfinite(row).all():
        problem = "the vector is not a list of numbers that are finite in float32"
        raise InputError(path, problem, _AGAIN, line=line)
    return row


def _parquet(path: Path) -> tuple[str, Vectors] | None:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("reading .parquet", "pyarrow", "lexarium-core[parquet]") from error
    try:
        with parquet.ParquetFile(path) as file:
            said = (file.schema_arrow.metadata or {}).get(SPACE.encode())
            if said is None:
                return None  # a table of texts
            table = file.read(columns=["text", "vector"])
        column = table.column("vector").combine_chunks()
        with np.errstate(over="ignore"):
            flat = column.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        matrix = flat.reshape(len(table), column.type.list_size)
        return said.decode("utf-8", "replace"), Vectors(matrix, table.column("text").to_pylist())
    except (ArrowException, AttributeError) as error:
        raise InputError(path, f"its vectors cannot be read: {error}", _AGAIN) from error


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
