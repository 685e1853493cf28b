"""Ctrl-C at each stage: what is trained is kept, and no corpus is read for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lexarium.backend import kernel
from lexarium.compose import Pipeline
from lexarium.errors import TrainingInterrupted
from lexarium.roles import Run
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.train import fit

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")
LINES = ["a good film", "a bad film", "good and fine", "bad and dull"] * 40


class Stops:
    """Ctrl-C when the work that ``at`` describes is reported; remembers what came after."""

    def __init__(self, at: Callable[[str, int], bool]) -> None:
        self._at = at
        self.after: list[str] = []
        self._stopped = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        if self._stopped:
            self.after.append(what)
        elif self._at(what, done):
            self._stopped = True
            raise KeyboardInterrupt


def words(**changes: Any) -> FastTextConfig:
    return FastTextConfig(vector_size=8, bucket=200, min_count=1, epochs=1, **changes)


@pytest.mark.parametrize("pooling", ["idf", "sif"])
def test_while_words_are_weighed_the_trained_model_is_kept(pooling: Any) -> None:
    stops = Stops(lambda what, _: what == "count words")
    with pytest.raises(TrainingInterrupted) as caught:
        fit(LINES, words(pooling=pooling), Run(progress=stops))
    model = caught.value.model
    assert caught.value.done == 1
    assert model.weights.shape == (len(model.words),)
    whole: Any = fit(LINES, words(pooling=pooling), Run())
    np.testing.assert_array_equal(model.words.vectors, whole.words.vectors)


def test_in_training_the_corpus_is_not_read_again() -> None:
    stops = Stops(lambda what, done: what == "training" and done > 0)
    with pytest.raises(TrainingInterrupted) as caught:
        fit(
            LINES, FastTextConfig(vector_size=8, bucket=200, epochs=10**6, pooling="sif"), Run(progress=stops)
        )
    assert 0 < caught.value.done < 1
    assert caught.value.model.embed(["a good film"]).any()
    assert stops.after == []


def test_in_the_last_training_of_a_search_the_classifier_is_kept() -> None:
    ended: list[str] = []

    def progress(what: str, done: int, total: int | None) -> None:
        if what == "trial 3" and not ended:
            ended.append(what)
            raise KeyboardInterrupt
        if what == "training" and ended:
            raise KeyboardInterrupt

    lines = [f"__label__{'good' if 'good' in line else 'bad'} {line}" for line in LINES]
    settings = FastTextConfig(model="supervised", vector_size=8, autotune_duration=60.0)
    with pytest.raises(TrainingInterrupted) as caught:
        fit(lines, settings, Run(progress=progress))
    assert isinstance(caught.value.model, Pipeline)
    assert set(caught.value.model.predict(["good film", "bad film"])) <= {"good", "bad"}
