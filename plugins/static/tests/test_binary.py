"""Word2vec's binary format: what gensim and word2vec.c write is read, and what is damaged is named."""

from __future__ import annotations

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexarium.errors import FormatError, InputError, LexariumError
from lexarium.roles import silent
from lexarium_static.binary import is_binary, read_binary

WORDS = ["the", "of", "电影"]
VECTORS = np.array([[0.1, 0.2, -0.3], [1, 0.2, 3], [0.5, 0, 7]], np.float32)


def content(words=WORDS, vectors=VECTORS, ending=b"", header=None):
    rows = [
        w.encode() + b" " + v.astype("<f4").tobytes() + ending for w, v in zip(words, vectors, strict=True)
    ]
    return (header or f"{len(words)} {vectors.shape[1]}\n".encode()) + b"".join(rows)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("binary") / "vectors.bin"


def read(path, raw):
    path.write_bytes(raw)
    return read_binary(path, silent)


@pytest.mark.parametrize(
    "raw",
    [content(), content(ending=b"\n"), gzip.compress(content()), content(header=b"3 3\r\n")],
    ids=["gensim", "word2vec.c", "gzip", "windows"],
)
def test_words_and_vectors_are_read(path, raw):
    words, vectors = read(path, raw)
    assert words == WORDS
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, VECTORS)
    assert is_binary(path)


def test_rows_longer_than_what_is_read_at_once(path):
    vectors = np.random.default_rng(0).standard_normal((3, 300_000)).astype(np.float32)
    found, again = read(path, content(vectors=vectors))
    assert found == WORDS
    np.testing.assert_array_equal(again, vectors)


@pytest.mark.parametrize("ending", [b"", b"\n"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_proper_prefix_is_refused(path, ending, pack):
    whole = pack(content(ending=ending))
    read(path, whole)
    for length in range(len(whole)):
        with pytest.raises(FormatError):
            read(path, whole[:length])


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "first line is not two integers"),
        (b"x 3\n", "first line is not two integers"),
        (b"3 3", "first line is not two integers"),
        (b"3 " + b"3" * 99 + b"\n", "first line is not two integers"),
        (b"0 3\n", "promises 0 vectors of 3"),
        (b"3 0\n", "promises 3 vectors of 0"),
        (content() + b"x", "more than the 3 vectors"),
        (content(header=b"2 3\n"), "more than the 2 vectors"),
        (content(header=b"4 3\n"), "ends before vector 4"),
        (
            content(["the", "of", "the"]),
            "vector 3 of 3 is a second one for the word 'the'; the first is vector 1",
        ),
        (content(["the", "", "of"]), "word of vector 2 of 3 is empty"),
        (content(["the", "o\nf", "x"]), "has a line end in it"),
        (content(["the", "of", "x"]).replace(b"of", b"\xff\xfe"), "word of vector 2 of 3 is not UTF-8"),
        (
            content(vectors=VECTORS * np.float32([[1], [np.nan], [1]])),
            "vector 2 of 3, the word 'of', has a number",
        ),
        (
            content(vectors=VECTORS + np.float32([[0], [0], [np.inf]])),
            "vector 3 of 3, the word '电影', has a number",
        ),
        (b"1 1\n" + b"x" * 70_000, "no space ends the word of vector 1"),
        (content(ending=b"\n")[:-1], "no line end follows vector 3"),
        (gzip.compress(content(), mtime=0)[:-9], "gzip data is damaged"),
    ],
)
def test_what_breaks_the_format_is_named(path, raw, problem):
    with pytest.raises(FormatError, match=problem):
        read(path, raw)


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_binary(tmp_path / "none.bin", silent)
    with pytest.raises(InputError, match="cannot be read"):
        is_binary(tmp_path / "none.bin")


@pytest.mark.parametrize(
    "header", [b"999999999999999 3\n", b"3 999999999999999\n", b"999999999999999 99999999999\n"]
)
def test_memory_follows_what_is_there_and_not_what_is_promised(path, header):
    path.write_bytes(content(header=header))
    tracemalloc.start()
    with pytest.raises(FormatError, match="ends"):
        read_binary(path, silent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", b"1 1\n", b"2 1\n", b"1 2\n", b"3 3\nthe "]))
def test_any_bytes_are_read_or_refused_by_name(path, raw, start):
    path.write_bytes(start + raw)
    try:
        assert is_binary(path) in {True, False}
        words, vectors = read_binary(path, silent)
    except LexariumError:
        return
    assert len(words) == len(set(words)) == len(vectors)
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize(
    "text",
    [
        b"the 0.1 0.2\n",
        b"2 2\nthe 0.1 0.2\nof 1e-3 4\n",
        b"1 1\nx nan\n",
        b"2 1\n",
        b"",
        b"2 2\nthe",
        b"1 2\nthe Infinity -Infinity\n",  # as Java writes it
        b"1 3\nthe -nan(ind) 1.#INF -1.#IND\n",  # as Microsoft's runtimes do
        b"1 3\nthe 0,1 0,2 0,3\n",
        b"1 3\nthe 0.1 #VALUE! 0.3\n",
        "2 3\n电 1 2 3\n影 4 5 6\n".encode(),  # shorter than 4 bytes a number
        b"2 3\nthe 1 2 3\nna\xefve 4 5 6\n",
    ],
)
def test_text_is_told_from_binary(path, text):
    path.write_bytes(text)
    assert not is_binary(path)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 2, 5, 300]), st.sampled_from([b"", b"\n"]), st.booleans())
def test_binary_is_told_from_text(path, seed, dim, ending, whole):
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-3, 4, (3, dim)) if whole else rng.normal(0, 0.1, (3, dim))
    path.write_bytes(content(vectors=vectors.astype(np.float32), ending=ending))
    assert is_binary(path)


def test_words_that_are_not_utf_8_are_replaced_where_asked(tmp_path, caplog):
    path = tmp_path / "v.bin"
    rows = [np.array([i, -0.1], "<f4") for i in range(4)]
    names = [b"na\xefve", b"the", b"na\xeeve", "好".encode()]
    path.write_bytes(b"4 2\n" + b"".join(b + b" " + r.tobytes() for b, r in zip(names, rows, strict=True)))
    words, vectors = read_binary(path, silent, errors="replace")
    assert words == ["na\ufffdve", "the", "好"]
    np.testing.assert_array_equal(vectors, np.array(rows)[[0, 1, 3]])
    assert "in 2 words" in caplog.text
    with pytest.raises(FormatError, match=r"vector 1 of 4 is not UTF-8.*--encoding-errors replace"):
        read_binary(path, silent)


@pytest.mark.parametrize(
    ("start", "says"),
    [(b"\xba\x16O/\x0c", "of fastText.*import fasttext"), (b"GGUF\x03", "GGUF.*import gpt")],
)
def test_a_model_of_another_kind_is_named(tmp_path, start, says):
    (tmp_path / "model.bin").write_bytes(start + bytes(99))
    with pytest.raises(FormatError, match=says):
        is_binary(tmp_path / "model.bin")
