"""``lexarium embed``, ``similar`` and ``analogy``: using stored models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import click

from lexarium.cli.session import Session, counted, emit_json, json_option, note, packed, say, table
from lexarium.config import parse_settings
from lexarium.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lexarium.roles import Embedder, Matrix
    from lexarium.words import WordVectors
    from lexarium.words.index import WordIndex
    from lexarium.words.vectors import AnalogyMethod

__all__ = ["analogy", "embed", "embedder_of", "show_neighbours", "similar", "words_of"]

_ITEM_WIDTH = 90
_MOST_PRINTED = 20_000_000  # numbers
_CHOOSE = "name a file to choose from with --in FILE"


@dataclass(frozen=True, kw_only=True)
class _EmbedOptions:
    texts: tuple[str, ...]
    settings: tuple[str, ...]
    prompt: str | None
    long: str | None
    column: str | None
    out: Path | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class _SimilarOptions:
    count: int
    negative: tuple[str, ...]
    within: str | None
    column: str | None
    use_index: bool
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class _AnalogyOptions:
    count: int
    within: str | None
    column: str | None
    method: AnalogyMethod
    as_json: bool


@click.command()
@click.argument("model")
@click.argument("source", required=False, type=click.Path(), metavar="[INPUT]")
@click.option("--text", "texts", multiple=True, help="A text; may be given more than once.")
@click.option("--column", help="The column with the texts, where INPUT is a table.")
@click.option("--out", type=click.Path(path_type=Path), help=".npy, .npz (sparse), .parquet or .jsonl")
@click.option("--prompt", metavar="NAME", help="Put this prompt of the model before every text.")
@click.option(
    "--long",
    type=click.Choice(["truncate", "split"]),
    help="What to do with what the model cannot see whole.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="As in pooling=cls, device=cpu.")
@json_option
@packed(_EmbedOptions)
@click.pass_obj
def embed(session: Session, *, model: str, source: str | None, options: _EmbedOptions) -> None:
    """Turn texts into vectors with MODEL.

    INPUT is a .txt (one text a line), .csv, .tsv, .jsonl or .parquet file, or - for standard input.
    """
    from lexarium.output import check_target, embed_all, write_matrix  # noqa: PLC0415  numpy, only when the command runs

    texts = _inputs(source, options)
    embedder, name, space_id = embedder_of(session, model)
    embedder, space_id = _adjusted(session, embedder, name, space_id, options)
    dim = embedder.space.dim
    if options.out is not None:
        check_target(options.out, is_sparse=embedder.space.sparse)
    if options.out is None and len(texts) * dim > _MOST_PRINTED:
        raise UnsupportedError(
            f"{len(texts)} vectors of {dim} dimensions are too many numbers to print",
            f"write them with --out vectors{'.npz' if embedder.space.sparse else '.npy'}",
        )
    with session.progress() as progress:
        matrix = embed_all(embedder, texts, progress)
    truncated = _truncated(embedder, texts)
    document: dict[str, Any] = {"model": name, "space_id": space_id, "dim": dim, **truncated}
    document |= _coverage(embedder, texts)
    if options.out is not None:
        write_matrix(options.out, matrix, texts, space_id)
        document |= {"out": str(options.out), "rows": len(texts)}
    if options.as_json:
        emit_json(document if options.out else document | {"vectors": list(_rows(matrix))}, indent=None)
    elif options.out is not None:
        say(f"wrote {counted(len(texts), 'vector')} of {counted(dim, 'dimension')} to {options.out}")
    else:
        for row in _rows(matrix):
            say(" ".join(f"{value:.6g}" for value in row))


@click.command()
@click.argument("model")
@click.argument("query", nargs=-1, required=True)
@click.option(
    "-n", "count", default=10, show_default=True, type=click.IntRange(1), help="How many neighbours."
)
@click.option("--negative", multiple=True, metavar="WORD", help="A word to go away from; may be repeated.")
@click.option(
    "--in",
    "within",
    type=click.Path(),
    metavar="FILE",
    help="Search the texts of FILE, or the vectors that `embed` wrote to it, instead of the model's words.",
)
@click.option("--column", help="The column with the texts, where FILE is a table.")
@click.option("--index", "use_index", is_flag=True, help="Search the index that `lexarium index` made.")
@json_option
@packed(_SimilarOptions)
@click.pass_obj
def similar(session: Session, *, model: str, query: tuple[str, ...], options: _SimilarOptions) -> None:
    """Find what is nearest to QUERY: words of MODEL, or texts of a file.

    Several words count together: lexarium similar glove king woman --negative man
    """
    if options.within is not None and options.use_index:
        raise click.UsageError("--index goes without --in FILE")
    if options.within is None:
        words, _, space_id = words_of(session, model, _CHOOSE)
        index = _index(session, words, space_id, model) if options.use_index else None
        found = words.similar(list(query), n=options.count, negative=options.negative, index=index)
    elif len(query) > 1 or options.negative:
        words = _words_in(session, model, options.within, options.column, [*query, *options.negative])
        found = words.similar(list(query), n=options.count, negative=options.negative)
    else:
        found = _nearest(session, model, query[0], options.within, options)
    asked = " - ".join([" + ".join(query), *options.negative])
    show_neighbours(asked, found, as_json=options.as_json)


@click.command()
@click.argument("model")
@click.argument("a")
@click.argument("b")
@click.argument("c")
@click.option("-n", "count", default=10, show_default=True, type=click.IntRange(1), help="How many answers.")
@click.option(
    "--in",
    "within",
    type=click.Path(),
    metavar="FILE",
    help="Choose from the words of FILE instead of the model's.",
)
@click.option("--column", help="The column with the words, where FILE is a table.")
@click.option(
    "--method",
    type=click.Choice(["3cosadd", "3cosmul"]),
    default="3cosadd",
    show_default=True,
    help="How the three cosines are joined.",
)
@json_option
@packed(_AnalogyOptions)
@click.pass_obj
def analogy(session: Session, *, model: str, a: str, b: str, c: str, options: _AnalogyOptions) -> None:
    """Answer: A is to B as C is to what? (man king woman: queen)."""
    if options.within is None:
        words, _, _ = words_of(session, model, _CHOOSE)
    else:
        words = _words_in(session, model, options.within, options.column, [a, b, c])
    found = words.analogy(a, b, c, n=options.count, method=options.method)
    show_neighbours(f"{a} : {b} = {c} : ?", found, as_json=options.as_json)


def _inputs(source: str | None, options: _EmbedOptions) -> list[str]:
    if (source is None) == (not options.texts):
        raise click.UsageError("give INPUT or --text, one of the two")
    if source is None:
        return list(options.texts)
    from lexarium.tables import read_texts  # noqa: PLC0415  csv and gzip, only when the command runs

    return read_texts(source, options.column).texts


def embedder_of(session: Session, reference: str) -> tuple[Embedder, str, str]:
    """Return a stored model's embedder, the version's name, and the id of its space."""
    from lexarium.compose import Pipeline  # noqa: PLC0415  numpy, only when the command runs

    opened = session.zoo.open(reference)
    found = opened.manifest.root.find_space()
    model = opened.model
    return (
        (model.embedder if isinstance(model, Pipeline) else model),
        opened.reference,
        found[0] if found else "",
    )


def words_of(
    session: Session, reference: str, remedy: str | None = None, given: Sequence[str] | None = None
) -> tuple[WordVectors, str, str]:
    """Return a stored model's word vectors, the version's name, and the id of its space.

    A model of texts has none of its own: they are those of the words ``given``. ``remedy`` is what to do
    where none are; by default to name a model of another method.

    :raises UnsupportedError: it has none of its own, and none are given.
    """
    from lexarium.output import word_vectors  # noqa: PLC0415  numpy, only when the command runs
    from lexarium.roles import HasWords, TokenEmbedder  # noqa: PLC0415  as above

    embedder, name, space_id = embedder_of(session, reference)
    if isinstance(embedder, HasWords):
        return embedder.words, name, space_id
    if given is None or embedder.space.sparse:
        from lexarium.words.methods import with_words  # noqa: PLC0415  as above

        what = f"{name} has no vectors of single words"
        made = f", or type: lexarium distill {reference} --to static --name NAME"
        more = made if isinstance(embedder, TokenEmbedder) else ""
        raise UnsupportedError(what, (remedy or with_words(session.zoo.host)) + more)
    return word_vectors(embedder, given, where=name), name, space_id


def _words_in(
    session: Session, reference: str, path: str, column: str | None, asked: list[str]
) -> WordVectors:
    """Return vectors of the words ``asked`` for and of those of a file, each embedded as a text."""
    from lexarium.output import word_vectors  # noqa: PLC0415  numpy, as above
    from lexarium.tables import read_texts  # noqa: PLC0415  csv and gzip, as above

    embedder, name, _ = embedder_of(session, reference)
    words = [word for text in read_texts(path, column).texts if (word := text.strip())]
    with session.progress() as progress:
        return word_vectors(embedder, [*asked, *words], progress, where=name)


def show_neighbours(query: str, found: Sequence[tuple[str, float]], *, as_json: bool) -> None:
    """Print items with their scores."""
    if as_json:
        emit_json({"query": query, "neighbours": [{"item": item, "score": score} for item, score in found]})
    else:
        say(
            table(
                ["item", "score"],
                [[shorten(item, _ITEM_WIDTH, placeholder=" ..."), score] for item, score in found],
            )
        )


def _nearest(
    session: Session, model: str, query: str, within: str, options: _SimilarOptions
) -> list[tuple[str, float]]:
    """Return what of a file is nearest to a text: of vectors that `embed` wrote, or of texts."""
    from lexarium.output import nearest_rows, nearest_texts  # noqa: PLC0415  numpy, only when the command runs
    from lexarium.tables import read_texts  # noqa: PLC0415  as above
    from lexarium.vector_files import read_vectors  # noqa: PLC0415  as above

    embedder, _, space_id = embedder_of(session, model)
    vectors = read_vectors(Path(within), space_id, embedder.space.dim) if options.column is None else None
    if vectors is not None:
        rows, texts = nearest_rows(embedder, query, vectors.matrix, options.count), vectors.texts
        return [(f"row {row + 1}" if texts is None else texts[row], score) for row, score in rows]
    texts = read_texts(within, options.column).texts
    with session.progress() as progress:
        return nearest_texts(embedder, query, texts, options.count, progress)


def _index(session: Session, words: WordVectors, space_id: str, name: str) -> WordIndex:
    from lexarium.words.index import WordIndex, index_folder  # noqa: PLC0415  numpy, as above

    return WordIndex.open(index_folder(session.zoo.home, space_id), words, space_id, name)


def _rows(matrix: Matrix) -> Iterator[list[float]]:
    either: Any = matrix
    for start in range(matrix.shape[0]):
        row = either[start : start + 1]
        yield (row if hasattr(row, "tolist") else row.toarray())[0].tolist()


def _adjusted(
    session: Session, embedder: Embedder, name: str, space_id: str, options: _EmbedOptions
) -> tuple[Embedder, str]:
    """Return the embedder under the settings that are asked for, and the id of its space then.

    A prompt is part of the input: what it gives lies in the model's own space.
    """
    named = {"default_prompt": options.prompt, "long": options.long}
    asked = parse_settings(options.settings) | {key: value for key, value in named.items() if value}
    if not asked:
        return embedder, space_id
    from lexarium.checkpoint.folder import space_id as computed_id  # noqa: PLC0415  numpy, as above
    from lexarium.compose import take_apart  # noqa: PLC0415  as above
    from lexarium.roles import Adjustable  # noqa: PLC0415  as above

    if not isinstance(embedder, Adjustable):
        raise UnsupportedError(
            f"{name} has no settings that can change now", "leave --set, --prompt, --long out"
        )
    changed = embedder.with_settings(asked)
    kept = asked.keys() <= {"default_prompt", "device", "dtype", "backend"}
    return changed, space_id if kept else computed_id(take_apart(changed, session.host))


def _truncated(embedder: Embedder, texts: list[str]) -> dict[str, Any]:
    """Say on stderr how much of the texts the model does not see, and return it for the document."""
    from lexarium.roles import Truncates  # noqa: PLC0415  numpy, only when the command runs

    if not isinstance(embedder, Truncates):
        return {}
    lost = embedder.truncation(texts)
    if lost.inputs:
        what = f"{lost.inputs} of {len(texts)} texts are longer than {lost.limit} tokens and were cut"
        note(f"{what}: {lost.tokens} tokens are lost; --long split keeps them")
    return {"truncated": {"inputs": lost.inputs, "tokens": lost.tokens, "limit": lost.limit}}


def _coverage(embedder: Embedder, texts: list[str]) -> dict[str, Any]:
    """Say on stderr how much of the texts has no vector of its own, and return it for the document."""
    from lexarium.roles import Reports  # noqa: PLC0415  numpy, only when the command runs

    if not isinstance(embedder, Reports):
        return {}
    coverage = embedder.coverage(texts)
    if coverage.unknown:
        share = 100 * coverage.unknown / coverage.tokens
        most = ", ".join(coverage.examples)
        note(f"unknown words: {coverage.unknown} of {coverage.tokens} ({share:.1f} %), for instance {most}")
    return {"coverage": {"tokens": coverage.tokens, "unknown": coverage.unknown}}
