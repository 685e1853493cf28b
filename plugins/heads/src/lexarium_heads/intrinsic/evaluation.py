"""The word vectors of a stored model on evaluation files, and what is shown of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.compose import Pipeline
from lexarium.config import to_mapping
from lexarium.errors import UnsupportedError
from lexarium.intrinsic import Options, Result, evaluate, words_in
from lexarium.intrinsic.report import Analogies, OddOneOut, Section, Similarity
from lexarium.output import word_vectors
from lexarium.roles import HasWords, Progress, silent
from lexarium.words.methods import with_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.words import WordVectors
    from lexarium.zoo import Zoo

__all__ = ["WordEvaluation", "evaluate_words", "tables"]

_SKIPPED = {"skip": "left out", "zero": "counted as zero"}
_UNLESS = " where the model makes no vectors of them"


@dataclass(frozen=True, kw_only=True)
class WordEvaluation:
    """What a model's word vectors reach on each file."""

    model: str
    task: str
    options: Options
    files: tuple[Result, ...]

    def document(self) -> dict[str, Any]:
        """Return the document of ``evaluate --task T --json``."""
        return {
            "model": self.model,
            "task": self.task,
            "options": to_mapping(self.options),
            "files": [result.document() for result in self.files],
        }


def evaluate_words(
    zoo: Zoo,
    model: str,
    paths: Sequence[str | Path],
    *,
    task: str,
    options: Options | None = None,
    progress: Progress = silent,
) -> WordEvaluation:
    """Evaluate the word vectors of a stored embedder (or of the embedder of a pipeline) on each file.

    A model of texts, which has none, embeds each word of the files as a text.

    :raises ModelNotFoundError: nothing of that name is stored.
    :raises UnsupportedError: the model has no vectors of single words, and the task needs a vocabulary.
    :raises InputError: a file cannot be read as one of the task.
    :raises DataError: nothing in a file can be evaluated, because of unknown words.
    """
    chosen = options or Options()
    reference, words = _words(zoo, model, paths, task)
    files = [evaluate(words, path, task=task, options=chosen, progress=progress) for path in paths]
    return WordEvaluation(model=reference, task=task, options=chosen, files=tuple(files))


def tables(done: WordEvaluation) -> tuple[str, list[tuple[Sequence[str], list[list[object]]]], list[str]]:
    """Return what to print: a first line, tables (headers and rows), and lines about unknown words."""
    first = done.files[0]
    how = _SKIPPED[done.options.oov] + (_UNLESS if any(map(_made, done.files)) else "")
    first_line = f"{done.model}: {done.task}; unknown words are {how}"
    shown: list[tuple[Sequence[str], list[list[object]]]] = []
    parts = _parts(first) if len(done.files) == 1 else ()
    if len(parts) > 1:
        shown.append((Section.HEADERS, [part.row() for part in parts]))
    shown.append((first.HEADERS, [result.row() for result in done.files]))
    return first_line, shown, [_unknown(result) for result in done.files if result.unknown]


def _unknown(result: Result) -> str:
    line = f"unknown words in {Path(result.path).name}, for instance: {', '.join(result.unknown)}"
    made = _made(result)
    return f"{line}; the model makes vectors of those of {made} pair{'s' * (made > 1)}" if made else line


def _made(result: Result) -> int:
    return result.made if isinstance(result, Similarity) else 0


def _parts(result: Result) -> tuple[Section, ...]:
    if isinstance(result, Analogies):
        return result.sections
    return result.categories if isinstance(result, OddOneOut) else ()


def _words(zoo: Zoo, model: str, paths: Sequence[str | Path], task: str) -> tuple[str, WordVectors]:
    """Return the model's word vectors; of a model of texts, those of the files' words, each as a text.

    Analogies are answered from a whole vocabulary, which such a model has not.
    """
    opened = zoo.open(model)
    embedder = opened.model.embedder if isinstance(opened.model, Pipeline) else opened.model
    if not isinstance(embedder, HasWords):
        if task != "analogy" and not embedder.space.sparse:
            asked = (word for path in paths for word in words_in(path, task))
            return opened.reference, word_vectors(embedder, asked, where=opened.reference)
        problem = f"{opened.reference} has no vectors of single words"
        raise UnsupportedError(problem, with_words(zoo.host))
    return opened.reference, embedder.words
