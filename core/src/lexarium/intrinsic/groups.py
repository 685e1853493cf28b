"""Files of word groups with one word that does not belong.

Two layouts; the first line of words says which. A line that begins with ``#`` names the category of what
follows, in both.

- A group a line, three words or more: ``breakfast lunch dinner cereal``. The last word is the odd one, or the
  one marked with a star: ``breakfast *cereal lunch dinner``. Words are separated by tabs, if the line has
  any, or by white space.
- One word a line (a line of one or two words comes first): the words that belong together, a blank line,
  and the odd ones, each of which makes a group with all the words that belong together; then, if at all,
  ``#`` and the next category. White space inside a line becomes ``_``. This is the 8-8-8 data set of
  Camacho-Collados and Navigli, "Find the word that does not belong", 2016, whose files hold a category each.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import InputError
from lexarium.intrinsic.lines import Words, numbered_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Cluster", "Groups", "read_groups"]

_LEAST = 3
_MOST = 1000
_NUMERIC = set("0123456789.-+")


@dataclass(frozen=True)
class Cluster:
    """Words that belong together and words that do not, each of which makes a group with the former.

    *Shapes:* together (k,) and odd (m,), numbers of :attr:`Groups.words`.
    """

    category: str
    together: NDArray[np.int32]
    odd: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Distinct words, and groups of them: cluster i has ``sizes[i]`` = (k, m) of ``ids``, in their order."""

    path: str
    words: list[str]
    ids: NDArray[np.int32]
    sizes: NDArray[np.int32]
    categories: list[str]
    category: NDArray[np.int32]

    def clusters(self) -> Iterator[Cluster]:
        """Yield the groups."""
        start = 0
        for (k, m), category in zip(self.sizes.tolist(), self.category.tolist(), strict=True):
            middle, end = start + k, start + k + m
            yield Cluster(self.categories[category], self.ids[start:middle], self.ids[middle:end])
            start = end


class _Collected:
    """What has been read so far."""

    def __init__(self, path: str | Path) -> None:
        self.path = path
        self.words = Words()
        self.sizes = array("i")
        self.categories = [""]
        self.category = array("i")

    def name(self, category: str) -> None:
        self.categories.append(category)

    def add(self, line: int, together: list[str], odd: list[str]) -> None:
        if len(together) < _LEAST - 1 or not odd:
            problem = f"{len(together)} words that belong together and {len(odd)} odd ones"
            remedy = "give at least two words, a blank line, and one odd word"
            raise InputError(self.path, problem, remedy, line=line)
        if max(len(together), len(odd)) > _MOST:
            problem = f"more than {_MOST:,} words in a group"
            raise InputError(self.path, problem, "cut the group", line=line)
        twice = _twice([*together, *odd])
        if twice is not None:
            raise InputError(self.path, f"the word {twice!r:.60} stands twice", "delete one", line=line)
        self.words.add(together)
        self.words.add(odd)
        self.sizes.extend((len(together), len(odd)))
        self.category.append(len(self.categories) - 1)

    def groups(self) -> Groups:
        return Groups(
            path=str(self.path),
            words=self.words.distinct,
            ids=np.frombuffer(self.words.ids, np.int32),
            sizes=np.frombuffer(self.sizes, np.int32).reshape(-1, 2),
            categories=self.categories,
            category=np.frombuffer(self.category, np.int32),
        )


def read_groups(path: str | Path) -> Groups:
    """Read groups of words.

    :raises InputError: the file is empty, binary, not UTF-8, of another task, a group is too small, has
        a word twice, more than one star or more than 1,000 words; with the line.
    """
    lines = numbered_lines(path)
    collected, first = _Collected(path), None
    for line, text in lines:
        if text.startswith("#"):
            _name(collected, line, text)
            continue
        _of_this_task(path, line, text)
        first = line, text
        break
    if first is None:
        raise InputError(path, "there are no groups in it", "write: word word word odd, a group a line")
    if len(_fields(first[1])) < _LEAST:
        _columns(collected, first, lines)
    else:
        _group(collected, *first)
        for line, text in lines:
            if text.startswith("#"):
                _name(collected, line, text)
            else:
                _group(collected, line, text)
    return collected.groups()


def _name(collected: _Collected, line: int, text: str) -> None:
    name = text[1:].strip()
    if not name:
        raise InputError(collected.path, "the category has no name", "write: '# name'", line=line)
    collected.name(name)


def _of_this_task(path: str | Path, line: int, text: str) -> None:
    if text.startswith(":"):
        raise InputError(path, "a section of analogies begins here", "use the task analogy", line=line)
    if set(_fields(text)[-1]) <= _NUMERIC:
        problem = "the last field is a number, as in a file of pairs with scores"
        raise InputError(path, problem, "use the task similarity", line=line)


def _fields(text: str) -> list[str]:
    return [cell.strip() for cell in text.strip().split("\t")] if "\t" in text.strip() else text.split()


def _group(collected: _Collected, line: int, text: str) -> None:
    """Take a group from one line: the odd one is the last, or the one with a star."""
    words = _fields(text)
    if len(words) < _LEAST or not all(words):
        problem = f"{sum(map(bool, words))} words, where a group has at least {_LEAST}"
        raise InputError(collected.path, problem, "write: word word word odd", line=line)
    marked = [place for place, word in enumerate(words) if word.startswith("*") and word != "*"]
    if len(marked) > 1:
        raise InputError(collected.path, "more than one word has a star", "mark one odd word", line=line)
    place = marked[0] if marked else len(words) - 1
    odd = words.pop(place)
    collected.add(line, words, [odd.removeprefix("*") if marked else odd])


def _columns(collected: _Collected, first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> None:
    """Take clusters from lines of one word: those that belong together, a blank line, the odd ones."""
    start, text = first
    before = start
    parts: tuple[list[str], list[str]] = ([_joined(text)], [])
    at = 0
    for line, text in lines:
        blank = line > before + 1
        before = line
        if text.startswith("#"):
            collected.add(start, *parts)
            _name(collected, line, text)
            start, parts, at = line + 1, ([], []), 0
            continue
        if blank and parts[0]:
            at += 1
        if at >= len(parts):
            problem = "a third block of words"
            raise InputError(collected.path, problem, "begin a category with '# name'", line=line)
        parts[at].append(_joined(text))
    collected.add(start, *parts)


def _joined(text: str) -> str:
    return "_".join(text.split())


def _twice(words: list[str]) -> str | None:
    seen: set[str] = set()
    for word in words:
        if word in seen:
            return word
        seen.add(word)
    return None
