"""Published models by short name: the TOML files beside this module, and what plugins add to them.

A file holds a table for each model, named as the model; its keys are the fields of
:class:`lexarium.method.ModelEntry`. No commit and no hash stands in it: a pull finds out the commit and
records it. What the authors of a model do not state is left out.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import (
    CheckpointError,
    InputError,
    LexariumError,
    MethodNotFoundError,
    NotFoundError,
    StoreError,
    UnsupportedError,
)
from lexarium.host import HOUSE
from lexarium.method import ModelEntry
from lexarium_registry.licences import canonical, checked, same
from lexarium_registry.names import HUB, parse_hub
from lexarium_registry.references import is_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lexarium.host import Host
    from lexarium.zoo import Zoo

__all__ = [
    "Catalog",
    "Listed",
    "Wanted",
    "catalog",
    "check_filters",
    "find",
    "look_up",
    "read_entries",
    "search",
]

_FOLDER = Path(__file__).parent
_US = "lexarium-registry"
_LONGEST = 2**20  # bytes of a file
_MOST = 2**50  # parameters
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})?|multilingual")
_ADDRESS = re.compile(r"https://[!-~]{4,300}")
_TEXTS = ("summary", "method", "reference", "homepage", "obtain", "license", "paper")
_NUMBERS = {"dim": 2**31, "parameters": _MOST}
_MEND = "the plugin that offers it is at fault"


@dataclass(frozen=True)
class Listed:
    """An entry, the distribution that it is from, and what is missing here to open the model, if anything."""

    entry: ModelEntry
    source: str
    missing: str | None = None

    @property
    def how(self) -> str:
        """How to get it: a reference, or where its files are."""
        return self.entry.reference or self.entry.homepage or ""


@dataclass(frozen=True)
class Catalog:
    """All entries by name, and what was left out, a sentence each."""

    listed: tuple[Listed, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What a short name stands for: a reference to the Hub, and the name to store it as."""

    reference: str
    name: str


def catalog(host: Host) -> Catalog:
    """Return the house's entries and those of the plugins; a name of the house's stays the house's."""
    found = {entry.name: Listed(entry, _US, _missing(host, entry)) for entry in _house()}
    notes = []
    for offer in host.offers(ModelEntry.kind):
        entry, source = offer.descriptor, offer.plugin.distribution
        if not isinstance(entry, ModelEntry):  # the host keeps kinds apart
            continue
        problem = _misfit(entry)
        if entry.name in found:
            problem = ("name", "the catalogue has another model of this name")
        if problem:
            notes.append(
                f"the model {entry.name!a} of {source} is left out: {problem[0]}: {problem[1]}; {_MEND}"
            )
        else:
            found[entry.name] = Listed(entry, source, _missing(host, entry))
    return Catalog(tuple(found[name] for name in sorted(found)), tuple(notes))


def find(
    listed: Iterable[Listed],
    text: str = "",
    *,
    method: str | None = None,
    language: str | None = None,
    license: str | None = None,  # noqa: A002  the manifest's word
    max_size: int | None = None,
) -> list[Listed]:
    """Return the entries that hold every word of ``text`` and pass the filters, by name.

    ``max_size`` counts parameters; an entry that does not say how many it has does not pass it.
    """
    words = text.casefold().split()
    return [
        each
        for each in listed
        if all(word in _haystack(each.entry) for word in words)
        and method in {None, each.entry.method}
        and (language is None or language in each.entry.languages)
        and (license is None or (each.entry.license is not None and same(license, each.entry.license)))
        and (max_size is None or (each.entry.parameters is not None and each.entry.parameters <= max_size))
    ]


def check_filters(host: Host, listed: Iterable[Listed], method: str | None, license: str | None) -> None:  # noqa: A002  as above
    """Refuse a filter that nothing can pass.

    :raises MethodNotFoundError: no plugin offers the method, and no entry names it.
    :raises UnsupportedError: the licence is none that can be looked up.
    """
    known = {offer.descriptor.name for offer in host.methods()} | {each.entry.method for each in listed}
    if method is not None and method not in known:
        raise MethodNotFoundError("method", method, known)
    if license is not None:
        checked(license)


def search(
    zoo: Zoo,
    text: str = "",
    *,
    method: str | None = None,
    language: str | None = None,
    license: str | None = None,  # noqa: A002  as above
    max_size: int | None = None,
) -> list[Listed]:
    """Return the published models that :func:`find` finds; the verb of the ``search`` command.

    Errors as in :func:`check_filters`.
    """
    every = catalog(zoo.host).listed
    check_filters(zoo.host, every, method, license)
    return find(every, text, method=method, language=language, license=license, max_size=max_size)


