"""Reading the user's own texts and tables, row by row, so that a bad row is named with its line.

:mod:`lexarium.files` says which formats there are. Labelled rows are held in memory; a corpus in files,
which may be larger, is read anew each time (:mod:`lexarium.corpora`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lexarium.corpora import FileCorpus
from lexarium.errors import InputError
from lexarium.files import EncodingErrors, TextFile
from lexarium.inputs import check_list
from lexarium.rows import Row, label_of, need, only_column, rows, text_of

__all__ = [
    "Data",
    "Labelled",
    "Source",
    "Texts",
    "corpus",
    "labelled",
    "labelled_corpus",
    "read_labelled",
    "read_texts",
]


@dataclass(frozen=True)
class Texts:
    """Texts, and the line of ``path`` on which each one starts (its row number in parquet)."""

    path: str
    texts: list[str]
    lines: list[int]

    @property
    def paths(self) -> tuple[str, ...]:
        """The path alone; a :class:`~lexarium.corpora.FileCorpus` may have several."""
        return (self.path,)

    @property
    def read(self) -> int:
        """How many texts there are, as in :class:`~lexarium.corpora.FileCorpus`."""
        return len(self.texts)

    def located(self) -> Iterator[tuple[str, int, str]]:
        """Yield each text behind the path and its line, as in :class:`~lexarium.corpora.FileCorpus`."""
        return ((self.path, line, text) for line, text in zip(self.lines, self.texts, strict=True))

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts)


@dataclass(frozen=True)
class Labelled:
    """Texts with a label each, and the line of ``path`` (or of a file of it) on which each row starts.

    ``files``: the paths that ``path`` names, where they may be several.
    """

    path: str
    texts: list[str]
    labels: list[str]
    lines: list[int]
    files: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the files, one by one."""
        return self.files or (self.path,)

    @property
    def read(self) -> int:
        """How many rows there are, as in :class:`Texts`."""
        return len(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


#: What to train on: texts (a list, :class:`Texts`), or files.
Source: TypeAlias = Iterable[str] | Iterable[Path] | Path
#: Texts with labels: a table's path, columns by name, or as :func:`labelled` returns them.
Data: TypeAlias = str | Path | Labelled | Mapping[str, Sequence[Any]]


def labelled(data: Data, *, text: str, label: str) -> Labelled:
    """Return labelled rows from a path, from columns in memory, or as they already are.

    :raises InputError: as :func:`read_labelled`.
    """
    if isinstance(data, Labelled):
        return data
    if isinstance(data, str | Path):
        return read_labelled(data, text=text, label=label)
    if not (hasattr(data, "keys") and hasattr(data, "__getitem__")):  # a data frame is no Mapping
        problem = f"{type(data).__name__} where a table belongs"
        raise InputError("the data", problem, "give a path, or columns: {'text': [...], 'label': [...]}")
    columns = [str(name) for name in data]
    need("the data", columns, (text, label))
    if len(data[text]) != len(data[label]):
        problem = f"{len(data[text])} rows in {text!r}, {len(data[label])} in {label!r}"
        raise InputError("the data", problem, "give one label per text")
    pairs = zip(data[text], data[label], strict=True)
    return _labelled("the data", ((i, {text: t, label: c}) for i, (t, c) in enumerate(pairs, 1)), text, label)


def read_labelled(path: str | Path, *, text: str, label: str) -> Labelled:
    """Read two columns of a table.

    :raises InputError: no such file or column, no rows, bytes that are not UTF-8, a row without
        label: each with file, line and what to do.
    """
    file = TextFile(path)
    if file.plain:
        raise InputError(path, "a plain text file has no columns", "use .csv, .tsv, .jsonl or .parquet")
    return _labelled(str(path), rows(file, (text, label)), text, label)


def read_texts(path: str | Path, column: str | None = None) -> Texts:
    """Read texts: the lines of a ``.txt`` (or ``-``), or one column of a table.

    :raises InputError: as :func:`read_labelled`; a table also needs ``column`` where it has several.
    """
    file = TextFile(path)
    if file.plain:
        if column is not None:
            raise InputError(path, "a plain text file has no columns", "leave --column out")
        pairs = [(line, text.rstrip("\r\n")) for line, text in file.lines()]
    else:
        name = column or only_column(file)
        pairs = [(line, text_of(path, line, row, name)) for line, row in rows(file, (name,))]
    if not pairs:
        raise InputError(path, "there are no texts in it", "give a file with at least one row")
    return Texts(str(path), [text for _, text in pairs], [line for line, _ in pairs])


def corpus(
    source: Source, column: str | None = None, errors: EncodingErrors = "strict"
) -> Texts | FileCorpus:
    """Return texts to train on: as given, or those of one ``Path`` or several, read anew on each iteration.

    ``column`` is for tables, ``errors`` for bytes that are not UTF-8.

    :raises InputError: an element is not text (a missing value of a table, for instance), or the source
        is a single text; as :class:`~lexarium.corpora.FileCorpus`.
    :raises UnsupportedError: Lexarium does not read files of this ending.
    """
    if isinstance(source, Texts | FileCorpus):
        return source
    if isinstance(source, Path):
        source = [source]
    check_list(source, "corpus", "write [text] for one text, or Path(...) for a file")
    if isinstance(source, AbstractSet):
        problem = "a set has no order, so nothing that is learned from it can be repeated"
        raise InputError("corpus", problem, "pass a list: sorted(texts)")
    items = list(source)
    if any(isinstance(item, Path) for item in items):
        return FileCorpus([str(path) for path in items], column, errors)
    texts: list[str] = []
    for index, text in enumerate(items):
        if not isinstance(text, str):
            problem = f"element {index} is {text!r:.40}, not text"
            raise InputError("corpus", problem, "fill in or leave out what is missing")
        texts.append(text)
    return Texts("corpus", texts, list(range(1, len(texts) + 1)))


def labelled_corpus(
    paths: Sequence[Path], column: str | None, label: str, errors: EncodingErrors = "strict"
) -> Labelled:
    """Return the labelled rows of all tables of a corpus, in memory; the parameters are :func:`corpus`'s.

    ``label`` is the column with the label of each text.

    :raises InputError: as :func:`read_labelled`; or a file is no table.
    :raises UnsupportedError: Lexarium does not read files of this ending.
    """
    files = FileCorpus([str(path) for path in paths], column, errors)
    found = Labelled(files.path, [], [], [], files.paths)
    for line, text, name in files.labelled(label):
        found.texts.append(text)
        found.labels.append(name)
        found.lines.append(line)
    return found


def _labelled(path: str, table: Iterator[Row], text: str, label: str) -> Labelled:
    found = Labelled(path, [], [], [])
    for line, row in table:
        name = label_of(path, line, row, label)
        found.texts.append(text_of(path, line, row, text))
        found.labels.append(name)
        found.lines.append(line)
    if not found.texts:
        raise InputError(path, "there are no rows in it", "give a table with at least one row")
    return found
