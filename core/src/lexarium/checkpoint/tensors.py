"""safetensors files: written by the library, read by memory map.

Format: https://github.com/huggingface/safetensors#format (8 bytes little-endian header length, a JSON
header, then the data without holes). Reading checks the whole header before a single byte of data is
touched, so a damaged or hostile file is refused in bounded time and memory.
"""

from __future__ import annotations

import math
import mmap
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["read_tensors", "write_tensors"]

_MAX_HEADER = 8 * 2**20
_MAX_RANK = 8
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


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Write tensors, by name, as a new safetensors file.

    :raises OSError: the disk refuses.
    """
    try:
        save_file({name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        refused = re.search(r"\(os error (\d+)\)", str(error))  # the library has one class for everything
        if refused is None:
            raise
        raise OSError(int(refused[1]), str(error), str(path)) from error


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Map a safetensors file into memory and return read-only views of its tensors.

    :raises CheckpointError: the file is not exactly what its header says.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(0)
            entries, start = _header(path, file.read(8), size)
            header = _parse(path, file.read(entries))
            if size == start:
                data: Any = b""
            else:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise CheckpointError(path, f"cannot be read: {error.strerror}") from error
    tensors: dict[str, NDArray[Any]] = {}
    end = 0
    for name, entry in sorted(header.items(), key=lambda item: _offsets(path, *item)):
        dtype, shape, begin, stop = _checked(path, name, entry)
        if begin != end or stop > size - start:
            raise CheckpointError(path, f"the tensor {name!r} overlaps another, or lies outside the file")
        count = math.prod(shape)
        flat: NDArray[Any] = np.frombuffer(data, dtype, count, start + begin if count else 0)
        # A header of odd length leaves the data unaligned, which a memoryview cannot read: copied then.
        tensors[name] = np.require(flat, requirements="A").reshape(shape)
        tensors[name].flags.writeable = False
        end = stop
    if end != size - start:
        raise CheckpointError(path, f"{size - start - end} bytes belong to no tensor")
    return tensors


def _header(path: Path, prefix: bytes, size: int) -> tuple[int, int]:
    length = int.from_bytes(prefix, "little")
    if len(prefix) < 8 or length > size - 8:  # noqa: PLR2004  the format's length field
        raise CheckpointError(path, "the file is cut short", _AGAIN)
    if length > _MAX_HEADER:
        raise CheckpointError(path, f"the header takes {length} bytes, more than {_MAX_HEADER}")
    return length, 8 + length


def _parse(path: Path, raw: bytes) -> dict[str, Any]:
    header = parse_object(raw, f"{path}: the header", _AGAIN)
    header.pop("__metadata__", None)
    return header


def _offsets(path: Path, name: str, entry: Any) -> tuple[int, int]:  # noqa: ANN401  unchecked JSON
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(o) is int for o in offsets)):  # noqa: PLR2004
        raise CheckpointError(path, f"the tensor {name!r} has no offsets")
    return offsets[0], offsets[1]


def _checked(path: Path, name: str, entry: dict[str, Any]) -> tuple[type, tuple[int, ...], int, int]:
    begin, stop = _offsets(path, name, entry)
    shape, dtype = entry.get("shape"), _DTYPES.get(str(entry.get("dtype")))
    if dtype is None:
        raise CheckpointError(
            path, f"the tensor {name!r} is of the type {entry.get('dtype')!r}, not read here"
        )
    if not isinstance(shape, list) or len(shape) > _MAX_RANK:
        raise CheckpointError(path, f"the tensor {name!r} has no usable shape")
    if not all(type(n) is int and 0 <= n < 2**48 for n in shape) or math.prod(n or 1 for n in shape) >= 2**48:
        raise CheckpointError(path, f"the tensor {name!r} has an impossible shape {shape}")
    if not 0 <= begin <= stop or math.prod(shape) * np.dtype(dtype).itemsize != stop - begin:
        raise CheckpointError(path, f"the tensor {name!r} does not fill its place in the file")
    return dtype, tuple(shape), begin, stop
