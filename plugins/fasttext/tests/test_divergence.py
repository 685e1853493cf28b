"""A training whose numbers are not finite gives no model, and says which setting to change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lexarium.backend import kernel
from lexarium.errors import DataError, TrainingInterrupted
from lexarium.roles import Run
from lexarium_fasttext.autotune import Examples, TuneOptions, autotune
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.head import FastTextHead, HeadConfig
from lexarium_fasttext.train import fit, update

needs_kernels = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")
TEXTS = ["a good film", "a bad film", "good and fine", "bad and dull"] * 20
LABELS = ["good" if "good" in text else "bad" for text in TEXTS]
LINES = [f"__label__{label} {text}" for label, text in zip(LABELS, TEXTS, strict=True)]
RATE = 1e30


def words(**changes: Any) -> FastTextConfig:
    return FastTextConfig(vector_size=8, bucket=200, min_count=1, sample=0.0, **changes)


def labels(**changes: Any) -> FastTextConfig:
    return FastTextConfig(model="supervised", vector_size=8, **changes)


@needs_kernels
@pytest.mark.parametrize("settings", [{}, {"sg": 0}, {"hs": 1}])
def test_words(settings: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"diverged with alpha=1e\+30; lower alpha"):
        fit(TEXTS, words(alpha=RATE, **settings), Run())


@needs_kernels
def test_words_whose_numbers_are_finite_and_far_too_large() -> None:
    with pytest.raises(DataError, match=r"diverged with alpha=0\.7; lower alpha"):
        fit(TEXTS, words(alpha=0.7, epochs=4), Run())


@needs_kernels
@pytest.mark.parametrize("loss", ["softmax", "ova", "ns", "hs"])
def test_labels(loss: Any) -> None:
    with pytest.raises(DataError, match=r"diverged with alpha=1e\+30; lower alpha"):
        fit(LINES, labels(alpha=RATE, loss=loss, epochs=20), Run())


@needs_kernels
def test_going_on() -> None:
    model: Any = fit(TEXTS, words(), Run())
    with pytest.raises(DataError, match="diverged"):
        update(model, TEXTS, words(alpha=RATE), Run())


def test_the_reference() -> None:
    pytest.importorskip("fasttext")
    with pytest.raises(DataError, match=r"diverged with alpha=1e\+30; lower alpha"):
        fit(LINES, labels(alpha=RATE, epochs=20, backend="reference"), Run())


@needs_kernels
def test_an_interrupted_one_leaves_nothing() -> None:
    def stop(what: str, done: int, total: int | None) -> None:
        if what == "training" and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        fit(TEXTS, words(alpha=RATE, epochs=10**6), Run(progress=stop))
    assert not isinstance(caught.value, TrainingInterrupted)


@needs_kernels
def test_a_search_goes_on_without_it() -> None:
    def stop(what: str, done: int, total: int | None) -> None:
        if what == "trial 4":
            raise KeyboardInterrupt

    examples = Examples(TEXTS, [(label,) for label in LABELS])
    given = labels(alpha=RATE, epochs=20)
    tuned = autotune(examples, given, Run(progress=stop), TuneOptions(duration=60))
    assert [trial.score > 0 for trial in tuned.trials] == [False, True, True]
    assert tuned.config.number("alpha") <= 5


def test_the_head_alone() -> None:
    rows = np.random.default_rng(0).normal(size=(80, 4)).astype(np.float32)
    with (
        np.errstate(all="ignore"),
        pytest.raises(DataError, match=r"diverged with lr=1e\+300; lower lr"),
    ):
        FastTextHead.fit(rows, LABELS, HeadConfig(lr=1e300), Run())
