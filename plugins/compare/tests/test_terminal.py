from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from lexarium.cli.session import table
from lexarium_compare.board import Row
from lexarium_compare.page import render
from lexarium_compare.terminal import show

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium_compare.board import Board


def _width(line: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in line)


def test_the_report_fits_120_columns_and_ends_with_the_advice(
    make_board: Callable[..., Board], make_row: Callable[..., Row], floor: Row
):
    reason = "a reason that is long " * 10
    board = make_board(
        floor,
        make_row(
            "a-model-with-a-name-that-is-far-too-long-for-any-table", 0.8, 123456.0, p_value_vs_best=0.0001
        ),
        make_row("很长的中文模型名称" * 5, 0.9, 1234.0, size_bytes=10**12, rows_per_second=87_000_000.0),
        Row(model="glove", status="skipped", error=reason),
    )
    lines = show(board, table).splitlines()
    assert lines[-1] == board.advice
    assert max(_width(line) for line in lines[:-1]) <= 120
    assert lines[0] == "reviews.csv: 4,000 rows; 3,190 to train, 800 to test, 10 duplicates removed"
    assert sum(line.startswith("*") for line in lines) == 4 - 1  # two rows on the frontier, and the legend
    assert reason.rsplit(maxsplit=1)[-1] in " ".join(lines)


def test_what_a_model_did_not_see_is_said_once(
    make_board: Callable[..., Board], make_row: Callable[..., Row]
):
    cut = {"truncated_texts": 1612, "truncated_tokens": 95312, "token_limit": 256}
    board = make_board(
        make_row("minilm", 0.9, 9.0, **cut),
        make_row("bow", 0.8, 1.0),
        make_row("whole", 0.7, 2.0, **{**cut, "truncated_texts": 0, "truncated_tokens": 0}),
    )
    said = "minilm sees 256 tokens of a text: 1,612 of 3,990 texts were cut, which lost 95,312 tokens"
    assert [line for line in show(board, table).splitlines() if "tokens" in line] == [said]
    assert render(board).count(f"<li>{said}.</li>") == 1
    assert [row["truncated_texts"] for row in board.to_json()["rows"]] == [1612, None, 0]


def test_figures_line_up_at_the_right(
    make_board: Callable[..., Board], make_row: Callable[..., Row], floor: Row
):
    board = make_board(floor, make_row("bow", 0.84, 0.2, p_value_vs_best=0.2), make_row("tfidf", 0.9, 20.0))
    _, shown, _ = show(board, table).split("\n\n", 2)
    head, *rows = shown.splitlines()
    assert {len(row) for row in rows} == {len(head)}
    end = head.index("p50 ms") + len("p50 ms")
    assert [row[:end].split()[-1] for row in rows] == ["<0.001", "0.200", "20.0"]


def test_nothing_from_users_or_models_steers_the_terminal_and_json_keeps_it(
    make_board: Callable[..., Board], make_row: Callable[..., Row], floor: Row
):
    vile = "\x1b]0;gone\x07\r\x9b2J\u202e"
    board = make_board(
        floor,
        make_row(f"best{vile}", 0.9, 1.0),
        Row(model=f"bad{vile}", status="failed", error=f"ValueError: {vile}"),
        path=f"my{vile}.csv",
    )
    label_rows = {f"a{vile}": 2000, f"b{vile}": 2000}
    board = replace(board, facts=replace(board.facts, label_rows=label_rows))
    shown = show(board, lambda heads, rows: "\n".join("|".join(map(str, line)) for line in [heads, *rows]))
    assert {c for c in shown if not c.isprintable()} == {"\n"}
    for part in ("my", "best", "bad", "ValueError: ", "a", "b"):
        assert f"{part}\N{REPLACEMENT CHARACTER}]0;gone" in shown
    document = board.to_json()
    assert document["data"]["path"] == f"my{vile}.csv"
    assert [row["model"] for row in document["rows"]][1:] == [f"best{vile}", f"bad{vile}"]
    assert document["rows"][2]["error"] == f"ValueError: {vile}"
    assert vile in document["advice"]
