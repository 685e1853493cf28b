"""``lexarium odd-one-out``, ``distance``, ``index``, and ``words``: word vectors compared and transformed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from lexarium.cli.session import (
    Session,
    counted,
    emit_json,
    human_bytes,
    json_option,
    note,
    packed,
    say,
    table,
)
from lexarium.cli.vectors import show_neighbours, words_of
from lexarium.errors import UnsupportedError

if TYPE_CHECKING:
    from lexarium.roles import HasWords
    from lexarium.shelf import Opened
    from lexarium.words import WordVectors

__all__ = [
    "align",
    "distance",
    "drift",
    "index",
    "mix",
    "normalize",
    "odd_one_out",
    "reduce",
    "remove_top",
    "restrict",
    "words",
]

_name_option = click.option("--name", required=True, help="The name that the new model is stored under.")


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """Where the result of an operation goes."""

    name: str
    as_json: bool


@click.command("odd-one-out")
@click.argument("model")
@click.argument("given", metavar="WORD...", nargs=-1, required=True)
@json_option
@click.pass_obj
def odd_one_out(session: Session, *, model: str, given: tuple[str, ...], as_json: bool) -> None:
    """Name the WORD that is farthest from the mean of all."""
    vectors, _, _ = words_of(session, model, given=given)
    found = vectors.centrality(given)
    if as_json:
        emit_json({"odd": found[-1][0], "words": [{"item": item, "score": score} for item, score in found]})
    else:
        say(found[-1][0])


@click.command()
@click.argument("model")
@click.argument("a")
@click.argument("b")
@json_option
@click.pass_obj
def distance(session: Session, *, model: str, a: str, b: str, as_json: bool) -> None:
    """Print the cosine of the words A and B, and the distance, 1 less the cosine."""
    vectors, _, _ = words_of(session, model, given=(a, b))
    similarity = vectors.similarity(a, b)
    if as_json:
        emit_json({"a": a, "b": b, "similarity": similarity, "distance": 1 - similarity})
    else:
        say(table(None, [["similarity", similarity], ["distance", 1 - similarity]]))


@click.command()
@click.argument("model")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="nlist, nprobe, k_factor, recall.",
)
@click.option(
    "--threads", default=1, show_default=True, type=click.IntRange(1, 1024), help="Threads to build with."
)
@json_option
@click.pass_obj
def index(session: Session, *, model: str, pairs: tuple[str, ...], threads: int, as_json: bool) -> None:
    """Build the approximate index of MODEL's words that `similar --index` searches.

    It lies in the store's folder and serves every model with the same vectors.
    """
    from lexarium.config import from_mapping, parse_settings  # noqa: PLC0415  numpy, only when the command runs
    from lexarium.words.index import IndexSettings, WordIndex, index_folder  # noqa: PLC0415  as above
    from lexarium.words.index_file import FILE  # noqa: PLC0415  as above

    settings = from_mapping(IndexSettings, parse_settings(pairs))
    vectors, name, space_id = words_of(session, model)
    folder = index_folder(session.zoo.home, space_id)
    with session.progress() as progress:
        made = WordIndex.build(vectors, settings, threads=threads, progress=progress)
        made.save(folder, space_id)
    size = (folder / FILE).stat().st_size
    if as_json:
        emit_json(
            {
                "model": name,
                "space_id": space_id,
                "words": len(vectors),
                "path": str(folder),
                "size": size,
                "settings": asdict(made.settings),
                "recall": made.recall,
            }
        )
    else:
        say(f"indexed {counted(len(vectors), 'word')} of {name}: {human_bytes(size)} in {folder}")
        looked = f"in {made.settings.nprobe} of {counted(made.settings.nlist or 0, 'cell')}"
        if made.recall < made.settings.recall and None in {settings.nprobe, settings.k_factor}:
            note(f"less than recall={made.settings.recall:g} is found: vectors and settings allow no more")
        say(f"finds at least {100 * made.recall:.1f} % of 10 nearest words, looking {looked}")


@click.group()
def words() -> None:
    """Make new models from the word vectors of stored ones, or compare two."""


@words.command()
@click.argument("model")
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def normalize(session: Session, *, model: str, kept: _Kept) -> None:
    """Store MODEL with vectors of length 1."""
    base = _Base(session, model, kept)
    base.keep(base.words.normalized(), "vectors of length 1")


@words.command()
@click.argument("model")
@click.argument("dim", type=click.IntRange(1))
@click.option("--keep-mean", is_flag=True, help="Leave the mean in: cosines change less.")
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def reduce(session: Session, *, model: str, dim: int, keep_mean: bool, kept: _Kept) -> None:
    """Store MODEL with the first DIM principal components of its vectors."""
    base = _Base(session, model, kept)
    base.keep(base.words.reduced(dim, center=not keep_mean), f"reduced to {counted(dim, 'dimension')}")


@words.command("remove-top")
@click.argument("model")
@click.option(
    "--components", type=click.IntRange(0), help="How many; by default a hundredth of all, at least 1."
)
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def remove_top(session: Session, *, model: str, components: int | None, kept: _Kept) -> None:
    """Store MODEL without the mean and the first principal components of its vectors."""
    base = _Base(session, model, kept)
    base.keep(base.words.all_but_the_top(components), "all but the top components")


@words.command()
@click.argument("model")
@click.option(
    "--count", type=click.IntRange(1), help="Keep the first so many words: the most frequent, mostly."
)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="Keep the words of FILE."
)
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def restrict(session: Session, *, model: str, count: int | None, source: Path | None, kept: _Kept) -> None:
    """Store MODEL with fewer words."""
    if (count is None) == (source is None):
        raise click.UsageError("give --count or --from, one of the two")
    base = _Base(session, model, kept)
    chosen: Any = count
    if source is not None:
        from lexarium.tables import read_texts  # noqa: PLC0415  csv and gzip, only when the command runs

        chosen = [line.strip() for line in read_texts(str(source), None).texts]
    restricted = base.words.restricted(chosen)
    base.keep(restricted, f"restricted to {counted(len(restricted), 'word')}")


@words.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--how",
    type=click.Choice(["concat", "mean"]),
    default="concat",
    show_default=True,
    help="How vectors are joined.",
)
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def mix(session: Session, *, a: str, b: str, how: Literal["concat", "mean"], kept: _Kept) -> None:
    """Store the words that A and B share, with both their vectors; the rest is as in A."""
    base, other = _Base(session, a, kept), _open(session, b)
    base.keep(base.words.mixed(_words(session, other), how), f"mixed ({how})", other)


@words.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--pairs",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A dictionary: a word of A and its counterpart in B on each line. Without it, shared words.",
)
@_name_option
@json_option
@packed(_Kept, "kept")
@click.pass_obj
def align(session: Session, *, a: str, b: str, pairs: Path | None, kept: _Kept) -> None:
    """Store A rotated into the space of B, so that vectors of both can be compared."""
    from lexarium.words.dictionary import read_pairs  # noqa: PLC0415  only when the command runs

    dictionary = None if pairs is None else read_pairs(pairs)
    base, other = _Base(session, a, kept), _open(session, b)
    found = base.words.aligned(_words(session, other), dictionary)
    dim = found.words.vectors.shape[1]
    if found.pairs < dim:
        note(f"{found.pairs} pairs of words do not fix a rotation of {dim} dimensions; give {dim} or more")
    base.keep(found.words, "aligned", other, {"score": found.score, "pairs": found.pairs})


@words.command()
@click.argument("a")
@click.argument("b")
@click.option("-n", "count", default=10, show_default=True, type=click.IntRange(1), help="How many words.")
@json_option
@click.pass_obj
def drift(session: Session, *, a: str, b: str, count: int, as_json: bool) -> None:
    """List the shared words that moved most from A to B, with 1 less their cosine after alignment."""
    before, first, _ = words_of(session, a)
    after, second, _ = words_of(session, b)
    show_neighbours(f"{first} to {second}", before.drift(after, count), as_json=as_json)


class _Base:
    """The model that an operation starts from, and where its result goes; the name is checked first."""

    def __init__(self, session: Session, reference: str, kept: _Kept) -> None:
        session.zoo.store.versions(kept.name)
        self._session = session
        self._kept = kept
        self._opened = _open(session, reference)
        self.words = _words(session, self._opened)
        from lexarium.roles import ReplacesWords  # noqa: PLC0415  numpy, only when the command runs

        embedder = _embedder(session, self._opened)
        if not isinstance(embedder, ReplacesWords):
            raise UnsupportedError(
                f"{reference} takes no other word vectors", "ask its plugin for with_words"
            )
        self._embedder = embedder

    def keep(
        self,
        changed: WordVectors,
        relation: str,
        other: Opened | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        opened, name = self._opened, self._kept.name
        embedder = self._embedder
        lineage: dict[str, Any] = {"base": {"model": opened.reference, "relation": relation}}
        told = opened.manifest.about.lineage
        if "imported_from" in told:
            lineage["imported_from"] = told["imported_from"]
        license_ = opened.manifest.about.license
        if other is not None:
            lineage["with"] = other.reference
            theirs = other.manifest.about.license
            if license_ != theirs:
                both = f"{license_ or 'no licence'} and {theirs or 'no licence'}"
                note(f"the two models have {both}; the new one has none until you give it one")
                license_ = None
        model = embedder.with_words(changed)
        stored = self._session.zoo.save(model, name=name, license=license_, lineage=lineage)
        dim = changed.vectors.shape[1]
        reference = f"{stored.name}@{stored.version}"
        if self._kept.as_json:
            emit_json({"model": reference, "words": len(changed), "dim": dim, **(more or {})})
        else:
            said = "".join(f", {key} {value:.4g}" for key, value in (more or {}).items())
            size = f"{counted(len(changed), 'word')} of {counted(dim, 'dimension')}"
            say(f"stored {reference}: {size}{said}")


def _open(session: Session, reference: str) -> Opened:
    return session.zoo.open(reference)


def _embedder(session: Session, opened: Opened) -> HasWords:
    from lexarium.compose import Pipeline  # noqa: PLC0415  numpy, only when the command runs
    from lexarium.roles import HasWords  # noqa: PLC0415  as above

    embedder = opened.model.embedder if isinstance(opened.model, Pipeline) else opened.model
    if not isinstance(embedder, HasWords):
        from lexarium.words.methods import with_words  # noqa: PLC0415  as above

        what = f"{opened.reference} has no vectors of single words"
        raise UnsupportedError(what, with_words(session.zoo.host))
    return embedder


def _words(session: Session, opened: Opened) -> WordVectors:
    return _embedder(session, opened).words
