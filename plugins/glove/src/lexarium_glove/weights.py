"""The weights of words: estimated from a corpus, or from the order of the file where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lexarium.errors import DataError
from lexarium_glove.embedder import Glove
from lexarium_glove.model import common_component, sif_weights, smooth_idf, zipf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium.roles import Corpus, Run
    from lexarium.words import WordVectors
    from lexarium_glove.config import GloveConfig

__all__ = ["weigh"]

_STEP = 1000


def weigh(words: WordVectors, config: GloveConfig, corpus: Corpus | None, run: Run) -> Glove:
    """Return the embedder with the weights that ``config.pooling`` asks for.

    With a corpus, idf is scikit-learn's smooth idf over its texts; SIF takes p(word) as the word's
    share of all tokens and removes the first singular vector of the corpus's pooled texts. Without
    one, both take p(word) from Zipf's law over the order of the words, idf as if each token were a
    text, and nothing is removed. ``mean`` reads no corpus.

    :raises DataError: the corpus has no text, or no word that has a vector.
    """
    if config.pooling == "mean":
        return Glove(config, words)
    nothing = np.zeros(words.vectors.shape[1], np.float32)
    if corpus is None:
        shares = zipf(len(words))
        if config.pooling == "idf":
            return Glove(config, words, smooth_idf(shares))
        return Glove(config, words, sif_weights(shares, config.sif_a), nothing)
    counts, total, texts = _count(Glove(config, words), corpus, run)
    if config.pooling == "idf":
        return Glove(config, words, smooth_idf(counts / texts, texts))
    weighted = Glove(config, words, sif_weights(counts / total, config.sif_a), nothing)
    blocks = weighted.packed(_watched(corpus, "find the common component", run))
    rows = (weighted.pool(ids, offsets) for ids, offsets in blocks)
    return Glove(config, words, weighted.weights, common_component(rows, len(nothing)))


def _count(glove: Glove, corpus: Corpus, run: Run) -> tuple[np.ndarray, int, int]:
    """Return how many texts (idf) or tokens (SIF) are each word, (n,), all tokens, and all texts."""
    n = len(glove.words)
    counts, total, texts = np.zeros(n, np.int64), 0, 0
    for ids, offsets in glove.packed(_watched(corpus, "count words", run)):
        lengths = np.diff(offsets)
        total += len(ids)
        texts += len(lengths)
        known = ids[ids >= 0]
        if glove.config.pooling == "idf":
            numbers = np.repeat(np.arange(len(lengths)), lengths)[ids >= 0]
            known = np.unique(numbers * n + known) % n
        counts += np.bincount(known, minlength=n)
    if not counts.any():
        problem = f"none of the {texts} texts of the corpus has a word with a vector"
        raise DataError(problem, "give texts in the language of the vectors, or another tokenizer")
    return counts, total, texts


def _watched(corpus: Corpus, what: str, run: Run) -> Iterator[str]:
    done = 0
    for done, text in enumerate(corpus, start=1):
        yield text
        if done % _STEP == 0:
            run.progress(what, done, None)
    run.progress(what, done, done)
