"""README.md of a repository: generated parts stand between marks, and a person's text is never touched.

Two parts are generated: the card, between marks in comments of HTML, and keys at the head, between marks in
comments of YAML. A key that a person states outside the marks stays the person's.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["merge"]

_BEGIN, _END = "<!-- lexarium: generated, begin -->", "<!-- lexarium: generated, end -->"
_HEAD_BEGIN, _HEAD_END = "# lexarium: generated, begin", "# lexarium: generated, end"
_RULE = "---"
_KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:")


def merge(old: str | None, head: Mapping[str, str | Sequence[str]], card: str) -> str | None:
    """Return README.md with the generated parts in their places; ``old`` is what stands there now.

    A text without marks gets the card at its end. None: the marks do not pair up, so nothing can be said to
    be generated, and the text is left as it is.
    """
    generated = f"{_BEGIN}\n{card.strip()}\n{_END}"
    if old is None or not old.strip():
        return f"{_headed([], head)}\n{generated}\n"
    lines = old.splitlines(keepends=True)
    stop = _head_end(lines)
    inner = [line.rstrip("\r\n") for line in lines[1:stop]] if stop else []
    body = "".join(lines[stop + 1 :]) if stop else old
    own = _without(inner)
    placed = _placed(body, generated)
    return None if own is None or placed is None else _headed(own, head) + placed


def _head_end(lines: Sequence[str]) -> int:
    """Return the number of the line that closes the head, 0 where there is none."""
    if lines[0].rstrip() != _RULE:
        return 0
    return next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _RULE), 0)


def _without(inner: Sequence[str]) -> list[str] | None:
    """Return the lines of a head that are a person's; None where the marks do not pair up."""
    marks = [line for line in inner if line in {_HEAD_BEGIN, _HEAD_END}]
    if not marks:
        return list(inner)
    if marks != [_HEAD_BEGIN, _HEAD_END]:
        return None
    return [*inner[: inner.index(_HEAD_BEGIN)], *inner[inner.index(_HEAD_END) + 1 :]]


def _headed(own: Sequence[str], head: Mapping[str, str | Sequence[str]]) -> str:
    stated = {found[1] for line in own if (found := _KEY.match(line))}
    ours = [f"{key}: {json.dumps(value)}" for key, value in head.items() if key not in stated]  # JSON is YAML
    return "\n".join([_RULE, *own, _HEAD_BEGIN, *ours, _HEAD_END, _RULE]) + "\n"


def _placed(body: str, generated: str) -> str | None:
    if _BEGIN not in body and _END not in body:
        return f"{body.rstrip(chr(10))}\n\n{generated}\n" if body.strip() else f"\n{generated}\n"
    if body.count(_BEGIN) != 1 or body.count(_END) != 1 or body.index(_END) < body.index(_BEGIN):
        return None
    return body[: body.index(_BEGIN)] + generated + body[body.index(_END) + len(_END) :]
