"""The model card: what a stored model says of itself, as the Hub's README.md shows it.

All values are a stranger's: each is put into one line that no Markdown, HTML or YAML is read in.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from lexarium_registry.licences import to_hub
from lexarium_registry.names import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.checkpoint.manifest import Manifest, Part

__all__ = ["metadata", "render"]

_SHOWN = 400  # characters of one value
_CALLED = {"gpt": "text-generation", "classifier": "text-classification"}
#: How a base model came to be this one, in the Hub's words.
_RELATIONS = {"merged": "merge", "adopted": "finetune", "trained on": "finetune", "distilled": "finetune"}
_OF_DATA = ("data", "texts", "test")
_LINK = re.compile(r"https?://[A-Za-z0-9./_~%-]{1,200}")
_MARKS = "\\`*_[]{}()<>#|!~&$"


def metadata(manifest: Manifest) -> dict[str, str | list[str]]:
    """Return what stands at the head of the card, by the Hub's keys."""
    about, head = manifest.about, dict[str, str | list[str]]()
    if about.license:
        head |= to_hub(about.license)
    if about.languages:
        head["language"] = list(about.languages)
    methods = list(dict.fromkeys(_methods(manifest.root)))
    head |= {"library_name": "lexarium", "tags": ["lexarium", *methods]}
    if manifest.root.method in _CALLED:
        head["pipeline_tag"] = _CALLED[manifest.root.method]
    elif manifest.kind == "embedder" and _is_text(manifest):
        head["pipeline_tag"] = "feature-extraction"
    bases = [(b["model"].removeprefix(HUB), b.get("relation")) for b in _bases(about.lineage)]
    if bases:
        head["base_model"] = [model for model, _ in bases]
        relations = {_RELATIONS.get(str(relation)) for _, relation in bases}
        if len(relations) == 1 and (only := relations.pop()):
            head["base_model_relation"] = only
    return head


def render(manifest: Manifest, reference: str, notes: Sequence[str] = ()) -> str:
    """Return the card in Markdown; ``notes`` are what is said of its licence beside that of others."""
    lineage = dict(manifest.about.lineage)
    data = {key: lineage.pop(key) for key in _OF_DATA if key in lineage}
    if isinstance(lineage.get("base"), dict):
        lineage["base"] = {key: value for key, value in lineage["base"].items() if key != "files"}
    parts = [f"# {_text(manifest.name)}", "", *_what(manifest), "", "## Use", "", *_use(manifest, reference)]
    for title, said in (
        ("Data", data),
        ("Metrics", manifest.about.metrics),
        ("Limits", manifest.about.limits),
        ("Lineage", lineage),
    ):
        if said:
            parts += ["", f"## {title}", "", *_table(said)]
    licence = [_licence(manifest.about.license or "none stated"), *(f"\n{_text(note)}" for note in notes)]
    return "\n".join([*parts, "", "## Licence", "", *licence]) + "\n"


def _licence(licence: str) -> str:
    link = to_hub(licence).get("license_link", "")
    return f"{_text(licence.removesuffix(link))}<{link}>" if _LINK.fullmatch(link) else _text(licence)


def _what(manifest: Manifest) -> list[str]:
    found = manifest.root.find_space()
    root = manifest.root
    facts: dict[str, object] = {
        "kind": "texts to labels" if manifest.kind == "pipeline" else "texts to vectors",
        "method": " on ".join(_methods(root)),
        "plugin": f"{root.plugin.distribution} {root.plugin.requires}",
        "languages": ", ".join(manifest.about.languages) or "none stated",
        "size": f"{manifest.size:,} bytes",
        "created": manifest.created,
    }
    if found is not None:
        space_id, space = found
        facts["space"] = (
            f"{space.dim} dimensions, {'sparse' if space.sparse else 'dense'}, {space.similarity}"
        )
        facts["space id"] = space_id
        if space.modalities != ("text",):
            facts["kind"] = f"{', '.join(space.modalities)} to vectors"
    near = manifest.golden
    facts["golden rows"] = f"within {near.atol:g}, cosine at least {near.min_cosine:g}"
    intro = (
        "A model of Lexarium: weights as safetensors, every file with its sha256 in `lexarium.json`, and a "
        "few inputs with the rows that they must give."
    )
    return [intro, "", *_table(facts)]


def _use(manifest: Manifest, reference: str) -> list[str]:
    verb = "predict" if manifest.kind == "pipeline" else "embed"
    return [
        "```sh", f"lexarium pull {reference} --name model", f'lexarium {verb} model --text "..."', "```", "",
        "```python", "import lexarium", "", f'model = lexarium.load("{reference}")',
        f'print(model.{verb}(["..."]))', "```",
    ]  # fmt: skip


def _methods(part: Part) -> list[str]:
    return [part.method, *(method for inner in part.parts.values() for method in _methods(inner))]


def _is_text(manifest: Manifest) -> bool:
    found = manifest.root.find_space()
    return found is not None and found[1].modalities == ("text",)


def _bases(lineage: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the models on the Hub that a lineage names."""
    base = lineage.get("base")
    entries = base if isinstance(base, list) else [base]
    return [e for e in entries if isinstance(e, dict) and str(e.get("model", "")).startswith(HUB)]


def _table(facts: Mapping[str, Any]) -> list[str]:
    rows = [f"| {_text(key)} | {_text(value)} |" for key, value in facts.items()]
    return ["| | |", "|---|---|", *rows]


def _text(value: object) -> str:
    """Return a value in one line that no Markdown or HTML is read in."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(c if c.isprintable() else " " for c in text)
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    text = "".join(f"\\{c}" if c in _MARKS else c for c in text)
    return (
        text.replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
        .replace("\\&", "&amp;")
        .replace("://", ":&#8203;//")
    )
