"""Files of analogies: "a is to b as c is to d", four words a line, in sections.

The format of Mikolov et al., "Efficient estimation of word representations in vector space", 2013
(``questions-words.txt``): a line ``: name`` begins a section; every other line is a question. The Chinese
sets CA8 (Li et al., 2018) and CA_translated (Chen et al., 2015) are published in it. Questions before the
first section are in a section without a name.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import InputError
from lexarium.intrinsic.lines import Words, numbered_lines

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Questions", "read_questions"]

_WORDS = 4
_PAIR = 3


@dataclass(frozen=True, kw_only=True)
class Questions:
    """n questions in s sections.

    *Shapes:* ids (n, 4), numbers of ``words``: a, b, c and the answer; section (n,), numbers of
    ``sections``.
    """

    path: str
    words: list[str]
    ids: NDArray[np.int32]
    sections: list[str]
    section: NDArray[np.int32]


def read_questions(path: str | Path) -> Questions:
    """Read analogies.

    :raises InputError: the file is empty, binary, not UTF-8, of another task, a line has not four
        words, or a section no name; with the line.
    """
    words, section, sections = Words(), array("i"), [""]
    for line, text in numbered_lines(path):
        if text.startswith(":"):
            name = text[1:].strip()
            if not name:
                raise InputError(path, "the section has no name", "write: ': name'", line=line)
            sections.append(name)
            continue
        question = text.split()
        if len(question) != _WORDS:
            hint = " (for pairs with scores use the task similarity)" if len(question) == _PAIR else ""
            problem = f"{len(question)} words, where a question has 4"
            raise InputError(path, problem, f"write: a b c d{hint}", line=line)
        words.add(question)
        section.append(len(sections) - 1)
    if not section:
        raise InputError(path, "there are no questions in it", "write: a b c d, a question a line")
    return Questions(
        path=str(path),
        words=words.distinct,
        ids=np.frombuffer(words.ids, np.int32).reshape(-1, _WORDS),
        sections=sections,
        section=np.frombuffer(section, np.int32),
    )
