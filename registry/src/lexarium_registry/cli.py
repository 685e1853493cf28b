"""``lexarium list``, ``show``, ``remove`` and ``verify``."""

from __future__ import annotations

from typing import Any

import click

from lexarium.cli.session import Session, emit_json, human_bytes, json_option, note, say, table
from lexarium.errors import CheckpointError, LexariumError, StoreError
from lexarium_registry.references import parse

__all__ = ["list_", "remove_", "show_", "verify_"]


@click.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List stored models and their versions."""
    store = session.zoo.store
    rows = [_row(session, name, version) for name in store.names() for version in store.versions(name)]
    if as_json:
        emit_json(rows)
    elif not rows:
        note("Nothing is stored yet; type: lexarium fit --help, or lexarium import --help")
    else:
        say(
            table(
                ["name", "kind", "method", "dim", "size", "licence", "created"],
                [
                    [
                        f"{r['name']}@{r['version']}",
                        r["kind"],
                        r["method"],
                        r["dim"],
                        human_bytes(r["size_bytes"]),
                        r["license"] or "-",
                        r["error"] or r["created"][:10],
                    ]
                    for r in rows
                ],
            )
        )


@click.command("show")
@click.argument("model")
@json_option
@click.pass_obj
def show_(session: Session, *, model: str, as_json: bool) -> None:
    """Show all that is known of one stored MODEL (a name, name@version or ./folder)."""
    stored = session.zoo.store.resolve(model)
    is_folder = parse(model).folder is not None
    document = stored.manifest.to_json()
    if as_json:
        emit_json(document)
        return
    facts = {
        "name": f"{stored.name}@{stored.version}",
        "versions": "-" if is_folder else ", ".join(session.zoo.store.versions(stored.name)),
        "kind": document["kind"],
        "method": " on ".join(_methods(document)),
        "plugin": f"{document['plugin']['distribution']} {document['plugin']['requires']}",
        "created": document["created"],
        "size": human_bytes(stored.manifest.size),
        "licence": document["license"] or "none stated",
    }
    found = stored.manifest.root.find_space()
    if found is not None:
        space_id, space = found
        facts["space"] = (
            f"{space.dim} dimensions, {'sparse' if space.sparse else 'dense'}, {space.similarity}"
        )
        facts["space id"] = space_id
    facts |= {f"config {key}": str(value) for key, value in document["config"].items()}
    facts |= {f"lineage {key}": str(value) for key, value in document["lineage"].items()}
    facts |= {f"metric {key}": _short(value) for key, value in document["metrics"].items()}
    facts |= {f"file {entry.path}": human_bytes(entry.size) for entry in stored.manifest.files}
    say(table(None, [[key, value] for key, value in facts.items()]))


@click.command("remove")
@click.argument("model")
@json_option
@click.pass_obj
def remove_(session: Session, *, model: str, as_json: bool) -> None:
    """Remove MODEL: name@version for one version, name for all of them."""
    asked = parse(model)
    if asked.folder is not None:
        raise StoreError(f"{model!r} is a folder, not a stored model", "type: lexarium list")
    removed = [f"{asked.name}@{v}" for v in session.zoo.store.remove(asked.name, asked.version)]
    if as_json:
        emit_json({"removed": removed})
    else:
        say("\n".join(f"removed {each}" for each in removed))


@click.command("verify")
@click.argument("model", required=False)
@click.option("--golden", is_flag=True, help="Also run the model on its golden inputs.")
@json_option
@click.pass_obj
def verify_(session: Session, *, model: str | None, golden: bool, as_json: bool) -> None:
    """Re-hash the files of MODEL, or of every stored model, and say which are damaged."""
    results: list[dict[str, Any]] = []
    for reference in [model] if model else _all(session):
        problems = list(session.zoo.verify(reference, golden=golden))
        results.append({"model": reference, "ok": not problems, "problems": problems})
    bad = [result for result in results if not result["ok"]]
    if as_json:
        emit_json(results)
    else:
        for result in results:
            say(f"{result['model']}: {'ok' if result['ok'] else 'damaged'}")
    if bad:
        reference, wrong = str(bad[0]["model"]), "; ".join(bad[0]["problems"])
        raise CheckpointError(reference, wrong, f"remove it (lexarium remove {reference}) and store it again")


def _all(session: Session) -> list[str]:
    store = session.zoo.store
    return [f"{name}@{version}" for name in store.names() for version in store.versions(name)]


def _row(session: Session, name: str, version: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(("kind", "method", "dim", "license", "created", "error"))
    row |= {"name": name, "version": version, "size_bytes": 0}
    try:
        stored = session.zoo.store.find(name, version)
    except LexariumError as error:
        return row | {"error": str(error)}
    document = stored.manifest.to_json()
    found = stored.manifest.root.find_space()
    row |= {key: document[key] for key in ("kind", "license", "created")}
    return row | {
        "method": "+".join(_methods(document)),
        "dim": found[1].dim if found else None,
        "size_bytes": stored.manifest.size,
    }


def _methods(document: dict[str, Any]) -> list[str]:
    inner = [method for part in document["parts"].values() for method in _methods(part)]
    return [document["method"], *inner]


def _short(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 90 else text[:87] + "..."  # noqa: PLR2004  a line of a terminal
