"""The search for a classifier's settings under a time budget, as fastText's ``-autotune-validation`` does it.

Trial 0 has the settings as given; each later one changes the best settings so far at random, at first far,
later less. The sequence follows from the seed and from the scores, so with one thread a repeated search
tries the same; how many trials there are depends on the time.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from lexarium.compose import Pipeline
from lexarium.config import require
from lexarium.errors import DataError, TrainingInterrupted
from lexarium_fasttext.assembly import assemble
from lexarium_fasttext.config import NS_EXPONENT
from lexarium_fasttext.divergence import DivergedError
from lexarium_fasttext.supervised import train_supervised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.roles import Run
    from lexarium_fasttext.config import FastTextConfig
    from lexarium_fasttext.model import FastTextParts

__all__ = ["Examples", "Trial", "TuneOptions", "Tuned", "autotune", "f1", "neighbour"]

_log = logging.getLogger("lexarium")
_WIDTH = 0.5  # of the first changes, in units of a factor e for those that multiply
_HALVED_AFTER = 12  # trials
_LOSSES = ("softmax", "hs", "ns", "ova")
_RANGES = {"alpha": (0.01, 5.0), "epochs": (1, 100), "vector_size": (1, 1000), "bucket": (10_000, 10_000_000)}
_CHANGED = 0.5  # how often a setting that does not multiply changes
_LONGEST_RUN = 5


@dataclass(frozen=True)
class Examples:
    """Texts, and the labels of each."""

    texts: list[str]
    labels: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """``duration`` is the time for the search in seconds.

    ``validation_size`` is the share of the texts that is split off to compare settings on, where no
    validation part is given; ``label`` names the label whose F1 counts, without it that of all predictions.
    """

    duration: float = 300.0
    validation_size: float = 0.1
    label: str | None = None

    def __post_init__(self) -> None:
        require("duration", isfinite(self.duration) and self.duration > 0, f"{self.duration} is not above 0")
        size = self.validation_size
        require("validation_size", 0 < size < 1, f"{size} is not between 0 and 1")


@dataclass(frozen=True)
class Trial:
    """One try: its settings and its score, F1 on the validation part."""

    config: FastTextConfig
    score: float


@dataclass(frozen=True)
class Tuned:
    """What came of the search: the best settings, all finished trials in order, perhaps the model.

    ``parts`` is the model of the best trial where a validation part was given. Where one was split off, that
    model has not seen all texts, and ``parts`` is None: train with ``config`` on all of them.
    """

    config: FastTextConfig
    trials: list[Trial]
    parts: FastTextParts | None


class _TimeIsUp(Exception):  # noqa: N818  not an error
    """The budget is spent in the middle of a trial."""


def autotune(
    examples: Examples,
    config: FastTextConfig,
    run: Run,
    options: TuneOptions,
    validation: Examples | None = None,
) -> Tuned:
    """Search for the settings with the best F1 on the validation part; Ctrl-C ends the search, not more.

    Without a validation part some texts are split off. A trial that diverges has the score 0.

    :raises DataError: as :func:`train_supervised`; or no trial was finished in time, or all diverged.
    :raises KeyboardInterrupt: on Ctrl-C before a trial was finished.
    """
    require("model", config.supervised, "is words; autotune needs model=supervised")
    learn, judge = _split(examples, options, run.seed) if validation is None else (examples, validation)
    deadline = time.monotonic() + options.duration
    begun = time.monotonic()
    trials: list[Trial] = []
    best: tuple[Trial, FastTextParts] | None = None
    rng = np.random.default_rng(run.seed)

    def progress(what: str, done: int, total: int | None) -> None:  # noqa: ARG001  the search's own progress
        now = time.monotonic()
        if now > deadline:
            raise _TimeIsUp
        run.progress(f"trial {len(trials) + 1}", int(now - begun), max(1, int(options.duration)))

    inner = replace(run, progress=progress)
    candidate = config.filled()
    try:
        while time.monotonic() < deadline:
            parts = _trained(learn, candidate, inner)
            score = 0.0 if parts is None else _score(parts, candidate, judge, options, run.threads)
            trial = Trial(candidate, score)
            trials.append(trial)
            _log.info("trial %d: F1 %.4f with %s", len(trials), trial.score, _differences(config, candidate))
            if parts is not None and (best is None or trial.score > best[0].score):
                best = trial, parts
            candidate = neighbour(best[0].config if best else config, len(trials), rng)
    except _TimeIsUp:
        pass
    except KeyboardInterrupt:
        if best is None:
            raise
        _log.warning("the search was interrupted after %d trials", len(trials))
    if best is None and trials:
        raise DivergedError("alpha", config.number("alpha"))
    if best is None:
        raise DataError(f"no training was finished within {options.duration:g} seconds", "give more time")
    return Tuned(best[0].config, trials, None if validation is None else best[1])


def neighbour(config: FastTextConfig, trial: int, rng: np.random.Generator) -> FastTextConfig:
    """Return settings near ``config``: the nearer, the later the trial."""
    width = _WIDTH * 0.5 ** (trial / _HALVED_AFTER)
    changes: dict[str, float | int | str] = {}
    for key in ("alpha", "epochs", "vector_size"):
        low, high = _RANGES[key]
        value = float(np.clip(config.number(key) if key == "alpha" else getattr(config, key), low, high))
        value = float(np.clip(value * np.exp(rng.normal(0, 2 * width)), low, high))
        changes[key] = value if key == "alpha" else round(value)
    changed = rng.random(3) < _CHANGED * 2 * width + 0.1
    runs = int(np.clip(config.word_ngrams + rng.choice([-1, 1]), 1, _LONGEST_RUN))
    parts = int(rng.choice([0, 2, 3]))  # shortest n-gram of characters, 0: none
    loss = str(rng.choice(_LOSSES))
    buckets = float(np.clip(max(1, config.bucket) * np.exp(rng.normal(0, 2 * width)), *_RANGES["bucket"]))
    if changed[0]:
        changes["word_ngrams"] = runs
    if changed[1]:
        changes |= {"min_n": parts, "max_n": parts and parts + 3}
    if changed[2]:
        changes["loss"] = loss
    changes["bucket"] = round(buckets)
    if config.min_alpha > changes["alpha"]:  # type: ignore[operator]  # a float
        changes["min_alpha"] = 0.0
    if changes.get("loss", config.loss) == "ns":
        changes["negative"] = max(1, config.negative)
    else:  # where it has no effect
        changes["ns_exponent"] = NS_EXPONENT
    return replace(config, **changes)  # type: ignore[arg-type]


def f1(truth: Sequence[Sequence[str]], predicted: Sequence[str], label: str | None = None) -> float:
    """Return F1 of one predicted label a text, of all labels together or of one, as fastText counts it.

    Precision is the share of predictions that are right, recall that of the true labels that are predicted.
    """
    right, guessed, gold = Counter[str](), Counter(predicted), Counter[str]()
    for true, guess in zip(truth, predicted, strict=True):
        gold.update(set(true))
        right[guess] += guess in true
    hits = right[label] if label else right.total()
    both = (guessed[label] + gold[label]) if label else guessed.total() + gold.total()
    return 2 * hits / both if both else 0.0


def _trained(learn: Examples, config: FastTextConfig, run: Run) -> FastTextParts | None:
    """Return what a trial trains, or None where it diverges.

    :raises KeyboardInterrupt: on Ctrl-C, without the unfinished model of the trial, which is nobody's.
    """
    try:
        return train_supervised(learn.texts, learn.labels, config, run)
    except DivergedError:
        return None
    except TrainingInterrupted as error:
        raise KeyboardInterrupt from error


def _score(
    parts: FastTextParts, config: FastTextConfig, judge: Examples, options: TuneOptions, threads: int
) -> float:
    model = assemble(parts, config, threads)
    assert isinstance(model, Pipeline)  # noqa: S101  of labels
    return f1(judge.labels, model.predict(judge.texts), options.label)


def _split(examples: Examples, options: TuneOptions, seed: int) -> tuple[Examples, Examples]:
    """Return the part to learn from and the part to compare settings on."""
    count = len(examples)
    held = max(1, round(count * options.validation_size))
    if held >= count:
        raise DataError(f"{count} texts cannot be split", "give more, or a validation part")
    order = np.random.default_rng(seed).permutation(count)
    pick = [
        Examples([examples.texts[i] for i in part], [examples.labels[i] for i in part])
        for part in (np.sort(order[held:]), np.sort(order[:held]))
    ]
    return pick[0], pick[1]


def _differences(before: FastTextConfig, after: FastTextConfig) -> str:
    changed = [key for key in vars(after) if getattr(after, key) != getattr(before, key)]
    return ", ".join(f"{key}={getattr(after, key)}" for key in changed) or "the settings as given"
