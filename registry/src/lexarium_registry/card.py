"""The model card: what a stored model says of itself, as the Hub's README.md shows it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium.checkpoint.manifest import Manifest

__all__ = ["metadata", "render"]

_SHOWN = 400  # characters of one value


def metadata(manifest: Manifest) -> dict[str, str | list[str]]:
    """Return what stands at the head of the card, by the Hub's keys."""
    head: dict[str, str | list[str]] = {}
    if manifest.about.license:
        stated = manifest.about.license
        head["license"] = "other" if stated.startswith("other") else stated.lower()
    if manifest.about.languages:
        head["language"] = list(manifest.about.languages)
    return head | {"library_name": "lexarium", "tags": ["lexarium", manifest.root.method]}


def render(manifest: Manifest, reference: str) -> str:
    """Return the card in Markdown: what the model is, how to use it, licence, lineage, metrics, limits."""
    found = manifest.root.find_space()
    facts = {
        "kind": manifest.kind,
        "method": manifest.root.method,
        "plugin": f"{manifest.root.plugin.distribution} {manifest.root.plugin.requires}",
        "licence": manifest.about.license or "none stated",
        "languages": ", ".join(manifest.about.languages) or "none stated",
        "size": f"{manifest.size:,} bytes",
    }
    if found is not None:
        facts |= {"dimensions": str(found[1].dim), "space": found[0]}
    use = [
        "```sh", f"lexarium pull {reference}", "```", "",
        "```python", "import lexarium", f'model = lexarium.load("{reference}")', "```",
    ]  # fmt: skip
    parts = [f"# {_text(manifest.name)}", "", *_table(facts), "", "## Use", "", *use]
    for title, said in (
        ("Metrics", manifest.about.metrics),
        ("Lineage", manifest.about.lineage),
        ("Limits", manifest.about.limits),
    ):
        if said:
            parts += ["", f"## {title}", "", *_table(said)]
    return "\n".join(parts) + "\n"


def _table(facts: Mapping[str, Any]) -> list[str]:
    rows = [f"| {_text(key)} | {_text(value)} |" for key, value in sorted(facts.items())]
    return ["| | |", "|---|---|", *rows]


def _text(value: object) -> str:
    """Return a value in one line that no Markdown or HTML is read in."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = "".join(c if c.isprintable() else " " for c in text)
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("\\<", "&lt;").replace("\\>", "&gt;")
