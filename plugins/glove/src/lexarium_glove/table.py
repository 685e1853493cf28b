"""A matrix in numpy's ``.npy`` format and the words of its rows in a parquet file beside it."""

from __future__ import annotations

from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import FormatError, MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Floats, Progress

__all__ = ["read_table"]

_COLUMN = "index"
_BLOCK = 1 << 20  # numbers copied together
_BATCH = 1 << 14  # words taken from the index together

#: What numpy's reader of headers raises besides ValueError, where a header is damaged.
_UNREADABLE = (
    MemoryError,
    OSError,
    OverflowError,
    RecursionError,
    SyntaxError,
    TokenError,
    TypeError,
    ValueError,
)


def read_table(matrix: Path, index: Path, progress: Progress) -> tuple[list[str], Floats]:
    """Return the words, row by row, and their vectors (n, dim).

    :raises FormatError: a file is not what it should be, or the two do not belong together.
    :raises MissingExtraError: pyarrow is not installed.
    """
    mapped = _map(matrix)
    words = _words(index, len(mapped), matrix.name)
    vectors = np.empty(mapped.shape, np.float32)
    step = max(1, _BLOCK // mapped.shape[1])
    for start in range(0, len(mapped), step):
        block = vectors[start : start + step]
        block[:] = mapped[start : start + step]
        wrong = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(wrong):
            row = start + int(wrong[0])
            problem = f"row {row} (the word {words[row][:40]!r}) holds NaN or an infinite number"
            raise FormatError(matrix, problem, "correct it, or fetch the file again")
        progress("read vectors", start + len(block), len(mapped))
    return words, vectors


def _map(path: Path) -> Floats:
    # Mapping refuses a header that promises more than the file holds, before anything is allocated.
    try:
        mapped = np.lib.format.open_memmap(path, mode="r")
    except _UNREADABLE as error:
        raise FormatError(path, f"not a readable .npy file: {error}", "fetch the file again") from error
    if mapped.dtype != np.float32 or mapped.ndim != 2 or 0 in mapped.shape:  # noqa: PLR2004  (n, dim)
        found = f"{mapped.dtype} of shape {mapped.shape}"
        raise FormatError(path, f"the array is {found}", "save it as float32 of shape (words, numbers)")
    return mapped


def _words(path: Path, rows: int, matrix: str) -> list[str]:
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtraError(f"reading {path.name}", "pyarrow", "lexarium-glove[parquet]") from error
    try:
        _check(path, pq.read_schema(path), pa)
        # As a dictionary, so that one long word repeated is not unpacked before it is refused.
        with pq.ParquetFile(path, read_dictionary=[_COLUMN]) as file:
            if file.metadata.num_rows != rows:
                problem = f"it names {file.metadata.num_rows} words, {matrix} has {rows} rows"
                raise FormatError(path, problem, "give the two files that belong together")
            words: dict[str, None] = {}
            for batch in file.iter_batches(_BATCH, columns=[_COLUMN]):
                for value in batch.column(0):
                    _add(path, words, value.as_py())
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        raise FormatError(path, f"not a readable parquet file: {error}", "fetch the file again") from error
    if len(words) != rows:
        raise FormatError(path, f"it holds {len(words)} words, not the {rows} it promises", "fetch it again")
    return list(words)


def _check(path: Path, schema: Any, pa: Any) -> None:  # noqa: ANN401  pyarrow has no types
    if _COLUMN not in schema.names:
        raise FormatError(path, f"there is no such column, only {schema.names[:5]}", field=_COLUMN)
    kind = schema.field(_COLUMN).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise FormatError(path, f"the words are {kind}", "save them as strings", field=_COLUMN)


def _add(path: Path, words: dict[str, None], word: str | None) -> None:
    row = len(words)
    if not word:
        raise FormatError(path, f"row {row} has no word", "correct the index", field=_COLUMN)
    if word in words:
        first = list(words).index(word)
        problem = f"row {row} is a second vector for the word {word[:40]!r}; the first is row {first}"
        raise FormatError(path, problem, "keep one", field=_COLUMN)
    words[word] = None
