"""Analogies: "a is to b as c is to ...?", answered by the best word of the vocabulary.

Both rules score a word x by its cosines with a, b and c alone:

- 3CosAdd (Mikolov, Yih, Zweig, 2013): ``cos(x, b) - cos(x, a) + cos(x, c)``
- 3CosMul (Levy and Goldberg, 2014): ``cos'(x, b) cos'(x, c) / (cos'(x, a) + 0.001)``, cos' = (1 + cos) / 2

So one product gives the cosines of a block of the vocabulary with every word that the questions
use (905 words in the 19,544 questions of Google's set), and a question costs two additions and
a maximum for each word of the vocabulary, whatever the dimension; 3CosMul is the same on logarithms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.errors import CheckpointError
from lexarium.intrinsic.report import Analogies, Section, nothing_known, some
from lexarium.intrinsic.similarity import units

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexarium.intrinsic.lookup import Lookup
    from lexarium.intrinsic.questions import Questions
    from lexarium.roles import Floats, Progress
    from lexarium.words import WordVectors

    _Rows: TypeAlias = NDArray[np.int64]

__all__ = ["answer", "word_analogies"]

_EPSILON = np.float32(0.001)
_TINY = np.float32(1e-30)  # a cosine of -1 has no logarithm
_COLUMNS = 1 << 14  # words of the vocabulary in a block
_DISTINCT = 1 << 10  # words of the questions in a batch: with the above, 64 MiB of cosines
_SYNTACTIC = "gram"


def word_analogies(
    model: WordVectors,
    questions: Questions,
    *,
    method: str,
    oov: str,
    lookup: Lookup,
    progress: Progress,
) -> Analogies:
    """Answer questions and count, per section, the right answers.

    A question with an unknown word is left out, or with ``oov="zero"`` counts as wrong (gensim's
    ``dummy4unknown``). The words of a question are no answers to it.

    :raises DataError: no question has four known words.
    """
    rows = lookup.rows[questions.ids]
    known = (rows >= 0).all(axis=1)
    if not known.any():
        raise nothing_known(questions.path, "question", questions.words)
    given = rows[known]
    found = answer(model, given[:, :3], lookup, method=method, progress=progress)
    right = np.zeros(len(rows), bool)
    right[known] = [
        int(row) in lookup.alike(int(wanted)) for row, wanted in zip(found, given[:, 3], strict=True)
    ]
    used = known | (oov == "zero")

    def counted(name: str, chosen: NDArray[np.bool_]) -> Section:
        return Section(
            name,
            int(chosen.sum()),
            int((chosen & used).sum()),
            int((chosen & ~known).sum()),
            int((chosen & right).sum()),
        )

    names = questions.sections
    sections = [counted(name, questions.section == place) for place, name in enumerate(names)]
    syntactic = np.array([name.startswith(_SYNTACTIC) for name in names])[questions.section]
    both = syntactic.any() and not syntactic.all()
    return Analogies(
        path=questions.path,
        sections=tuple(section for section in sections if section.total),
        total=counted("total", np.ones(len(rows), bool)),
        semantic=counted("semantic", ~syntactic) if both else None,
        syntactic=counted("syntactic", syntactic) if both else None,
        unknown=some(questions.words, lookup.rows),
    )


def answer(model: WordVectors, asked: _Rows, lookup: Lookup, *, method: str, progress: Progress) -> _Rows:
    """Return the row of the best answer to each question, (n,); the first of equal ones.

    ``asked`` (n, 3) has the rows of a, b and c, which are no answers, nor are rows alike.

    :raises CheckpointError: the vectors hold numbers that are not finite.
    """
    best = np.full(len(asked), -np.inf, np.float32)
    found = np.full(len(asked), -1, np.int64)
    batches = list(_batches(asked))
    blocks = range(0, lookup.limit, _COLUMNS)
    for number, batch in enumerate(batches):
        distinct, places = np.unique(asked[batch], return_inverse=True)
        words = units(model.vectors[distinct]).astype(np.float32)
        places = places.reshape(-1, 3)
        barred = _barred(asked[batch], lookup)
        for step, start in enumerate(blocks):
            stop = min(start + _COLUMNS, lookup.limit)
            gain, loss = _terms(words @ _unit_block(model, start, stop).T, method)
            _improve(best[batch], found[batch], (gain, loss), places, (start, stop, barred))
            progress("answering analogies", number * len(blocks) + step + 1, len(batches) * len(blocks))
    return found


def _batches(asked: _Rows) -> Iterator[slice]:
    """Cut the questions so that each part uses a bounded number of distinct words."""
    start, seen = 0, set[int]()
    for place, rows in enumerate(asked.tolist()):
        seen.update(rows)
        if len(seen) > _DISTINCT:
            yield slice(start, place)
            start, seen = place, set(rows)
    yield slice(start, len(asked))


def _barred(asked: _Rows, lookup: Lookup) -> _Rows:
    """Return pairs (question, row that is no answer to it), (p, 2), by row."""
    pairs = [
        (question, other)
        for question, rows in enumerate(asked.tolist())
        for row in set(rows)
        for other in lookup.alike(row)
    ]
    array = np.array(pairs, np.int64)
    return array[np.argsort(array[:, 1], kind="stable")]


def _unit_block(model: WordVectors, start: int, stop: int) -> Floats:
    block = np.asarray(model.vectors[start:stop])
    lengths = np.sqrt(np.square(block, dtype=np.float64).sum(axis=1, keepdims=True))
    lengths[lengths == 0] = 1
    if not np.isfinite(lengths).all():
        raise CheckpointError("word vectors", "the vectors hold numbers that are not finite")
    unit: Floats = (block / lengths).astype(np.float32)
    return unit


def _terms(cosines: Floats, method: str) -> tuple[Floats, Floats]:
    """Return what b and c add to a score and what a takes from it, (distinct, block) each."""
    if method == "3cosadd":
        return cosines, cosines
    cosines += 1
    cosines *= np.float32(0.5)
    loss = np.log(np.maximum(cosines, 0) + _EPSILON)
    return np.log(np.maximum(cosines, _TINY, out=cosines), out=cosines), loss


def _improve(
    best: Floats,
    found: _Rows,
    terms: tuple[Floats, Floats],
    places: _Rows,
    block: tuple[int, int, _Rows],
) -> None:
    """Score a block of the vocabulary for each question, and keep what is better than before."""
    gain, loss = terms
    start, stop, barred = block
    first, last = np.searchsorted(barred[:, 1], (start, stop))
    out: dict[int, list[int]] = {}
    for question, row in barred[first:last].tolist():
        out.setdefault(question, []).append(row - start)
    difference, scores = np.empty_like(gain[0]), np.empty_like(gain[0])
    last_pair = (-1, -1)
    for question, (a, b, c) in enumerate(places.tolist()):
        if (a, b) != last_pair:  # sets ask about one pair many times on end
            np.subtract(gain[b], loss[a], out=difference)
            last_pair = a, b
        np.add(difference, gain[c], out=scores)
        if question in out:
            scores[out[question]] = -np.inf
        place = scores.argmax()
        if scores[place] > best[question]:
            best[question] = scores[place]
            found[question] = start + place
