"""``lexarium search``."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from lexarium.cli.session import Session, emit_json, json_option, note, packed, say, table
from lexarium_registry.catalog.entries import catalog, check_filters, find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium_registry.catalog.entries import Listed

__all__ = ["search_"]

_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([kMG]?)")
_TIMES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True, kw_only=True)
class _Filters:
    method: str | None
    language: str | None
    license: str | None
    max_size: int | None


def _parameters(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    if value is None:
        return None
    found = _SIZE.fullmatch(value)
    if found is None:
        raise click.BadParameter(f"{value!r} is no number of parameters; write 30M or 1.7G")
    return int(float(found[1]) * _TIMES[found[2]])


@click.command("search")
@click.argument("text", nargs=-1)
@click.option("--method", help="Only models that this method opens.")
@click.option("--language", metavar="CODE", help="Only models for this language: en, zh, multilingual.")
@click.option("--license", metavar="SPDX", help="Only models under this licence.")
@click.option("--max-size", metavar="N", callback=_parameters, help="At most so many parameters: 30M, 1.7G.")
@json_option
@packed(_Filters, "filters")
@click.pass_obj
def search_(session: Session, *, text: tuple[str, ...], filters: _Filters, as_json: bool) -> None:
    """Find published models in the catalogue, all of them or those that hold every word of TEXT.

    `lexarium pull NAME` fetches one. The catalogue is part of this installation: no network is asked.
    """
    every = catalog(session.host)
    for each in every.notes:
        note(f"Note: {each}")
    check_filters(session.host, every.listed, filters.method, filters.license)
    found = find(every.listed, " ".join(text), **asdict(filters))
    if as_json:
        emit_json([{**asdict(each.entry), "source": each.source, "missing": each.missing} for each in found])
        return
    if filters.max_size is not None:
        _note_unsized(every.listed, " ".join(text), filters)
    if found:
        say(
            table(
                ["name", "method", "dim", "size", "languages", "licence", "from"],
                [_row(each) for each in found],
            )
        )
    else:
        note(_nothing(session, filters.method))


def _row(each: Listed) -> list[object]:
    entry = each.entry
    size = "-" if entry.parameters is None else _short(entry.parameters)
    where = each.how if each.missing is None else f"{each.how} ({each.missing})"
    languages = ", ".join(entry.languages) or "-"
    return [entry.name, entry.method, entry.dim or "-", size, languages, entry.license or "-", where]


def _short(count: int) -> str:
    """Return a count as people write it: 22.7M."""
    unit = next((unit for unit in ("G", "M", "k") if count >= _TIMES[unit]), "")
    return f"{count / _TIMES[unit]:.3g}{unit}"


def _note_unsized(listed: Sequence[Listed], text: str, filters: _Filters) -> None:
    without = find(listed, text, **{**asdict(filters), "max_size": None})
    unsized = sum(each.entry.parameters is None for each in without)
    if unsized:
        note(f"left out: {unsized} that do not say how many parameters they have")


def _nothing(session: Session, method: str | None) -> str:
    offered = {offer.descriptor.name for offer in session.host.methods()}
    if method in offered and not any(each.entry.method == method for each in catalog(session.host).listed):
        return (
            f"no models of {method} are published: fit one on your own texts (lexarium fit {method} --help)"
        )
    return "nothing in the catalogue fits; lexarium search alone lists all of it"
