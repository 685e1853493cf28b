from __future__ import annotations

import numpy as np
import pytest

from lexarium.compose import Pipeline
from lexarium.errors import InputError, ModelNotFoundError, UnsupportedError
from lexarium.roles import silent
from lexarium.tables import Labelled
from lexarium_heads.evaluation import _apply, evaluate, predict
from lexarium_heads.training import TrainOptions, train


@pytest.fixture
def trained(zoo, rows):
    done = train(zoo, rows, text="text", label="label", embedder="hashed", options=TrainOptions(name="clf"))
    return done.pipeline


def test_predictions_come_in_the_order_of_the_texts(zoo, trained, rows):
    texts = rows.texts * 20  # more than one batch
    found = predict(zoo, "clf", texts)
    assert found.model == "clf@1"
    assert found.labels == trained.predict(texts)
    np.testing.assert_allclose(found.probabilities, trained.predict_proba(texts))
    assert list(found.classes) == ["neg", "pos", "等"]


def test_each_batch_is_scored_once(zoo, trained, rows):
    scored = []

    class Counted(type(trained.head)):
        def _scores(self, matrix):
            scored.append(matrix.shape[0])
            return super()._scores(matrix)

    counted = Counted.restore(trained.head.state())
    found = _apply("clf@1", Pipeline(trained.embedder, counted), rows.texts, silent)
    assert found.labels == trained.predict(rows.texts)
    assert scored == [60]


def test_a_head_that_takes_texts_is_given_them_and_nothing_is_embedded(trained, rows):
    class Straight(type(trained.head)):
        def text_probabilities(self, embedder, texts):
            assert embedder is None
            return np.tile([0.2, 0.3, 0.5], (len(texts), 1))

    told = []
    pipeline = Pipeline(None, Straight.restore(trained.head.state()))
    found = _apply("clf@1", pipeline, rows.texts, lambda *said: told.append(said))
    assert found.labels == ["等"] * 60
    assert told == [("predicting", 60, 60)]


def test_no_texts_give_no_predictions(zoo, trained):
    found = predict(zoo, "clf", [])
    assert found.labels == []
    assert found.probabilities.shape == (0, 3)


def test_a_text_that_is_a_single_string_is_refused(zoo, trained):
    with pytest.raises(InputError, match="a single text"):
        predict(zoo, "clf", "good film")


def test_evaluation_scores_the_rows_given(zoo, trained, rows):
    done = evaluate(zoo, "clf", rows, text="text", label="label")
    predicted = trained.predict(rows.texts)
    assert done.after == trained.head.metrics(rows.labels, predicted)
    assert done.before == trained.head.metrics(rows.labels, [trained.head.majority] * 60)


def test_a_label_that_the_model_never_saw_is_named_with_its_line(zoo, trained):
    data = Labelled("new.csv", ["good", "so so"], ["pos", "meh"], [2, 3])
    with pytest.raises(
        InputError, match=r"new\.csv, line 3, field 'sentiment'.*'meh'; it knows neg, pos, 等"
    ):
        evaluate(zoo, "clf", data, text="text", label="sentiment")


def test_an_embedder_without_a_head_predicts_nothing(zoo, rows):
    zoo.fit("hashed", rows.texts, name="bare")
    with pytest.raises(UnsupportedError, match=r"bare@1 is an embedder.*lexarium train --embedder bare@1"):
        predict(zoo, "bare", ["x"])


def test_an_unknown_model_is_refused(zoo, trained):
    with pytest.raises(ModelNotFoundError, match="clf"):
        evaluate(zoo, "clff", Labelled("t", ["x"], ["pos"], [1]), text="text", label="label")
