"""The weights of words: estimated from a corpus, or from the order of the file where there is none."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lexarium.errors import DataError, TrainingInterrupted
from lexarium_static.model import common_component, sif_weights, smooth_idf, zipf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium.roles import Corpus, Floats, Run
    from lexarium_static.embedder import StaticEmbedder

__all__ = ["weigh", "weighed"]

_E = TypeVar("_E", bound="StaticEmbedder")
_STEP = 1000


def weigh(model: _E, corpus: Corpus | None, run: Run, old: _E | None = None) -> _E:
    """Return ``model`` with the weights that its ``config.pooling`` asks for.

    With a corpus, idf is scikit-learn's smooth idf over its texts; SIF takes p(word) as the word's
    share of all tokens and removes the first singular vector of the corpus's pooled texts. Without
    one, both take p(word) from Zipf's law over the order of the words, idf as if each token were a
    text, and nothing is removed. ``mean`` reads no corpus, idf reads it once, SIF twice.

    ``old`` is the model that ``model`` was trained on from: where it is pooled alike, its words keep
    their weights, since the corpus is the new text alone, and only new words get theirs from it. What
    SIF removes is found anew, in the new text, because the vectors have moved.

    :raises DataError: the corpus has no text, or no word that has a vector.
    """
    config, words = model.config, model.words
    if config.pooling == "mean":
        return model
    weights = _estimated(model, corpus, run)
    if old is not None and old.config.pooling == config.pooling and old.weights is not None:
        weights[words.vocabulary.ids(old.words.vocabulary)] = old.weights
    if config.pooling == "idf":
        return type(model)(config, words, weights, None, model.tensors)
    component = np.zeros(words.vectors.shape[1], np.float32)
    if corpus is not None:
        found = type(model)(config, words, weights, component, model.tensors)
        watched = _watched(corpus, "find the common component", run)
        component = common_component((found.pool(block) for block in _some(watched)), len(component))
    return type(model)(config, words, weights, component, model.tensors)


def weighed(model: _E, corpus: Corpus, run: Run, old: _E | None = None) -> _E:
    """Return a model that has been trained to the end as :func:`weigh` does; Ctrl-C does not lose it.

    :raises DataError: as :func:`weigh`.
    :raises TrainingInterrupted: on Ctrl-C; it holds the model, with the weights it has without a corpus.
    """
    try:
        return weigh(model, corpus, run, old)
    except KeyboardInterrupt as interrupt:
        raise TrainingInterrupted(weigh(model, None, run, old), 1.0) from interrupt


def _estimated(model: StaticEmbedder, corpus: Corpus | None, run: Run) -> Floats:
    """Return the weights of all words, (n,)."""
    idf, a = model.config.pooling == "idf", model.config.sif_a
    if corpus is None:
        shares = zipf(len(model.words))
        return smooth_idf(shares) if idf else sif_weights(shares, a)
    counts, total, texts = _count(model, corpus, run)
    return smooth_idf(counts / texts, texts) if idf else sif_weights(counts / total, a)


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
        problem = f"no text of the corpus has a word with a vector (texts: {texts})"
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
