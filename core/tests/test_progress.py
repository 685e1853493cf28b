"""Progress: silent where stderr is no terminal, a bar where it is."""

from __future__ import annotations

import io
import sys

import pytest

from lexarium.progress import terminal, track
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


@pytest.mark.parametrize(
    ("count", "total", "reports"),
    [
        (0, None, [(0, 0)]),
        (3, None, [(3, 3)]),
        (600, 600, [(256, 600), (512, 600), (600, 600)]),
        (600, None, [(256, None), (512, None), (600, 600)]),
    ],
)
def test_tracked_items_come_through_and_every_256th_is_reported(count, total, reports):
    seen = []
    items = list(
        track(iter(range(count)), "rows", lambda what, done, of: seen.append((what, done, of)), total)
    )
    assert items == list(range(count))
    assert seen == [("rows", *report) for report in reports]
