"""Import: fastText's ``.bin`` and ``.ftz``, and word vectors as text (``.vec``). Export: the former two."""

from __future__ import annotations

import re
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lexarium.backend import processors
from lexarium.errors import ConfigError, FormatError, InputError
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.assembly import assemble, disassemble
from lexarium_fasttext.binary import is_binary, read_binary
from lexarium_fasttext.binary_writer import write_binary
from lexarium_fasttext.config import MAX_WINDOW, NS_EXPONENT
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.lookup import SubwordVectors
from lexarium_fasttext.model import Quantised
from lexarium_fasttext.names import HEADER, LOSSES, MAGIC, TASKS
from lexarium_static.archive import file_of, open_stream
from lexarium_static.binary import is_binary as is_word2vec
from lexarium_static.config import check_idle
from lexarium_static.text import read_text
from lexarium_static.weights import weigh

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.compose import Pipeline
    from lexarium.roles import Corpus, Run
    from lexarium_fasttext.config import FastTextConfig
    from lexarium_fasttext.model import FastTextParts, Parameters

__all__ = ["described", "read", "write"]

_OF_FILE = ("model", "min_n", "max_n", "bucket", "loss", "word_ngrams")  # what a .bin says of itself
_OF_TEXTS = ("lowercase", "tokenizer", "token_pattern", "pooling", "sif_a")  # how a classifier does, it knows
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_SETTINGS = struct.Struct(f"<{len(HEADER)}i")
_MOST_SETTING = 1 << 24  # of dim and the like in a file that is to be taken for an old one
_GENSIM = (
    "in Python load it with gensim, write it with gensim.models.fasttext.save_facebook_model(model, "
    "'model.bin'), and import that"
)
_OLD = "train it again with fastText 0.1 or newer, or import the .vec that was written beside it"


def read(path: Path, config: FastTextConfig, corpus: Corpus | None, run: Run) -> FastText | Pipeline:
    """Read a ``.bin`` or ``.ftz``, or word vectors as text; what it is, its first bytes say.

    Text may be gzipped, or lie in a zip archive: ``archive.zip:wiki.vec`` names one of several files there.
    A classifier becomes a pipeline that reads texts as fastText does. The settings of training are those of
    the file.

    :raises InputError: there is no such file, or it cannot be read.
    :raises FormatError: names the place that breaks the format.
    :raises ConfigError: ``config`` says what a file of words alone has no use for.
    """
    if path.is_dir():
        raise InputError(path, "this is a folder", "give a .bin, .ftz or .vec file")
    if not is_binary(file_of(path)[0]):
        _check_text(path)
        check_idle(config, True, _OF_FILE, "on a file of words and vectors alone")
        words, vectors = read_text(path, run.progress, errors=run.encoding_errors)
        return _weighed(FastText(config, SubwordVectors(Vocabulary.build(words), vectors)), corpus, run)
    parts = _without_zeros(read_binary(path, run.progress, run.encoding_errors))
    try:
        settings = described(config, parts.parameters)
    except ConfigError as error:
        problem = f"its settings are not fastText's: {error}"
        raise FormatError(path, problem, "fetch the file again") from error
    model = assemble(parts, settings, processors())
    return _weighed(model, corpus, run) if isinstance(model, FastText) else model


def _check_text(path: Path) -> None:
    """Refuse what is no text and not a ``.bin`` either, with what it is.

    :raises FormatError: says what the file is, where that can be seen, and what to do with it.
    :raises InputError: the file cannot be read.
    """
    with open_stream(path) as stream:
        start = stream.read(_SETTINGS.size)
    if start.startswith(MAGIC.to_bytes(4, "little")):  # and the file itself does not begin so
        raise FormatError(
            path, "this is a compressed .bin or .ftz", "unpack it (gunzip, unzip) and import that"
        )
    if _PICKLE.match(start):
        problem = "this is a pickle, as gensim's save() writes, and could run any code"
        raise FormatError(path, problem, _GENSIM)
    if _is_old(start):
        problem = "this is a .bin of fastText before May 2017, without magic number and version"
        raise FormatError(path, problem, _OLD)
    if is_word2vec(path):
        remedy = f"type: lexarium import word2vec {path} --name NAME"
        raise FormatError(path, "this is in word2vec's binary format, not fastText's", remedy)
    if b"\0" in start:
        raise FormatError(path, "this is neither text nor a .bin or .ftz of fastText", "give one of these")


def _is_old(start: bytes) -> bool:
    """Tell whether a file begins with plausible settings, as they stood before there was a magic number."""
    if len(start) < _SETTINGS.size:
        return False
    found = dict(zip((ours for _, ours in HEADER), _SETTINGS.unpack(start[: _SETTINGS.size]), strict=True))
    named = found["loss"] in LOSSES and found["model"] in TASKS
    return named and found["dim"] > 0 and all(0 <= value <= _MOST_SETTING for value in found.values())


def _without_zeros(parts: FastTextParts) -> FastTextParts:
    """Leave out rows of buckets that are zero, as a bucket that is not there: export writes those so."""
    if parts.buckets is not None or isinstance(parts.input, Quantised):
        return parts
    words = len(parts.vocabulary)
    used = np.flatnonzero(parts.input[words:].any(axis=1))
    if len(used) == len(parts.input) - words:
        return parts
    rows = np.concatenate([parts.input[:words], parts.input[words:][used]])
    return replace(parts, input=rows, buckets=used.astype(np.int64))


def write(model: FastText | Pipeline, path: Path, run: Run) -> None:
    """Write a ``.bin`` or, of a quantised model, a ``.ftz``.

    :raises UnsupportedError: the format cannot hold the model.
    """
    write_binary(disassemble(model, "export it with --format vec"), path, run.progress)


def described(config: FastTextConfig, parameters: Parameters) -> FastTextConfig:
    """Return the settings of a model: how texts are read and what computes as ``config`` has it.

    Words trained with ``softmax`` or ``ova``, which fastText allows, are read as what ``hs=0`` says; to go on
    training them is refused.
    """
    supervised = parameters.model == "supervised"
    longest = parameters.maxn if parameters.maxn >= parameters.minn else 0
    kept = ("normalize", "backend") if supervised else ("normalize", "backend", *_OF_TEXTS)
    found = replace(
        type(config)(**{key: getattr(config, key) for key in kept}),
        model="supervised" if supervised else "words",
        vector_size=parameters.dim,
        min_n=max(1, parameters.minn) if longest else 0,
        max_n=longest,
        bucket=parameters.bucket,
        min_count=max(1, parameters.min_count),
        epochs=max(1, parameters.epoch),
        negative=max(1, parameters.neg),
        ns_exponent=NS_EXPONENT,
    )
    if not supervised:
        skipgram, hierarchical = parameters.model == "skipgram", parameters.loss == "hs"
        return replace(
            found,
            sg=1 if skipgram else 0,
            hs=1 if hierarchical else 0,
            window=min(MAX_WINDOW, max(1, parameters.ws)),
            sample=min(1.0, max(0.0, parameters.t)),
        )
    return replace(
        found,
        loss=parameters.loss,
        word_ngrams=max(1, parameters.word_ngrams),
        pooling="fasttext",
        tokenizer="whitespace",
        lowercase=False,
    )


def _weighed(model: FastText, corpus: Corpus | None, run: Run) -> FastText:
    return model if model.config.pooling == "fasttext" else weigh(model, corpus, run)
