"""The report: one HTML page that needs nothing but itself."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from lexarium.errors import InputError
from lexarium.output import atomic
from lexarium_compare.figures import data_name, interval, p_value, plain, score, significant, size
from lexarium_compare.plot import draw
from lexarium_compare.scoring import best_row
from lexarium_compare.style import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

    from lexarium_compare.board import Board, Row

__all__ = ["render", "write_page"]

_SHOWN_LABELS = 8
_HEADS = (
    ("Model", ""),
    ("Accuracy", "95 % interval"),
    ("Macro-F1", "95 % interval"),
    ("p against", "the best"),
    ("Latency, ms", "p50 / p95"),
    ("Rows", "per second"),
    ("Training", "seconds"),
    ("Size", "on disk"),
    ("Memory", "peak"),
    ("Pareto", "frontier"),
)
_NOTES = """\
Training rows whose text also stands in the test part were removed. What a stored model had seen before
it was stored is not known here.

Intervals are 95 % percentile bootstrap over the test rows (2,000 draws): they cover the choice of test
rows, not that of training rows.

p is the exact McNemar test against the most accurate row; from 0.05 on a difference counts as within
noise. It is not corrected for the number of candidates.

Latency is that of one text at a time; rows per second come in batches of 32. Training covers loading or
fitting, embedding the training part and fitting the head. Size is the stored embedder with its head.
Times hold for the machine that they were measured on."""
_CAPTION = """\
Up is better, left is cheaper. Filled points lie on the Pareto frontier (the line): nothing else is both
at least as accurate and at least as quick. Bars are 95 % intervals of the accuracy."""
_RINGED = " The ringed point is the recommended one."
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def write_page(board: Board, path: str | PathLike[str]) -> None:
    """Write the page; ``path`` is replaced at once or not at all.

    :raises InputError: the path cannot be written.
    """
    target = Path(path)
    try:
        with atomic(target) as aside:
            aside.write_bytes(render(board).encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(target, f"cannot be written: {error.strerror}", "give another path") from error


def render(board: Board) -> str:
    """Return the page. All that comes from users (names, labels, paths, reasons) is escaped."""
    title = f"Comparison on {data_name(board.data['path'])}"
    kind = "advice" if board.recommended else "advice none"
    plot = draw(board.rows, board.recommended)
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Nothing is fetched; should a name ever slip through unescaped, nothing runs either.
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{escape(title)}</h1>",
            *_facts(board),
            f'<p class="{kind}">{escape(_bound(board.advice))}</p>',
            *(_figure(plot, ringed=board.recommended is not None) if plot else ()),
            *_table(board),
            *_unmeasured(board),
            *_notes(board),
            *_command(board),
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _bound(sentence: str) -> str:
    """Keep ``p = 0.41`` on one line."""
    return sentence.replace("p = ", "p\u00a0=\u00a0").replace("p < ", "p\u00a0<\u00a0")


def _command(board: Board) -> Iterable[str]:
    if board.facts.command is not None:
        yield "<h2>Made by</h2>"
        yield f"<pre><code>{escape(board.facts.command)}</code></pre>"


def _facts(board: Board) -> Iterable[str]:
    data, facts = board.data, board.facts
    counts = list(facts.label_rows.items())
    labels = ", ".join(f"{label} ({rows:,})" for label, rows in counts[:_SHOWN_LABELS])
    if len(counts) > _SHOWN_LABELS:
        labels += f" and {len(counts) - _SHOWN_LABELS} more"
    of = f" of {facts.file_rows:,}" if facts.file_rows != data["rows"] else ""
    pairs = [
        ("rows", f"{data['rows']:,}{of}"),
        ("train", f"{data['train']:,}"),
        ("test", f"{data['test']:,}"),
        ("duplicates removed", f"{data['duplicates_removed']:,}"),
        (f"{len(counts)} labels", labels),
        ("seed", str(facts.seed)),
        ("threads", str(facts.threads)),
    ]
    yield '<dl class="facts">'
    for term, value in pairs:
        yield f"<div><dt>{escape(term)}</dt> <dd>{escape(value)}</dd></div>"
    yield "</dl>"


def _figure(plot: str, *, ringed: bool) -> Iterable[str]:
    yield "<figure>"
    yield plot
    yield f"<figcaption>{_CAPTION}{_RINGED if ringed else ''}</figcaption>"
    yield "</figure>"


def _table(board: Board) -> Iterable[str]:
    measured = [row for row in board.rows if row.status == "ok"]
    if not measured:
        return
    best = best_row(measured)
    yield "<h2>All measurements, cheapest first</h2>"
    yield '<div class="scroll" role="region" aria-label="All measurements" tabindex="0"><table><thead><tr>'
    for head, unit in _HEADS:
        yield f'<th scope="col">{head}<br>{unit}</th>' if unit else f'<th scope="col">{head}</th>'
    yield "</tr></thead><tbody>"
    for row in measured:
        yield _row(row, board, is_best=row is best)
    yield "</tbody></table></div>"


def _row(row: Row, board: Board, *, is_best: bool) -> str:
    kind = ' class="chosen"' if row.model == board.recommended else ""
    cells = [
        f"{score(row.accuracy)}<small>{interval(row.accuracy_ci95)}</small>",
        f"{score(row.macro_f1)}<small>{interval(row.macro_f1_ci95)}</small>",
        "best" if is_best else escape(p_value(row.p_value_vs_best)),
        f"{significant(row.latency_ms_p50)} / {significant(row.latency_ms_p95)}",
        significant(row.rows_per_second),
        significant(row.train_seconds),
        size(row.size_bytes),
        size(row.peak_memory_bytes),
        '<span class="mark">yes</span>' if row.pareto else '<span class="unmarked">no</span>',
    ]
    said = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr{kind}><th scope="row">{escape(row.model)}</th>{said}</tr>'


def _unmeasured(board: Board) -> Iterable[str]:
    rows = [row for row in board.rows if row.status != "ok"]
    if not rows:
        return
    yield "<h2>Not measured</h2>"
    yield '<div class="scroll" role="region" aria-label="Not measured" tabindex="0"><table><thead><tr>'
    yield '<th scope="col">Model</th><th scope="col">Status</th><th scope="col" class="left">Reason</th>'
    yield "</tr></thead><tbody>"
    for row in rows:
        reason = escape(plain(row.error or ""))
        name = f'<th scope="row">{escape(row.model)}</th>'
        yield f'<tr>{name}<td>{row.status}</td><td class="why">{reason}</td></tr>'
    yield "</tbody></table></div>"


def _notes(board: Board) -> Iterable[str]:
    threads = board.facts.threads
    how = (
        f"Every candidate ran alone in a fresh process with {threads} thread{'' if threads == 1 else 's'}, "
        f"on the same stratified split, under the same head ({board.facts.head}) fitted on the training "
        "part only."
    )
    yield "<h2>How it was measured</h2>"
    yield '<ul class="notes">'
    cut = [f"{sentence}." for sentence in board.truncations()]
    for note in (how, *cut, *_NOTES.split("\n\n")):
        yield f"<li>{escape(note)}</li>"
    yield "</ul>"
