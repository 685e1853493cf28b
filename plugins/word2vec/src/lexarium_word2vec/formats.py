"""Word2vec's own formats, text and binary, are read here; :mod:`lexarium_static.exports` writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lexarium.errors import FormatError, InputError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_static.archive import file_of, open_stream
from lexarium_static.binary import is_binary, read_binary
from lexarium_static.text import read_text
from lexarium_static.weights import weigh
from lexarium_word2vec.embedder import Word2Vec

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run
    from lexarium_word2vec.config import Word2VecConfig

__all__ = ["read"]

_PICKLE = re.compile(rb"\x80[\x02-\x05]")


def read(path: Path, config: Word2VecConfig, corpus: Corpus | None, run: Run) -> Word2Vec:
    """Read word vectors in word2vec's text or binary format; which it is, the file says.

    It may be gzipped, or lie in a zip archive: ``archive.zip:vectors.bin`` names one of several files there.
    What gensim's ``save()`` writes is a pickle, which can run any code when it is read, and is refused.

    :raises InputError: there is no such file, or it cannot be read.
    :raises FormatError: names what breaks the format.
    """
    if not file_of(path)[0].is_file():
        raise InputError(path, "there is no such file", "check the path")
    with open_stream(path) as file:
        if _PICKLE.match(file.read(2)):
            remedy = (
                "in Python type Word2Vec.load(path).wv.save_word2vec_format('vectors.bin', binary=True), or "
                "KeyedVectors.load(path).save_word2vec_format(...), both of gensim.models, and import that"
            )
            raise FormatError(
                path, "this is a pickle, as gensim's save() writes, and could run any code", remedy
            )
    reader = read_binary if is_binary(path) else read_text
    words, vectors = reader(path, run.progress, errors=run.encoding_errors)
    return weigh(Word2Vec(config, WordVectors(Vocabulary.build(words), vectors)), corpus, run)
