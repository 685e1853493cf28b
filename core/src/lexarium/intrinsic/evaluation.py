"""The one entry: a model's words, a file, and the task that the file is for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from lexarium.config import require, whole
from lexarium.errors import InputError, NotFoundError
from lexarium.inputs import check_path
from lexarium.intrinsic.analogy import word_analogies
from lexarium.intrinsic.groups import read_groups
from lexarium.intrinsic.lookup import Lookup
from lexarium.intrinsic.odd_one_out import word_odd_one_out
from lexarium.intrinsic.pairs import read_pairs
from lexarium.intrinsic.questions import read_questions
from lexarium.intrinsic.report import Analogies, OddOneOut, Similarity
from lexarium.intrinsic.similarity import word_similarity
from lexarium.roles import Progress, silent
from lexarium.words.vectors import check_words

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.words import WordVectors

__all__ = ["TASKS", "Options", "Result", "evaluate", "words_in"]

TASKS = ("similarity", "analogy", "odd-one-out")
Result: TypeAlias = Similarity | Analogies | OddOneOut
_ANALOGY_RESTRICT = 300_000


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to evaluate.

    ``oov``: what has an unknown word is skipped, or scores zero; for similarity, only where the model makes
    no vector of the word. ``case``: ``auto`` takes a word as it stands, else in lower case where the model is
    lower-cased; ``ignore`` is gensim's default. ``restrict``: only the first words of the vocabulary; None is
    all, and 300,000 for analogies, as usual. ``method``: how analogies are answered.
    """

    oov: Literal["skip", "zero"] = "skip"
    case: Literal["auto", "ignore"] = "auto"
    restrict: int | None = None
    method: Literal["3cosadd", "3cosmul"] = "3cosadd"

    def __post_init__(self) -> None:
        for name, known in (
            ("oov", ("skip", "zero")),
            ("case", ("auto", "ignore")),
            ("method", ("3cosadd", "3cosmul")),
        ):
            value = getattr(self, name)
            require(name, value in known, f"{value!r} is not {' or '.join(map(repr, known))}")
        if self.restrict is not None:
            require("restrict", whole("restrict", self.restrict) >= 1, f"{self.restrict} is below 1")


def words_in(path: str | Path, task: str) -> list[str]:
    """Return the words of a file of ``task``, each once: what a model of texts is to be asked for.

    :raises NotFoundError: there is no such task.
    :raises InputError: the file cannot be read as one of this task; with line and field.
    """
    if task == "similarity":
        return read_pairs(path).words
    if task == "analogy":
        return read_questions(path).words
    if task == "odd-one-out":
        return read_groups(path).words
    raise NotFoundError("task", task, TASKS)


def evaluate(
    words: WordVectors,
    path: str | Path,
    *,
    task: str,
    options: Options | None = None,
    progress: Progress = silent,
) -> Result:
    """Evaluate word vectors on a file of pairs, analogies or groups of words.

    :raises NotFoundError: there is no such task.
    :raises InputError: the file cannot be read as one of this task, with line and field; no Options.
    :raises DataError: nothing in it can be evaluated, because of unknown words.
    """
    check_words(words, "words")
    check_path(path)
    chosen = Options() if options is None else options
    if not isinstance(chosen, Options):
        raise InputError("options", f"{type(chosen).__name__} where Options belong", "give Options(...)")
    if task == "similarity":
        pairs = read_pairs(path)
        lookup = Lookup(words, pairs.words, case=chosen.case, restrict=chosen.restrict)
        return word_similarity(words, pairs, oov=chosen.oov, lookup=lookup)
    if task == "analogy":
        questions = read_questions(path)
        restrict = chosen.restrict or _ANALOGY_RESTRICT
        lookup = Lookup(words, questions.words, case=chosen.case, restrict=restrict)
        return word_analogies(
            words, questions, method=chosen.method, oov=chosen.oov, lookup=lookup, progress=progress
        )
    if task == "odd-one-out":
        groups = read_groups(path)
        lookup = Lookup(words, groups.words, case=chosen.case, restrict=chosen.restrict)
        return word_odd_one_out(words, groups, oov=chosen.oov, lookup=lookup, progress=progress)
    raise NotFoundError("task", task, TASKS)
