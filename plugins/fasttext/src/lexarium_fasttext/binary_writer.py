"""fastText's binary files, ``.bin`` and ``.ftz``: written, in version 12."""

from __future__ import annotations

import logging
import shutil
import struct
from typing import IO, TYPE_CHECKING

import numpy as np

from lexarium.errors import InputError, UnsupportedError
from lexarium.output import atomic
from lexarium_fasttext.model import Quantised
from lexarium_fasttext.names import HEADER, LOSSES, MAGIC, TASKS, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from lexarium.roles import Floats, Progress
    from lexarium_fasttext.model import FastTextParts

__all__ = ["binary_size", "write_binary"]

_SETTINGS = struct.Struct(f"<ii{len(HEADER)}id")
_COUNTS, _ENTRY, _QUANTISED = struct.Struct("<iiiqq"), struct.Struct("<qb"), struct.Struct("<?qqi")
_MAX_INT = (1 << 31) - 1
_WORD, _LABEL = 0, 1
_BLOCK = 1 << 20  # numbers written together
_LARGE = 64 * 10**6  # bytes of rows without content that are worth a remark
_log = logging.getLogger("lexarium")


def write_binary(parts: FastTextParts, path: Path, progress: Progress) -> None:
    """Write a model: dense as a ``.bin``, quantised as a ``.ftz``; all of it, or nothing.

    A bucket without a row is written as zeros; fastText keeps the random numbers that it began with.

    What these rows take is remarked on before they are written, where it is 64 MB or more.

    :raises UnsupportedError: the format cannot hold the model.
    :raises InputError: the disk has less room than the file takes.
    :raises OSError: the file cannot be written.
    """
    quantised = isinstance(parts.input, Quantised)
    if parts.pruned and not quantised:
        what = "fastText reads pruned models only where they are quantised"
        raise UnsupportedError(what, "export another model")
    if quantised and not parts.pruned and parts.buckets is not None:
        raise UnsupportedError("a quantised model has all its buckets, or is pruned", "export another model")
    if isinstance(parts.output, Quantised) and not quantised:
        raise UnsupportedError("fastText has no dense input with a quantised output", "export another model")
    _check_room(parts, path)
    with atomic(path) as aside, aside.open("wb") as file:
        file.write(_header(parts))
        _write_dictionary(file, parts)
        file.write(bytes([quantised]))
        _write_input(file, parts, progress)
        file.write(bytes([isinstance(parts.output, Quantised)]))
        if isinstance(parts.output, Quantised):
            _write_quantised(file, parts.output)
        else:
            file.write(struct.pack("<qq", *parts.output.shape))
            _write_blocks(file, parts.output)


def binary_size(parts: FastTextParts) -> int:
    """Return how many bytes the file of a model takes."""
    names = sum(len(_raw(name)) + 1 + _ENTRY.size for name in parts.labels)
    names += int(parts.vocabulary.tensors()["vocabulary.offsets"][-1])
    names += len(parts.vocabulary) * (1 + _ENTRY.size)
    if parts.pruned and parts.buckets is not None:
        names += 8 * len(parts.buckets)
    matrices = 0
    for matrix in (parts.input, parts.output):
        if isinstance(matrix, Quantised):
            arrays = (matrix.codes, matrix.centroids, matrix.norm_codes, matrix.norms)
            tables = 16 if matrix.norms is None else 32
            matrices += _QUANTISED.size + tables + sum(array.nbytes for array in arrays if array is not None)
        else:
            matrices += 16 + 4 * matrix.size
    return _SETTINGS.size + _COUNTS.size + names + 2 + matrices + _filled(parts)


def _filled(parts: FastTextParts) -> int:
    """Return how many bytes the buckets without a row take."""
    if isinstance(parts.input, Quantised) or parts.buckets is None:
        return 0
    return 4 * parts.parameters.dim * (parts.parameters.bucket - len(parts.buckets))


