"""The weights of words: estimated from a corpus, or from the order of the file where there is none."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lexarium.errors import DataError
from lexarium_static.model import common_component, sif_weights, smooth_idf, zipf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium.roles import Corpus, Floats, Run
    from lexarium_static.embedder import StaticEmbedder

__all__ = ["weigh"]

_E = TypeVar("_E", bound="StaticEmbedder")
_STEP = 1000


def weigh(model: _E, corpus: Corpus | None, run: Run) -> _E:
    """Return ``model`` with the weights that its ``config.pooling`` asks for.

    With a corpus, idf is scikit-learn's smooth idf over its texts; SIF takes p(word) as the word's
    share of all tokens and removes the first singular vector of the corpus's pooled texts. Without
    one, both take p(word) from Zipf's law over the order of the words, idf as if each token were a
    text, and nothing is removed. ``mean`` reads no corpus.

    :raises DataError: the corpus has no text, or no word that has a vector.
    """
    config, words = model.config, model.words
    if config.pooling == "mean":
        return model
    nothing = np.zeros(words.vectors.shape[1], np.float32)
    component = None if config.pooling == "idf" else nothing

    def weighted(weights: Floats, component: Floats | None) -> _E:
        return type(model)(config, words, weights, component, model.tensors)

    if corpus is None:
        shares = zipf(len(words))
        idf = config.pooling == "idf"
        return weighted(smooth_idf(shares) if idf else sif_weights(shares, config.sif_a), component)
    counts, total, texts = _count(model, corpus, run)
    if config.pooling == "idf":
        return weighted(smooth_idf(counts / texts, texts), None)
    found = weighted(sif_weights(counts / total, config.sif_a), nothing)
    watched = _watched(corpus, "find the common component", run)
    rows = (found.pool(block) for block in _some(watched))
    return type(model)(config, words, found.weights, common_component(rows, len(nothing)), model.tensors)


def _count(model: StaticEmbedder, corpus: Corpus, run: Run) -> tuple[np.ndarray, int, int]:
    """Return how many texts (idf) or tokens (SIF) are each word, (n,), all tokens, and all texts."""
    n = len(model.words)
    counts, total, texts = np.zeros(n, np.int64), 0, 0
    for ids, offsets in model.packed(_watched(corpus, "count words", run)):
        lengths = np.diff(offsets)
        total += len(ids)
        texts += len(lengths)
        known = ids[ids >= 0]
        if model.config.pooling == "idf":
            numbers = np.repeat(np.arange(len(lengths)), lengths)[ids >= 0]
            known = np.unique(numbers * n + known) % n
        counts += np.bincount(known, minlength=n)
    if not counts.any():
        problem = f"none of the {texts} texts of the corpus has a word with a vector"
        raise DataError(problem, "give texts in the language of the vectors, or another tokenizer")
    return counts, total, texts


def _some(texts: Iterator[str]) -> Iterator[list[str]]:
    while block := list(islice(texts, _STEP)):
        yield block


def _watched(corpus: Corpus, what: str, run: Run) -> Iterator[str]:
    done = 0
    for done, text in enumerate(corpus, start=1):
        yield text
        if done % _STEP == 0:
            run.progress(what, done, None)
    run.progress(what, done, done)
