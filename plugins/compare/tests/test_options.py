from __future__ import annotations

import shlex
from typing import Any

import click
import pytest

from lexarium.errors import ConfigError
from lexarium_compare.cli import _Budget
from lexarium_compare.options import CompareOptions, command_line


@pytest.mark.parametrize(
    "bad",
    [
        {"models": ()},
        {"models": ("bow", " ")},
        {"budget_seconds": 0.0},
        {"budget_seconds": float("nan")},
        {"sample": 0},
        {"test_size": 1.0},
        {"seed": -1},
        {"threads": 0},
    ],
)
def test_options_out_of_range_are_refused_by_name(bad: dict[str, Any]):
    with pytest.raises(ConfigError, match=next(iter(bad)).removesuffix("_seconds")):
        CompareOptions(**bad)


def test_the_command_line_says_the_same_and_is_quoted():
    options = CompareOptions(models=("a", "b"), sample=10, budget_seconds=90, threads=2)
    words = shlex.split(command_line("my file.csv", "the text", "label", options))
    assert words[:3] == ["lexarium", "compare", "my file.csv"]
    pairs = dict(zip(words[3::2], words[4::2], strict=True))
    assert pairs == {
        "--text": "the text",
        "--label": "label",
        "--models": "a,b",
        "--budget": "90s",
        "--sample": "10",
        "--test-size": "0.2",
        "--seed": "0",
        "--threads": "2",
    }


@pytest.mark.parametrize(
    ("typed", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2 M", 120)]
)
def test_a_budget_is_read_with_its_unit(typed: str, seconds: float):
    assert _Budget().convert(typed, None, None) == seconds


@pytest.mark.parametrize("typed", ["", "0", "0s", "-1m", "10 minutes", "m", "1d", "1e3", "inf"])
def test_a_budget_that_is_none_is_refused(typed: str):
    with pytest.raises(click.BadParameter, match="write 90s, 10m or 1h"):
        _Budget().convert(typed, None, None)