def _check_room(parts: FastTextParts, path: Path) -> None:
    size, filled = binary_size(parts), _filled(parts)
    free = shutil.disk_usage(path.parent).free
    settings = parts.parameters
    why = f": the format has a row for each of bucket={settings.bucket:,} numbers" if filled >= _LARGE else ""
    if size > free:
        problem = f"the file takes {size / 1e6:,.1f} MB{why}, and the disk has {free / 1e6:,.1f} MB left"
        instead = (
            "fit with a smaller bucket, or export with --format vec" if why else "export with --format vec"
        )
        raise InputError(path, problem, f"make room, {instead}")
    if why:
        used = 0 if parts.buckets is None else len(parts.buckets)
        _log.warning("%s takes %s MB%s, of which %s are used", path, f"{size / 1e6:,.1f}", why, f"{used:,}")


def _header(parts: FastTextParts) -> bytes:
    numbers = dict(LOSSES.items())
    values = []
    for _, ours in HEADER:
        value = getattr(parts.parameters, ours)
        if ours == "loss":
            value = next(number for number, name in numbers.items() if name == value)
        elif ours == "model":
            value = next(number for number, name in TASKS.items() if name == value)
        if not -_MAX_INT <= value <= _MAX_INT:
            raise UnsupportedError(f"{ours}={value} does not fit into fastText's format", "it holds 32 bits")
        values.append(value)
    return _SETTINGS.pack(MAGIC, VERSION, *values, parts.parameters.t)


def _write_dictionary(file: IO[bytes], parts: FastTextParts) -> None:
    words, labels = len(parts.vocabulary), len(parts.labels)
    kept = -1
    if parts.pruned:
        kept = 0 if parts.buckets is None else len(parts.buckets)
    file.write(_COUNTS.pack(words + labels, words, labels, parts.tokens, kept))
    _write_entries(file, parts.vocabulary, parts.counts, _WORD)
    if parts.label_counts is not None:
        _write_entries(file, parts.labels, parts.label_counts, _LABEL)
    if parts.pruned and parts.buckets is not None:
        pairs = np.stack([parts.buckets, np.arange(len(parts.buckets))], axis=1)
        file.write(pairs.astype("<i4").tobytes())


def _write_entries(file: IO[bytes], names: Iterable[str], counts: NDArray[np.int64], kind: int) -> None:
    for name, count in zip(names, counts.tolist(), strict=True):
        raw = _raw(name)
        if b"\0" in raw or (kind == _LABEL and not raw):
            raise UnsupportedError(f"the word {name!r} cannot stand in fastText's format", "leave it out")
        file.write(raw + b"\0" + _ENTRY.pack(count, kind))


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _write_input(file: IO[bytes], parts: FastTextParts, progress: Progress) -> None:
    if isinstance(parts.input, Quantised):
        _write_quantised(file, parts.input)
        return
    words, dim = len(parts.vocabulary), parts.parameters.dim
    bucket = parts.parameters.bucket
    file.write(struct.pack("<qq", words + bucket, dim))
    if parts.buckets is None:
        _write_blocks(file, parts.input)
        return
    _write_blocks(file, parts.input[:words])
    rows = parts.input[words:]
    step = max(1, _BLOCK // dim)
    for start in range(0, bucket, step):
        stop = min(bucket, start + step)
        first, last = np.searchsorted(parts.buckets, [start, stop])
        block = np.zeros((stop - start, dim), "<f4")
        block[parts.buckets[first:last] - start] = rows[first:last]
        file.write(block.data)
        progress("write vectors", stop, bucket)


def _write_blocks(file: IO[bytes], rows: Floats) -> None:
    step = max(1, _BLOCK // max(1, rows.shape[1]))
    for start in range(0, len(rows), step):
        file.write(np.ascontiguousarray(rows[start : start + step], "<f4").data)


def _write_quantised(file: IO[bytes], matrix: Quantised) -> None:
    rows, parts = matrix.codes.shape
    file.write(_QUANTISED.pack(matrix.norms is not None, rows, matrix.dim, rows * parts))
    file.write(np.ascontiguousarray(matrix.codes).data)
    _write_quantiser(file, matrix.dim, matrix.dsub, matrix.centroids)
    if matrix.norm_codes is not None and matrix.norms is not None:
        file.write(np.ascontiguousarray(matrix.norm_codes).data)
        _write_quantiser(file, 1, 1, matrix.norms)


def _write_quantiser(file: IO[bytes], dim: int, dsub: int, centroids: Floats) -> None:
    file.write(struct.pack("<iiii", dim, -(-dim // dsub), dsub, (dim % dsub) or dsub))
    file.write(np.ascontiguousarray(centroids, "<f4").data)
