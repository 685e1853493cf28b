"""What is written reads back bit for bit, here and in gensim; what a format cannot hold is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lexarium.errors import UnsupportedError
from lexarium.roles import silent
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_static.binary import read_binary
from lexarium_static.text import read_text
from lexarium_static.write import write_binary, write_text

FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
WAYS = [(write_text, read_text), (write_binary, read_binary)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("write") / "vectors"


def made(words, vectors):
    return WordVectors(Vocabulary.build(words), np.asarray(vectors, np.float32))


@pytest.mark.parametrize(("write", "read"), WAYS, ids=["text", "binary"])
@settings(deadline=None)
@given(arrays(np.float32, (3, 4), elements=FINITE))
def test_every_float32_reads_back_as_it_was(path, write, read, vectors):
    write(made(["the", "的", "a\xa0b"], vectors), path, silent)
    words, again = read(path, silent)
    assert words == ["the", "的", "a\xa0b"]
    assert np.array_equal(again, vectors)


def test_glove_has_no_header(path):
    write_text(made(["the", "of"], [[1, 2], [3, 0.1]]), path, silent, header=False)
    assert path.read_text(encoding="utf-8") == "the 1 2\nof 3 0.100000001\n"
    assert read_text(path, silent)[0] == ["the", "of"]


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_gensim_reads_the_same_vectors_and_we_read_gensims(path, binary):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    words = [f"w{i}" for i in range(300)] + ["电影"]
    vectors = np.random.default_rng(0).standard_normal((301, 1000)).astype(np.float32)
    (write_binary if binary else write_text)(made(words, vectors), path, silent)
    theirs = keyed.load_word2vec_format(str(path), binary=binary)
    assert theirs.index_to_key == words
    assert np.array_equal(theirs.vectors, vectors)
    theirs.save_word2vec_format(str(path), binary=binary)
    again, rows = (read_binary if binary else read_text)(path, silent)
    assert sorted(again) == sorted(words)
    order = [words.index(word) for word in again]
    assert np.array_equal(rows, vectors[order])


@pytest.mark.parametrize("word", ["", "a b", "a\nb", "\r", " a", "\ud800"], ids=ascii)
@pytest.mark.parametrize(("write", "read"), WAYS, ids=["text", "binary"])
def test_a_word_that_the_format_cannot_hold_is_refused_and_nothing_is_written(tmp_path, write, read, word):
    with pytest.raises(UnsupportedError, match="cannot hold"):
        write(made(["fine", word], [[1], [2]]), tmp_path / "out", silent)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("write", "read"), WAYS, ids=["text", "binary"])
def test_what_cannot_be_read_again_is_refused(tmp_path, write, read):
    for model in (made(["a", "b"], [[1], [np.nan]]), made([], np.empty((0, 3)))):
        with pytest.raises(UnsupportedError):
            write(model, tmp_path / "out", silent)
    assert list(tmp_path.iterdir()) == []


def test_a_first_line_that_would_be_read_as_something_else_is_refused(tmp_path):
    with pytest.raises(UnsupportedError, match="mark"):
        write_text(made(["\ufeffa"], [[1]]), tmp_path / "out", silent, header=False)
    with pytest.raises(UnsupportedError, match="header"):
        write_text(made(["2", "a"], [[3], [4]]), tmp_path / "out", silent, header=False)
