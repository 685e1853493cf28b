from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from lexarium.cli.main import cli

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path: Path) -> str:
    rows = [f"{'gggg' if i % 2 else 'other'} {i},{i % 2}" for i in range(60)]
    (tmp_path / "data.csv").write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    return str(tmp_path / "data.csv")


def _compare(data: str, *more: str):
    return CliRunner().invoke(cli, ["compare", data, "--text", "text", "--label", "label", *more])


def test_results_go_to_stdout_and_the_page_to_its_file(stranger: Path, data: str, tmp_path: Path):
    page = tmp_path / "report.html"
    result = _compare(
        data, "--models", "stranger-works, stranger-exits", "--threads", "1", "--html", str(page)
    )
    assert result.exit_code == 0
    assert result.stdout.startswith("data.csv: 60 rows; 48 to train, 12 to test, 0 duplicates removed\n")
    assert "stranger-exits: failed: its code called sys.exit(3)" in result.stdout
    assert result.stdout.rstrip().endswith("with 12 test rows only large differences show.")
    assert result.stderr == f"Wrote {page}\n"
    assert "--models stranger-works,stranger-exits" in page.read_text(encoding="utf-8")


def test_json_is_one_document_on_stdout(stranger: Path, data: str):
    result = _compare(data, "--models", "majority", "--json")
    assert result.exit_code == 0
    assert [row["model"] for row in json.loads(result.stdout)["rows"]] == ["majority class"]


def test_a_page_that_cannot_be_written_is_refused_before_the_work(stranger: Path, data: str, tmp_path: Path):
    result = _compare(data, "--html", str(tmp_path / "none" / "a.html"))
    assert result.exit_code == 1
    assert "its folder does not exist" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("wrong", [["--budget", "soon"], ["--sample", "0"], ["--threads", "0"]])
def test_a_malformed_option_is_wrong_usage(wrong: list[str], stranger: Path, data: str):
    assert _compare(data, *wrong).exit_code == 2


def test_an_option_out_of_range_is_one_line(stranger: Path, data: str):
    result = _compare(data, "--test-size", "1.5")
    assert result.exit_code == 1
    assert result.stderr.strip() == "Error: test_size: 1.5 is not between 0 and 1"
