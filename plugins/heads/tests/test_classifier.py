from __future__ import annotations

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from lexarium.errors import CheckpointError, DataError
from lexarium.roles import Run
from lexarium_heads.classifier import Classifier
from lexarium_heads.config import ClassifierConfig


def data(rows=60, classes=3):
    rng = np.random.default_rng(rows)
    matrix = rng.normal(size=(rows, 8)).astype(np.float32)
    numbers = np.arange(rows) % classes
    matrix[np.arange(rows), numbers] += 2
    return matrix, [f"c{i}" for i in numbers]


def fitted(classes=3, **settings):
    matrix, targets = data(classes=classes)
    return Classifier.fit(matrix, targets, ClassifierConfig(**settings), Run()), matrix


def test_labels_are_sorted_and_the_first_of_equals_is_the_majority():
    matrix, targets = data()
    head = Classifier.fit(matrix, targets[::-1], ClassifierConfig(C=1.0), Run())
    assert head.labels == ("c0", "c1", "c2")
    assert head.majority == "c0"
    head = Classifier.fit(matrix, ["c2" if t == "c1" else t for t in targets], ClassifierConfig(C=1.0), Run())
    assert head.majority == "c2"


def test_threads_do_not_change_a_bit_of_the_result():
    matrix, targets = data()
    one, two = (Classifier.fit(matrix, targets, ClassifierConfig(), Run(threads=n)) for n in (1, 2))
    assert np.array_equal(one.coef, two.coef)
    assert one.choice == two.choice


def test_two_classes_are_stored_as_one_row_of_weights():
    head, matrix = fitted(classes=2, C=1.0)
    assert head.coef.shape == (1, 8)
    assert head.predict_proba(matrix).shape == (60, 2)


def test_sparse_rows_are_never_made_dense():
    rows, dim = 100_000, 20_000  # dense, this would take 16 GB
    numbers = np.arange(rows)
    matrix = csr_array((np.ones(rows, np.float32), (numbers, numbers % 50)), shape=(rows, dim))
    targets = [f"c{i % 2}" for i in numbers]
    head = Classifier.fit(matrix, targets, ClassifierConfig(C=10.0), Run())
    assert head.predict(matrix) == targets


def test_the_rows_that_it_learned_from_are_unchanged():
    matrix, targets = data()
    before = matrix.copy()
    Classifier.fit(matrix, targets, ClassifierConfig(), Run())
    sparse = csr_array(matrix)
    Classifier.fit(sparse, targets, ClassifierConfig(), Run())
    assert np.array_equal(matrix, before)
    assert np.array_equal(sparse.toarray(), before)


def test_a_component_that_never_varies_does_no_harm():
    matrix, targets = data()
    matrix[:, 7] = 3
    head = Classifier.fit(matrix, targets, ClassifierConfig(), Run())
    assert np.mean([a == b for a, b in zip(head.predict(matrix), targets, strict=True)]) > 0.8


def test_vectors_far_from_the_origin_are_learned_as_well():
    matrix, targets = data()
    near = Classifier.fit(matrix, targets, ClassifierConfig(C=1.0), Run())
    far = Classifier.fit(matrix + np.float32(1000), targets, ClassifierConfig(C=1.0), Run())
    expected = near.predict_proba(matrix)
    np.testing.assert_allclose(far.predict_proba(matrix + np.float32(1000)), expected, atol=2e-3)


def test_an_intercept_that_float32_cannot_hold_keeps_its_scores():
    matrix, targets = data()
    far = (matrix + np.float32(10_000)).astype(np.float32)
    head = Classifier.fit(far, targets, ClassifierConfig(C=1.0), Run())
    near = Classifier.fit(far - np.float32(10_000), targets, ClassifierConfig(C=1.0), Run())
    again = Classifier.restore(head.state())
    expected = near.predict_proba(far - np.float32(10_000))
    np.testing.assert_allclose(again.predict_proba(far), expected, atol=1e-5)


def test_very_large_scores_give_probabilities_and_no_warning():
    head, matrix = fitted(C=1.0)
    probabilities = head.predict_proba(matrix * np.float32(1e30))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_progress_counts_every_fit_of_the_cross_validation():
    seen = []
    matrix, targets = data()
    run = Run(progress=lambda what, done, total: seen.append((what, done, total)))
    Classifier.fit(matrix, targets, ClassifierConfig(Cs=(0.1, 1.0), cv=3), run)
    assert seen == [("choosing C", i, 6) for i in range(1, 7)]


def test_the_strongest_penalty_wins_among_equals():
    matrix = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
    head = Classifier.fit(matrix, [f"c{i % 2}" for i in range(40)], ClassifierConfig(), Run())
    assert head.choice.C == 0.01


def test_a_small_class_means_fewer_folds():
    matrix, targets = data()
    head = Classifier.fit(matrix, ["rare", "rare", *targets[2:]], ClassifierConfig(cv=5), Run())
    assert head.choice.folds == 2


def test_a_class_with_one_row_means_no_cross_validation_and_a_note(caplog):
    matrix, targets = data()
    with caplog.at_level(logging.WARNING):
        head = Classifier.fit(matrix, ["rare", *targets[1:]], ClassifierConfig(), Run())
    assert head.choice.C == 1.0
    assert "the smallest class has 1 row" in caplog.text


