"""A small model of made vectors, and files of an evaluation's own."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors

WORDS = [
    *[
        "the",
        "of",
        "to",
        "king",
        "queen",
        "man",
        "woman",
        "boy",
        "girl",
        "paris",
        "france",
        "berlin",
        "germany",
        "国王",
        "王后",
        "男人",
        "女人",
    ]
]


@pytest.fixture
def make_model():
    """Give a function that makes word vectors: random ones, the same for the same words, unless given."""

    def make(words, vectors=None):
        if vectors is None:
            vectors = np.random.default_rng(7).standard_normal((len(words), 12))
        return WordVectors(Vocabulary.build(list(words)), np.asarray(vectors, np.float32))

    return make


@pytest.fixture
def model(make_model):
    return make_model([*WORDS, *(f"w{i}" for i in range(300))])


@pytest.fixture
def write(tmp_path):
    """Give a function that writes a file and returns its path."""

    def file(content, name="set.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return file
