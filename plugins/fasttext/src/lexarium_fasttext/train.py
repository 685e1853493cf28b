"""Training: a corpus in, an embedder or, of labelled texts, a classifier out; and going on with new text."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from lexarium.backend import kernel
from lexarium.compose import Pipeline
from lexarium.config import require
from lexarium.errors import ConfigError, DataError, TrainingInterrupted, UnsupportedError
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.assembly import assemble, disassemble
from lexarium_fasttext.autotune import Examples, TuneOptions, autotune
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.model import FastTextParts, Quantised
from lexarium_fasttext.rows import InputRows, input_rows, new_rows
from lexarium_fasttext.supervised import beside_labels, split_labels, train_supervised
from lexarium_fasttext.unsupervised import Lines, learn, lines_of, parameters_of, train_words
from lexarium_static.weights import weigh, weighed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Run
    from lexarium.tables import Labelled
    from lexarium_fasttext.config import FastTextConfig

__all__ = ["fit", "fit_labelled", "update"]

_KERNEL = "_fasttext_train"
_FIXED = ("model", "vector_size", "min_n", "max_n", "bucket", "sg", "hs", "loss", "word_ngrams")
_log = logging.getLogger("lexarium")


def fit(corpus: Corpus, config: FastTextConfig, run: Run) -> FastText | Pipeline:
    """Train on ``corpus``; with ``model="supervised"`` its texts hold their labels, and a pipeline comes out.

    The corpus is read once; where the pooling weighs words, once more for idf, and twice more for SIF.

    :raises DataError: the corpus has nothing to learn from, or the training diverged.
    :raises InputError: a text to be classified has no label.
    :raises TrainingInterrupted: on Ctrl-C, with the model as far as it has come.
    """
    config = config.filled()
    if config.supervised:
        return _classifier(*split_labels(corpus, config.label_prefix), config, run)

    def work() -> FastTextParts:
        module = kernel(_KERNEL, config.backend, instead="fasttext or gensim")
        if module is not None:
            return train_words(module, corpus, config, run)
        from lexarium_fasttext.reference import embed_words  # noqa: PLC0415  only where it is asked for

        return embed_words(corpus, config, run)

    return _finished(work, corpus, config, run)


def fit_labelled(rows: Labelled, config: FastTextConfig, run: Run) -> FastText | Pipeline:
    """Train a classifier on texts with a label each, which need ``model="supervised"``.

    :raises ConfigError: ``model`` is another one.
    :raises InputError: a text holds ``label_prefix``.
    :raises DataError: the rows have nothing to learn from, or the training diverged.
    :raises TrainingInterrupted: on Ctrl-C, with the model as far as it has come.
    """
    if not config.supervised:
        raise ConfigError("model", f"{config.model} learns from no labels; set model=supervised")
    return _classifier(*beside_labels(rows, config), config.filled(), run)


def _classifier(
    texts: list[str], labels: list[tuple[str, ...]], config: FastTextConfig, run: Run
) -> FastText | Pipeline:
    chosen = _tuned(texts, labels, config, run) if config.autotune_duration else config
    return _finished(lambda: train_supervised(texts, labels, chosen, run), texts, chosen, run)


def _tuned(
    texts: list[str], labels: list[tuple[str, ...]], config: FastTextConfig, run: Run
) -> FastTextConfig:
    """Return the settings that a search finds; a last training with all texts is up to the caller."""
    options = TuneOptions(duration=config.autotune_duration)
    found = autotune(Examples(texts, labels), replace(config, autotune_duration=0.0), run, options)
    best = max(trial.score for trial in found.trials)
    _log.warning("autotune: F1 %.4f on held-out texts after %d trials", best, len(found.trials))
    return found.config


def update(model: FastText, corpus: Corpus, config: FastTextConfig, run: Run) -> FastText:
    """Train on with new text. Words that occur there ``min_count`` times get rows, and so do their n-grams.

    With hierarchical softmax no word is added, since the tree over the words would change, and with it what
    its nodes have learned. Nor is one beyond ``max_final_vocab`` words in all; those that are there stay.

    The words of the model keep their idf or SIF weights; new words get theirs from the new text, where SIF's
    common component is found as well, since the vectors have changed.

    :raises DataError: the corpus has nothing to learn from, or the training diverged.
    :raises ConfigError: a setting cannot change any more.
    :raises CheckpointError: what training goes on from is damaged.
    :raises UnsupportedError: the model is a classifier, quantised, trained with a loss that words are not
        trained with here, or without what training goes on from.
    :raises TrainingInterrupted: on Ctrl-C, with the model as far as it has come.
    """
    if isinstance(model, Pipeline):
        raise UnsupportedError("a classifier is not trained on", "train it anew with all texts")
    old, config = disassemble(model), config.filled()
    before = model.config.filled()
    for key in _FIXED:
        was, asked = getattr(before, key), getattr(config, key)
        require(key, was == asked, f"{asked} was {was} when training began, and cannot change any more")
    if isinstance(old.input, Quantised) or isinstance(old.output, Quantised) or old.pruned:
        raise UnsupportedError("a quantised model is not trained on", "go on with the model it was made from")
    if old.parameters.loss not in {"ns", "hs"}:
        what = (
            f"the words were trained with loss={old.parameters.loss}, and are trained on with ns or hs alone"
        )
        raise UnsupportedError(what, "fit a model anew")
    module = kernel(_KERNEL, config.backend)
    if module is None:
        raise UnsupportedError("fasttext and gensim do not train on", "install lexarium-kernels, or fit anew")
    lines, merged = _merged(old, lines_of(corpus, replace(config, max_final_vocab=None), run, 1), config)
    every = np.arange(old.parameters.bucket) if old.buckets is None else old.buckets
    layout = input_rows(module, merged.vocabulary, merged.parameters, len(merged.vocabulary), every)
    grown = _grown(old, merged, layout, np.random.default_rng(run.seed))
    found = _finished(lambda: learn(module, grown, lines, layout, (config, run)), corpus, config, run, model)
    assert isinstance(found, FastText)  # noqa: S101  of words, so no pipeline
    return found


def _finished(
    work: Callable[[], FastTextParts],
    corpus: Corpus,
    config: FastTextConfig,
    run: Run,
    old: FastText | None = None,
) -> FastText | Pipeline:
    """Return the model of the parts that ``work`` returns; ``old`` is the model that they went on from.

    :raises TrainingInterrupted: on Ctrl-C, with the model of the parts so far.
    """
    try:
        model = assemble(work(), config, run.threads)
    except TrainingInterrupted as error:
        parts: Any = error.model
        found = assemble(parts, config, run.threads)
        # Whoever interrupts waits for no corpus to be read.
        raise TrainingInterrupted(
            weigh(found, None, run, old) if _weighs(found) else found, error.done
        ) from error
    return weighed(model, corpus, run, old) if _weighs(model) else model


def _weighs(model: FastText | Pipeline) -> TypeGuard[FastText]:
    """Tell whether the words of a model have weights."""
    return isinstance(model, FastText) and model.config.pooling != "fasttext"


def _merged(old: FastTextParts, read: Lines, config: FastTextConfig) -> tuple[Lines, FastTextParts]:
    """Return the new corpus over all words, and the old parts with those words and their counts."""
    parameters = replace(parameters_of(config), dim=old.parameters.dim, bucket=old.parameters.bucket)
    fixed = parameters.loss == "hs"
    place = old.vocabulary.ids(read.vocabulary)
    new = np.flatnonzero((place < 0) & (read.counts >= parameters.min_count) & (not fixed))
    if fixed and (place < 0).any():
        _log.warning("hierarchical softmax learns no new words: %d are left out", np.count_nonzero(place < 0))
    if config.max_final_vocab is not None:  # the new words are in falling order
        new = new[: max(0, config.max_final_vocab - len(old.vocabulary))]
    place[new] = len(old.vocabulary) + np.arange(len(new))
    counts = np.concatenate([old.counts, np.zeros(len(new), np.int64)])
    here = np.zeros_like(counts)
    here[place[place >= 0]] = read.counts[place >= 0]
    order = np.arange(len(counts)) if fixed else np.argsort(-(counts + here), kind="stable")
    number = np.empty(len(counts) + 1, np.int32)
    number[order], number[-1] = np.arange(len(counts)), -1
    words = [*old.vocabulary, *(read.vocabulary.word(int(i)) for i in new)]
    vocabulary = Vocabulary.build([words[i] for i in order])
    ids = number[place][read.ids]
    known = ids >= 0
    if not known.any():
        raise DataError(
            "no word of the new texts is known or frequent enough", "give more text, or lower min_count"
        )
    offsets = np.concatenate([[0], np.cumsum(known)]).astype(np.int64)[read.offsets]
    end = int(number[place[read.end]])
    lines = Lines(vocabulary, here[order], ids[known], offsets, end, read.tokens)
    total = old.counts if fixed else (counts + here)[order]
    parts = replace(
        old, parameters=parameters, vocabulary=vocabulary, counts=total, tokens=old.tokens + read.tokens
    )
    return lines, parts


def _grown(
    old: FastTextParts, merged: FastTextParts, layout: InputRows, rng: np.random.Generator
) -> FastTextParts:
    """Return the merged parts with the old rows in their new places; new rows begin as in training."""
    inputs, outputs = np.asarray(old.input), np.asarray(old.output)
    was, now = len(old.vocabulary), len(merged.vocabulary)
    place = merged.vocabulary.ids(old.vocabulary)
    buckets: NDArray[Any] = np.arange(old.parameters.bucket) if old.buckets is None else old.buckets
    grown = new_rows(layout.count, old.parameters.dim, rng)
    grown[place] = inputs[:was]
    grown[now + np.searchsorted(layout.buckets, buckets)] = inputs[was:]
    output = np.zeros((now, old.parameters.dim), np.float32)
    output[place] = outputs
    kept = None if old.buckets is None else layout.buckets
    return replace(merged, input=grown, output=output, buckets=kept)
