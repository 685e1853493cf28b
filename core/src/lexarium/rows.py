"""Tables row by row: the cells of the columns asked for, with the line on which each row starts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from lexarium.errors import InputError, MissingExtraError, did_you_mean
from lexarium.files import MAX_LINE

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.files import TextFile

__all__ = ["Row", "label_of", "need", "only_column", "rows", "text_of"]

#: A line (in parquet the row's number, from 1) and the cells by column.
Row: TypeAlias = tuple[int, Mapping[str, Any]]


def text_of(path: str | Path, line: int, row: Mapping[str, Any], column: str) -> str:
    """Return the cell of a column, which is text.

    :raises InputError: it is missing, or a number.
    """
    value = row.get(column)
    if isinstance(value, str):
        return value
    problem = "the text is missing" if value is None else f"{value!r} is not text"
    raise InputError(path, problem, "fill it in or delete the row", line=line, field=column)


def label_of(path: str | Path, line: int, row: Mapping[str, Any], column: str) -> str:
    """Return the cell of a column as the name of a label, without white space around it.

    :raises InputError: it is missing or empty, or a list.
    """
    value = row.get(column)
    if isinstance(value, list | dict):
        remedy = "write one label, as text or a number"
        raise InputError(path, f"{value!s:.40} is not one label", remedy, line=line, field=column)
    name = "" if _missing(value) else str(value).strip()
    if not name:
        raise InputError(
            path, "the row has no label", "fill it in or delete the row", line=line, field=column
        )
    return name


def rows(file: TextFile, columns: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of a table.

    :raises InputError: no such file or column, a damaged row, bytes that are not UTF-8: with file and line.
    :raises MissingExtraError: it is a ``.parquet`` and pyarrow is not installed.
    """
    ending = file.ending
    if ending == ".jsonl":
        return _json_rows(file, columns)
    if ending == ".parquet":
        return _parquet_rows(file, columns)
    return _delimited_rows(file, columns)


def _delimited_rows(file: TextFile, columns: Sequence[str]) -> Iterator[Row]:
    reader = _reader(file)
    start = 1
    try:
        header = next(reader, None)
        if header is None:
            raise InputError(file.path, "the file is empty", "give a table with a header line")
        need(str(file.path), header, columns)
        places = {name: header.index(name) for name in columns}
        start = reader.line_num + 1
        for cells in reader:
            if cells and len(cells) != len(header):
                problem = f"{len(cells)} fields where the header has {len(header)}"
                fewer = "complete the row, or close its quotes"
                remedy = fewer if len(cells) < len(header) else "quote fields that contain the separator"
                raise InputError(file.path, problem, remedy, line=start)
            if cells:
                yield start, {name: cells[place] for name, place in places.items()}
            start = reader.line_num + 1
    except csv.Error as error:
        alone = "new-line character" in str(error)
        problem = "a carriage return stands alone" if alone else str(error)
        remedy = "save the file with the line ends LF or CRLF" if alone else "quote the field or mend the row"
        raise InputError(file.path, problem, remedy, line=start) from error


def _reader(file: TextFile) -> Any:  # noqa: ANN401  csv does not name the type of its readers
    # The limit is the process's: raised, and not lowered again under a reader that is still at work.
    csv.field_size_limit(max(MAX_LINE, csv.field_size_limit()))
    delimiter = "\t" if file.ending == ".tsv" else ","
    return csv.reader((text for _, text in file.lines()), delimiter=delimiter, strict=True)


def _json_rows(file: TextFile, columns: Sequence[str]) -> Iterator[Row]:
    for line, text in file.lines():
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError) as error:
            problem = f"not JSON: {_why(error)}"
            raise InputError(file.path, problem, "write one object per line", line=line) from error
        if not isinstance(row, dict):
            raise InputError(file.path, "not a JSON object", "write one object per line", line=line)
        need(str(file.path), list(row), columns, line)
        yield line, row


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "too deep"
    return error.msg if isinstance(error, json.JSONDecodeError) else "a number has too many digits"


def _parquet_rows(file: TextFile, columns: Sequence[str]) -> Iterator[Row]:
    table = _open_parquet(file)
    need(str(file.path), table.schema_arrow.names, columns)
    number = 0
    try:
        for batch in table.iter_batches(columns=list(columns)):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (OSError, ValueError) as error:  # pyarrow's own errors are one or the other
        raise InputError(file.path, f"damaged parquet: {error}", "fetch it again", line=number + 1) from error


def _open_parquet(file: TextFile) -> Any:  # noqa: ANN401  pyarrow has no types
    try:
        from pyarrow import parquet  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("reading .parquet", "pyarrow", "lexarium-core[parquet]") from error
    try:
        return parquet.ParquetFile(file.existing())
    except (OSError, ValueError) as error:
        raise InputError(file.path, f"not a parquet file: {error}", "check the file") from error


def only_column(file: TextFile) -> str:
    """Return the name of a table's only column.

    :raises InputError: it has several, or none.
    """
    if file.ending == ".parquet":
        names = list(_open_parquet(file).schema_arrow.names)
    elif file.ending == ".jsonl":
        names = list(next((row for _, row in _json_rows(file, ())), {}))
    else:
        try:
            names = next(_reader(file), [])
        except csv.Error as error:
            raise InputError(file.path, str(error), "give a table with a header line", line=1) from error
    if len(names) != 1:
        problem = f"it has {len(names)} columns: {', '.join(names)}" if names else "the file is empty"
        raise InputError(file.path, problem, "name the one to read with --column")
    return str(names[0])


def need(path: str, names: Sequence[str], wanted: Sequence[str], line: int | None = None) -> None:
    """Check that each wanted column is there once.

    :raises InputError: it is not.
    """
    for name in wanted:
        if name not in names:
            other = next((mark for mark in ";\t|" if len(names) == 1 and mark in names[0]), None)
            hint = f"is {other!r} the separator? a .csv has commas, a .tsv tabs" if other else ""
            problem = f"there is no column {name!r}" if any(names) else "the first line names no columns"
            raise InputError(path, problem, hint or did_you_mean(name, filter(None, names)), line=line)
        if names.count(name) > 1:
            raise InputError(path, f"the column {name!r} stands twice", "rename one", line=line)


def _missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # noqa: PLR0124  NaN is a missing label in a DataFrame
    except TypeError:  # so is NA, which is neither equal to itself nor not
        return True
