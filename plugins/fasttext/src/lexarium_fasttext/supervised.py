"""Classification of texts (Joulin and others, "Bag of tricks for efficient text classification", 2017)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.backend import kernel
from lexarium.config import require
from lexarium.corpora import FileCorpus
from lexarium.errors import DataError, InputError
from lexarium.tables import Texts
from lexarium_fasttext.model import FastTextParts
from lexarium_fasttext.rows import input_rows, new_rows, padded, strings, unpadded
from lexarium_fasttext.subwords import fasttext_words
from lexarium_fasttext.unsupervised import lines_of, parameters_of, watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Run
    from lexarium.tables import Labelled
    from lexarium_fasttext.config import FastTextConfig
    from lexarium_fasttext.model import Parameters
    from lexarium_fasttext.unsupervised import Lines

__all__ = ["Labels", "beside_labels", "number_labels", "split_labels", "train_supervised"]

_KERNEL = "_fasttext_train"


@dataclass(frozen=True)
class Labels:
    """The labels of s texts as numbers of K names, most frequent first.

    *Shapes:* counts (K,); ids (l,) int32; offsets (s + 1,): text i has the labels
    ``ids[offsets[i]:offsets[i + 1]]``. ``total`` counts those left out for being rare as well.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    total: int


def train_supervised(
    texts: Sequence[str], labels: Sequence[str] | Sequence[Sequence[str]], config: FastTextConfig, run: Run
) -> FastTextParts:
    """Train a classifier; ``labels`` has one label or several for each text, without prefix.

    :raises ConfigError: ``normalize``: it is trained on vectors as they are, and would not predict with them.
    :raises DataError: another number of labels than of texts, fewer than two labels, a text without one, or
        no word that is frequent enough; or the training diverged.
    :raises TrainingInterrupted: on Ctrl-C, with the :class:`FastTextParts` as far as they have come.
    """
    require("normalize", not config.normalize, "a classifier takes vectors as they are; leave it out")
    numbered = number_labels(texts, labels, config)
    module = kernel(_KERNEL, config.backend, instead="fasttext")
    if module is None:
        from lexarium_fasttext.reference import classify  # noqa: PLC0415  only where it is asked for

        return classify(texts, numbered, config, run)
    parameters = parameters_of(config)
    every = lines_of(texts, replace(config, max_final_vocab=None), run, 1)
    words = _frequent(every, config, parameters.min_count, parameters.maxn)
    hashes = module.hashes(*strings(every.vocabulary))
    extra = _runs(module, every, hashes, parameters) if parameters.word_ngrams > 1 else None
    layout = input_rows(module, every.vocabulary, parameters, words, extra)
    rng = np.random.default_rng(run.seed)
    matrices = (
        new_rows(layout.count, parameters.dim, rng, wide=True),
        padded(np.zeros((len(numbered.names), parameters.dim), np.float32)),
    )
    parts = FastTextParts(
        parameters=parameters,
        vocabulary=every.vocabulary.first(words),
        counts=every.counts[:words],
        tokens=every.tokens + numbered.total,
        input=matrices[0],
        output=matrices[1],
        buckets=layout.buckets,
        labels=tuple(config.label_prefix + name for name in numbered.names),
        label_counts=numbered.counts,
    )
    given = module.Texts(every.ids, every.offsets, layout.starts, layout.rows, every.end)
    by_bucket = layout.by_bucket(parameters.bucket) if parameters.word_ngrams > 1 else np.empty(0, np.int32)
    runs = module.Runs(parameters.word_ngrams, hashes, by_bucket)
    loss = module.Loss(parameters.loss, numbered.counts, parameters.neg, config.ns_exponent)
    schedule = (parameters.lr, config.min_alpha, parameters.epoch, run.threads, run.seed)

    def work(progress: Callable[[int], None]) -> None:
        module.learn_labels(given, runs, numbered.ids, numbered.offsets, loss, *matrices, schedule, progress)

    def trained() -> FastTextParts:
        inputs, outputs = (unpadded(matrix, parameters.dim) for matrix in matrices)
        return replace(parts, input=inputs, output=outputs)

    return watched(work, trained, every.steps * parameters.epoch, run)


