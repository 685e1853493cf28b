"""fastText's binary files, ``.bin`` and ``.ftz``: read.

Little-endian, as the program writes them on the machines that it runs on: magic number and version; the
settings; the words and labels, each with its count; which buckets are kept, where the model was pruned; the
input and the output matrix, each dense or quantised. The reader keeps to what the file holds: nothing is
allocated for a number that the file promises, before the bytes are known to be there. Quantised rows of words
and labels, which are unpacked where they are used, may take 64 times the file and 1 MiB, and no more.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import DataError, FormatError, InputError
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.model import MOST_TOKENS, FastTextParts, Parameters, Quantised
from lexarium_fasttext.names import HEADER, LOSSES, MAGIC, TASKS, VERSION
from lexarium_static.decoding import Decoder

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from numpy.typing import NDArray

    from lexarium.files import EncodingErrors
    from lexarium.roles import Floats, Progress

__all__ = ["is_binary", "read_binary"]

_MEND = "fetch the file again"
_NOT_UTF8 = "train the model on UTF-8 text, or import it with --encoding-errors replace"
_TRAINED = "fetch it again, or train it with 11 threads: with fewer, fastText leaves rows uninitialised"
_OLDER = "train the model again with fastText 0.1 or newer, or give its .vec"
_NEWER = "upgrade lexarium-fasttext, or give the model's .vec"
_OLDEST = 11  # the version before had no buckets of quantised models
_CENTROIDS = 256
_ENTRY = struct.Struct("<qb")
_SMALLEST_ENTRY = 1 + _ENTRY.size  # an empty word and the NUL behind it
_MAX_WORD = 1 << 16
_BLOCK = 1 << 20  # numbers looked at together
_SMALL = 1 << 20
_MOST_SWOLLEN = 64  # times the file; fastText's default of a byte for 2 numbers reaches 8
_WORD, _LABEL = 0, 1
_TOLD = 100_000


def is_binary(path: Path) -> bool:
    """Tell whether a file begins as fastText's binary files do.

    :raises InputError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(4) == MAGIC.to_bytes(4, "little")
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}", "check the path") from error


def read_binary(path: Path, progress: Progress, errors: EncodingErrors = "strict") -> FastTextParts:
    """Read a ``.bin`` or ``.ftz`` of version 11 or 12.

    ``errors`` says what becomes of words and labels that are not UTF-8. N-grams are those of the word as it
    reads then; two that are the same then are refused, since each has rows of its own.

    :raises FormatError: names the field that breaks the format, and where it stands.
    :raises InputError: the file cannot be read.
    """
    try:
        with path.open("rb", buffering=0) as file:
            size = file.seek(0, 2)
            data: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
            return _Reader(Decoder(path, errors), file, data, progress).read()
    except (OSError, BufferError) as error:
        raise InputError(path, f"cannot be read: {error}", "check the path") from error


