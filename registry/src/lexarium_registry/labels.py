"""Tags and aliases: words on versions, and second names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import ModelNotFoundError, StoreError, did_you_mean
from lexarium_registry.durable import sync_folder, write_new
from lexarium_registry.layout import disk
from lexarium_registry.listing import changing
from lexarium_registry.references import Reference, check_name, check_tag, parse
from lexarium_registry.refs import read_alias, read_aliases, read_tags
from lexarium_registry.versions import numbers

if TYPE_CHECKING:
    from lexarium_registry.layout import Layout
    from lexarium_registry.store import LocalStore

__all__ = ["look_up", "put_alias", "put_tag", "refuse_alias"]


def look_up(store: LocalStore, parsed: Reference) -> tuple[str, str | None]:
    """Return name and version of a reference by name; None is the newest version.

    :raises ModelNotFoundError: an alias or a tag names nothing.
    :raises StoreError: a version is asked of an alias that has one already.
    :raises CheckpointError: the alias is damaged.
    """
    target = None if numbers(store.layout, parsed.name) else read_alias(store.layout, parsed.name)
    if target is not None:
        aimed = parse(target)
        if (aimed.version or aimed.tag) and (parsed.version or parsed.tag):
            raise StoreError(f"{parsed.name!r} is an alias of {target}", f"type {target}, or {parsed.name}")
        versions = numbers(store.layout, aimed.name)
        tags = read_tags(store.layout, aimed.name)
        lost = aimed.version not in {None, *versions} or aimed.tag not in {None, *tags}
        if lost or not versions:
            remedy = f"type: lexarium alias {parsed.name} OTHER, or lexarium alias {parsed.name} --remove"
            known = [aimed.name] if versions else store.names()
            hint = f"{parsed.name} is an alias of it; {did_you_mean(aimed.name, known)}"
            raise ModelNotFoundError("stored model", target, known, remedy, hint=hint)
        version, tag = aimed.version or parsed.version, aimed.tag or parsed.tag
        parsed = Reference(aimed.name, version, tag=tag)
    if parsed.tag is None:
        return parsed.name, parsed.version
    tags = read_tags(store.layout, parsed.name)
    if parsed.tag not in tags:
        if not numbers(store.layout, parsed.name):
            raise ModelNotFoundError("stored model", parsed.name, store.names(), "type: lexarium list")
        known = [f"{parsed.name}@{tag}" for tag in tags]
        remedy = f"type: lexarium tag {parsed.name}@VERSION {parsed.tag}"
        raise ModelNotFoundError("tag", f"{parsed.name}@{parsed.tag}", known, remedy)
    return parsed.name, tags[parsed.tag]


def refuse_alias(layout: Layout, name: str) -> None:
    """Refuse to store under a name that is an alias.

    :raises StoreError: says what it stands for.
    """
    if (layout.aliases / name).exists():
        target = read_alias(layout, name)
        raise StoreError(
            f"{name!r} is an alias of {target}",
            f"choose another name, or type: lexarium alias {name} --remove",
        )


def put_tag(store: LocalStore, name: str, tag: str, version: str | None) -> None:
    """Do the work of :meth:`~lexarium_registry.store.LocalStore.tag`."""
    check_tag(tag)
    if not store.versions(name):
        store.find(name)  # says what there is
    with store.staging() as staging, disk(stores=False), store.lock():
        if version is not None:
            store.find(name, version)
        elif tag not in read_tags(store.layout, name):
            known = [f"{name}@{each}" for each in read_tags(store.layout, name)]
            raise ModelNotFoundError("tag", f"{name}@{tag}", known)
        with changing(store.layout, name):
            path = store.layout.tag(name, tag)
            if version is not None:
                write_new(staging / "tag", path, f"{version}\n".encode())
            else:
                path.unlink()
                sync_folder(path.parent)


def put_alias(store: LocalStore, alias: str, reference: str | None) -> None:
    """Do the work of :meth:`~lexarium_registry.store.LocalStore.alias`."""
    check_name(alias)
    if reference is None:
        _remove_alias(store, alias)
        return
    target = parse(reference)
    if not target.name:
        raise StoreError(f"an alias stands for a stored model, not for {reference!r}", "type: lexarium list")
    if target.name == alias or read_alias(store.layout, target.name) is not None:
        stands = read_alias(store.layout, target.name) or reference
        raise StoreError(f"{target.name!r} is an alias itself", f"type: lexarium alias {alias} {stands}")
    with store.staging() as staging, disk(stores=False), store.lock():
        if numbers(store.layout, alias):
            raise StoreError(f"{alias!r} is the name of a stored model", "choose another alias")
        store.resolve(reference)
        write_new(staging / "alias", store.layout.aliases / alias, f"{reference}\n".encode())


def _remove_alias(store: LocalStore, alias: str) -> None:
    path = store.layout.aliases / alias
    if path.exists():
        with disk(stores=False), store.lock():
            path.unlink(missing_ok=True)
            sync_folder(path.parent)
        return
    raise ModelNotFoundError("alias", alias, read_aliases(store.layout))