def split_labels(corpus: Corpus, prefix: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Take the labels out of texts that hold them as words with a prefix, as fastText's training files do.

    Texts are cut into words as fastText cuts them, and joined by single spaces again.

    :raises InputError: a text has no label, or is not a string; names file and line.
    """
    texts, labels = [], []
    known: dict[tuple[str, ...], tuple[str, ...]] = {}  # so that equal labels are held once
    for path, line, text in _located(corpus):
        if not isinstance(text, str):
            raise InputError(path, f"{type(text).__name__}, not text", "pass strings", line=line)
        words = fasttext_words(text)
        found = tuple(word.removeprefix(prefix) for word in words if word.startswith(prefix))
        if not found or not all(found):
            problem = (
                f"a label is nothing but its prefix {prefix!r}"
                if found
                else f"no word begins with {prefix!r}"
            )
            remedy = f"write {prefix}NAME before the text, set label_prefix, or name a table's --label COLUMN"
            raise InputError(path, problem, remedy, line=line)
        texts.append(" ".join(word for word in words if not word.startswith(prefix)))
        labels.append(known.setdefault(found, found))
    return texts, labels


def beside_labels(rows: Labelled, config: FastTextConfig) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the texts of a table and the label of each, as :func:`split_labels` does.

    :raises InputError: a text holds the prefix, by which models tell labels from words; names file and line.
    """
    prefix = config.label_prefix
    for line, text in zip(rows.lines, rows.texts, strict=True):
        if prefix in (text.lower() if config.lowercase else text):
            remedy = "take it out, or set label_prefix to what no text holds"
            raise InputError(rows.path, f"the text holds the label prefix {prefix!r}", remedy, line=line)
    return rows.texts, [(label,) for label in rows.labels]


def _located(corpus: Corpus) -> Iterable[tuple[str, int, str]]:
    """Return each text behind its file and line; of texts in memory, behind "corpus" and its number."""
    if isinstance(corpus, Texts | FileCorpus):
        return corpus.located()
    return (("corpus", number, text) for number, text in enumerate(corpus, start=1))


def number_labels(
    texts: Sequence[str], labels: Sequence[str] | Sequence[Sequence[str]], config: FastTextConfig
) -> Labels:
    """Give each label a number, most frequent first, equal ones in alphabetical order.

    :raises DataError: as :func:`train_supervised`.
    """
    if len(texts) != len(labels):
        raise DataError(f"{len(texts)} texts and labels for {len(labels)}", "give as many of both")
    each = [(found,) if isinstance(found, str) else tuple(found) for found in labels]
    for index, found in enumerate(each):
        if not found or not all(found):
            raise DataError(
                f"text {index} has no label, or an empty one", "fill it in, or leave the text out"
            )
    counts = Counter(chain.from_iterable(each))
    names = sorted(
        (name for name in counts if counts[name] >= config.min_count_label), key=lambda n: (-counts[n], n)
    )
    if len(names) < 2:  # noqa: PLR2004  what there is to tell apart
        rare = f" with min_count_label={config.min_count_label}" if len(counts) > len(names) else ""
        raise DataError(f"there are {len(names)} different labels{rare}", "give at least two")
    number = {name: i for i, name in enumerate(names)}
    kept = [[number[name] for name in found if name in number] for found in each]
    return Labels(
        tuple(names),
        np.array([counts[name] for name in names], np.int64),
        np.array(list(chain.from_iterable(kept)), np.int32),
        np.cumsum([0, *map(len, kept)], dtype=np.int64),
        counts.total(),
    )


def _frequent(every: Lines, config: FastTextConfig, min_count: int, maxn: int) -> int:
    """Return how many words, from the most frequent on, have a row of their own."""
    words = int(np.count_nonzero(every.counts >= min_count))
    words = min(words, config.max_final_vocab or words)
    besides = words - (0 <= every.end < words)
    if besides == 0 and maxn == 0:
        most = int(np.delete(every.counts, every.end).max(initial=0)) if every.end >= 0 else 0
        raise DataError(
            f"no word occurs {min_count} times, the most frequent {most} times", "lower min_count"
        )
    return words


def _runs(module: Any, every: Lines, hashes: NDArray[np.uint32], parameters: Parameters) -> NDArray[np.int64]:  # noqa: ANN401
    """Return the buckets that the runs of words of the texts fall into."""
    empty = np.zeros(len(every.vocabulary) + 1, np.int64)
    plain = module.Texts(every.ids, every.offsets, empty, np.empty(0, np.int32), every.end)
    used: Iterable[np.uint8] = module.used_buckets(plain, hashes, parameters.word_ngrams, parameters.bucket)
    return np.flatnonzero(np.asarray(used)).astype(np.int64)
