"""Progress: silent where stderr is no terminal, a bar where it is."""

from __future__ import annotations

import io
import sys

import pytest

from lexarium.progress import terminal
from lexarium.roles import silent

SHOW_CURSOR = "\x1b[?25h"


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def test_where_stderr_is_no_terminal_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with terminal() as progress:
        progress("fitting", 1, 2)
        assert progress is silent
    assert sys.stderr.getvalue() == ""


def test_on_a_terminal_bars_are_drawn_on_stderr_with_what_and_how_far(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as progress:
        for done in (0, 5, 10):
            progress("fitting", done, 10)
        progress("embedding", 3, None)
    drawn = sys.stderr.getvalue()
    assert "fitting" in drawn
    assert "10/10" in drawn
    assert "embedding" in drawn
    assert capsys.readouterr().out == ""


def test_the_cursor_comes_back_when_the_work_fails(monkeypatch):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with pytest.raises(ValueError, match="invalid literal"), terminal() as progress:
        progress("fitting", int("one"), 2)
    assert sys.stderr.getvalue().rstrip("\r").endswith(SHOW_CURSOR)


def test_a_name_of_a_stranger_steers_neither_the_terminal_nor_the_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setenv("TERM", "xterm")
    with terminal() as progress:
        progress("[bold]\x1b]0;title\x07", 1, 1)
    drawn = sys.stderr.getvalue()
    assert "[bold]\N{REPLACEMENT CHARACTER}]0;title\N{REPLACEMENT CHARACTER}" in drawn
    assert "\x1b]" not in drawn
