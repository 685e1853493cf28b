"""What an intrinsic evaluation finds: records, their JSON documents, and the rows of their tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lexarium.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Analogies", "Correlation", "OddOneOut", "Section", "Similarity", "nothing_known", "some"]

_SHOWN = 10
_Row: TypeAlias = list[object]


@dataclass(frozen=True)
class Correlation:
    """A correlation and its 95 % interval; None where undefined."""

    value: float | None
    interval: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Agreement of cosines and human scores: ``total`` pairs, ``used`` ones, ``oov`` with an unknown word.

    ``made``: those of ``oov`` whose unknown words the model makes vectors of. ``unknown``: up to ten of the
    unknown words.
    """

    path: str
    total: int
    used: int
    oov: int
    made: int
    unknown: tuple[str, ...]
    spearman: Correlation
    pearson: Correlation

    HEADERS = ("file", "pairs", "used", "oov", "Spearman", "95 %", "Pearson", "95 %")

    def row(self) -> _Row:
        """Return the row of the table of files."""
        parts = (self.spearman, self.pearson)
        cells = [cell for part in parts for cell in (part.value, _range(part.interval))]
        return [Path(self.path).name, self.total, self.used, self.oov, *cells]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        correlations = {
            name: {"value": part.value, "interval": part.interval and list(part.interval)}
            for name, part in (("spearman", self.spearman), ("pearson", self.pearson))
        }
        return {
            "path": self.path,
            "pairs": self.total,
            "used": self.used,
            "oov": self.oov,
            "made": self.made,
            "unknown": list(self.unknown),
            **correlations,
        }


@dataclass(frozen=True)
class Section:
    """Questions of one section, or of several: how many there are, are used, are unknown, are right."""

    name: str
    total: int
    used: int
    oov: int
    correct: int

    HEADERS = ("section", "questions", "used", "oov", "correct", "accuracy", "of all")

    @property
    def accuracy(self) -> float | None:
        """The part of the used ones that is correct; None where none is used."""
        return self.correct / self.used if self.used else None

    @property
    def accuracy_of_all(self) -> float | None:
        """The part of all that is correct: those with an unknown word count as wrong."""
        return self.correct / self.total if self.total else None

    def row(self) -> _Row:
        """Return the row of the table of sections."""
        counts = (self.total, self.used, self.oov, self.correct)
        return [self.name, *counts, self.accuracy, self.accuracy_of_all]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "section": self.name,
            "questions": self.total,
            "used": self.used,
            "oov": self.oov,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "accuracy_of_all": self.accuracy_of_all,
        }


@dataclass(frozen=True, kw_only=True)
class Analogies:
    """Answers to analogies, per section and in all.

    ``semantic`` and ``syntactic`` are totals, None unless the file has sections of both: a name that
    begins with ``gram`` is syntactic, as in Google's set.
    """

    path: str
    sections: tuple[Section, ...]
    total: Section
    semantic: Section | None
    syntactic: Section | None
    unknown: tuple[str, ...]

    HEADERS = ("file", "questions", "used", "oov", "correct", "accuracy", "of all", "semantic", "syntactic")

    def row(self) -> _Row:
        """Return the row of the table of files."""
        kinds = [part and part.accuracy for part in (self.semantic, self.syntactic)]
        return [Path(self.path).name, *self.total.row()[1:], *kinds]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "path": self.path,
            "unknown": list(self.unknown),
            "total": self.total.document(),
            "semantic": self.semantic and self.semantic.document(),
            "syntactic": self.syntactic and self.syntactic.document(),
            "sections": [section.document() for section in self.sections],
        }


@dataclass(frozen=True, kw_only=True)
class OddOneOut:
    """Groups whose odd word was found, per category and in all.

    ``oov`` groups have an unknown odd word or fewer than two known others. ``ignored``: unknown words of
    the used groups.
    """

    path: str
    categories: tuple[Section, ...]
    total: Section
    ignored: int
    unknown: tuple[str, ...]

    HEADERS = ("file", "groups", "used", "oov", "correct", "accuracy", "of all")

    def row(self) -> _Row:
        """Return the row of the table of files."""
        return [Path(self.path).name, *self.total.row()[1:]]

    def document(self) -> dict[str, Any]:
        """Return the JSON document."""
        return {
            "path": self.path,
            "unknown": list(self.unknown),
            "ignored": self.ignored,
            "total": _groups(self.total),
            "categories": [_groups(part) for part in self.categories],
        }


def some(words: Sequence[str], rows: NDArray[np.int64]) -> tuple[str, ...]:
    """Return the first ten words whose row is below 0."""
    return tuple(words[int(place)] for place in (rows < 0).nonzero()[0][:_SHOWN])


def nothing_known(path: str, what: str, words: Sequence[str]) -> DataError:
    """Return the error that no pair, question or group can be evaluated."""
    shown = ", ".join(repr(word[:40]) for word in words[:3])
    return DataError(
        f"{path}: the model knows not all words of any {what}; of {len(words):,} words the first are {shown}",
        "check the language of the file, try case ignore, or restrict the vocabulary less",
    )


def _range(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.4f} to {interval[1]:.4f}"


def _groups(part: Section) -> dict[str, Any]:
    document = part.document()
    return {"category": document.pop("section"), "groups": document.pop("questions"), **document}
