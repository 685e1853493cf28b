from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lexarium_compare.advice import advise
from lexarium_compare.board import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    MakeRow = Callable[..., Row]

ALL = {"bow", "tfidf", "glove-6b-50d"}


def test_the_cheapest_within_noise_is_recommended_with_its_part_of_the_latency(floor: Row, make_row: MakeRow):
    rows = [
        floor,
        make_row("bow", 0.84, 0.2, p_value_vs_best=0.003),
        make_row("tfidf", 0.871, 0.25, p_value_vs_best=0.41),
        make_row("glove-6b-50d", 0.874, 10.0),
    ]
    advice = advise(rows, beat_majority=ALL, test_rows=800)
    assert advice.sentence == (
        "tfidf is within noise of the best (glove-6b-50d: 0.871 against 0.874, p = 0.41) "
        "at 1/40 of its latency."
    )
    assert advice.recommended == "tfidf"


@pytest.mark.parametrize(
    ("latency", "said"),
    [(5.0, "at half its latency"), (4.2, "at 42 % of its latency")],
)
def test_small_savings_are_said_as_what_they_are(latency: float, said: str, floor: Row, make_row: MakeRow):
    rows = [floor, make_row("bow", 0.87, latency, p_value_vs_best=0.5), make_row("tfidf", 0.88, 10.0)]
    assert said in advise(rows, beat_majority=ALL, test_rows=800).sentence


def test_the_best_may_also_be_the_cheapest(floor: Row, make_row: MakeRow):
    rows = [floor, make_row("bow", 0.88, 0.2), make_row("tfidf", 0.87, 0.3, p_value_vs_best=0.6)]
    advice = advise(rows, beat_majority=ALL, test_rows=800)
    assert advice.sentence == "bow is both the most accurate (0.880) and the cheapest (0.200 ms a text)."
    assert advice.recommended == "bow"


def test_a_best_that_is_worth_its_price_is_recommended_and_its_rival_named(floor: Row, make_row: MakeRow):
    rows = [floor, make_row("bow", 0.80, 0.25, p_value_vs_best=1e-6), make_row("tfidf", 0.88, 10.0)]
    advice = advise(rows, beat_majority=ALL, test_rows=800)
    assert advice.sentence == (
        "tfidf is the best (0.880), and nothing cheaper is within noise of it: "
        "bow has 0.800 (p < 0.001) at 1/40 of its latency."
    )
    assert advice.recommended == "tfidf"


def test_a_p_value_of_exactly_five_percent_is_within_noise(floor: Row, make_row: MakeRow):
    rows = [floor, make_row("bow", 0.86, 1.0, p_value_vs_best=0.05), make_row("tfidf", 0.88, 10.0)]
    assert advise(rows, beat_majority=ALL, test_rows=800).recommended == "bow"


def test_nothing_is_recommended_that_does_not_beat_the_majority_class_itself(floor: Row, make_row: MakeRow):
    rows = [
        floor,
        make_row("bow", 0.52, 1.0, p_value_vs_best=0.2),
        make_row("tfidf", 0.56, 2.0, p_value_vs_best=0.6),
        make_row("glove-6b-50d", 0.57, 9.0),
    ]
    advice = advise(rows, beat_majority={"tfidf", "glove-6b-50d"}, test_rows=800)
    assert advice.recommended == "tfidf"


def test_a_best_within_noise_of_the_majority_class_has_learned_nothing(floor: Row, make_row: MakeRow):
    rows = [replace(floor, p_value_vs_best=0.3), make_row("bow", 0.52, 0.2)]
    advice = advise(rows, beat_majority=set(), test_rows=300)
    assert advice.sentence == (
        "Nothing learned here: the best, bow, is within noise of the majority class "
        "(0.520 against 0.503, p = 0.30) on 300 test rows: check the labels, or give more rows."
    )
    assert advice.recommended is None


def test_a_majority_class_that_is_the_best_has_taught_nothing_either(floor: Row, make_row: MakeRow):
    rows = [
        replace(floor, accuracy=0.9, p_value_vs_best=None),
        make_row("bow", 0.88, 0.2, p_value_vs_best=0.01),
    ]
    advice = advise(rows, beat_majority=set(), test_rows=300)
    assert advice.sentence == (
        "Nothing learned here: no candidate beats the majority class (0.900); the next, bow, has 0.880 on "
        "300 test rows: check the labels, or give more rows."
    )


def test_a_single_candidate_is_held_against_the_majority_class(floor: Row, make_row: MakeRow):
    advice = advise([floor, make_row("bow", 0.84, 0.2)], beat_majority={"bow"}, test_rows=800)
    assert advice.sentence == (
        "bow, the only one measured, beats the majority class (0.840 against 0.503, p < 0.001)."
    )


def test_few_test_rows_are_pointed_out(floor: Row, make_row: MakeRow):
    advice = advise([floor, make_row("bow", 0.84, 0.2)], beat_majority={"bow"}, test_rows=40)
    assert advice.sentence.endswith("; with 40 test rows only large differences show.")


def test_only_the_majority_class_is_said_to_be_alone(floor: Row):
    alone = replace(floor, p_value_vs_best=None)
    assert advise([alone], beat_majority=set(), test_rows=800).sentence == (
        "Only the majority class was measured (0.503): name what to compare it with in --models."
    )
    failed = [Row(model=name, status="failed", error="boom") for name in ("bow", "tfidf")]
    assert advise([alone, *failed], beat_majority=set(), test_rows=800).sentence == (
        "Only the majority class was measured (0.503): none of the 2 others was, for the reasons given."
    )


def test_without_any_measurement_the_first_reason_is_given():
    rows = [Row(model="majority class", status="timeout", error="too late")]
    advice = advise(rows, beat_majority=set(), test_rows=800)
    assert advice.recommended is None
    assert advice.sentence.endswith("majority class: too late")


@pytest.mark.parametrize("latency", [6.0, 9.9])
def test_a_saving_that_the_next_run_may_undo_is_no_reason_to_take_less(
    latency: float, floor: Row, make_row: MakeRow
):
    rows = [floor, make_row("bow", 0.87, latency, p_value_vs_best=0.5), make_row("tfidf", 0.88, 10.0)]
    found = advise(rows, beat_majority=ALL, test_rows=800)
    assert found.recommended == "tfidf"
    assert (
        found.sentence == "tfidf is the most accurate (0.880), and none is twice as quick (10.0 ms a text)."
    )
