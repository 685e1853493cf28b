"""Numbers of the reference implementation: scikit-learn, run beside ours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import classification_report, confusion_matrix
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lexarium.roles import Run
from lexarium_heads.classifier import Classifier
from lexarium_heads.config import ClassifierConfig


def noisy(classes, *, rows=500, dim=40, sparse=False, offset=0.0):
    """Vectors, and labels that depend on them with noise; some classes are rarer than others."""
    rng = np.random.default_rng(classes)
    dense = rng.normal(size=(rows, dim)).astype(np.float32)
    scores = dense @ rng.normal(size=(dim, classes)) + 4 * rng.normal(size=(rows, classes))
    scores += np.linspace(0, 2, classes)
    targets = [f"class {i:03}" for i in scores.argmax(axis=1)]
    dense += np.float32(offset)
    return (csr_array(np.where(dense > 0.5, dense, 0)) if sparse else dense), targets


@pytest.mark.parametrize("classes", [2, 3, 77])
@pytest.mark.parametrize(("c", "weight"), [(0.01, None), (1.0, None), (100.0, None), (1.0, "balanced")])
def test_probabilities_on_sparse_rows_are_scikit_learns(classes, c, weight):
    matrix, targets = noisy(classes, sparse=True)
    ours = Classifier.fit(matrix, targets, ClassifierConfig(C=c, class_weight=weight), Run())
    theirs = LogisticRegression(C=c, class_weight=weight, max_iter=1000).fit(matrix.astype(float), targets)
    assert list(ours.labels) == list(theirs.classes_)
    np.testing.assert_allclose(
        ours.predict_proba(matrix), theirs.predict_proba(matrix.astype(float)), atol=1e-6
    )
    assert ours.predict(matrix) == theirs.predict(matrix.astype(float)).tolist()


@pytest.mark.parametrize("classes", [2, 3, 77])
@pytest.mark.parametrize(("standardize", "offset"), [(True, 0.0), (True, 5.0), (False, 0.0)])
def test_probabilities_on_dense_rows_are_scikit_learns(classes, standardize, offset):
    matrix, targets = noisy(classes, offset=offset)
    ours = Classifier.fit(matrix, targets, ClassifierConfig(C=1.0, standardize=standardize), Run())
    steps = [StandardScaler()] if standardize else []
    theirs = make_pipeline(*steps, LogisticRegression(max_iter=1000)).fit(matrix.astype(float), targets)
    np.testing.assert_allclose(
        ours.predict_proba(matrix), theirs.predict_proba(matrix.astype(float)), atol=1e-6
    )


def test_the_chosen_penalty_is_the_one_that_scikit_learns_cross_validation_chooses():
    matrix, targets = noisy(3, rows=600)
    config = ClassifierConfig(standardize=False)
    ours = Classifier.fit(matrix, targets, config, Run(seed=5))
    folds = StratifiedKFold(3, shuffle=True, random_state=5)
    options = {"scoring": "accuracy", "max_iter": 1000, "use_legacy_attributes": False, "l1_ratios": (0,)}
    theirs = LogisticRegressionCV(Cs=list(config.Cs), cv=folds, **options).fit(matrix.astype(float), targets)
    assert ours.choice.C == theirs.C_
    means = theirs.scores_.mean(axis=0).ravel()
    assert [accuracy for _, accuracy in ours.choice.candidates] == pytest.approx(means.tolist(), abs=0.01)


def test_every_score_is_that_of_scikit_learns_report():
    rng = np.random.default_rng(0)
    targets = [f"l{i}" for i in rng.integers(0, 9, 500)]
    predicted = [t if rng.random() < 0.6 else f"l{rng.integers(0, 11)}" for t in targets]
    ours = Classifier.metrics(targets, predicted)
    theirs = classification_report(targets, predicted, output_dict=True, zero_division=0)
    assert ours["accuracy"] == pytest.approx(
        np.mean([t == p for t, p in zip(targets, predicted, strict=True)])
    )
    assert ours["micro_f1"] == pytest.approx(ours["accuracy"])
    assert ours["macro_f1"] == pytest.approx(theirs["macro avg"]["f1-score"])
    assert ours["weighted_f1"] == pytest.approx(theirs["weighted avg"]["f1-score"])
    for label, row in ours["labels"].items():
        assert row == pytest.approx({"f1" if k == "f1-score" else k: v for k, v in theirs[label].items()})
    labels = list(ours["labels"])
    assert ours["confusion"] == confusion_matrix(targets, predicted, labels=labels).tolist()
