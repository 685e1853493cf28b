"""Files of word pairs with the similarity that people gave them.

Read are a pair and its score on a line, ``word1 word2 score``, optionally after a row number, and tables
whose header names the score. Lines that begin with ``#`` are comments. Fields are separated by tabs,
semicolons, commas or white space, whichever of these (in this order) the first line has. So the files of
WordSim-353 (Finkelstein et al., 2002), SimLex-999 (Hill et al., 2015), MEN (Bruni et al., 2014; natural
and lemma forms), RG-65 (Rubenstein and Goodenough, 1965) and the Chinese wordsim-240 and wordsim-297 are
read as they are published.
"""

from __future__ import annotations

import csv
import math
import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lexarium.errors import InputError
from lexarium.intrinsic.lines import Words, numbered_lines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Pairs", "read_pairs"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"\d{1,9}", re.ASCII)
_LEMMA = re.compile(r".+-[njvar]", re.DOTALL)  # MEN: sun-n, bright-j, run-v
_SCORES = (
    "simlex999",
    "human (mean)",
    "human(mean)",
    "score",
    "similarity",
    "relatedness",
    "rating",
    "mean",
    "gold",
)
#: What may be the name of the scores: no digit in it, and no word for a score that is not there.
_NAME = re.compile(r"(?!(?:nan|n/?a|none|null|inf|infinity)$)(?=.*[^\W\d_])\D+")
_ROW = frozenset(("", "#", "id", "index", "no", "no.", "nr", "number", "row", "unnamed: 0"))
_SEPARATORS = ("\t", ";", ",")
_SHOWN = 8
_Places: TypeAlias = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """n word pairs and their scores.

    *Shapes:* ids (n, 2), numbers of ``words``; scores (n,) float64.
    """

    path: str
    words: list[str]
    ids: NDArray[np.int32]
    scores: NDArray[np.float64]


@dataclass(frozen=True)
class _Layout:
    """Where a line has what: the separator, the number of fields, and the places of words and score."""

    separator: str
    names: tuple[str, ...]
    places: _Places
    numbered: bool = False


def read_pairs(path: str | Path) -> Pairs:
    """Read word pairs and scores.

    The part of speech that MEN's lemma form appends (``sun-n``) is dropped where every word has one.

    :raises InputError: the file is empty, binary, not UTF-8, of another task, or a line has another
        number of fields, an empty word, or a score that is not a finite number; with line and field.
    """
    words, scores, layout = Words(), array("d"), None
    for line, text in numbered_lines(path):
        if text.startswith("#"):
            continue
        if layout is None:
            layout, header = _find_layout(path, line, text)
            if header:
                continue
        cells = _split(path, line, text, layout.separator)
        first, second, score = _row(path, line, cells, layout)
        words.add((first, second))
        scores.append(score)
    if not scores:
        raise InputError(path, "there are no word pairs in it", "write: word1 word2 score, a pair a line")
    distinct = words.distinct
    if all(_LEMMA.fullmatch(word) for word in distinct):
        distinct = [word[:-2] for word in distinct]
    ids = np.frombuffer(words.ids, np.int32).reshape(-1, 2)
    return Pairs(path=str(path), words=distinct, ids=ids, scores=np.frombuffer(scores, np.float64))


def _row(path: str | Path, line: int, cells: list[str], layout: _Layout) -> tuple[str, str, float]:
    names = layout.names
    if len(cells) != len(names):
        problem = f"{len(cells)} fields, where the first line has {len(names)}"
        raise InputError(path, problem, f"write: {', '.join(names[:_SHOWN])}", line=line)
    if layout.numbered and not _WHOLE.fullmatch(cells[0]):
        problem = f"{cells[0]!r:.60} is not the number of a row"
        raise InputError(path, problem, "mend or delete the line", line=line, field=names[0])
    first, second, score = (cells[place] for place in layout.places)
    for place, word in zip(layout.places, (first, second), strict=False):
        if not word:
            raise InputError(path, "the word is missing", "fill it in", line=line, field=names[place])
    return first, second, _score(path, line, score, names[layout.places[2]])


def _score(path: str | Path, line: int, text: str, field: str) -> float:
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        problem = f"{text!r:.60} is not a finite number"
        raise InputError(path, problem, "mend or delete the line", line=line, field=field)
    return value


def _find_layout(path: str | Path, line: int, text: str) -> tuple[_Layout, bool]:
    """Return how the lines are built, and whether the first one is a header."""
    if text.startswith(":"):
        raise InputError(path, "a section of analogies begins here", "use the task analogy", line=line)
    separator = next((mark for mark in _SEPARATORS if mark in text), "")
    cells = _split(path, line, text, separator)
    lower = [cell.casefold() for cell in cells]
    named = any(name in lower for name in _SCORES)
    if named or (_NAME.fullmatch(lower[-1]) and not any(map(_NUMBER.fullmatch, cells))):
        return _Layout(separator, tuple(cells), _header_places(path, line, cells, lower)), True
    if len(cells) == 3:  # noqa: PLR2004  word1 word2 score
        return _Layout(separator, ("word 1", "word 2", "score"), (0, 1, 2)), False
    if len(cells) == 4 and _WHOLE.fullmatch(cells[0]):  # noqa: PLR2004  and a number before them
        names = ("number", "word 1", "word 2", "score")
        return _Layout(separator, names, (1, 2, 3), numbered=True), False
    problem = f"{len(cells)} fields, where a pair has 3: word1 word2 score"
    raise InputError(path, problem, "give more columns a header that names the score", line=line)


def _header_places(path: str | Path, line: int, cells: list[str], lower: list[str]) -> _Places:
    width = len(cells)
    known = [lower.index(name) for name in _SCORES if name in lower]
    if width < 3 or (not known and width > 3):  # noqa: PLR2004  two words and a score
        shown = ", ".join(cells[:_SHOWN])
        problem = f"there is no column of scores among {shown:.200}"
        remedy = "name it score, or use the task analogy or odd-one-out if this is no file of pairs"
        raise InputError(path, problem, remedy, line=line)
    score = known[0] if known else width - 1
    others = [place for place in range(width) if place != score]
    words = [place for place in others if lower[place] not in _ROW]
    first, second, *_ = words if len(words) >= 2 else others  # noqa: PLR2004  the two words
    return first, second, score


def _split(path: str | Path, line: int, text: str, separator: str) -> list[str]:
    if not separator:
        return text.split()
    if separator != ",":
        return [cell.strip() for cell in text.split(separator)]
    try:
        rows: list[Any] = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise InputError(path, str(error), "close the quotes or mend the line", line=line) from error
    return [cell.strip() for cell in rows[0]]