@pytest.mark.parametrize(("among", "nearest"), [((0.01, 10.0, 2.5), 2.5), ((0.5, 2.0, 100.0), 0.5)])
def test_without_cross_validation_the_candidate_nearest_to_one_is_taken(caplog, among, nearest):
    matrix, targets = data()
    with caplog.at_level(logging.WARNING):
        head = Classifier.fit(matrix, ["rare", *targets[1:]], ClassifierConfig(Cs=among), Run())
    assert nearest == head.choice.C
    assert f"C={nearest}" in caplog.text


@pytest.mark.parametrize("seed", [5_000_000_000, 2**63 - 1])
def test_a_seed_that_scikit_learn_does_not_take_is_cut_to_one_that_it_does(seed):
    matrix, targets = data()
    first, same = (
        Classifier.fit(matrix, targets, ClassifierConfig(), Run(seed=s)) for s in (seed, seed % 2**32)
    )
    assert first.choice == same.choice


def test_a_fit_that_runs_out_of_steps_is_noted_and_not_warned_about(caplog):
    matrix, targets = data()
    with caplog.at_level(logging.WARNING):
        Classifier.fit(matrix, targets, ClassifierConfig(C=1.0, max_iter=1), Run())
    assert "max_iter=1" in caplog.text


@pytest.mark.parametrize(
    ("matrix", "targets", "says"),
    [
        (np.zeros((0, 3), np.float32), [], "no rows"),
        (np.zeros((3, 0), np.float32), ["a", "b", "a"], "no components"),
        (np.ones((3, 3), np.float32), ["a", "b"], "3 vectors and 2 targets"),
        (np.ones((2, 3), np.float32), ["only", "only"], "every row has the label 'only'"),
        (np.array([[1.0], [np.nan]], np.float32), ["a", "b"], "not finite"),
        (csr_array(np.array([[1.0], [np.inf]], np.float32)), ["a", "b"], "not finite"),
    ],
)
def test_data_that_cannot_be_learned_from_is_refused(matrix, targets, says):
    with pytest.raises(DataError, match=says):
        Classifier.fit(matrix, targets, ClassifierConfig(), Run())


def test_components_too_small_for_weights_in_float32_are_refused():
    matrix = np.eye(2, dtype=np.float32)[np.arange(20) % 2] * np.float32(1e-42)
    with pytest.raises(DataError, match="do not fit float32"):
        Classifier.fit(matrix, [f"c{i % 2}" for i in range(20)], ClassifierConfig(), Run())


def test_vectors_of_another_dimension_are_refused():
    head, matrix = fitted(C=1.0)
    with pytest.raises(DataError, match="7 components, the classifier was trained on 8"):
        head.predict(matrix[:, :7])


def test_odd_labels_survive_storing():
    matrix, targets = data()
    odd = {"c0": "\ud800 lone", "c1": "nul\0", "c2": "🙂\n"}
    head = Classifier.fit(matrix, [odd[t] for t in targets], ClassifierConfig(C=1.0), Run())
    again = Classifier.restore(head.state())
    assert again.labels == head.labels
    assert again.predict(matrix) == head.predict(matrix)


@pytest.mark.parametrize("classes", [2, 3])
def test_restored_it_is_what_it_was(classes):
    head, matrix = fitted(classes=classes, class_weight="balanced")
    state = head.state()
    again = Classifier.restore(replace(state, config=json.loads(json.dumps(state.config))))
    assert again.config == head.config
    assert again.choice == head.choice
    assert again.counts == head.counts
    assert np.array_equal(again.predict_proba(matrix), head.predict_proba(matrix))


def damaged(name):
    head, _ = fitted(C=1.0)
    state = head.state()
    tensors, files = dict(state.tensors), dict(state.files)
    nested = b"[" * 100_000
    changes = {
        "unknown setting": {"config": {**state.config, "solver": "sag"}},
        "setting out of range": {"config": {**state.config, "C": -1.0}},
        "no weights": {"tensors": {"intercept": tensors["intercept"]}},
        "too few weights": {"tensors": {**tensors, "coef": tensors["coef"][:2]}},
        "flat weights": {"tensors": {**tensors, "coef": tensors["coef"].ravel()}},
        "float32 intercept": {"tensors": {**tensors, "intercept": tensors["intercept"].astype(np.float32)}},
        "float64 weights": {"tensors": {**tensors, "coef": tensors["coef"].astype(np.float64)}},
        "endless weights": {"tensors": {**tensors, "coef": np.full_like(tensors["coef"], np.inf)}},
        "one intercept": {"tensors": {**tensors, "intercept": tensors["intercept"][:1]}},
        "no labels": {"files": {"choice.json": files["choice.json"]}},
        "labels not JSON": {"files": {**files, "labels.json": b"\xff{"}},
        "labels nested": {"files": {**files, "labels.json": nested}},
        "labels a list": {"files": {**files, "labels.json": b'["a", "b", "c"]'}},
        "labels unsorted": {"files": {**files, "labels.json": b'{"b": 1, "a": 1, "c": 1}'}},
        "labels without rows": {"files": {**files, "labels.json": b'{"a": 1, "b": "x", "c": 1}'}},
        "one label": {"files": {**files, "labels.json": b'{"a": 1}'}},
        "two labels": {"files": {**files, "labels.json": b'{"a": 1, "b": 1}'}},
        "no choice": {"files": {"labels.json": files["labels.json"]}},
        "choice without C": {"files": {**files, "choice.json": b"{}"}},
    }
    return changes if name is None else replace(state, **changes[name])


@pytest.mark.parametrize("name", list(damaged(None)))
def test_a_damaged_state_is_a_checkpoint_error(name):
    with pytest.raises(CheckpointError):
        Classifier.restore(damaged(name))
