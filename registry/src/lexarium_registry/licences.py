"""Licences: SPDX expressions, the Hub's own words for them, and a model beside those that it stems from.

A manifest holds an SPDX expression (https://spdx.org/licenses), as ``packaging`` writes it, or
``other: NAME LINK`` for a licence that SPDX does not list. ``other: NAME`` does where the Hub knows the name
(https://huggingface.co/docs/hub/repositories-licenses). There is no default.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from lexarium.errors import LexariumError, UnsupportedError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lexarium.checkpoint.manifest import About, Manifest
    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["canonical", "checked", "conflicts", "from_hub", "licensed", "same", "to_hub"]

#: Names of the Hub that are SPDX's in small letters.
_ALIKE = frozenset({
    "apache-2.0", "mit", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0",
    "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cdla-sharing-1.0",
    "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0", "etalab-2.0",
    "eupl-1.1", "eupl-1.2", "agpl-3.0", "gpl-2.0", "gpl-3.0", "lgpl-2.1", "lgpl-3.0", "isc", "lppl-1.3c",
    "ms-pl", "mpl-2.0", "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib",
})  # fmt: skip
_RENAMED = {"pddl": "PDDL-1.0", "odbl": "ODbL-1.0", "odc-by": "ODC-By-1.0"}
#: Names of the Hub for what SPDX does not list, families of licences among them.
_HUB_ONLY = frozenset({
    "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m", "openrail++", "bsd", "c-uda", "cc", "gfdl", "gpl", "lgpl", "h-research",
    "intel-research", "apple-ascl", "apple-amlr", "openmdw-1.0", "openmdw-1.1", "lgpl-lr",
    "deepfloyd-if-license", "fair-noncommercial-research-license", "llama2", "llama3", "llama3.1",
    "llama3.2", "llama3.3", "llama4", "grok2-community", "gemma",
})  # fmt: skip
_OTHER = re.compile(r"other: *(?P<name>\S.*?)(?: +(?P<link>https?://\S+))?")
_LONGEST = 200  # characters
_TERMS = "terms"  # of the lineage: the licences that a model came under, by the model that had each
_KNOWN = (
    "Apache-2.0", "MIT", "BSD-3-Clause", "CC-BY-4.0", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0",
    "GPL-3.0-only", "PDDL-1.0", "MPL-2.0",
)  # fmt: skip


def canonical(said: str) -> str | None:
    """Return a licence as a manifest holds it, None where it is none that can be looked up.

    >>> canonical("apache-2.0"), canonical("mit or apache-2.0"), canonical("free")
    ('Apache-2.0', 'MIT OR Apache-2.0', None)
    """
    said = said.strip()
    if not said.isprintable() or len(said) > _LONGEST:
        return None
    found = _OTHER.fullmatch(said)
    if found:
        known = found["link"] or found["name"] in _HUB_ONLY
        return f"other: {found['name']}" + (f" {found['link']}" if found["link"] else "") if known else None
    try:
        return str(canonicalize_license_expression(_RENAMED.get(said.lower(), said)))
    except InvalidLicenseExpression:
        return f"other: {said.lower()}" if said.lower() in _HUB_ONLY else None


def checked(said: str, remedy: str = "") -> str:
    """Return a licence as a manifest holds it.

    :raises UnsupportedError: it is none that can be looked up; says what to write.
    """
    found = canonical(said)
    if found is None:
        near = did_you_mean(said, _KNOWN)
        near = f"{near} " if near.startswith("did you mean") else ""
        how = "write an SPDX identifier (https://spdx.org/licenses), or 'other: NAME LINK'"
        raise UnsupportedError(f"{said!a} is no licence that can be looked up", f"{near}{remedy}{how}")
    return found


def from_hub(card: Mapping[str, Any]) -> str | None:
    """Return the licence that the head of a card states, None where it states none: there is no usual one.

    A list of several does not say whether one may choose, so it is kept as ``other`` with their names.
    """
    stated = card.get("license")
    words = [each for each in ([stated] if isinstance(stated, str) else _listed(stated)) if _is_word(each)]
    if not words or words == ["unknown"]:
        return None
    if words == ["other"]:
        named = [str(card[key]) for key in ("license_name", "license_link") if _is_word(card.get(key))]
        return f"other: {' '.join(named)}" if named else "other"
    if len(words) > 1:
        return f"other: {', '.join(words)}"[:_LONGEST]
    return canonical(words[0]) or f"other: {words[0]}"


def to_hub(licence: str) -> dict[str, str]:
    """Return the keys of a card's head that state a licence, in the Hub's own words.

    >>> to_hub("GPL-3.0-only"), to_hub("MIT OR Apache-2.0")["license"]
    ({'license': 'gpl-3.0'}, 'other')
    """
    back = {spdx: name for name, spdx in _RENAMED.items()}
    name = back.get(licence) or re.sub(r"(gpl-[0-9.]+)-(only|or-later)$", r"\1", licence.lower())
    if name in _ALIKE or name in _RENAMED:
        return {"license": name}
    found = _OTHER.fullmatch(licence)
    if found is None:
        return {"license": "other", "license_name": licence.removeprefix("other").strip() or "not stated"}
    if found["name"] in _HUB_ONLY:
        return {"license": found["name"]}
    link = {"license_link": found["link"]} if found["link"] else {}
    return {"license": "other", "license_name": found["name"], **link}


def same(one: str, other: str) -> bool:
    """Tell whether two licences are one, however they are written."""
    return (canonical(one) or one) == (canonical(other) or other)


def conflicts(zoo: Zoo, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Yield each model that this one stems from and that is under another licence, with that licence.

    A model without a licence is looked behind. Of what is not stored here, that counts which the lineage
    records: with the base, or as the model's terms.
    """
    mine = manifest.about.license
    for base, theirs in {**_stated(zoo, manifest), **_recorded(manifest.about)}.items():
        if mine is None or not same(mine, theirs):
            yield base, theirs


