"""Scores of texts without their vectors.

A text's vector is the mean of its rows, and a label's score is linear in it: so each row is multiplied by the
label's weights once, and a text's scores are the mean of K numbers a row instead of dim.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

import numpy as np

from lexarium.errors import CheckpointError
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.model import Quantised
from lexarium_fasttext.subwords import engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Embedder, Floats
    from lexarium_fasttext.subwords import Engine

__all__ = ["TextScores"]

_MOST_NUMBERS = 2**26  # of the rows: multiplying them takes a tenth of a second
_LEAST_GAIN = 4  # times fewer numbers a row
# Of few weights as many rows at once as the library for matrices multiplies in one thread. Others that it
# wakes go on turning for a tenth of a second, on the processors of the threads that read the texts.
_FEW_WEIGHTS = 2**13
_ALONE = 2**17  # multiplications
_BLOCK = 2**14  # rows multiplied at once otherwise, in float64


class TextScores:
    """What a classifier's output layer makes of texts.

    The result depends on the model and the text alone, so which models it serves does as well.
    """

    def __init__(self, embedder: FastText, scores: Engine) -> None:
        self._embedder = embedder
        self._scores = scores
        self._label_prefix = embedder.words.subwords.parameters.label_prefix

    @classmethod
    def of(cls, embedder: Embedder, weights: NDArray[np.float64]) -> Self | None:
        """Return the scores of the labels with ``weights`` (dim, K).

        None where they are not linear in the rows, where the rows are quantised or too many, and where there
        are more than dim / 4 labels.

        :raises CheckpointError: the model is damaged.
        """
        if not isinstance(embedder, FastText):
            return None
        config, words = embedder.config, embedder.words
        subwords = words.subwords
        rows, (dim, labels) = subwords.rows, weights.shape
        supervised = subwords.parameters.model == "supervised" and config.pooling == "fasttext"
        if (
            not supervised
            or config.normalize
            or embedder.component is not None
            or isinstance(rows, Quantised)
        ):
            return None
        numbers = words.vectors.size + rows.size
        if dim != words.vectors.shape[1] or dim < _LEAST_GAIN * labels or numbers > _MOST_NUMBERS:
            return None
        fewer = replace(
            subwords, parameters=replace(subwords.parameters, dim=labels), rows=_product(rows, weights)
        )
        scores = engine(words.vocabulary, _product(words.vectors, weights), fewer, embedder.name)
        return cls(embedder, scores)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return the score of each label for each text, (n, K).

        :raises CheckpointError: the model is damaged.
        """
        embedder = self._embedder
        if not embedder.config.cuts_as_fasttext:
            return embedder.means(texts, self._scores)
        try:
            return self._scores.scores(texts, self._label_prefix, embedder.threads)
        except IndexError as error:  # of the compiled look-up
            raise CheckpointError(embedder.name, str(error), "the model is damaged") from error


def _product(rows: Floats, weights: NDArray[np.float64]) -> Floats:
    found = np.empty((len(rows), weights.shape[1]), np.float32)
    block = _ALONE // weights.size if weights.size <= _FEW_WEIGHTS else _BLOCK
    for start in range(0, len(rows), block):
        found[start : start + block] = rows[start : start + block] @ weights
    return found
