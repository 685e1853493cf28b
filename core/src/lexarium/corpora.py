"""A corpus in files: read anew on every iteration, in bounded memory however large the files are."""

from __future__ import annotations

import io
import os
import tempfile
import weakref
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from lexarium.errors import InputError
from lexarium.files import ENDINGS, EncodingErrors, TextFile, standard_input
from lexarium.rows import label_of, only_column, rows, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FileCorpus", "TextBlock"]

#: Texts that are handed on together: UTF-8, one text a line (``\n`` or ``\r\n`` between them), or a list.
TextBlock: TypeAlias = bytes | list[str]
_BLOCK, _STR_BLOCK, _CHUNK = 4 * 2**20, 2**18, 2**20  # bytes; a str costs 50 more
_ROWS = 2048


@dataclass(frozen=True)
class _Stamp:
    """What tells that a file is still the one that it was."""

    size: int
    modified: int

    @classmethod
    def of(cls, path: str) -> _Stamp:
        status = Path(path).stat()
        return cls(status.st_size, status.st_mtime_ns)


class FileCorpus:
    """The texts of files, one after another, as often as they are iterated.

    A path is a ``.txt`` (one text a line), a table, of which ``column`` is read, a folder (every file
    beneath that has one of these endings, in the order of the paths), or ``-``, standard input, which
    is kept in a temporary file. At most one block of 4 MiB, or one line of at most 64 MiB, is held.
    """

    def __init__(
        self, paths: Sequence[str], column: str | None = None, errors: EncodingErrors = "strict"
    ) -> None:
        """Look at the files, and read none of them yet.

        :raises InputError: a file is missing or not one, a folder holds none, a column is not there.
        :raises UnsupportedError: Lexarium does not read files of this ending.
        """
        if not paths:
            raise InputError("corpus", "no file is named", "give at least one")
        #: The paths as they were given, one by one and as errors name them.
        self.paths = tuple(paths)
        self.path = ", ".join(paths)
        #: How many texts the last complete iteration read; None before there was one.
        self.read: int | None = None
        self._column = column
        self._errors = errors
        self._spool: IO[bytes] | None = None
        self._stamps: dict[str, _Stamp | None] = {}
        for file in self._files():
            self._check(file)
            self._stamps[str(file.path)] = self._stamp(file)

    def __iter__(self) -> Iterator[str]:
        """Yield the texts.

        :raises InputError: there is none; a file has changed since it was first seen; bytes that are not
            UTF-8, a row without text, a line of more than 64 MiB: each with file and line.
        """
        return (text for _, _, text in self.located())

    def located(self) -> Iterator[tuple[str, int, str]]:
        """Yield the same texts, each behind its file and the line (in parquet, the row) on which it starts.

        :raises InputError: as iteration.
        """
        read = 0
        for file in self._unchanged():
            before = read
            for line, text in self._lines(file):
                read += 1
                yield str(file.path), line, text
            self._finished(file, read - before)
        self._complete(read)

    def labelled(self, label: str) -> Iterator[tuple[int, str, str]]:
        """Yield the texts of tables behind the line on which each starts, with their cells of a column.

        :raises InputError: as iteration; or a file is no table, has no such column, or a row no label.
        """
        read = 0
        for file in self._unchanged():
            if file.plain:
                remedy = "use .csv, .tsv, .jsonl or .parquet"
                raise InputError(file.path, "a plain text file has no columns", remedy)
            before, name = read, self._column or only_column(file)
            for line, row in rows(file, (name, label)):
                read += 1
                yield line, text_of(file.path, line, row, name), label_of(file.path, line, row, label)
            self._finished(file, read - before)
        self._complete(read)

    def blocks(self) -> Iterator[TextBlock]:
        """Yield the same texts in blocks: UTF-8 lines, already checked, from ``.txt``, lists from tables.

        :raises InputError: as iteration.
        """
        read = 0
        for file in self._unchanged():
            before = read
            if file.plain:
                for block in file.blocks(_BLOCK):
                    read += block.ends or 1
                    yield file.checked(block)
            else:
                lines = self._lines(file)
                while texts := [text for _, text in islice(lines, _ROWS)]:
                    read += len(texts)
                    yield texts
            self._finished(file, read - before)
        self._complete(read)

    def _lines(self, file: TextFile) -> Iterator[tuple[int, str]]:
        if file.plain:
            for block in file.blocks(_STR_BLOCK):
                lines = file.decode(block).removesuffix("\n").split("\n")
                yield from enumerate((line.rstrip("\r") for line in lines), block.line)
            return
        name = self._column or only_column(file)
        for line, row in rows(file, (name,)):
            yield line, text_of(file.path, line, row, name)

    def _check(self, file: TextFile) -> None:
        if file.plain and self._column is not None:
            raise InputError(file.path, "a plain text file has no columns", "leave --column out")
        if str(file.path) != "-":
            file.existing()
        if not file.plain:
            next(rows(file, (self._column or only_column(file),)), None)

    def _files(self) -> Iterator[TextFile]:
        for path in self.paths:
            if path == "-":
                yield TextFile(path, self._errors, self._standard_input)
            elif Path(path).is_dir():
                yield from (TextFile(found, self._errors) for found in self._beneath(path))
            else:
                yield TextFile(path, self._errors)

    def _beneath(self, folder: str) -> list[str]:
        def refused(error: OSError) -> None:
            raise InputError(
                error.filename or folder, f"cannot be read: {error.strerror}", "check the folder"
            )

        found = [
            Path(parent, name) for parent, _, names in os.walk(folder, onerror=refused) for name in names
        ]
        readable = sorted(path for path in found if _is_readable(path))
        if not readable:
            problem = f"none of the {len(found)} files in this folder is one that Lexarium reads"
            raise InputError(folder, problem, f"use {', '.join(ENDINGS)} or .gz of them")
        return [str(path) for path in readable]

    def _unchanged(self) -> Iterator[TextFile]:
        """Yield the files, if they are those of the beginning."""
        files = list(self._files())
        names = {str(file.path) for file in files}
        for name in sorted(self._stamps.keys() ^ names):
            raise self._changed(name, "is new" if name in names else "is gone")
        for file in files:
            self._require_unchanged(file)
            yield file

    def _require_unchanged(self, file: TextFile) -> None:
        try:
            now = self._stamp(file)
        except OSError as error:
            raise self._changed(file.path, "is gone") from error
        if now != self._stamps[str(file.path)]:
            raise self._changed(file.path, "has changed")

    def _changed(self, path: str | Path, how: str) -> InputError:
        remedy = "leave the corpus alone while it is read, or train on a copy"
        return InputError(path, f"the file {how} since training began", remedy)

    def _finished(self, file: TextFile, read: int) -> None:
        self._require_unchanged(file)
        if not read and str(file.path) in self.paths:
            raise InputError(file.path, "there are no texts in it", "give a file with at least one row")

    def _complete(self, read: int) -> None:
        if not read:
            raise InputError(self.path, "there are no texts in it", "give a file with at least one row")
        self.read = read

    def _stamp(self, file: TextFile) -> _Stamp | None:
        return None if str(file.path) == "-" else _Stamp.of(str(file.path))

    def _standard_input(self) -> IO[bytes]:
        if self._spool is None:
            self._spool = _spooled(standard_input())
            weakref.finalize(self, self._spool.close)
        return io.BufferedReader(_View(self._spool))


def _is_readable(path: Path) -> bool:
    name = path.name.lower()
    return not name.startswith(".") and name.removesuffix(".gz").endswith(ENDINGS) and path.is_file()


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    """Copy a stream into a file without a name, which goes when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  it lives as long as the corpus
    try:
        while chunk := stream.read(_CHUNK):
            file.write(chunk)
        file.flush()
    except BaseException as error:
        with suppress(OSError):
            file.close()
        if isinstance(error, OSError):
            problem = f"cannot be kept in {tempfile.gettempdir()}: {error.strerror}"
            remedy = "free some space there, or set TMPDIR to a folder that has some"
            raise InputError("-", problem, remedy) from error
        raise
    return file


class _View(io.RawIOBase):
    """Reads a shared file from its beginning, whatever others read in it meanwhile."""

    _lock = Lock()

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  whatever can be written to
        with self._lock:
            self._file.seek(self._at)
            raw = self._file.read(len(memoryview(buffer)))
        memoryview(buffer)[: len(raw)] = raw
        self._at += len(raw)
        return len(raw)