def look_up(host: Host, asked: str) -> Wanted:
    """Return what a short name, or ``name@revision``, stands for.

    :raises StoreError: it cannot be one.
    :raises NotFoundError: the catalogue has no such name.
    :raises UnsupportedError: the model is on no repository that can be pulled; says what to type.
    :raises MethodNotFoundError: no installed plugin opens it.
    """
    name, at, revision = asked.partition("@")
    if not is_name(name):
        owner, slash, repository = asked.partition("/")
        near = (
            f"{HUB}{asked}"
            if slash and owner and repository and not owner.startswith(".")
            else f"{HUB}org/repo"
        )
        raise StoreError(
            f"{asked!r} is no reference to the Hub", f"type {near}, or a name that lexarium search shows"
        )
    listed = {each.entry.name: each for each in catalog(host).listed}
    if name not in listed:
        raise NotFoundError("published model", name, listed, f"type: lexarium search, or {HUB}org/repo")
    entry = listed[name].entry
    if entry.reference is None:
        remedy = f"get the file from {entry.homepage} and type: {entry.obtain}"
        raise UnsupportedError(f"{name} is in no repository that can be pulled", remedy)
    broken = any(plugin.name == entry.method for plugin in host.plugins)
    if listed[name].missing == _nobody(entry) and not broken:
        hint = f"{_nobody(entry)} yet: the catalogue lists models of it, which cannot be opened"
        raise MethodNotFoundError("embedder", entry.method, (), hint=hint)
    host.method(entry.method)
    return Wanted(f"{entry.reference}{at}{revision}", name)


def read_entries(path: Path) -> list[ModelEntry]:
    """Read a file of the catalogue, strictly.

    :raises InputError: it is no TOML, or an entry is none; names the entry and the field.
    """
    remedy = "its keys are the fields of lexarium.method.ModelEntry"
    try:
        document = tomllib.loads(read_small(path, _LONGEST).decode())
    except (OSError, CheckpointError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(path, f"cannot be read: {error}", remedy) from error
    entries = []
    for name, table in document.items():
        if not isinstance(table, dict):
            raise InputError(path, "a table belongs here", remedy, field=name)
        entry = _entry(path, name, table)
        problem = _misfit(entry)
        if problem:
            raise InputError(path, problem[1], remedy, field=f"{name}.{problem[0]}")
        entries.append(entry)
    return entries


@cache
def _house() -> Sequence[ModelEntry]:
    """Return the entries of the files beside this module.

    :raises InputError: a file is damaged, or two entries have one name.
    """
    found: dict[str, ModelEntry] = {}
    for path in sorted(_FOLDER.glob("*.toml")):
        for entry in read_entries(path):
            if entry.name in found:
                raise InputError(path, "another file has it as well", field=entry.name)
            found[entry.name] = entry
    return tuple(found.values())


def _entry(path: Path, name: str, table: dict[str, Any]) -> ModelEntry:
    known = {field.name for field in fields(ModelEntry)} - {"name"}
    for key in table:
        if key not in known:
            raise InputError(path, f"there are: {', '.join(sorted(known))}", field=f"{name}.{key}")
    for key in ("summary", "method"):
        if key not in table:
            raise InputError(path, "it is missing", field=f"{name}.{key}")
    languages = table.get("languages", [])
    if isinstance(languages, list):
        languages = tuple(languages)
    return ModelEntry(name=name, **{**table, "languages": languages})


def _misfit(entry: ModelEntry) -> tuple[str, str] | None:
    """Return the field that is wrong, and what is: a plugin's entry may hold anything."""
    return next(_misfits(entry), None)


def _misfits(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    if not isinstance(entry.name, str) or not is_name(entry.name):
        yield "name", "it can name no model: lower-case letters, digits and . _ - only"
    for key in _TEXTS:
        value: object = getattr(entry, key)
        optional = value is None and key not in {"summary", "method"}
        if not optional and not (isinstance(value, str) and value.strip() and value.isprintable()):
            yield key, "one line of text belongs here"
            return
    for key, most in _NUMBERS.items():
        number: object = getattr(entry, key)
        if number is not None and not (type(number) is int and 0 < number < most):
            yield key, "a whole number above 0 belongs here"
    for key in ("homepage", "paper"):
        address = getattr(entry, key)
        if address is not None and not _ADDRESS.fullmatch(address):
            yield key, "an address belongs here: https://..."
    if not isinstance(entry.languages, tuple) or not all(
        isinstance(each, str) and _LANGUAGE.fullmatch(each) for each in entry.languages
    ):
        yield "languages", "a list of codes belongs here: en, zh, multilingual"
    if entry.license is not None and canonical(entry.license) != entry.license:
        yield "license", "an SPDX identifier belongs here, or 'other: NAME LINK'"
    yield from _ways(entry)


def _ways(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with how the model is got."""
    if entry.reference is None:
        for key in ("homepage", "obtain"):
            if getattr(entry, key) is None:
                yield key, "it is missing, and there is no reference"
        return
    if entry.obtain is not None:
        yield "obtain", "it stands beside a reference"
    try:
        if parse_hub(entry.reference).reference != entry.reference:
            yield "reference", "no revision belongs here: a pull finds out the commit"
    except LexariumError as error:
        yield "reference", str(error)


def _missing(host: Host, entry: ModelEntry) -> str | None:
    if any(offer.descriptor.name == entry.method for offer in host.methods()):
        return None
    known = HOUSE.get(("embedder", entry.method))
    return f"pip install {known}" if known else _nobody(entry)


def _nobody(entry: ModelEntry) -> str:
    return f"no plugin offers {entry.method}"


def _haystack(entry: ModelEntry) -> str:
    said = (
        entry.name,
        entry.summary,
        entry.method,
        entry.reference or "",
        entry.license or "",
        *entry.languages,
    )
    return " ".join(said).casefold()
