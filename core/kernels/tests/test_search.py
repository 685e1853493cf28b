"""The candidates of exact search beside numpy, on every instruction set."""

from __future__ import annotations

import numpy as np
import pytest

search = pytest.importorskip("lexarium_kernels._search", reason="the kernels are not built")

MARGIN = 1e-5


def unit(rows):
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-30)


def expected(scores, keep):
    """Return what is at most a margin below the keep-th score of each query."""
    found = []
    for owner, (row, number) in enumerate(zip(scores, keep, strict=True)):
        floor = np.sort(row)[-min(number, len(row))] - MARGIN if number <= len(row) else -np.inf
        found.append((owner, row, floor))
    return found


@pytest.mark.parametrize("instructions", ["baseline", "avx2", ""])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    ("rows", "dim", "queries"),
    [(1, 1, 1), (5, 3, 2), (100, 16, 17), (997, 50, 50), (1000, 33, 64), (300, 70, 65), (2000, 300, 130)],
)
def test_what_is_nearest_is_among_the_candidates_and_little_else(
    rows, dim, queries, threads, instructions, monkeypatch
):
    monkeypatch.setenv("LEXARIUM_SIMD", instructions)
    rng = np.random.default_rng(rows)
    vectors = (rng.standard_normal((rows, dim)) * rng.uniform(0.1, 9, (rows, 1))).astype(np.float32)
    units = unit(rng.standard_normal((queries, dim))).astype(np.float32)
    keep = rng.integers(1, 12, queries)
    inverse = (1 / np.linalg.norm(vectors.astype(float), axis=1)).astype(np.float32)
    owners, found = search.candidates(vectors, inverse, units, keep, MARGIN, threads)
    assert owners.dtype == found.dtype == np.int64
    assert (np.diff(owners) >= 0).all()
    scores = units.astype(float) @ unit(vectors.astype(float)).T
    for owner, row, floor in expected(scores, keep):
        mine = found[owners == owner].tolist()
        assert len(mine) == len(set(mine))
        error = 1e-6 * np.sqrt(dim)
        assert set(np.flatnonzero(row >= floor + error)) <= set(mine)
        assert set(mine) <= set(np.flatnonzero(row >= floor - error))


def test_thousands_of_rows_as_near_as_each_other_are_given_up():
    vectors = np.ones((5000, 4), np.float32)
    units = np.full((1, 4), 0.5, np.float32)
    half = np.full(5000, 0.5, np.float32)
    assert search.candidates(vectors, half, units, np.array([3]), MARGIN, 1) is None
    owners, rows = search.candidates(vectors[:1000], half[:1000], units, np.array([3]), MARGIN, 1)
    assert sorted(rows.tolist()) == list(range(1000))
    assert not owners.any()


def test_a_later_row_that_is_nearer_drops_those_before():
    vectors = np.linspace(-1, 1, 3000, dtype=np.float32)[:, None]
    ones = np.ones(3000, np.float32)
    owners, rows = search.candidates(vectors, ones, np.ones((1, 1), np.float32), np.array([5]), MARGIN, 2)
    assert sorted(rows.tolist()) == list(range(2995, 3000))
    assert owners.tolist() == [0] * 5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"units": np.ones((2, 3), np.float32)}, "the queries are not"),
        (
            {"vectors": np.ones((4, 0), np.float32), "units": np.ones((2, 0), np.float32)},
            "the queries are not",
        ),
        ({"inverse": np.ones(3, np.float32)}, "one length for each row"),
        ({"keep": np.array([1])}, "one number for each query"),
        ({"keep": np.array([1, 0])}, "a number of rows is out of range"),
        ({"keep": np.array([1, 2**40])}, "a number of rows is out of range"),
        ({"margin": -1.0}, "the margin is not from 0 to 1"),
        ({"margin": float("nan")}, "the margin is not from 0 to 1"),
        ({"threads": 0}, "threads is out of range"),
        ({"units": np.ones((5000, 2), np.float32), "keep": np.ones(5000, np.int64)}, "too many queries"),
    ],
)
def test_what_does_not_fit_is_refused(changes, says):
    given = {
        "vectors": np.ones((4, 2), np.float32),
        "inverse": np.ones(4, np.float32),
        "units": np.ones((2, 2), np.float32),
        "keep": np.array([1, 2]),
        "margin": MARGIN,
        "threads": 1,
    }
    assert search.candidates(**given) is not None
    with pytest.raises(ValueError, match=says):
        search.candidates(**{**given, **changes})


@pytest.mark.parametrize("name", ["vectors", "inverse", "units", "keep"])
def test_an_array_of_another_type_is_not_copied_in_silence(name):
    given = {
        "vectors": np.ones((4, 2), np.float32),
        "inverse": np.ones(4, np.float32),
        "units": np.ones((2, 2), np.float32),
        "keep": np.array([1, 2]),
    }
    given[name] = given[name].astype(np.float64)
    with pytest.raises(TypeError):
        search.candidates(**given, margin=MARGIN, threads=1)


def test_no_rows_and_no_queries_give_nothing():
    none = np.ones((0, 2), np.float32)
    empty = np.ones(0, np.float32)
    owners, rows = search.candidates(none, empty, np.ones((1, 2), np.float32), np.array([1]), MARGIN, 2)
    assert len(owners) == len(rows) == 0
    some, ones = np.ones((3, 2), np.float32), np.ones(3, np.float32)
    owners, rows = search.candidates(some, ones, none, np.array([], np.int64), MARGIN, 1)
    assert len(owners) == len(rows) == 0
