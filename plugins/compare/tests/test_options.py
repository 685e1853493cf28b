from __future__ import annotations

import os
import shlex
from dataclasses import fields
from typing import Any

import click
import pytest

from lexarium.errors import ConfigError
from lexarium_compare.cli import _Budget
from lexarium_compare.options import CompareOptions, command_line, default_threads, read_options


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
        {"progress": "loud"},
    ],
)
def test_options_out_of_range_are_refused_by_name(bad: dict[str, Any]):
    with pytest.raises(ConfigError, match=next(iter(bad)).removesuffix("_seconds")):
        CompareOptions(**bad)


def test_the_command_line_says_the_same_and_is_quoted():
    options = CompareOptions(models=("a", "b"), sample=10, budget_seconds=90, threads=2, head="other")
    words = shlex.split(command_line("my file.csv", "the text", "label", options))
    assert words[:3] == ["lexarium", "compare", "my file.csv"]
    pairs = dict(zip(words[3::2], words[4::2], strict=True))
    assert pairs == {
        "--text": "the text",
        "--label": "label",
        "--models": "a,b",
        "--budget": "90s",
        "--sample": "10",
        "--head": "other",
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


def test_every_option_may_come_in_a_plain_mapping():
    def progress(what: str, done: int, total: int | None) -> None: ...

    given = {
        "models": ["a", "b"],
        "head": "other",
        "budget_seconds": 3,
        "sample": 10,
        "test_size": 0.5,
        "seed": 4,
        "threads": 2,
        "progress": progress,
    }
    assert set(given) == {field.name for field in fields(CompareOptions)}
    assert read_options(given) == CompareOptions(**{**given, "models": ("a", "b")})
    assert read_options({"models": None}) == read_options(None) == CompareOptions()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"modles": ["a"]}, "modles: no such setting; did you mean 'models'?"),
        ({"seed": "one"}, "seed: 'one' is not int"),
        ({"progress": 3}, "progress: is not a function of (what, done, total)"),
    ],
)
def test_a_mapping_that_cannot_be_options_is_refused_by_name(given: dict[str, Any], says: str):
    with pytest.raises(ConfigError) as caught:
        read_options(given)
    assert says in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processors are not assigned here")
def test_threads_are_at_most_the_processors_that_this_process_may_use():
    mine = os.sched_getaffinity(0)
    assert default_threads() == min(4, len(mine))
    os.sched_setaffinity(0, {min(mine)})
    try:
        assert default_threads() == 1
    finally:
        os.sched_setaffinity(0, mine)
