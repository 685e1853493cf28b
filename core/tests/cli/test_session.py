"""What commands share: where output goes, and how it looks."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from lexarium.cli.session import (
    Session,
    emit_json,
    human_bytes,
    json_option,
    note,
    packed,
    printable,
    say,
    table,
)


@pytest.fixture
def streams(monkeypatch):
    """Give a function that replaces stdout and stderr by streams of an encoding."""

    def replace(encoding):
        files = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
        for name, file in zip(("stdout", "stderr"), files, strict=True):
            monkeypatch.setattr(sys, name, file)
        return files

    return replace


def written(file):
    file.flush()
    return file.buffer.getvalue().decode(file.encoding)


ODD = ["好 😀 é", "\ud800 alone", "\x00", "ﷺ"]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1", "gbk"])
@pytest.mark.parametrize("text", ODD)
def test_any_text_is_one_json_document_on_stdout_whatever_the_encoding(streams, encoding, text):
    out, err = streams(encoding)
    emit_json({text: [text]})
    assert json.loads(written(out)) == {text: [text]}
    assert written(err) == ""


def test_on_a_utf8_terminal_json_stays_readable(streams):
    out, _ = streams("UTF-8")
    emit_json({"词": "好"})
    assert "好" in written(out)


def test_numbers_that_json_lacks_are_null(capsys):
    emit_json({"a": float("nan"), "b": [float("inf"), (float("-inf"), 1.5)], 3: {"c": None}})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, [None, 1.5]], "3": {"c": None}}


def test_a_document_can_be_one_line(capsys):
    emit_json({"a": [1, 2]}, indent=None)
    assert capsys.readouterr().out == '{"a": [1, 2]}\n'


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "gbk"])
@pytest.mark.parametrize("text", ODD)
def test_results_go_to_stdout_and_notes_to_stderr_whatever_the_encoding(streams, encoding, text):
    out, err = streams(encoding)
    say(f"result {text}")
    note(f"note {text}")
    assert written(out).startswith("result ")
    assert written(err).startswith("note ")
    assert (written(out).count("\n"), written(err).count("\n")) == (1, 1)


def test_columns_align_numbers_to_the_right_and_wide_characters_count_as_two():
    shown = table(["name", "n"], [["好电影", 5], ["a", 12345], ["e\u0301e", None]])
    assert shown.splitlines() == [
        "name        n",
        "好电影      5",
        "a       12345",
        "e\u0301e          -",
    ]


def test_text_columns_align_left_and_lines_have_no_space_at_their_end():
    assert table(["a", "b"], [["x", "long"], ["long", "y"]]).splitlines() == [
        "a     b",
        "x     long",
        "long  y",
    ]
    assert table(None, [["key", 0.123456], ["k", 2]]).splitlines() == ["key  0.1235", "k         2"]


def test_a_cell_is_one_line_and_cannot_steer_the_terminal():
    shown = table(["a"], [["one\ntwo\x1b[31m\u202e\u3000end"]])
    assert shown.splitlines()[1] == "one two�[31m� end"


def test_a_table_without_rows_is_its_header_or_nothing():
    assert table(["a", "b"], []) == "a  b"
    assert table(None, []) == ""


@given(
    st.lists(st.lists(st.text(max_size=8) | st.integers() | st.none(), min_size=2, max_size=2), max_size=5)
)
def test_any_row_is_one_line(rows):
    assert len(table(["x", "y"], rows).split("\n")) == len(rows) + 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (80_000_000, "80.0 MB"),
        (1.5e9, "1.5 GB"),
        (2.5e15, "2500.0 TB"),
    ],
)
def test_sizes_are_said_as_people_read_them(count, text):
    assert human_bytes(count) == text


@dataclass(frozen=True, kw_only=True)
class _Options:
    size: int
    as_json: bool


@click.command()
@click.argument("name")
@click.option("--size", type=int, default=1)
@json_option
@packed(_Options)
@click.pass_obj
def _command(session, *, name, options):
    """Say what came in."""
    click.echo(f"{session} {name} {options}")


def test_options_that_are_fields_of_the_dataclass_arrive_as_one():
    done = CliRunner().invoke(_command, ["n", "--size", "3", "--json"], obj="session")
    assert done.output == "session n _Options(size=3, as_json=True)\n"
    assert "Say what came in." in CliRunner().invoke(_command, ["--help"]).output


def test_a_session_builds_its_host_and_zoo_once_and_the_zoo_has_that_host(monkeypatch):
    monkeypatch.setenv("LEXARIUM_NO_PLUGINS", "1")
    session = Session()
    assert session.host is session.host
    assert session.zoo is session.zoo
    assert session.zoo.host is session.host


def test_progress_is_silent_where_stderr_is_no_terminal(capsys):
    with Session().progress() as progress:
        progress("fitting", 1, 2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x1b]0;title\x07", "a\x9bb", "a\rb", "\u202eabc"])
def test_nothing_that_could_steer_a_terminal_is_printed(text, capsys):
    say(text)
    note(text)
    shown = capsys.readouterr()
    for stream in (shown.out, shown.err):
        assert all(c.isprintable() or c == "\n" for c in stream)
    assert printable("line\n\tnext 电影") == "line\n\tnext 电影"
