"""safetensors files: written by the library, read by memory map.

Format: https://github.com/huggingface/safetensors#format (8 bytes little-endian header length, a JSON
header, then the data without holes). Reading checks the whole header before a single byte of data is
touched, so a damaged or hostile file is refused in bounded time and memory.
"""

from __future__ import annotations

import math
import mmap
import re
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from lexarium.checkpoint.paths import open_regular
from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["TensorEntry", "read_header", "read_tensors", "write_tensors"]

_MAX_HEADER = 8 * 2**20
_MAX_RANK = 8
_MAX_NAME = 512  # characters
_METADATA = "__metadata__"
_AGAIN = "fetch the model again"
_DTYPES = {
    "BOOL": np.bool_,
    "U8": np.uint8,
    "I8": np.int8,
    "U16": np.uint16,
    "I16": np.int16,
    "U32": np.uint32,
    "I32": np.int32,
    "U64": np.uint64,
    "I64": np.int64,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}
_BRAIN = "BF16"  # which numpy has no type for: read by torch alone
_WIDTHS = {_BRAIN: 2, **{name: np.dtype(dtype).itemsize for name, dtype in _DTYPES.items()}}


class TensorEntry(NamedTuple):
    """What a header says of a tensor: its type by the format's name, its shape, and where its bytes lie.

    ``begin`` and ``end`` are counted from the end of the header.
    """

    begin: int
    end: int
    dtype: str
    shape: tuple[int, ...]


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write tensors, by name, as a new safetensors file.

    :raises OSError: the disk refuses.
    :raises CheckpointError: a name is none that :func:`read_tensors` would take back.
    """
    for name in tensors:
        _check_name(path, name)
    try:
        save_file({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        refused = re.search(r"\(os error (\d+)\)", str(error))  # the library has one class for everything
        if refused is None:
            raise
        raise OSError(int(refused[1]), str(error), str(path)) from error


def read_header(path: Path, where: str | Path | None = None) -> dict[str, TensorEntry]:
    """Return what a safetensors file says of its tensors, in the order of their bytes; no data is read.

    ``where`` is what the error calls the file, if not by its path.

    :raises CheckpointError: it is not a regular file, or is not exactly what its header says.
    """
    return _open(path, path if where is None else where)[0]


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Map a safetensors file into memory and return read-only views of its tensors.

    :raises CheckpointError: the file is not exactly what its header says.
    """
    header, start, data = _open(path, path, map_data=True)
    tensors: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        dtype = _DTYPES.get(entry.dtype)
        if dtype is None:
            raise _of_type(path, name, entry.dtype)
        count = math.prod(entry.shape)
        flat: NDArray[Any] = np.frombuffer(data, dtype, count, start + entry.begin if count else 0)
        # A header of odd length leaves the data unaligned, which a memoryview cannot read: copied then.
        tensors[name] = np.require(flat, requirements="A").reshape(entry.shape)
        tensors[name].flags.writeable = False
    return tensors


def _open(
    path: Path, where: str | Path, *, map_data: bool = False
) -> tuple[dict[str, TensorEntry], int, mmap.mmap | bytes]:
    """Return the checked header, where the data begins, and with ``map_data`` the whole file."""
    try:
        with open_regular(path) as file:
            header, start, size = _read(file, where)
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if map_data and size > start else b""
    except OSError as error:
        raise CheckpointError(where, f"cannot be read: {error.strerror}") from error
    return header, start, data


def _read(file: BinaryIO, where: str | Path) -> tuple[dict[str, TensorEntry], int, int]:
    """Return the checked header of a file, where its data begins, and the file's size."""
    size = file.seek(0, 2)
    file.seek(0)
    prefix = file.read(8)
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > size - 8:  # noqa: PLR2004  the format's length field
        raise CheckpointError(where, "the file is cut short", _AGAIN)
    if length > _MAX_HEADER:
        raise CheckpointError(where, f"the header takes {length} bytes, more than {_MAX_HEADER}")
    said = parse_object(file.read(length), f"{where}: the header", _AGAIN)
    metadata = said.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CheckpointError(where, f"{_METADATA} is not names with texts")
    found = {name: _checked(where, name, entry) for name, entry in said.items()}
    header = dict(sorted(found.items(), key=lambda item: item[1][:2]))
    start = 8 + length
    reached = 0
    for name, entry in header.items():
        if entry.begin != reached:
            raise CheckpointError(where, f"the tensor {name!r} overlaps another, or leaves a hole before it")
        if entry.end > size - start:
            raise CheckpointError(where, f"the file is cut short: {name!r} goes beyond its end", _AGAIN)
        reached = entry.end
    if reached != size - start:
        raise CheckpointError(where, f"{size - start - reached} bytes belong to no tensor")
    return header, start, size


def _checked(where: str | Path, name: str, entry: Any) -> TensorEntry:  # noqa: ANN401  unchecked JSON
    _check_name(where, name)
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(o) is int for o in offsets)):  # noqa: PLR2004
        raise CheckpointError(where, f"the tensor {name!r} has no offsets")
    begin, end = offsets
    shape, dtype = entry.get("shape"), entry.get("dtype")
    if not isinstance(dtype, str) or dtype not in _WIDTHS:
        raise _of_type(where, name, dtype)
    if not isinstance(shape, list) or len(shape) > _MAX_RANK:
        raise CheckpointError(where, f"the tensor {name!r} has no usable shape")
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape) or math.prod(n or 1 for n in shape) >= 2**48:
        raise CheckpointError(where, f"the tensor {name!r} has an impossible shape {shape}")
    if not 0 <= begin <= end or math.prod(shape) * _WIDTHS[dtype] != end - begin:
        raise CheckpointError(where, f"the tensor {name!r} does not fill its place in the file")
    return TensorEntry(begin, end, dtype, tuple(shape))


def _check_name(where: str | Path, name: str) -> None:
    """Refuse the name of a tensor that holds control or bidirectional characters, or does not end."""
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise CheckpointError(where, f"{name[:80]!a} is not the name of a tensor")


def _of_type(where: str | Path, name: str, dtype: object) -> CheckpointError:
    return CheckpointError(where, f"the tensor {name!r} is of the type {dtype!r}, not read here")
