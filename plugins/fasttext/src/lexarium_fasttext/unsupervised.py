"""Vectors of words and of their parts from plain text: skip-gram and CBOW.

A text is a line to fastText, which reads a word ``</s>`` at the end of each; so it is here, and a model
that is exported behaves there as one trained there. It is subsampled like any word, and being in every
text it is nearly always left out.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import CheckpointError, TrainingInterrupted
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.divergence import DivergedError
from lexarium_fasttext.model import EOS, FastTextParts, Parameters, Quantised, is_finite
from lexarium_fasttext.rows import InputRows, input_rows, new_rows, padded, place_end, strings, unpadded
from lexarium_fasttext.subwords import WORD_PATTERN, is_cut_alike
from lexarium_static.encoding import encode
from lexarium_static.training import check_several, is_bounded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Floats, Run
    from lexarium_fasttext.config import FastTextConfig
    from lexarium_static.encoding import Encoded

__all__ = [
    "Lines",
    "check_words",
    "learn",
    "lines_of",
    "parameters_of",
    "tokens_of",
    "train_words",
    "watched",
]

_log = logging.getLogger("lexarium")


@dataclass(frozen=True)
class Lines:
    """A corpus of s texts as numbers of n words, ``</s>`` being one of them or, where rare, -1.

    *Shapes:* counts (n,), falling; ids (t,) int32; offsets (s + 1,) int64. ``tokens`` counts all of the
    corpus, ends of texts included.
    """

    vocabulary: Vocabulary
    counts: NDArray[np.int64]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    end: int
    tokens: int

    @property
    def steps(self) -> int:
        """How many known tokens an epoch has."""
        return len(self.ids) + (len(self.offsets) - 1 if self.end >= 0 else 0)


def parameters_of(config: FastTextConfig) -> Parameters:
    """Return what fastText calls the settings."""
    maxn = config.number("max_n")
    return Parameters(
        dim=config.vector_size,
        model="supervised" if config.supervised else "skipgram" if config.sg else "cbow",
        loss=config.chosen_loss,
        minn=config.number("min_n"),
        maxn=maxn,
        bucket=config.bucket if maxn > 0 or config.word_ngrams > 1 else 0,
        word_ngrams=config.word_ngrams,
        ws=config.window,
        epoch=config.epochs,
        min_count=config.number("min_count"),
        neg=config.negative,
        t=config.sample,
        lr=config.number("alpha"),
        min_count_label=config.min_count_label,
        label_prefix=config.label_prefix,
    )


def tokens_of(
    corpus: Corpus, config: FastTextConfig, run: Run, min_count: int = 1, max_vocab: int | None = None
) -> Encoded:
    """Read a corpus once, cut into the words that the trained model cuts texts into.

    :raises DataError: the corpus holds no text, no token, or no word that is frequent enough.
    """
    # The rule "whitespace" is compiled, a pattern is not; a list can be looked through before it is cut.
    other = config.cuts_as_fasttext and not (isinstance(corpus, list) and is_cut_alike(corpus))
    return encode(
        corpus,
        tokenizer="pattern" if other else config.tokenizer,
        token_pattern=WORD_PATTERN if other else config.token_pattern,
        lowercase=config.lowercase,
        min_count=min_count,
        max_vocab=max_vocab,
        run=run,
    )


def lines_of(corpus: Corpus, config: FastTextConfig, run: Run, min_count: int) -> Lines:
    """Read a corpus once, and put ``</s>`` among its words.

    :raises DataError: as :func:`tokens_of`.
    """
    read = tokens_of(corpus, config, run, min_count, config.max_final_vocab)
    texts = len(read.offsets) - 1
    tokens = read.tokens + texts
    end = read.vocabulary.find(EOS)
    if end >= 0 or texts < min_count:
        return Lines(read.vocabulary, read.counts, read.ids, read.offsets, end, tokens)
    end = place_end(read.counts, texts)
    raw, offsets = strings(read.vocabulary)
    eos = np.frombuffer(EOS.encode(), np.uint8)
    vocabulary = Vocabulary.from_bytes(
        np.insert(raw, offsets[end], eos),
        np.concatenate([offsets[: end + 1], offsets[end:] + len(eos)]),
    )
    ids = read.ids + (read.ids >= end)
    counts = np.insert(read.counts, end, texts)
    return Lines(vocabulary, counts, ids.astype(np.int32, copy=False), read.offsets, end, tokens)


def check_words(lines: Lines) -> None:
    """Refuse to train on a single word, not counting the end of a line.

    :raises DataError: there are fewer than two words.
    """
    if len(lines.vocabulary) <= 2:  # noqa: PLR2004  a word and the end
        left_out = lines.tokens - (len(lines.offsets) - 1) - len(lines.ids)
        check_several(Vocabulary.build([word for word in lines.vocabulary if word != EOS]), left_out)


def train_words(kernel: Any, corpus: Corpus, config: FastTextConfig, run: Run) -> FastTextParts:  # noqa: ANN401
    """Train vectors from a corpus with the compiled loops.

    :raises DataError: as :func:`lines_of`; or the training diverged.
    :raises TrainingInterrupted: on Ctrl-C, with the :class:`FastTextParts` as far as they have come.
    """
    parameters = parameters_of(config)
    lines = lines_of(corpus, config, run, parameters.min_count)
    check_words(lines)
    words = len(lines.vocabulary)
    layout = input_rows(kernel, lines.vocabulary, parameters, words)
    rng = np.random.default_rng(run.seed)
    parts = FastTextParts(
        parameters=parameters,
        vocabulary=lines.vocabulary,
        counts=lines.counts,
        tokens=lines.tokens,
        input=new_rows(layout.count, parameters.dim, rng),
        output=np.zeros((words, parameters.dim), np.float32),
        buckets=layout.buckets,
    )
    return learn(kernel, parts, lines, layout, (config, run))


def learn(
    kernel: Any,  # noqa: ANN401  the compiled module
    parts: FastTextParts,
    lines: Lines,
    layout: InputRows,
    how: tuple[FastTextConfig, Run],
) -> FastTextParts:
    """Return ``parts``, trained on with ``lines``.

    :raises CheckpointError: the stored counts give no tree that can be trained.
    :raises DivergedError: what came of it is not finite.
    :raises TrainingInterrupted: on Ctrl-C, with the parts as far as they have come.
    """
    config, run = how
    parameters, dim = parts.parameters, parts.parameters.dim
    texts = kernel.Texts(lines.ids, lines.offsets, layout.starts, layout.rows, lines.end)
    try:
        loss = kernel.Loss(parameters.loss, parts.counts, parameters.neg, config.ns_exponent)
    except ValueError as error:  # a corpus gives counts above 0 that fall
        problem = f"how often the words occur cannot be learned from: {error}"
        raise CheckpointError("fasttext", problem, "fetch or import the model again, or fit one") from error
    matrices = padded(np.asarray(parts.input)), padded(np.asarray(parts.output))
    schedule = (parameters.lr, config.min_alpha, parameters.epoch, run.threads, run.seed)
    keep = _keep(lines, parameters.t)

    def work(progress: Callable[[int], None]) -> None:
        cbow = parameters.model == "cbow"
        kernel.learn_words(texts, keep, loss, *matrices, cbow, parameters.ws, schedule, progress)

    def trained() -> FastTextParts:
        inputs, outputs = (unpadded(matrix, dim) for matrix in matrices)
        return replace(parts, input=inputs, output=outputs)

    return watched(work, trained, lines.steps * parameters.epoch, run)


def watched(
    work: Callable[[Callable[[int], None]], None], trained: Callable[[], FastTextParts], steps: int, run: Run
) -> FastTextParts:
    """Do the work, reporting its steps; return what is trained.

    :raises DivergedError: it is not finite.
    :raises TrainingInterrupted: on Ctrl-C, with what is trained so far.
    :raises KeyboardInterrupt: on Ctrl-C, where that is not finite, so that there is nothing to keep.
    """
    reached = 0

    def progress(done: int) -> None:
        nonlocal reached
        reached = min(done, steps)
        run.progress("training", reached, steps)

    try:
        work(progress)
    except KeyboardInterrupt as error:
        parts = trained()
        if not _is_sound(parts):
            _log.warning("%s", DivergedError("alpha", parts.parameters.lr))
            raise
        raise TrainingInterrupted(parts, reached / max(1, steps)) from error
    run.progress("training", steps, steps)
    if not _is_sound(parts := trained()):
        raise DivergedError("alpha", parts.parameters.lr)
    return parts


def _is_sound(parts: FastTextParts) -> bool:
    """Tell whether what was trained is of use; a classifier may be right with large numbers as well."""
    return all(
        is_finite(matrix) if parts.supervised or isinstance(matrix, Quantised) else is_bounded(matrix)
        for matrix in (parts.input, parts.output)
    )


def _keep(lines: Lines, threshold: float) -> Floats:
    """Return the probability with which each word is kept, (n,): fastText's sqrt(t / f) + t / f."""
    if threshold == 0:
        return np.ones(len(lines.counts), np.float32)
    ratio = threshold * lines.tokens / np.maximum(1, lines.counts)
    kept: Floats = np.minimum(1.0, np.sqrt(ratio) + ratio).astype(np.float32)
    return kept
