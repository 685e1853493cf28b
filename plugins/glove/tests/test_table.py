"""A ``.npy`` matrix with its parquet index: read when they belong together, refused by name when not."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from lexarium.errors import FormatError
from lexarium.roles import silent
from lexarium_glove.table import read_table

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

WORDS = ["the", ",", "电影", "\x85", "a b"]
VECTORS = np.arange(10, dtype=np.float32).reshape(5, 2)


@pytest.fixture
def write(tmp_path):
    def write(vectors=VECTORS, words=WORDS, column="index"):
        np.save(tmp_path / "v.npy", vectors)
        table = words if isinstance(words, pa.Table) else pa.table({column: words})
        pq.write_table(table, tmp_path / "i.parquet")
        return tmp_path / "v.npy", tmp_path / "i.parquet"

    return write


@pytest.mark.parametrize("vectors", [VECTORS, np.asfortranarray(VECTORS)], ids=["by row", "by column"])
def test_words_and_vectors_are_read_row_by_row(write, vectors):
    words, read = read_table(*write(vectors), silent)
    assert words == WORDS
    np.testing.assert_array_equal(read, VECTORS)
    assert read.dtype == np.float32
    assert read.flags.c_contiguous
    assert not isinstance(read, np.memmap)


@pytest.mark.parametrize("kind", ["large_string", "dictionary"])
def test_every_kind_of_string_column_is_read(write, kind):
    strings = pa.array(WORDS)
    column = strings.dictionary_encode() if kind == "dictionary" else strings.cast(pa.large_string())
    assert read_table(*write(words=pa.table({"index": column})), silent)[0] == WORDS


BAD = {
    "another type": (VECTORS.astype(np.float64), WORDS, "float64"),
    "another byte order": (VECTORS.astype(">f4"), WORDS, ">f4"),
    "one dimension": (VECTORS[:, 0], WORDS, "(5,)"),
    "no rows": (VECTORS[:0], [], "(0, 2)"),
    "no numbers": (VECTORS[:, :0], WORDS, "(5, 0)"),
    "objects": (np.array([["a", 1]], dtype=object), WORDS, "not a readable .npy"),
    "more words than rows": (VECTORS[:4], WORDS, "names 5 words, v.npy has 4 rows"),
    "more rows than words": (VECTORS, WORDS[:4], "names 4 words, v.npy has 5 rows"),
    "NaN": (np.where(VECTORS == 5, np.float32(np.nan), VECTORS), WORDS, "row 2 (the word '电影')"),
    "infinity": (np.where(VECTORS == 5, np.float32(np.inf), VECTORS), WORDS, "row 2 (the word '电影')"),
    "a word twice": (VECTORS, ["a", "b", "c", "b", "d"], "row 3 is a second vector for the word 'b'"),
    "a missing word": (VECTORS, ["a", "b", None, "c", "d"], "row 2 has no word"),
    "an empty word": (VECTORS, ["a", "b", "", "c", "d"], "row 2 has no word"),
    "numbers as words": (VECTORS, [1, 2, 3, 4, 5], "the words are int64"),
}


@pytest.mark.parametrize(("vectors", "words", "problem"), BAD.values(), ids=BAD)
def test_a_bad_pair_is_refused_with_a_remedy(write, vectors, words, problem):
    with pytest.raises(FormatError) as caught:
        read_table(*write(vectors, words), silent)
    assert problem in str(caught.value)


def test_an_index_without_the_column_is_refused(write):
    with pytest.raises(FormatError, match=r"field 'index': .*only \['word'\]"):
        read_table(*write(column="word"), silent)


def test_words_that_are_not_utf_8_are_refused(write):
    raw = pa.array([b"a", b"b", b"\xff", b"c", b"d"])
    column = pa.Array.from_buffers(pa.string(), 5, raw.buffers())
    with pytest.raises(FormatError, match=r"i\.parquet"):
        read_table(*write(words=pa.table({"index": column})), silent)


def test_a_header_that_promises_more_than_the_file_holds_is_refused_at_once(write):
    matrix, index = write()
    header = {"descr": "<f4", "fortran_order": False, "shape": (400_000_000_000, 300)}
    with matrix.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(1000))
    with pytest.raises(FormatError, match=r"v\.npy"):
        read_table(matrix, index, silent)


@pytest.mark.parametrize("cut", [1, 20, 100])
def test_a_matrix_or_an_index_cut_short_is_refused(write, cut):
    for which in (0, 1):
        paths = write()
        content = paths[which].read_bytes()
        paths[which].write_bytes(content[:-cut])
        with pytest.raises(FormatError, match=paths[which].name):
            read_table(*paths, silent)


@pytest.mark.parametrize(
    "header", ["{'shape': (5, 2", "-" * 9000 + "1", "(" * 3000, "\0", "{'shape': (5, 2)}"]
)
def test_a_damaged_header_is_refused(write, header):
    matrix, index = write()
    length = len(header).to_bytes(2, "little")
    matrix.write_bytes(b"\x93NUMPY\x01\x00" + length + header.encode() + bytes(40))
    with pytest.raises(FormatError, match="not a readable"):
        read_table(matrix, index, silent)


def test_an_archive_of_arrays_is_no_matrix(write):
    matrix, index = write()
    with zipfile.ZipFile(matrix, "w") as archive:
        archive.writestr("v.npy", b"")
    with pytest.raises(FormatError, match="not a readable"):
        read_table(matrix, index, silent)
