from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from lexarium.errors import InputError
from lexarium_compare.board import Board, Row
from lexarium_compare.page import render

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Board]
    MakeRow = Callable[..., Row]

_VOID = {"meta", "br", "link", "img", "input", "hr"}
_VILE = "<script>alert('x')</script>&\"]]>"


class _Strict(HTMLParser):
    """Every element closed in order; remembers tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text.append(data)


def _parsed(page: str) -> _Strict:
    parser = _Strict()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def board(make_board: Make, make_row: MakeRow, floor: Row) -> Board:
    return make_board(
        floor,
        make_row("bow", 0.84, 0.2, p_value_vs_best=0.002),
        make_row("电影评论", 0.87, 0.3, p_value_vs_best=0.41),
        make_row(_VILE, 0.875, 9.0),
        Row(model="glove", status="skipped", error=_VILE),
        path=f"/data/{_VILE}.csv".replace("</", "<_"),
    )


def test_every_element_is_closed_and_ids_are_unique(board: Board):
    tags = _parsed(render(board)).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 0


def test_nothing_is_fetched(board: Board):
    page = render(board)
    assert not re.search(r"https?://|//\w|@import|url\(", page)
    for tag, attributes in _parsed(page).tags:
        assert tag not in {"script", "link", "img", "iframe", "object"}
        assert not {"src", "href", "srcset", "onload"} & set(attributes)


def test_what_users_write_is_text_and_nothing_else(board: Board):
    page = render(board)
    assert "<script" not in page
    assert _VILE in "".join(_parsed(page).text)


def test_the_page_tells_data_advice_numbers_reasons_and_command(board: Board):
    text = " ".join(_parsed(render(board)).text)
    for told in ("4,000", "3,190", "800", "duplicates removed", "0.840", "0.820–0.860", "0.002", "skipped"):
        assert told in text
    assert "lexarium compare reviews.csv" in text
    assert "电影评论" in text
    assert "within noise of the best" in text


def test_only_the_files_name_is_told_not_where_it_lies(board: Board):
    assert "/data/" not in render(board)


def test_table_headers_say_what_they_head(board: Board):
    heads = [attributes for tag, attributes in _parsed(render(board)).tags if tag == "th"]
    assert {attributes["scope"] for attributes in heads} == {"col", "row"}


def test_the_picture_is_described_and_frontier_points_are_marked(board: Board):
    tags = _parsed(render(board)).tags
    svg = next(attributes for tag, attributes in tags if tag == "svg")
    assert svg["role"] == "img"
    assert svg["aria-labelledby"] == "plot-title plot-desc"
    groups = [str(attributes["class"]) for tag, attributes in tags if tag == "g"]
    assert len(groups) == 3
    on = [row for row in board.rows if row.pareto and row.model != "majority class"]
    assert sum(name == "point on" for name in groups) == len(on)


@pytest.mark.parametrize("count", [0, 1, 3, 9, 30])
def test_any_number_of_candidates_fits_the_picture(
    count: int, make_board: Make, make_row: MakeRow, floor: Row
):
    rows = [make_row(f"model-{i}", 0.85 + i * 1e-4, 1 + i * 1e-3, p_value_vs_best=0.5) for i in range(count)]
    tags = _parsed(render(make_board(floor, *rows))).tags
    names = [a for tag, a in tags if tag == "text" and str(a["class"]).startswith("name")]
    assert len(names) == count
    for attributes in names:
        assert 0 <= float(str(attributes["x"])) <= 960
        assert 0 <= float(str(attributes["y"])) <= 470


def test_a_perfect_score_and_an_unmeasurable_latency_can_be_drawn(make_board: Make, make_row: MakeRow):
    perfect = make_row("perfect", 1.0, 1e-9, accuracy_ci95=(1.0, 1.0))
    page = render(make_board(make_row("majority class", 1.0, 1e-9), perfect))
    assert "nan" not in page
    assert "inf" not in page.replace("info", "")


def test_a_page_without_measurements_still_gives_the_reasons(make_board: Make):
    page = render(make_board(Row(model="bow", status="failed", error="boom")))
    assert "boom" in page
    assert "<svg" not in page


def test_writing_replaces_the_file_and_leaves_nothing_else(board: Board, tmp_path: Path):
    target = tmp_path / "report.html"
    target.write_text("old", encoding="utf-8")
    board.to_html(target)
    assert target.read_text(encoding="utf-8") == render(board)
    assert list(tmp_path.iterdir()) == [target]


def test_a_name_with_a_lone_surrogate_can_be_written(make_board: Make, make_row: MakeRow, tmp_path: Path):
    make_board(make_row("majority class", 0.5, 1e-3), make_row("\ud800x", 0.8, 1.0)).to_html(
        tmp_path / "a.html"
    )
    assert "?x" in (tmp_path / "a.html").read_text(encoding="utf-8")


def test_a_path_that_cannot_be_written_is_an_input_error(board: Board, tmp_path: Path):
    with pytest.raises(InputError, match="cannot be written"):
        board.to_html(tmp_path / "none" / "a.html")
