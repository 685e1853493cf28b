"""``lexarium list``, ``show``, ``remove``, ``tag``, ``alias`` and ``set``. Listing imports no numpy."""

from __future__ import annotations

from typing import Any

import click

from lexarium.cli.session import Session, emit_json, human_bytes, json_option, note, say, table
from lexarium.errors import StoreError
from lexarium_registry.layout import Layout, default_home
from lexarium_registry.listing import listing
from lexarium_registry.references import parse

__all__ = ["alias_", "list_", "remove_", "set_", "show_", "tag_"]


@click.command("list")
@json_option
@click.pass_obj
def list_(session: Session, *, as_json: bool) -> None:
    """List stored models and their versions."""
    opened = vars(session).get("zoo")  # to make one takes as long as all of this
    home = default_home() if opened is None else opened.home
    rows = [
        (n, row, known.on(row.version)) for n, known in listing(Layout(home)).items() for row in known.rows
    ]
    if as_json:
        emit_json([{"name": name, **row._asdict(), "tags": tags} for name, row, tags in rows])
    elif not rows:
        note("Nothing is stored yet; type: lexarium fit --help, or lexarium import --help")
    else:
        say(
            table(
                ["name", "kind", "method", "dim", "size", "licence", "created", "tags"],
                [
                    [
                        f"{name}@{row.version}",
                        row.kind,
                        row.method,
                        row.dim,
                        human_bytes(row.size_bytes),
                        row.license or "-",
                        row.error or (row.created or "")[:10],
                        ", ".join(tags),
                    ]
                    for name, row, tags in rows
                ],
            )
        )


@click.command("show")
@click.argument("model")
@json_option
@click.pass_obj
def show_(session: Session, *, model: str, as_json: bool) -> None:
    """Show all that is known of one stored MODEL (a name, name@version, name@tag, an alias or ./folder)."""
    from lexarium_registry.licences import conflicts  # noqa: PLC0415  the list of licences, for this alone
    from lexarium_registry.shown import facts_of  # noqa: PLC0415  numpy, which listing must not import

    store = session.zoo.store
    stored = store.resolve(model)
    if as_json:
        emit_json(stored.manifest.to_json())
        return
    facts = {"name": f"{stored.name}@{stored.version}"}
    if stored.folder is None:
        tags = store.tags(stored.name)
        names = [alias for alias, target in store.aliases().items() if parse(target).name == stored.name]
        facts["versions"] = ", ".join(store.versions(stored.name))
        facts["tags"] = ", ".join(f"{tag} ({version})" for tag, version in tags.items()) or "-"
        facts["aliases"] = ", ".join(names) or "-"
    facts |= facts_of(stored, session.zoo)
    facts |= {
        f"licence of {base}": f"{theirs}, which is another"
        for base, theirs in conflicts(session.zoo, stored.manifest)
    }
    say(table(None, [[key, value] for key, value in facts.items()]))


@click.command("remove")
@click.argument("model")
@json_option
@click.pass_obj
def remove_(session: Session, *, model: str, as_json: bool) -> None:
    """Remove MODEL: name@version for one version, name for all of them; their tags go as well."""
    store, asked = session.zoo.store, parse(model)
    if not asked.name:
        raise StoreError(f"{model!r} is not the name of a stored model", "type: lexarium list")
    target = store.aliases().get(asked.name)
    if target is not None:
        remedy = f"remove that, or type: lexarium alias {asked.name} --remove"
        raise StoreError(f"{asked.name!r} is an alias of {target}", remedy)
    tags = store.tags(asked.name)
    if asked.tag is not None:
        stored = store.resolve(model)
        where = f"{stored.name}@{stored.version}"
        remedy = f"remove {where}, or type: lexarium tag {stored.name} {asked.tag} --remove"
        raise StoreError(f"{model!r} is a tag on {where}", remedy)
    removed = store.remove(asked.name, asked.version)
    gone = {"removed": [f"{asked.name}@{version}" for version in removed]}
    words = [f"{asked.name}@{tag}" for tag, version in tags.items() if version in removed]
    if as_json:
        emit_json(gone | {"tags": words})
    else:
        say("\n".join([*(f"removed {r}" for r in gone["removed"]), *(f"removed the tag {w}" for w in words)]))


