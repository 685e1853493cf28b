"""What a store holds, as facts that can be compared: the tests' model of it."""

from __future__ import annotations

from lexarium.checkpoint.folder import verify_files
from lexarium_registry.listing import listing
from lexarium_registry.versions import used_files

__all__ = ["facts", "goes_on", "lies_between", "unused"]


def facts(store, damaged=frozenset()):
    """Return all that a store holds, each version re-hashed; ``damaged`` are the files that are not whole.

    The files are given by sha256. Keys: ("version", name, version), ("tag", name, tag), ("alias", alias),
    ("next", name).
    """
    found = {}
    for name in store.names():
        for version in store.versions(name):
            stored = store.find(name, version)
            assert (stored.manifest.name, stored.manifest.version) == (name, version)
            content = frozenset((entry.path, entry.sha256) for entry in stored.manifest.files)
            problems = list(verify_files(stored.manifest, stored.locate))
            assert bool(problems) == any(sha in damaged for _, sha in content), (name, version, problems)
            found["version", name, version] = (content, stored.manifest.about.license, stored.origin)
    for name in {path.name for path in store.layout.refs.glob("*")}:
        found["next", name] = store._highest(name) + 1
        for tag, version in store.tags(name).items():
            assert ("version", name, version) in found, f"the tag {name}@{tag} is on no version"
            found["tag", name, tag] = version
    for alias, reference in store.aliases().items():
        found["alias", alias] = reference
    _check_listing(store, found)
    return found


def _check_listing(store, found):
    """Check that what is listed is what is there."""
    shown = listing(store.layout)
    versions = {("version", name, row.version) for name, known in shown.items() for row in known.rows}
    assert versions == {key for key in found if key[0] == "version"}, "the index shows what is there"
    tags = {("tag", name, tag): v for name, known in shown.items() for tag, v in known.tags.items()}
    assert tags == {key: value for key, value in found.items() if key[0] == "tag"}
    assert not any(row.error for known in shown.values() for row in known.rows)


def lies_between(actual, before, after):
    """Tell whether each fact is as before a deed or as after it."""
    nothing = {"next": 1}
    return all(
        actual.get(key, none) in {before.get(key, none), after.get(key, none)}
        for key in actual.keys() | before.keys() | after.keys()
        for none in [nothing.get(key[0])]
    )


def unused(store):
    """Return the files of the store that no version needs, paths relative to its home."""
    used = used_files(store.layout)
    needed = used.blobs | used.manifests
    kinds = ("blobs", "manifests", "checked", "staging")
    paths = [p for kind in kinds for p in (store.home / kind).rglob("*") if p.is_file()]
    return sorted(p.relative_to(store.home).as_posix() for p in paths if p.name not in needed)


def goes_on(store, write, collect):
    """Check that a store takes another version, with a number of its own, and that gc clears the rest."""
    before = facts(store)
    stored = store.publish("x", write)
    assert int(stored.version) == before.get(("next", "x"), 1)
    collect(store)
    assert unused(store) == []
    after = facts(store)
    assert {key: value for key, value in after.items() if key in before and key != ("next", "x")} == {
        key: value for key, value in before.items() if key != ("next", "x")
    }
