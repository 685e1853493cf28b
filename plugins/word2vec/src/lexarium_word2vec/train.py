"""Training: texts to word numbers, those to word vectors; and going on with new text."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from lexarium.backend import kernel
from lexarium.config import require
from lexarium.errors import ConfigError, DataError, TrainingInterrupted
from lexarium.words import WordVectors
from lexarium_static.encoding import encode, encode_onto
from lexarium_static.training import check_several, is_bounded
from lexarium_static.weights import weigh, weighed
from lexarium_word2vec import compiled, reference
from lexarium_word2vec.embedder import Word2Vec
from lexarium_word2vec.phrases import join_found, prune
from lexarium_word2vec.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.backend import Backend
    from lexarium.roles import Corpus, Run
    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig

    Trainer: TypeAlias = Callable[[Encoded, Weights, Word2VecConfig, Run, Callable[[int], None]], None]

__all__ = ["fit", "trainer", "update"]

#: What the stored arrays or words depend on.
_FIXED = ("vector_size", "hs", "tokenizer", "token_pattern", "lowercase", "phrases")


def fit(corpus: Corpus, config: Word2VecConfig, run: Run) -> Word2Vec:
    """Learn words and vectors of ``corpus``, which is read once, and again to weigh words (:func:`weigh`).

    With ``run.threads`` = 1 a seed gives the same vectors again; several threads write without locks.

    :raises DataError: there is no text, no token, no word with ``min_count`` occurrences, or one word only;
        or the vectors grow without bound.
    :raises MissingExtraError: gensim, the reference, is asked for and not installed.
    :raises TrainingInterrupted: Ctrl-C; carries the model so far.
    """
    train = trainer(config.backend)
    encoded = _encoded(corpus, config, run)
    left_out = encoded.left_out
    if config.phrases:
        joined = join_found(encoded, config)
        encoded = prune(joined, config.min_count, config.max_final_vocab)
        left_out = len(joined.ids) - len(encoded.ids)
    check_several(encoded.vocabulary, left_out)
    weights = Weights.new(encoded.counts, config, run.seed)
    return _Training(encoded, weights, config).finished(train, corpus, run)


def update(model: Word2Vec, corpus: Corpus, config: Word2VecConfig, run: Run) -> Word2Vec:
    """Train ``model`` on with ``corpus``; its words stay, new ones with ``min_count`` occurrences are added.

    Words that are joined to phrases are those that the model knows; no new phrases are looked for. Where the
    pooling weighs words, old words keep their weights, and new ones get theirs from ``corpus``.

    :raises DataError: there is no text, or no word in it that the model knows or learns; or the vectors grow
        without bound.
    :raises ConfigError: a setting cannot change any more.
    :raises UnsupportedError: the model does not hold what training would go on from.
    :raises MissingExtraError: gensim, the reference, is asked for and not installed.
    :raises TrainingInterrupted: Ctrl-C; carries the model so far.
    """
    train = trainer(config.backend)
    _check_unchanged(model, config)
    Weights.grown(model, np.zeros(len(model.words), np.int64), run.seed)  # refuse before the work
    encoded = encode_onto(
        model.words.vocabulary,
        corpus,
        config,
        min_count=config.min_count,
        max_vocab=config.max_final_vocab,
        run=run,
        analyze=model.tokenize if config.phrases else None,
    )
    weights = Weights.grown(model, encoded.counts, run.seed)
    return _Training(encoded, weights, config).finished(train, corpus, run, model)


def _check_unchanged(model: Word2Vec, config: Word2VecConfig) -> None:
    before = model.config
    for name in (f.name for f in fields(config) if f.name in _FIXED):
        old, new = getattr(before, name), getattr(config, name)
        require(name, old == new, f"{new} where the model was trained with {old}: it cannot change any more")
    both = f"{config.negative} where the model was trained with {getattr(before, 'negative', None)}"
    if bool(config.negative) != bool(getattr(before, "negative", 0)):
        raise ConfigError("negative", f"{both}: negative sampling cannot begin or end any more")


def _encoded(corpus: Corpus, config: Word2VecConfig, run: Run) -> Encoded:
    whole = config.phrases > 0  # neighbours must be there to be joined
    return encode(
        corpus,
        tokenizer=config.tokenizer,
        token_pattern=config.token_pattern,
        lowercase=config.lowercase,
        min_count=1 if whole else config.min_count,
        max_vocab=None if whole else config.max_final_vocab,
        run=run,
    )


def trainer(backend: Backend) -> Trainer:
    """Return what trains: the kernels, or gensim; called with words, weights, settings, and whom to tell.

    :raises UnsupportedError: the kernels are asked for and not built.
    :raises MissingExtraError: gensim, the reference, is asked for and not installed.
    """
    module = kernel("_word2vec", backend, instead="gensim")
    if module is not None:
        return partial(compiled.train, module)
    reference.check()
    return reference.train


@dataclass(frozen=True)
class _Training:
    """Arrays on their way, over a corpus as word numbers."""

    encoded: Encoded
    weights: Weights
    config: Word2VecConfig

    def finished(self, train: Trainer, corpus: Corpus, run: Run, old: Word2Vec | None = None) -> Word2Vec:
        """Train, and weigh the words; ``old``: what training goes on from."""
        total, done = len(self.encoded.ids) * self.config.epochs, 0

        def progress(words: int) -> None:
            nonlocal done
            done = min(words, total)
            run.progress("training", done, total)

        try:
            train(self.encoded, self.weights, self.config, run, progress)
        except KeyboardInterrupt as error:
            # Weights for pooling from the order of the words: to count them takes longer than Ctrl-C may.
            raise TrainingInterrupted(weigh(self._model(), None, run, old), done / max(1, total)) from error
        progress(total)
        return weighed(self._model(), corpus, run, old)

    def _model(self) -> Word2Vec:
        weights, config = self.weights, self.config
        learned = (weights.vectors, weights.context, weights.nodes)
        if not all(array is None or is_bounded(array) for array in learned):
            keys = ("alpha", "window", "negative") if config.negative else ("alpha", "window")
            said = ", ".join(f"{key}={getattr(config, key):g}" for key in keys)
            raise DataError(f"the training diverged with {said}", "lower one of these, alpha first")
        words = WordVectors(self.encoded.vocabulary, weights.vectors)
        return Word2Vec(self.config, words, tensors=weights.kept() if self.config.keep_training else None)