@click.command("tag")
@click.argument("model")
@click.argument("tag", required=False)
@click.option("--remove", is_flag=True, help="Take the tag away.")
@json_option
@click.pass_obj
def tag_(session: Session, *, model: str, tag: str | None, remove: bool, as_json: bool) -> None:
    """Put TAG on a version of MODEL (the newest where none is named), or list the tags of MODEL.

    A tag is moved by putting it on another version.
    """
    if remove and tag is None:
        raise click.UsageError("--remove needs the TAG to take away")
    store = session.zoo.store
    stored = store.resolve(model)
    if stored.folder is not None:
        raise StoreError(f"{model!r} is a folder, not a stored model", "type: lexarium list")
    if tag is not None:
        store.tag(stored.name, tag, None if remove else stored.version)
    tags = store.tags(stored.name)
    if as_json:
        emit_json({"name": stored.name, "tags": tags})
    elif tags:
        say("\n".join(f"{stored.name}@{word} is {stored.name}@{version}" for word, version in tags.items()))
    else:
        note(f"{stored.name} has no tags")


@click.command("alias")
@click.argument("alias", required=False)
@click.argument("model", required=False)
@click.option("--remove", is_flag=True, help="Take the alias away.")
@json_option
@click.pass_obj
def alias_(session: Session, *, alias: str | None, model: str | None, remove: bool, as_json: bool) -> None:
    """Let ALIAS stand for MODEL (name, name@version or name@tag), or list the aliases."""
    given = (alias is not None, model is not None, remove)
    if given not in {(True, True, False), (True, False, True), (False, False, False)}:
        raise click.UsageError("give ALIAS and MODEL, or ALIAS --remove, or nothing to list the aliases")
    store = session.zoo.store
    if alias is not None:
        store.alias(alias, model)
    aliases = store.aliases()
    if as_json:
        emit_json(aliases)
    elif aliases:
        say("\n".join(f"{name} is {target}" for name, target in aliases.items()))
    else:
        note("there are no aliases")


@click.command("set")
@click.argument("model")
@click.option("--license", "licence", metavar="L", help="An SPDX identifier, or 'other: NAME LINK'.")
@click.option("--language", "languages", metavar="CODE", multiple=True, help="Again for each: en, zh.")
@click.option("--limit", "limits", metavar="KEY=VALUE", multiple=True, help="For instance max_tokens=256.")
@json_option
@click.pass_obj
def set_(
    session: Session,
    *,
    model: str,
    licence: str | None,
    languages: tuple[str, ...],
    limits: tuple[str, ...],
    as_json: bool,
) -> None:
    """State licence, languages or limits of MODEL. It is stored as the next version; files are shared."""
    from lexarium_registry.editing import edit  # noqa: PLC0415  numpy, which listing must not import
    from lexarium_registry.licences import conflicts  # noqa: PLC0415  as in show

    settings: dict[str, Any] = {}
    for limit in limits:
        key, equals, value = limit.partition("=")
        if not (key and equals):
            raise click.BadParameter(f"{limit!r} is not KEY=VALUE", param_hint="--limit")
        settings[key] = int(value) if value.isdecimal() and len(value) < 16 else value  # noqa: PLR2004
    stored = edit(session.zoo, model, license=licence, languages=languages, limits=settings)
    if as_json:
        emit_json({"name": stored.name, "version": stored.version})
    else:
        say(f"stored {stored.name}@{stored.version}")
    for base, theirs in conflicts(session.zoo, stored.manifest) if licence is not None else ():
        note(f"Note: it stems from {base}, under {theirs}, and is now under {stored.manifest.about.license}")
