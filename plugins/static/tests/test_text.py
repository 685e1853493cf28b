"""Word vectors in text: what published files hold is read, and what is damaged is named."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import FormatError, InputError
from lexarium.roles import silent
from lexarium_static.text import read_text

PLAIN = "the 0.1 0.2 -0.3\nof 1 2e-1 3\n电影 .5 0 7\n"
VECTORS = np.array([[0.1, 0.2, -0.3], [1, 0.2, 3], [0.5, 0, 7]], np.float32)


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "glove.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_text(path, silent)

    return read


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        "3 3\n" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", " \n"),
        gzip.compress(PLAIN.encode()),
        gzip.compress(b"3 3\n" + PLAIN.encode()),
    ],
    ids=["plain", "header", "windows", "space at the end", "gzip", "gzip and header"],
)
def test_words_and_vectors_are_read(read, content):
    words, vectors = read(content)
    assert words == ["the", "of", "电影"]
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, VECTORS)


@pytest.mark.parametrize("header", ["", "5 2\n"])
def test_words_that_hold_spaces_or_are_numbers_or_odd_unicode_are_kept_as_they_are(read, header):
    odd = [". . .", "2", "at name@domain.com", "\x85", "a\xa0b"]
    words, vectors = read(header + "".join(f"{word} 0.1 {i}\n" for i, word in enumerate(odd)))
    assert words == odd
    np.testing.assert_array_equal(vectors[:, 1], np.arange(5, dtype=np.float32))


@pytest.mark.parametrize("word", ["nan", "1e5", "_", "\ufeff", "\u2028", "\r", "\t", "\x00", "inf"])
def test_a_word_that_looks_like_something_else_is_a_word(read, word):
    assert read(f"{word} 0.1 0.2\nthe 0.3 0.4\n")[0] == [word, "the"]


BAD_LINES = {
    "a missing number": ("of 1 2", "2 numbers follow"),
    "no number": ("of", "0 numbers follow"),
    "nothing": ("", "0 numbers follow"),
    "a number too many": ("of 1 2 3 4", "more than 3 numbers"),
    "a word in place of a number": ("of 1 two 3", "'two' is not a number"),
    "a missing number after a word with spaces": (". . . 1 2", "'.' is not a number"),
    "a decimal comma": ("of 1 0,2 3", "'0,2' is not a number"),
    "Python's spelling": ("of 1 1_000 3", "'1_000' is not a number"),
    "two spaces between numbers": ("of 1  2 3", "'' is not a number"),
    "two spaces after the word": ("of  1 2 3", "space at its edge"),
    "tabs": ("of\t1\t2\t3", "0 numbers follow"),
    "no word": (" 1 2 3", "is empty"),
    "NaN": ("of 1 nan 3", "number 2 of the word 'of' is NaN"),
    "infinity": ("of 1 2 -Infinity", "number 3 of the word 'of' is infinite"),
    "more than float32 holds": ("of 1e39 1 3", "number 1 of the word 'of' is 1e+39, too large"),
    "a word a second time": ("the 1 2 3", "second vector for the word 'the'; the first is on line"),
}


@pytest.mark.parametrize("header", ["", "3 3\n"], ids=["plain", "header"])
@pytest.mark.parametrize(("line", "problem"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_named_with_its_number(read, header, line, problem):
    with pytest.raises(FormatError) as caught:
        read(f"{header}the 0.1 0.2 0.3\n{line}\nand 0.4 0.5 0.6\n")
    assert problem in str(caught.value)
    assert caught.value.line == (3 if header else 2)
    assert caught.value.path.endswith("glove.txt")
    assert caught.value.remedy


@pytest.mark.parametrize("line", ["of 1 2", "of 1 two 3", "of 1 2 nan"])
def test_a_bad_first_line_does_not_decide_the_number_of_numbers(read, line):
    with pytest.raises(FormatError) as caught:
        read(f"{line}\nthe 0.1 0.2 0.3\n")
    assert caught.value.line == 1


def test_a_bad_number_far_into_the_file_is_named_with_its_line(read):
    lines = [f"w{i} {i} 0.5" for i in range(100_000)]
    lines[77_776] = "w 0.5 nan"
    with pytest.raises(FormatError) as caught:
        read("\n".join(lines))
    assert caught.value.line == 77_777


def test_a_word_that_is_not_utf_8_is_named_with_its_line(read):
    with pytest.raises(FormatError, match="UTF-8") as caught:
        read(b"the 0.1 0.2\nna\xefve 0.3 0.4\n")
    assert caught.value.line == 2


@pytest.mark.parametrize("header", ["", "4 2\n"])
def test_words_that_are_not_utf_8_are_replaced_where_asked(tmp_path, caplog, header):
    path = tmp_path / "v.txt"
    path.write_bytes(header.encode() + b"na\xefve 1 2\nthe 3 4\nna\xeeve 5 6\n\xe5\xa5\xbd 7 8\n")
    words, vectors = read_text(path, silent, errors="replace")
    assert words == ["na\ufffdve", "the", "好"]  # the third became what the first is
    np.testing.assert_array_equal(vectors, [[1, 2], [3, 4], [7, 8]])
    assert "in 2 words bytes that are not UTF-8 became U+FFFD; 1 vectors" in caplog.text


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        (b"the 9 9\n", "the first is on line 2"),
        (b"of 9 9\nof 9 9\n", "the first is on line 4"),
        (b"of nan 1\n", "NaN"),
        (b"of 1\n", "1 numbers follow"),
    ],
)
def test_lines_are_counted_with_those_that_replacing_left_out(tmp_path, tail, problem):
    path = tmp_path / "v.txt"
    path.write_bytes(b"a\xef 1 2\nthe 3 4\na\xee 5 6\n" + tail)
    with pytest.raises(FormatError, match=problem) as caught:
        read_text(path, silent, errors="replace")
    assert caught.value.line == 3 + tail.count(b"\n")


def test_replacing_leaves_no_second_vector_of_a_sound_word_alone(tmp_path):
    path = tmp_path / "v.txt"
    path.write_bytes(b"the 1 2\nthe 3 4\n")
    with pytest.raises(FormatError, match="second vector"):
        read_text(path, silent, errors="replace")


BAD_FILES = {
    "empty": ("", "is empty"),
    "only a header": ("2 3\n", "the file holds 0"),
    "a header that promises nothing": ("0 3\n", "no vector"),
    "vectors of no numbers": ("3 0\nthe\n", "no numbers"),
    "prose": ("It was a dark night.\nNothing moved.\n", "no numbers"),
    "more promised than there is": ("4 3\n" + PLAIN, "promises 4 vectors, the file holds 3"),
    "an absurd promise": ("999999999999999 3\n" + PLAIN, "the file holds 3"),
    "absurd vectors": ("3 999999999999999\n" + PLAIN, "3 numbers follow"),
    "less promised than there is": ("2 3\n" + PLAIN, "more vectors than the 2"),
    "other vectors than promised": ("3 4\n" + PLAIN, "3 numbers follow"),
    "a zip archive": (b"PK\x03\x04" + bytes(100), "zip archive"),
    "gzip cut short": (gzip.compress(PLAIN.encode())[:-9], "gzip"),
    "damaged gzip": (b"\x1f\x8b" + bytes(50), "gzip"),
    "a binary word2vec file": (b"2 3\nthe " + np.float32([1, 2, 3]).tobytes() + b"\n", "numbers follow"),
}


@pytest.mark.parametrize(("content", "problem"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_with_a_remedy(read, content, problem):
    with pytest.raises(FormatError) as caught:
        read(content)
    assert problem in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content", [b"a" * (5 << 20), gzip.compress(bytes(1 << 28))], ids=["plain", "gzip bomb"]
)
def test_a_line_without_an_end_is_refused_before_it_is_read_whole(read, content):
    with pytest.raises(FormatError, match="longer than 4 MiB"):
        read(content)


def test_an_error_about_an_endless_field_is_short(read):
    with pytest.raises(FormatError) as caught:
        read(f"2 2\n{'a' * 10**6} 0.1 {'b' * 10**6}\n")
    assert len(str(caught.value)) < 500


def test_a_missing_or_unreadable_file_is_an_input_error(tmp_path):
    for path in (tmp_path, tmp_path / "no.txt"):
        with pytest.raises(InputError, match="cannot be read"):
            read_text(path, silent)


def test_progress_is_told_to_the_end(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"w{i} 1\n" for i in range(25_000)))
    told = []
    read_text(path, lambda _, done, total: told.append((done, total)))
    assert told == [(10_000, None), (20_000, None), (25_000, 25_000)]


WORDS = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters=" \n"), min_size=1),
    min_size=1,
    max_size=5,
    unique=True,
)


@given(words=WORDS, dim=st.integers(1, 4), cut=st.integers(1, 200), packed=st.booleans())
def test_a_file_cut_short_is_refused_or_whole_and_never_shorter(tmp_path_factory, words, dim, cut, packed):
    vectors = np.arange(len(words) * dim).reshape(-1, dim) + 0.25
    lines = [f"{len(words)} {dim}"] + [
        " ".join([w, *map(str, v)]) for w, v in zip(words, vectors, strict=True)
    ]
    content = ("\n".join(lines) + "\n").encode()
    whole = gzip.compress(content) if packed else content
    path = tmp_path_factory.mktemp("cut") / "glove.vec"
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    try:
        found, read = read_text(path, silent)
    except FormatError:
        return
    assert found == words
    # The last number may have lost digits: nothing in the file says how many it had.
    np.testing.assert_array_equal(read.ravel()[:-1], vectors.ravel()[:-1])
    assert not packed


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_by_name(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "glove.txt"
    path.write_bytes(content)
    try:
        words, vectors = read_text(path, silent)
    except FormatError:
        return
    assert len(words) == len(vectors) > 0
    assert np.isfinite(vectors).all()


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    path = tmp_path / "v.txt"
    path.write_bytes("\ufeffking 1 2\nqueen 3 4\n".encode())
    words, _ = read_text(path, silent)
    assert words == ["king", "queen"]


@pytest.mark.parametrize("header", [b"", b"2 3\n"])
def test_every_cut_inside_a_line_is_refused(read, header):
    whole = header + b"the 0.125 0.25 -0.375\nof 1 2e-1 3.25\n"
    read(whole)
    for cut in range(len(header), len(whole)):
        if cut and not whole[:cut].endswith(b"\n"):
            with pytest.raises(FormatError):
                read(whole[:cut])
