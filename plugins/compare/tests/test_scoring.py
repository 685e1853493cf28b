from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lexarium_compare.intervals import mcnemar
from lexarium_compare.runner import Outcome
from lexarium_compare.scoring import better_than, frontier, rank
from lexarium_compare.task import Measured

_TRUTH = [0, 1] * 20


def _outcome(wrong: int, latency: float) -> Outcome:
    predicted = tuple(1 - true if place < wrong else true for place, true in enumerate(_TRUTH))
    return Outcome(
        status="ok",
        measured=Measured(
            predicted=predicted,
            train_seconds=1.0,
            rows_per_second=10.0,
            latency_ms_p50=latency,
            latency_ms_p95=2 * latency,
            size_bytes=100,
            peak_memory_bytes=None,
        ),
    )


_coordinates = st.sampled_from([0.1, 0.2, 0.2000001, 0.5, 0.9])


@given(st.lists(st.tuples(_coordinates, _coordinates), max_size=12))
def test_the_frontier_is_what_no_other_point_beats(points: list[tuple[float, float]]):
    def beaten(a: tuple[float, float], b: tuple[float, float]) -> bool:
        return b[0] >= a[0] and b[1] <= a[1] and b != a

    assert frontier(points) == [not any(beaten(a, b) for b in points) for a in points]


def test_rows_come_quickest_first_and_those_without_numbers_last():
    failed = Outcome(status="failed", error="boom")
    late = Outcome(status="timeout", error="late")
    named = [("slow", _outcome(2, 9.0)), ("bad", failed), ("quick", _outcome(9, 0.1)), ("late", late)]
    rows = rank(named, _TRUTH, classes=2, seed=0)
    assert [row.model for row in rows] == ["quick", "slow", "bad", "late"]
    assert [row.status for row in rows] == ["ok", "ok", "failed", "timeout"]
    assert rows[2].error == "boom"
    assert rows[2].accuracy is None
    assert rows[2].pareto is False


def test_the_best_has_no_p_value_and_the_others_are_tested_against_it():
    named = [("a", _outcome(12, 1.0)), ("best", _outcome(2, 2.0)), ("b", _outcome(3, 3.0))]
    rows = {row.model: row for row in rank(named, _TRUTH, classes=2, seed=0)}
    assert rows["best"].p_value_vs_best is None
    best = named[1][1].measured
    for name, outcome in (named[0], named[2]):
        expected = mcnemar(_TRUTH, outcome.measured.predicted, best.predicted)
        assert rows[name].p_value_vs_best == expected


def test_among_equals_the_quickest_is_the_best():
    rows = rank([("slow", _outcome(4, 5.0)), ("quick", _outcome(4, 1.0))], _TRUTH, classes=2, seed=0)
    assert [(row.model, row.p_value_vs_best) for row in rows] == [("quick", None), ("slow", 1.0)]


def test_only_what_is_right_more_often_beyond_noise_counts_as_better():
    named = [
        ("base", _outcome(20, 1.0)),
        ("same", _outcome(19, 1.0)),
        ("better", _outcome(2, 1.0)),
        ("worse", _outcome(38, 1.0)),
        ("none", Outcome(status="failed", error="x")),
    ]
    assert better_than("base", named, _TRUTH, noise=0.05) == {"better"}
    assert better_than("none", named, _TRUTH, noise=0.05) == frozenset()
