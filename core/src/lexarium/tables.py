"""Reading the user's own texts and tables, row by row, so that a bad row is named with its line.

Formats by ending: ``.txt`` (one text a line), ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet``, each but
the last also ``.gz``; ``-`` is standard input, one text a line. Files are UTF-8, with or without a
byte order mark.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias
from zlib import error as zlib_error

from lexarium.errors import InputError, MissingExtraError, UnsupportedError, did_you_mean

__all__ = ["Data", "Labelled", "Source", "Texts", "corpus", "labelled", "read_labelled", "read_texts"]

_MAX_LINE = 64 * 2**20
_ENDINGS = (".txt", ".csv", ".tsv", ".jsonl", ".parquet")
_Row: TypeAlias = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class Texts:
    """Texts, and the line of ``path`` on which each one starts (its row number in parquet)."""

    path: str
    texts: list[str]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)


@dataclass(frozen=True)
class Labelled:
    """Texts with a label each, and the line of ``path`` on which each row starts."""

    path: str
    texts: list[str]
    labels: list[str]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.texts)


#: What to train on: texts (a list, :class:`Texts`), or files.
Source: TypeAlias = Iterable[str] | Iterable[Path] | Path
Data: TypeAlias = str | Path | Labelled | Mapping[str, Sequence[Any]]


def labelled(data: Data, *, text: str, label: str) -> Labelled:
    """Return labelled rows from a path, from columns in memory, or as they already are.

    :raises InputError: as :func:`read_labelled`.
    """
    if isinstance(data, Labelled):
        return data
    if isinstance(data, str | Path):
        return read_labelled(data, text=text, label=label)
    columns = [str(name) for name in data]
    _need("the data", columns, (text, label))
    if len(data[text]) != len(data[label]):
        problem = f"{len(data[text])} rows in {text!r}, {len(data[label])} in {label!r}"
        raise InputError("the data", problem, "give one label per text")
    rows = zip(data[text], data[label], strict=True)
    return _labelled("the data", ((i, {text: t, label: c}) for i, (t, c) in enumerate(rows, 1)), text, label)


def read_labelled(path: str | Path, *, text: str, label: str) -> Labelled:
    """Read two columns of a table.

    :raises InputError: no such file or column, no rows, bytes that are not UTF-8, a row without
        label: each with file, line and what to do.
    """
    if _ending(path) in {".txt", ""}:
        raise InputError(path, "a plain text file has no columns", "use .csv, .tsv, .jsonl or .parquet")
    return _labelled(str(path), _rows(path, (text, label)), text, label)


def read_texts(path: str | Path, column: str | None = None) -> Texts:
    """Read texts: the lines of a ``.txt`` (or ``-``), or one column of a table.

    :raises InputError: as :func:`read_labelled`; a table also needs ``column`` where it has several.
    """
    if _ending(path) in {".txt", ""}:
        if column is not None:
            raise InputError(path, "a plain text file has no columns", "leave --column out")
        pairs = [(line, text.rstrip("\r\n")) for line, text in _lines(path)]
    else:
        name = column or _only_column(path)
        pairs = [(line, _text(path, line, row, name)) for line, row in _rows(path, (name,))]
    if not pairs:
        raise InputError(path, "there are no texts in it", "give a file with at least one row")
    return Texts(str(path), [text for _, text in pairs], [line for line, _ in pairs])


def corpus(source: Source, column: str | None = None) -> Texts:
    """Return texts to train on: as given, or read from one ``Path`` or several; ``column`` is for tables.

    :raises InputError: an element is not text (a missing value of a table, for instance), or the source
        is a single text; a file's errors are those of :func:`read_texts`.
    """
    if isinstance(source, Texts):
        return source
    if isinstance(source, str | bytes):
        remedy = "write [text] for one text, or Path(...) for a file"
        raise InputError("corpus", "a single text where a list of texts belongs", remedy)
    items = [source] if isinstance(source, Path) else list(source)
    if any(isinstance(item, Path) for item in items):
        read = [read_texts(str(path), column) for path in items]
        names = ", ".join(part.path for part in read)
        return Texts(
            names, [t for part in read for t in part.texts], [n for part in read for n in part.lines]
        )
    texts: list[str] = []
    for index, text in enumerate(items):
        if not isinstance(text, str):
            problem = f"element {index} is {text!r:.40}, not text"
            raise InputError("corpus", problem, "fill in or leave out what is missing")
        texts.append(text)
    return Texts("corpus", texts, list(range(1, len(texts) + 1)))


def _labelled(path: str, rows: Iterator[_Row], text: str, label: str) -> Labelled:
    found = Labelled(path, [], [], [])
    for line, row in rows:
        value = row.get(label)
        name = "" if _missing(value) else str(value).strip()
        if not name:
            raise InputError(
                path, "the row has no label", "fill it in or delete the row", line=line, field=label
            )
        found.texts.append(_text(path, line, row, text))
        found.labels.append(name)
        found.lines.append(line)
    if not found.texts:
        raise InputError(path, "there are no rows in it", "give a table with at least one row")
    return found


def _missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # noqa: PLR0124  NaN is a missing label in a DataFrame
    except TypeError:  # so is NA, which is neither equal to itself nor not
        return True


def _text(path: str | Path, line: int, row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if isinstance(value, str):
        return value
    problem = "the text is missing" if value is None else f"{value!r} is not text"
    raise InputError(path, problem, "fill it in or delete the row", line=line, field=column)


def _rows(path: str | Path, columns: Sequence[str]) -> Iterator[_Row]:
    ending = _ending(path)
    if ending == ".jsonl":
        return _json_rows(path, columns)
    if ending == ".parquet":
        return _parquet_rows(path, columns)
    return _delimited_rows(path, columns)


def _delimited_rows(path: str | Path, columns: Sequence[str]) -> Iterator[_Row]:
    reader = _reader(path)
    start = 1
    try:
        header = next(reader, None)
        if header is None:
            raise InputError(path, "the file is empty", "give a table with a header line")
        _need(str(path), header, columns)
        places = {name: header.index(name) for name in columns}
        start = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                problem = f"{len(cells)} fields where the header has {len(header)}"
                fewer = "complete the row, or close its quotes"
                remedy = fewer if len(cells) < len(header) else "quote fields that contain the separator"
                raise InputError(path, problem, remedy, line=start)
            if cells:
                yield start, {name: cells[place] for name, place in places.items()}
            start = reader.line_num + 1
    except csv.Error as error:
        alone = "new-line character" in str(error)
        problem = "a carriage return stands alone" if alone else str(error)
        remedy = "save the file with the line ends LF or CRLF" if alone else "quote the field or mend the row"
        raise InputError(path, problem, remedy, line=start) from error


def _reader(path: str | Path) -> Any:  # noqa: ANN401  csv does not name the type of its readers
    # The limit is the process's: raised, and not lowered again under a reader that is still at work.
    csv.field_size_limit(max(_MAX_LINE, csv.field_size_limit()))
    delimiter = "\t" if _ending(path) == ".tsv" else ","
    return csv.reader((text for _, text in _lines(path)), delimiter=delimiter, strict=True)


def _json_rows(path: str | Path, columns: Sequence[str]) -> Iterator[_Row]:
    for line, text in _lines(path):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            what = getattr(error, "msg", "too deep")
            raise InputError(path, f"not JSON: {what}", "write one object per line", line=line) from error
        if not isinstance(row, dict):
            raise InputError(path, "not a JSON object", "write one object per line", line=line)
        _need(str(path), list(row), columns, line)
        yield line, row


def _parquet_rows(path: str | Path, columns: Sequence[str]) -> Iterator[_Row]:
    file = _open_parquet(path)
    _need(str(path), file.schema_arrow.names, columns)
    number = 0
    try:
        for batch in file.iter_batches(columns=list(columns)):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (OSError, ValueError) as error:  # pyarrow's own errors are one or the other
        raise InputError(path, f"damaged parquet: {error}", "fetch it again", line=number + 1) from error


def _open_parquet(path: str | Path) -> Any:  # noqa: ANN401  pyarrow has no types
    try:
        from pyarrow import parquet  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("reading .parquet", "pyarrow", "lexarium-core[parquet]") from error
    try:
        return parquet.ParquetFile(_existing(path))
    except (OSError, ValueError) as error:
        raise InputError(path, f"not a parquet file: {error}", "check the file") from error


def _only_column(path: str | Path) -> str:
    if _ending(path) == ".parquet":
        names = list(_open_parquet(path).schema_arrow.names)
    elif _ending(path) == ".jsonl":
        names = list(next((row for _, row in _json_rows(path, ())), {}))
    else:
        try:
            names = next(_reader(path), [])
        except csv.Error as error:
            raise InputError(path, str(error), "give a table with a header line", line=1) from error
    if len(names) != 1:
        problem = f"it has {len(names)} columns: {', '.join(names)}" if names else "the file is empty"
        raise InputError(path, problem, "name the one to read with --column")
    return str(names[0])


def _need(path: str, names: Sequence[str], wanted: Sequence[str], line: int | None = None) -> None:
    for name in wanted:
        if name not in names:
            other = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
            hint = f"is {other!r} the separator? a .csv has commas, a .tsv tabs" if other else ""
            problem = f"there is no column {name!r}" if any(names) else "the first line names no columns"
            raise InputError(path, problem, hint or did_you_mean(name, filter(None, names)), line=line)
        if names.count(name) > 1:
            raise InputError(path, f"the column {name!r} stands twice", "rename one", line=line)


def _ending(path: str | Path) -> str:
    """Return the format of a path; ``-`` has none."""
    if str(path) == "-":
        return ""
    name = Path(path).name.lower().removesuffix(".gz")
    ending = Path(name).suffix
    if ending not in _ENDINGS:
        raise UnsupportedError(
            f"{path}: Lexarium does not read {ending or 'files without an ending'}",
            f"use {', '.join(_ENDINGS)} or .gz of them",
        )
    return ending


def _existing(path: str | Path) -> Path:
    found = Path(path)
    if not found.exists():
        siblings = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
        raise InputError(path, "there is no such file", did_you_mean(found.name, siblings))
    if not found.is_file():
        raise InputError(path, "it is not a file", "give a file, not a folder")
    return found


def _open(path: str | Path) -> IO[bytes]:
    if str(path) == "-":
        if sys.stdin is None or sys.stdin.closed:
            raise InputError(path, "there is no standard input, or it has been read already", "give a file")
        return getattr(sys.stdin, "buffer", None) or BytesIO(sys.stdin.read().encode())
    found = _existing(path)
    return gzip.open(found) if found.name.lower().endswith(".gz") else found.open("rb")  # type: ignore[return-value]


def _lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Yield each line with its number; the line end stays, so that csv sees its own."""
    with _open(path) as file:
        number = 0
        try:
            while raw := file.readline(_MAX_LINE):
                number += 1
                if len(raw) == _MAX_LINE:
                    raise InputError(path, "the line is longer than 64 MiB", "cut it", line=number)
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            problem = f"byte {error.object[error.start]:#04x} at position {error.start} is not UTF-8"
            raise InputError(path, problem, "save the file as UTF-8", line=number) from error
        except (EOFError, gzip.BadGzipFile, zlib_error) as error:
            raise InputError(path, f"damaged gzip: {error}", "fetch it again", line=number + 1) from error
