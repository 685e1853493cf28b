from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexarium_compare.intervals import Cells, mcnemar


def _predictions(seed: int, rows: int, classes: int, right: float) -> tuple[list[int], list[int]]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    guess = np.where(rng.random(rows) < right, truth, rng.integers(0, classes, rows))
    return truth.tolist(), guess.tolist()


@pytest.mark.parametrize(("classes", "right"), [(2, 0.8), (5, 0.4), (30, 0.1)])
def test_scores_are_those_of_scikit_learn(classes: int, right: float):
    metrics = pytest.importorskip("sklearn.metrics")
    truth, guess = _predictions(1, 300, classes, right)
    accuracy, macro = Cells.count(truth, guess, classes).scores()
    assert accuracy == pytest.approx(metrics.accuracy_score(truth, guess))
    assert macro == pytest.approx(metrics.f1_score(truth, guess, average="macro"))


def test_a_class_without_rows_and_predictions_does_not_count_in_macro_f1():
    assert Cells.count([0, 1], [0, 1], 7).scores() == (1.0, 1.0)


def test_a_class_that_is_only_predicted_counts_as_zero():
    assert Cells.count([0, 0, 1, 1], [0, 2, 1, 1], 3).scores()[1] == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_intervals_agree_with_resampling_the_rows_one_by_one():
    classes, rows = 3, 240
    truth, guess = map(np.array, _predictions(2, rows, classes, 0.7))
    rng = np.random.default_rng(5)
    accuracy, macro = [], []
    for _ in range(4000):
        pick = rng.integers(0, rows, rows)
        t, g = truth[pick], guess[pick]
        accuracy.append(np.mean(t == g))
        f1 = [2 * np.sum((t == k) & (g == k)) / (np.sum(t == k) + np.sum(g == k)) for k in range(classes)]
        macro.append(np.mean(f1))
    found = Cells.count(truth.tolist(), guess.tolist(), classes).intervals(seed=0, draws=4000)
    for bounds, brute in zip(found, (accuracy, macro), strict=True):
        assert bounds == pytest.approx(tuple(np.percentile(brute, [2.5, 97.5])), abs=0.008)


def test_the_interval_of_an_accuracy_has_the_width_of_the_binomial():
    truth, guess = [0] * 1000, [0] * 800 + [1] * 200
    (low, high), _ = Cells.count(truth, guess, 2).intervals(seed=3)
    deviation = (0.8 * 0.2 / 1000) ** 0.5
    assert (low, high) == pytest.approx((0.8 - 1.96 * deviation, 0.8 + 1.96 * deviation), abs=0.004)


def test_the_same_seed_gives_the_same_intervals_and_another_one_others():
    cells = Cells.count(*_predictions(4, 200, 4, 0.6), 4)
    assert cells.intervals(seed=1) == cells.intervals(seed=1)
    assert cells.intervals(seed=1) != cells.intervals(seed=2)


def test_draws_in_blocks_stay_within_bounds_with_thousands_of_classes():
    classes = 5000
    truth = list(range(classes))
    bounds = Cells.count(truth, truth, classes).intervals(seed=0, draws=900)
    assert bounds == ((1.0, 1.0), (1.0, 1.0))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.integers(0, 10_000))
def test_an_interval_lies_within_zero_and_one_around_nothing_impossible(rows: int, seed: int):
    truth, guess = _predictions(seed, rows, 3, 0.5)
    for low, high in Cells.count(truth, guess, 3).intervals(seed=seed, draws=50):
        assert 0 <= low <= high <= 1


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (3, 9), (9, 3), (10, 10), (0, 30), (40, 61)])
def test_mcnemar_is_the_two_sided_tail_of_fair_coins(won: int, lost: int):
    both, neither = 20, 5
    truth = [1] * (won + lost + both + neither)
    one = [1] * won + [0] * lost + [1] * both + [0] * neither
    other = [0] * won + [1] * lost + [1] * both + [0] * neither
    tosses = won + lost
    tail = sum(comb(tosses, k) for k in range(min(won, lost) + 1)) / 2**tosses
    assert mcnemar(truth, one, other) == pytest.approx(min(1.0, 2 * tail))


def test_wrong_answers_that_differ_are_no_discordance():
    assert mcnemar([0, 0, 0], [1, 1, 0], [2, 2, 0]) == 1.0
