"""Saying something else of a stored model: licence, languages, limits. It becomes a version of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lexarium.errors import UnsupportedError
from lexarium_registry.licences import checked, licensed
from lexarium_registry.names import HUB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["edit"]


def edit(
    zoo: Zoo,
    reference: str,
    *,
    license: str | None = None,  # noqa: A002  the manifest's word
    languages: Sequence[str] = (),
    limits: Mapping[str, Any] | None = None,
) -> StoredVersion:
    """Store the model again as its next version, with another licence, other languages or limits.

    The files are shared. A manifest is never changed: a reference to a version always means the same bytes.
    ``edited_from`` in the lineage names the repository and commit that it was pulled from, if it was, however
    often it is edited. A licence that the model came under, from there or another model, is kept as well.

    :raises UnsupportedError: nothing is to be changed, or the licence is none that can be looked up.
    :raises ModelNotFoundError: nothing of that name is stored.
    """
    if license is None and not languages and not limits:
        raise UnsupportedError("nothing is to be set", "give --license, --language or --limit")
    stored = zoo.store.resolve(reference)
    said = stored.manifest.about
    source = str(said.lineage.get("edited_from"))
    if stored.origin is not None:
        source = f"{stored.origin.reference}@{stored.origin.commit}"
    elif not source.startswith(HUB):
        source = f"{stored.name}@{stored.version}"
    if license is not None:
        said = licensed(zoo, stored, checked(license))
    about = replace(
        said,
        languages=tuple(languages) or said.languages,
        limits={**said.limits, **(limits or {})},
        lineage={**said.lineage, "edited_from": source},
    )
    return zoo.store.revise(stored, about)