def licensed(zoo: Zoo, stored: StoredVersion, licence: str) -> About:
    """Return what is said of a model that is now put under a licence.

    Where others gave it under another, what they said goes into its lineage, as ``terms``.
    """
    manifest, origin = stored.manifest, stored.origin
    terms = {**_stated(zoo, manifest), **_recorded(manifest.about)}
    if origin is not None and manifest.about.license is not None:
        terms.setdefault(origin.reference, manifest.about.license)
    lineage = dict(manifest.about.lineage)
    if not all(same(licence, theirs) for theirs in terms.values()):
        lineage[_TERMS] = terms
    return replace(manifest.about, license=licence, lineage=lineage)


def _recorded(about: About) -> dict[str, str]:
    terms, base = about.lineage.get(_TERMS), about.lineage.get("base")
    entries = [entry for entry in [*_listed(base), base] if isinstance(entry, dict)]
    said = [(entry.get("model"), entry.get("license")) for entry in entries]
    said += terms.items() if isinstance(terms, dict) else ()
    return {str(model): str(theirs) for model, theirs in said if _is_word(model) and _is_word(theirs)}


def _stated(zoo: Zoo, manifest: Manifest) -> dict[str, str]:
    """Return the licences of the models that this one stems from, as far as they are stored here."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str | None]] = set()
    pending = list(_bases(manifest.about.lineage))
    while pending:
        base, commit = pending.pop(0)
        if (base, commit) in seen:
            continue
        seen.add((base, commit))
        about = _about(zoo, base, commit)
        if about is None:
            continue
        if about.license is None:
            pending.extend(_bases(about.lineage))
        else:
            found.setdefault(base, about.license)
    return found


def _about(zoo: Zoo, base: str, commit: str | None) -> About | None:
    """Return what is said of a base as it was pulled, or as it is stored; None where it is not here."""
    try:
        if "://" in base:
            found = [s for s in zoo.store.pulled(base) if s.origin and s.origin.commit == commit]
            return found[0].manifest.about if found else None
        return zoo.store.resolve(base).manifest.about
    except LexariumError:
        return None


def _bases(lineage: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Yield the models that a lineage names, each with a commit where it has one."""
    for entry in [*_listed(lineage.get("base")), lineage.get("base")]:
        if isinstance(entry, dict) and isinstance(entry.get("model"), str):
            yield entry["model"], entry.get("revision")
    for key in ("embedder", "with"):
        named = lineage.get(key)
        if isinstance(named, str) and "@" in named:  # without a version it is the name of a method
            yield named, None


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= _LONGEST
