"""A file's bytes as a stream, be it plain, gzipped or in a zip archive; nothing is unpacked to disk."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
import zlib
from contextlib import contextmanager
from errno import EINVAL
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from lexarium.errors import FormatError, InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["file_of", "open_stream"]

_GZIP, _ZIP, _EMPTY_ZIP = b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06"
_END, _END_SIZE, _WIDE = b"PK\x05\x06", 22, b"PK\x06\x07"  # of a zip archive; the second of one beyond 4 GiB
_LONGEST_COMMENT = (1 << 16) - 1
_LARGEST_LIST = 1 << 20  # bytes of an archive's list of files; each file in it takes some ten times its share
_MOST_SWOLLEN = 200  # times its compressed size; vectors in text reach 3
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_SMALL = 1 << 20
_BUFFER = 1 << 18


def file_of(path: Path) -> tuple[Path, str | None]:
    """Return the file on the disk that a path means and, of ``two.zip:wiki.vec``, the file in the archive."""
    archive, colon, member = str(path).rpartition(":")
    if colon and not path.exists() and Path(archive).is_file():
        return Path(archive), member
    return path, None


@contextmanager
def open_stream(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading in one go; its first bytes say what it is.

    Of several files in a zip archive the path names one, as :func:`file_of` says. Compressed data may unpack
    to 200 times its size and 1 MiB, which bounds what a small file can take.

    :raises FormatError: compressed data is damaged or unpacks to more (also while it is read), or the
        archive lacks the file.
    :raises InputError: the file cannot be read.
    """
    magic = b""
    try:
        path, member = file_of(path)
        with path.open("rb") as file:
            magic = file.peek(len(_ZIP))
            if magic.startswith((_ZIP, _EMPTY_ZIP)):
                with _open_member(path, file, member) as inner:
                    yield inner
                return
            if member is not None:
                raise FormatError(
                    path, f"not a zip archive, so there is no {member!r} in it", "give the path alone"
                )
            if magic.startswith(_GZIP):
                with io.BufferedReader(_Unpacked(path, file), _BUFFER) as buffered:
                    yield cast("IO[bytes]", buffered)
                return
            yield file
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, NotImplementedError) as error:
        kind = "gzip" if magic.startswith(_GZIP) else "zip"
        raise FormatError(path, f"the {kind} data is damaged: {error}", "fetch it again") from error
    except OSError as error:
        if error.errno == EINVAL and magic.startswith(_ZIP):  # an offset in the archive lies before its begin
            raise FormatError(path, "the zip data is damaged: a wrong offset", "fetch it again") from error
        raise InputError(path, f"cannot be read: {error.strerror}", "check the file") from error


@contextmanager
def _open_member(path: Path, file: IO[bytes], member: str | None) -> Iterator[IO[bytes]]:
    _check_list(path, file)
    with zipfile.ZipFile(file) as archive:
        found = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        if member is None and len(found) != 1:
            some = ", ".join(list(found)[:8]) + (" ..." if len(found) > 8 else "")  # noqa: PLR2004  shown
            example = f"{path}:{next(iter(found))}" if found else "another archive"
            raise FormatError(
                path, f"the archive holds {len(found)} files: {some or 'none'}", f"type {example}"
            )
        name = next(iter(found)) if member is None else member
        if name not in found:
            problem = f"the archive has no file {name!r}; {did_you_mean(name, found)}"
            raise FormatError(path, problem, f"type {path}:{next(iter(found), 'FILE')}")
        info = found[name]
        if info.flag_bits & 1:
            raise FormatError(path, f"{name} is encrypted", "unpack it and give the file")
        if info.compress_type not in _METHODS:
            problem = f"{name} is compressed by method {info.compress_type}, and only deflate (8) is read"
            raise FormatError(path, problem, "unpack it and give the file")
        if info.file_size > _SMALL + _MOST_SWOLLEN * info.compress_size:
            raise _swollen(path, name, info.compress_size)
        with (
            archive.open(info) as stream,
            io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER) as buffered,
        ):
            yield buffered


class _Unpacked(io.RawIOBase):
    """What a gzip file holds, up to a multiple of its size."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._inner = gzip.GzipFile(fileobj=file)
        self._size = os.fstat(file.fileno()).st_size
        self._left = _SMALL + _MOST_SWOLLEN * self._size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  whatever bytes can be written to
        """Fill ``buffer`` as far as there is something.

        :raises FormatError: the file swells beyond measure.
        """
        read = self._inner.readinto(buffer)
        self._left -= read
        if self._left < 0:
            raise _swollen(self._path, "its content", self._size)
        return read


def _swollen(path: Path, what: str, size: int) -> FormatError:
    problem = f"{what} is more than {_MOST_SWOLLEN} times as large as its {size} bytes here"
    return FormatError(path, problem, "vectors do not shrink so; unpack it yourself if you trust it")


def _check_list(path: Path, file: IO[bytes]) -> None:
    """Refuse an archive whose list of files would take much memory, before it is read."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - len(_WIDE) - 16))
    tail = file.read()
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_SIZE:
        raise FormatError(path, "the zip archive has no end", "fetch it again")
    listed = int.from_bytes(tail[end + 12 : end + 16], "little")
    if listed > _LARGEST_LIST or _WIDE in tail[max(0, end - 20) : end]:
        raise FormatError(
            path, "the zip archive is too large or holds too many files", "unpack it and give a file"
        )
    file.seek(0)
