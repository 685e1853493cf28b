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
_KEY = re.compile(r"""(["']?)([A-Za-z_][\w-]*)\1\s*:""")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BOM = "\ufeff"


def merge(old: str | None, head: Mapping[str, str | Sequence[str]], card: str) -> str | None:
    """Return README.md with the generated parts in their places; ``old`` is what stands there now.

    A text without marks gets the card at its end. What is generated ends its lines as the text does. None:
    the marks do not pair up, so nothing can be said to be generated, and the text is left as it is.
    """
    old = "" if old is None or not old.strip() else old
    lines: list[str] = _LINE.findall(old.removeprefix(_BOM))
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    start, stop = _head(lines)
    own = _without(lines[start + 1 : stop])
    placed = _placed(
        "".join(lines[stop + 1 :] if stop else lines), [_BEGIN, *card.strip().split("\n"), _END], end
    )
    if own is None or placed is None:
        return None
    opening, closing = (lines[start], lines[stop]) if stop else (_RULE + end, _RULE + end)
    before = [_BOM * old.startswith(_BOM), *lines[: start if stop else 0], opening, *own]
    return "".join([*before, *(line + end for line in _generated(own, head)), closing, placed])


def _head(lines: Sequence[str]) -> tuple[int, int]:
    """Return the numbers of the lines that open and close the head; the second is 0 where there is none.

    Blank lines may stand before it, as for the Hub.
    """
    start = next((number for number, line in enumerate(lines) if line.strip()), 0)
    if not lines or lines[start].rstrip() != _RULE:
        return 0, 0
    closing = (number for number, line in enumerate(lines) if number > start and line.rstrip() == _RULE)
    return start, next(closing, 0)


def _without(inner: Sequence[str]) -> list[str] | None:
    """Return the lines of a head that are a person's; None where the marks do not pair up."""
    bare = [line.rstrip("\r\n") for line in inner]
    marks = [line for line in bare if line in {_HEAD_BEGIN, _HEAD_END}]
    if not marks:
        return list(inner)
    if marks != [_HEAD_BEGIN, _HEAD_END]:
        return None
    return [*inner[: bare.index(_HEAD_BEGIN)], *inner[bare.index(_HEAD_END) + 1 :]]


def _generated(own: Sequence[str], head: Mapping[str, str | Sequence[str]]) -> list[str]:
    """Return the lines that we put into a head: no key that the person's lines state."""
    stated = {found[2] for line in own if (found := _KEY.match(line))}
    ours = [f"{key}: {json.dumps(value)}" for key, value in head.items() if key not in stated]  # JSON is YAML
    return [_HEAD_BEGIN, *ours, _HEAD_END]


def _placed(body: str, card: Sequence[str], end: str) -> str | None:
    generated = end.join(card)
    if _BEGIN not in body and _END not in body:
        apart = "" if body.endswith(2 * end) else end if body.endswith(end) else 2 * end
        return f"{body}{apart if body.strip() else end * (not body)}{generated}{end}"
    if body.count(_BEGIN) != 1 or body.count(_END) != 1 or body.index(_END) < body.index(_BEGIN):
        return None
    return body[: body.index(_BEGIN)] + generated + body[body.index(_END) + len(_END) :]