class _Reader:
    """A file, and the place that reading has come to."""

    def __init__(self, decoder: Decoder, file: io.FileIO, data: Any, progress: Progress) -> None:  # noqa: ANN401  a memory map
        self._decoder = decoder
        self._path = decoder.path
        self._file = file
        self._data = data
        self._at = 0
        self._progress = progress

    def read(self) -> FastTextParts:
        parameters = self._header()
        words, labels, tokens, pruned = self._dictionary()
        supervised = parameters.model == "supervised"
        if supervised and not labels[0]:
            raise self._error("nlabels", "a classifier without labels")
        if not words[0]:
            raise self._error("nwords", "a model without words")
        kept = None if pruned < 0 else self._kept(pruned, parameters.bucket)
        quantised = self._flag("quant_input")
        if pruned >= 0 and not quantised:
            problem = "the model is pruned and not quantised, which fastText refuses too"
            raise self._error("quant_input", problem)
        rows = len(words[0]) + (parameters.bucket if kept is None else len(kept))
        matrix = self._matrix("input", rows, parameters.dim, quantised=quantised)
        if quantised:
            self._check_unpacked("input", len(words[0]), parameters.dim)
        quantised_output = self._flag("qout")
        if quantised_output and not quantised:
            raise self._error("qout", "the output matrix is quantised and the input matrix is not")
        count = len(labels[0]) if supervised else len(words[0])
        output = self._matrix("output", count, parameters.dim, quantised=quantised_output)
        if quantised_output:
            self._check_unpacked("output", count, parameters.dim)
        if self._at != len(self._data):
            raise self._error("end", f"{len(self._data) - self._at} bytes follow where the file should end")
        ids = None
        if kept is not None and isinstance(matrix, Quantised):
            ids, matrix = _in_order(kept, matrix, len(words[0]))
        return FastTextParts(
            parameters=parameters,
            vocabulary=self._vocabulary(words[0]),
            counts=np.array(words[1], np.int64),
            tokens=tokens,
            input=matrix,
            output=output,
            buckets=ids,
            labels=tuple(labels[0]),
            label_counts=np.array(labels[1], np.int64) if supervised else None,
            pruned=kept is not None,
        )

    def _header(self) -> Parameters:
        if self._number("<i", "magic") != MAGIC:
            problem = "this is not one of fastText's binary files"
            raise FormatError(self._path, problem, "give a .bin or a .ftz")
        version = self._number("<i", "version")
        if not _OLDEST <= version <= VERSION:
            problem = f"version {version} of fastText's format; {_OLDEST} to {VERSION} are read"
            raise self._error("version", problem, _OLDER if version < _OLDEST else _NEWER)
        found: dict[str, Any] = {ours: self._number("<i", theirs) for theirs, ours in HEADER}
        t = struct.unpack("<d", self._take(8, "t"))[0]
        for ours, least in (("dim", 1), ("bucket", 0), ("minn", 0), ("maxn", 0), ("word_ngrams", 0)):
            if found[ours] < least:
                raise self._error(ours, f"{found[ours]} is below {least}")
        for ours, names in (("loss", LOSSES), ("model", TASKS)):
            if found[ours] not in names:
                raise self._error(ours, f"{found[ours]} is none of {', '.join(map(str, names))}")
            found[ours] = names[found[ours]]
        if not np.isfinite(t):
            raise self._error("t", "not a finite number")
        if version == _OLDEST and found["model"] == "supervised":
            found["maxn"] = 0  # its classifiers had no character n-grams, whatever the setting says
        if found["bucket"] == 0 and (found["maxn"] > 0 or found["word_ngrams"] > 1):
            raise self._error("bucket", "0, and there are n-grams")
        return Parameters(t=t, **found)

    def _dictionary(self) -> tuple[tuple[list[str], list[int]], tuple[list[str], list[int]], int, int]:
        """Return words and counts, labels and counts, the number of tokens, and of kept buckets or -1."""
        size, words, labels = (self._number("<i", name) for name in ("size", "nwords", "nlabels"))
        tokens, pruned = (self._number("<q", name) for name in ("ntokens", "pruneidx_size"))
        if not (0 <= words <= size and 0 <= labels <= size and words + labels == size):
            raise self._error("size", f"{size} entries are not {words} words and {labels} labels")
        left = len(self._data) - self._at
        if size * _SMALLEST_ENTRY > left:
            raise self._error("size", f"{size} entries do not fit into the {left} bytes that are left")
        if tokens < 0:
            raise self._error("ntokens", f"{tokens} is below 0")
        if pruned < -1 or pruned * 8 > left:
            problem = f"{pruned} entries do not fit into the {left} bytes that are left"
            raise self._error("pruneidx_size", problem)
        entries = self._entries(words, _WORD), self._entries(labels, _LABEL)
        self._decoder.report()
        return *entries, tokens, pruned

    def _entries(self, count: int, kind: int) -> tuple[list[str], list[int]]:
        what = "label" if kind == _LABEL else "word"
        found: dict[str, int] = {}
        for index in range(count):
            begin = self._at
            end = self._data.find(b"\0", begin, begin + _MAX_WORD)
            if end < 0:
                problem = f"no NUL within {_MAX_WORD} bytes ends it, or the file is cut short"
                raise self._error(f"{what} {index}", problem)
            self._at = end + 1
            occurrences, found_kind = _ENTRY.unpack(self._take(_ENTRY.size, f"the count of {what} {index}"))
            text = self._text(self._data[begin:end], f"{what} {index}", begin)
            if not text and kind == _LABEL:
                self._at = begin
                raise self._error(f"{what} {index}", "it is empty")
            if found_kind != kind or occurrences < 0:
                self._at = end + 1
                problem = f"the count {occurrences} or the type {found_kind} of {text[:40]!r} is not one"
                raise self._error(f"{what} {index}", problem)
            if text in found:
                self._at = begin
                why = ", with what is not UTF-8 replaced" if self._decoder.leaves_out(text) else ""
                raise self._error(f"{what} {index}", f"{text[:40]!r} stands twice{why}")
            found[text] = occurrences
            if index % _TOLD == 0:
                self._progress("read words", index, count)
        if sum(found.values()) >= MOST_TOKENS:
            raise self._error(f"{what}s", "their counts together are not below 2^62")
        return list(found), list(found.values())

    def _text(self, raw: bytes, field: str, begin: int) -> str:
        try:
            return self._decoder.word(raw)
        except UnicodeDecodeError as error:
            self._at = begin
            shown = repr(raw[:40].decode("utf-8", "backslashreplace"))
            raise self._error(field, f"{shown} is not UTF-8", _NOT_UTF8) from error

    def _vocabulary(self, words: list[str]) -> Vocabulary:
        try:
            return Vocabulary.build(words)
        except DataError as error:
            raise FormatError(self._path, str(error), _MEND) from error

    def _kept(self, count: int, bucket: int) -> NDArray[np.int64]:
        """Return the kept buckets, by their rows, (k,)."""
        begin = self._at
        raw = np.frombuffer(self._take(8 * count, "pruneidx"), "<i4").reshape(-1, 2).astype(np.int64)
        found = np.full(count, -1, np.int64)
        sound = not count or (raw.min() >= 0 and raw[:, 1].max() < count and raw[:, 0].max() < bucket)
        if sound:
            found[raw[:, 1]] = raw[:, 0]
        if not sound or len(np.unique(found)) != count or (count and found.min() < 0):
            self._at = begin
            problem = f"it does not give each of {count} rows a bucket of its own below {bucket}"
            raise self._error("pruneidx", problem)
        return found

    def _matrix(self, name: str, rows: int, dim: int, *, quantised: bool) -> Floats | Quantised:
        if quantised:
            return self._quantised(name, rows, dim)
        self._shape(name, rows, dim)
        return self._floats(rows * dim, name).reshape(rows, dim)

    def _shape(self, name: str, rows: int, dim: int) -> None:
        shape = self._number("<q", f"{name} rows"), self._number("<q", f"{name} columns")
        if shape != (rows, dim):
            problem = f"a matrix of {shape[0]} x {shape[1]}, where {rows} x {dim} belongs"
            raise self._error(f"{name} rows", problem)

    def _quantised(self, name: str, rows: int, dim: int) -> Quantised:
        normed = self._flag(f"{name} qnorm")
        self._shape(name, rows, dim)
        size = self._number("<i", f"{name} codesize")
        parts, odd = divmod(size, rows) if rows else (0, 1)
        if odd or not 1 <= parts <= dim:
            raise self._error(f"{name} codesize", f"{size} codes are not a number for each of {rows} rows")
        codes = np.frombuffer(self._take(size, f"{name} codes"), np.uint8).reshape(rows, parts)
        dsub, centroids = self._quantiser(name, dim, parts)
        if not normed:
            return Quantised(dim=dim, dsub=dsub, codes=codes, centroids=centroids)
        norm_codes = np.frombuffer(self._take(rows, f"{name} norm codes"), np.uint8)
        _, norms = self._quantiser(f"{name} norm", 1, 1)
        return Quantised(
            dim=dim, dsub=dsub, codes=codes, centroids=centroids, norm_codes=norm_codes, norms=norms
        )

    def _check_unpacked(self, name: str, rows: int, dim: int) -> None:
        """Refuse a quantised matrix whose ``rows`` in use would take much more memory than the file."""
        size, unpacked = len(self._data), 4 * rows * dim
        if unpacked > _SMALL + _MOST_SWOLLEN * size:
            times = f"over {_MOST_SWOLLEN} times the file's {size}"
            problem = f"{rows} rows of {dim} numbers take {unpacked} bytes, {times}"
            raise self._error(name, problem, "no model of use is packed so; fetch it again, or give its .vec")

    def _quantiser(self, name: str, dim: int, parts: int) -> tuple[int, Floats]:
        found = [self._number("<i", f"{name} {field}") for field in ("dim", "nsubq", "dsub", "lastdsub")]
        dsub = found[2]
        if dsub < 1 or found != [dim, parts, dsub, (dim % dsub) or dsub] or -(-dim // dsub) != parts:
            problem = f"a quantiser of {found}, where {dim} components in {parts} parts belong"
            raise self._error(f"{name} dsub", problem)
        return dsub, self._floats(_CENTROIDS * dim, f"{name} centroids")

    def _floats(self, count: int, name: str) -> Floats:
        begin = self._at
        self._skip(4 * count, name)
        found: NDArray[Any] = np.empty(count, "<f4")
        self._file.seek(begin)  # read, not mapped: a file's numbers begin at odd places
        for start in range(0, count, _BLOCK):
            block = found[start : start + _BLOCK]
            if self._file.readinto(block.view(np.uint8).data) != block.nbytes:
                raise self._error(name, "the file became shorter while it was read")
            with np.errstate(all="ignore"):  # the sum is a quick look: finite, and so is every number
                suspect = not np.isfinite(block.sum())
            if suspect and not np.isfinite(block).all():
                place = start + int(np.flatnonzero(~np.isfinite(block))[0])
                self._at = begin + 4 * place
                raise self._error(name, "a number is NaN or infinite", _TRAINED)
            self._progress("read vectors", start + len(block), count)
        return found.astype(np.float32, copy=False)

    def _number(self, form: str, field: str) -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form), field))[0])

    def _flag(self, field: str) -> bool:
        value = self._take(1, field)[0]
        if value > 1:
            self._at -= 1
            raise self._error(field, f"{value} is neither 0 nor 1")
        return bool(value)

    def _take(self, count: int, field: str) -> bytes:
        begin = self._at
        self._skip(count, field)
        return bytes(self._data[begin : begin + count])

    def _skip(self, count: int, field: str) -> None:
        left = len(self._data) - self._at
        if count > left:
            raise self._error(field, f"the file is cut short: {count} bytes belong here, {left} are left")
        self._at += count

    def _error(self, field: str, problem: str, remedy: str = _MEND) -> FormatError:
        return FormatError(self._path, f"at byte {self._at}: {problem}", remedy, field=field)


def _in_order(kept: NDArray[np.int64], matrix: Quantised, words: int) -> tuple[NDArray[np.int64], Quantised]:
    """Return the kept buckets, rising, and the matrix with its rows in their order."""
    order = np.argsort(kept)
    rows = np.concatenate([np.arange(words), words + order])
    norm_codes = None if matrix.norm_codes is None else matrix.norm_codes[rows]
    found = Quantised(
        dim=matrix.dim,
        dsub=matrix.dsub,
        codes=matrix.codes[rows],
        centroids=matrix.centroids,
        norm_codes=norm_codes,
        norms=matrix.norms,
    )
    return kept[order], found
