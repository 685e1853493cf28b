from __future__ import annotations

import doctest

import pytest

from lexarium_compare import figures


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(figures).failed == 0
    assert doctest.testmod(figures).attempted == 6


@pytest.mark.parametrize(
    ("value", "said"), [(0.000001, "<0.001"), (0.0999999, "0.100"), (9.999, "10.0"), (1234567, "1,230,000")]
)
def test_three_figures_survive_rounding_up(value: float, said: str):
    assert figures.significant(value) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (999, "999 B"), (999_999, "1.0 MB"), (80_000_000, "80 MB")]
)
def test_sizes_change_units_where_rounding_does(count: int, said: str):
    assert figures.size(count) == said


def test_a_foreign_message_becomes_one_line_and_nothing_else_of_it_changes():
    said = figures.one_line("a\nb\x1b[31m" + "x" * 1000)
    assert said.startswith("a b\x1b[31mx")
    assert len(said) == 300


@pytest.mark.parametrize("vile", ["\x1b[31m", "\x9b31m", "\r", "\x07", "\u202e", "\ud800", "\x00", "\u2028"])
def test_nothing_that_steers_a_terminal_is_plain(vile: str):
    assert figures.plain(f"a{vile}b").isprintable()
    assert figures.plain("好 b 😀") == "好 b 😀"
