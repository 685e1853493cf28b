"""Training GloVe: a corpus to word numbers, to pairs, to vectors; and going on with new text."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lexarium.backend import kernel
from lexarium.errors import (
    ConfigError,
    DataError,
    InputError,
    TrainingInterrupted,
)
from lexarium.words import WordVectors
from lexarium_glove.embedder import Glove
from lexarium_glove.model import Parameters, cooccurrence, entries, iterate
from lexarium_static.config import check_idle
from lexarium_static.encoding import encode, encode_onto
from lexarium_static.training import check_kept, check_several
from lexarium_static.weights import weigh, weighed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Run
    from lexarium.vocabulary import Vocabulary
    from lexarium_glove.config import GloveConfig

__all__ = ["Training", "fit", "update"]

_GB = 1 << 30
_FIXED = ("vector_size", "lowercase", "tokenizer", "token_pattern")
_Pass: TypeAlias = Callable[[int, Callable[[int], None]], float]
_log = logging.getLogger("lexarium")


def fit(corpus: Corpus, config: GloveConfig, run: Run) -> Glove:
    """Train on ``corpus``, which is read once, and again to weigh words (:func:`weigh`).

    With one thread and the kernels, the same corpus, settings and ``run.seed`` give the same bits; with more
    threads they do not. The reference ignores ``run.threads`` and gives the same bits always.

    :raises DataError: no text, fewer than two words with ``min_count`` occurrences, no two words that stand
        together, or vectors that grow without bound.
    :raises InputError: an element of the corpus is not a string, or the disk cannot hold the pairs.
    :raises ConfigError: a setting that the reference, where it works, does not have.
    :raises TrainingInterrupted: on Ctrl-C in training; it holds the model as far as it has come.
    """
    _check_backend(config)
    encoded = encode(
        corpus,
        tokenizer=config.tokenizer,
        token_pattern=config.token_pattern,
        lowercase=config.lowercase,
        min_count=config.min_count,
        max_vocab=config.max_vocab,
        run=run,
    )
    check_several(encoded.vocabulary, encoded.left_out)
    start = Parameters.random(len(encoded.vocabulary), config.vector_size, run.seed)
    training = Training(encoded.vocabulary, encoded.ids, encoded.offsets, start, config)
    return _finished(training, corpus, run)


def update(model: Glove, corpus: Corpus, config: GloveConfig, run: Run) -> Glove:
    """Train ``model`` on with the pairs of ``corpus``, from its vectors, biases and gradients' sums.

    Words that occur ``min_count`` times in the new text join the vocabulary behind the old ones. The pairs
    of the old text are not kept, so they count no more; words that the new text lacks stay as they are.
    Where the pooling weighs words, old words keep their weights, and new ones get theirs from ``corpus``.

    :raises DataError: as :func:`fit`.
    :raises InputError: as :func:`fit`.
    :raises ConfigError: as :func:`fit`; or a setting that the vectors depend on differs from the model's.
    :raises UnsupportedError: the model holds no biases and no gradients: it was read from a file, or trained
        with ``keep_training=false``.
    :raises CheckpointError: what the model keeps for training is damaged.
    """
    for key in _FIXED:
        before, now = getattr(model.config, key), getattr(config, key)
        if before != now:
            raise ConfigError(key, f"{now} differs from {before}, with which the model was trained")
    check_kept(model, "biases and gradients")
    old = model.parameters()
    _check_backend(config)
    encoded = encode_onto(
        model.words.vocabulary,
        corpus,
        config,
        min_count=config.min_count,
        max_vocab=config.max_vocab,
        run=run,
    )
    start = Parameters.random(len(encoded.vocabulary), config.vector_size, run.seed)
    for array, kept in zip(start.arrays(), old.arrays(), strict=True):
        array[: len(kept)] = kept
    training = Training(encoded.vocabulary, encoded.ids, encoded.offsets, start, config)
    return _finished(training, corpus, run, model)


@dataclass
class Training:
    """Parameters on their way, over a corpus as word numbers.

    *Shapes:* ids (t,), offsets (s + 1,) as :class:`~lexarium_static.encoding.Encoded` has them.
    """

    vocabulary: Vocabulary
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    parameters: Parameters
    config: GloveConfig
    done: float = 0.0
    pairs: int = 0

    def run(self, run: Run) -> list[float]:
        """Count pairs and train on them; return the mean loss of each iteration.

        :raises DataError: no two words stand together.
        :raises InputError: the disk cannot take the pairs, or give them back.
        """
        module = kernel("_glove", self.config.backend, instead="numpy")
        one, finish = self._kernel(module, run) if module else self._reference(run)
        losses: list[float] = []
        try:
            for number in range(self.config.iter):
                losses.append(one(number, self._report(number, run)))
                _log.info("glove: iteration %d of %d, loss %.6f", number + 1, self.config.iter, losses[-1])
        finally:
            self.parameters = finish()
        return losses

    def glove(self) -> Glove:
        """Return the embedder as far as training has come, its words not weighed yet.

        :raises DataError: the training diverged.
        """
        learned = self.parameters
        if not all(np.isfinite(array).all() for array in learned.arrays()):
            raise DataError(f"the training diverged with eta={self.config.eta:g}", "lower eta")
        kept = fields(learned) if self.config.keep_training else ()
        tensors = {field.name: getattr(learned, field.name) for field in kept}
        words = WordVectors(self.vocabulary, learned.vectors(self.config.model))
        return Glove(self.config, words, tensors=tensors)

    def _kernel(self, module: Any, run: Run) -> tuple[_Pass, Callable[[], Parameters]]:  # noqa: ANN401  compiled
        config, words = self.config, len(self.vocabulary)
        tile = module.tile(words, config.vector_size) if config.shuffle == "tiles" else 0
        folder = tempfile.gettempdir()

        def counted(done: int) -> None:
            run.progress("count pairs", done, len(self.ids))

        how = (config.window_size, config.symmetric, config.distance_weighting, config.x_max, config.alpha)
        where = (int(config.memory * _GB), folder, run.threads)
        with self._spilling(folder):
            found = module.Entries(self.ids, self.offsets, words, *how, tile, run.seed, *where, counted)
        self._check(len(found))
        if found.spilled:
            _log.info("glove: %d bytes of pairs are in a temporary file in %s", found.spilled, folder)
        table = module.Parameters(*self.parameters.arrays())

        def one(number: int, report: Callable[[int], None]) -> float:
            rates = (config.eta, config.grad_clip)
            with self._spilling(folder):
                loss: float = table.train(found, *rates, number, run.threads, run.seed, report)
            return loss

        def finish() -> Parameters:
            table.read(*self.parameters.arrays())
            return self.parameters

        return one, finish

    @contextmanager
    def _spilling(self, folder: str) -> Iterator[None]:
        """Do what writes or reads the pairs that are in a file in ``folder``.

        :raises InputError: the disk cannot take them, or give them back.
        """
        try:
            yield
        except BrokenPipeError:  # of what shows the progress
            raise
        except OSError as error:
            problem = f"cannot hold the pairs beyond memory={self.config.memory:g} GB: {error.strerror}"
            raise InputError(folder, problem, "raise memory, or set TMPDIR to a folder with room") from error

    def _reference(self, run: Run) -> tuple[_Pass, Callable[[], Parameters]]:
        config = self.config
        matrix = cooccurrence(
            self.ids,
            self.offsets,
            len(self.vocabulary),
            window=config.window_size,
            symmetric=config.symmetric,
            weighted=config.distance_weighting,
        )
        found = entries(matrix, config.x_max, config.alpha)
        self._check(len(found.rows))
        parameters = self.parameters.astype(np.float64)
        rng = np.random.default_rng(run.seed)

        def one(number: int, report: Callable[[int], None]) -> float:
            del number
            return iterate(parameters, found, rng, eta=config.eta, clip=config.grad_clip, report=report)

        return one, lambda: parameters.astype(np.float32)

    def _check(self, pairs: int) -> None:
        self.pairs = pairs
        if not pairs:
            problem = f"no two words stand together in a text (different words: {len(self.vocabulary)})"
            raise DataError(problem, "give longer texts, or keep more of their words with a lower min_count")

    def _report(self, number: int, run: Run) -> Callable[[int], None]:
        total = self.pairs * self.config.iter

        def report(done: int) -> None:
            done += self.pairs * number
            self.done = done / total
            run.progress("train", done, total)

        return report


def _check_backend(config: GloveConfig) -> None:
    """Refuse what the reference, where it will work, does not have."""
    idle = kernel("_glove", config.backend) is None
    check_idle(config, idle, ("shuffle", "memory"), "with the reference, which keeps all pairs in memory")


def _finished(training: Training, corpus: Corpus, run: Run, old: Glove | None = None) -> Glove:
    """Train, and weigh the words; ``old``: what training goes on from."""
    try:
        training.run(run)
    except KeyboardInterrupt as interrupt:
        if not training.done:
            raise
        raise TrainingInterrupted(weigh(training.glove(), None, run, old), training.done) from interrupt
    return weighed(training.glove(), corpus, run, old)
