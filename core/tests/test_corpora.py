"""A corpus in files is read as often as asked for, in bounded memory, and what is wrong in it is named."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tracemalloc
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lexarium import corpora, files
from lexarium.corpora import FileCorpus
from lexarium.errors import InputError, UnsupportedError
from lexarium.tables import Texts, read_texts

MB = 2**20


@pytest.fixture
def write(tmp_path):
    def put(content, name="t.txt"):
        raw = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(gzip.compress(raw, 1) if name.endswith(".gz") else raw)
        return str(path)

    return put


def lines_of(blocks):
    """Take the texts out of blocks, by the words of their contract."""
    for block in blocks:
        if isinstance(block, list):
            yield from block
        else:
            yield from (line.rstrip("\r") for line in block.decode().removesuffix("\n").split("\n"))


def test_every_iteration_gives_the_texts_of_all_files_in_order(write):
    paths = [
        write("eins\r\n\n zwei\r\r\nohne Ende"),
        write("\ufeff三\n四\n", "t.txt.gz"),
        write("n,text\n1,a\n2,\n", "t.csv"),
        write('{"text": "b"}\n', "t.jsonl.gz"),
    ]
    texts = ["eins", "", " zwei", "ohne Ende", "三", "四"]
    assert list(FileCorpus(paths[:2])) == texts
    corpus = FileCorpus(paths[2:], "text")
    assert (corpus.read, corpus.path) == (None, ", ".join(paths[2:]))
    assert list(corpus) == list(corpus) == list(lines_of(corpus.blocks())) == ["a", "", "b"]
    assert corpus.read == 3
    corpus = FileCorpus(paths[:2])
    assert list(lines_of(corpus.blocks())) == texts
    assert corpus.read == len(texts)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=9)),
    st.booleans(),
    st.integers(1, 9),
)
@example(["a", "bc", "", "d\r"], True, 2)
@example(["\ufeffa", "b"], False, 3)
def test_blocks_of_any_size_give_the_same_texts(tmp_path_factory, lines, closed, size):
    path = tmp_path_factory.mktemp("blocks") / "t.txt"
    path.write_bytes(("\n".join(lines) + "\n" * (closed and bool(lines))).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpora, "_BLOCK", size)
        patch.setattr(corpora, "_STR_BLOCK", size)
        corpus = FileCorpus([str(path)])
        if not path.stat().st_size or path.read_bytes() == b"\xef\xbb\xbf":
            with pytest.raises(InputError, match="there are no texts in it"):
                list(corpus)
            return
        expected = read_texts(path).texts
        assert list(corpus) == list(lines_of(corpus.blocks())) == expected
        assert corpus.read == len(expected)


def test_each_text_is_located_by_its_file_and_line(write):
    paths = [write(b"a\nb\n", "1.txt"), write(b'text\n"c\nd"\ne\n', "2.csv")]
    found = [(path, line, text) for path, line, text in FileCorpus(paths).located()]
    assert found == [(paths[0], 1, "a"), (paths[0], 2, "b"), (paths[1], 2, "c\nd"), (paths[1], 4, "e")]
    assert list(Texts("t", ["x", "y"], [3, 5]).located()) == [("t", 3, "x"), ("t", 5, "y")]


def test_a_folder_is_every_file_beneath_in_the_order_of_the_paths(write, tmp_path):
    for name, content in {
        "b.txt": "2\n",
        "a/z.txt.gz": "1\n",
        "c/empty.txt": "",
        "c/deep/er.TXT": "3\n",
        "notes.pdf": "no",
        ".hidden.txt": "no",
    }.items():
        write(content, f"corpus/{name}")
    corpus = FileCorpus([str(tmp_path / "corpus")])
    assert list(corpus) == list(lines_of(corpus.blocks())) == ["1", "2", "3"]
    assert corpus.path == str(tmp_path / "corpus")


def test_a_folder_without_a_file_that_is_read_says_which_are(write, tmp_path):
    write("x", "corpus/x.pdf")
    with pytest.raises(InputError, match=r"none of the 1 files in this folder .* use \.txt"):
        FileCorpus([str(tmp_path / "corpus")])


@pytest.mark.parametrize("how", ["blocks", "__iter__"])
def test_memory_stays_bounded(write, how):
    path = write((b"a line of words " * 16 + b"\n") * 160_000, "large.txt.gz")  # 40 MB
    corpus = FileCorpus([path])
    tracemalloc.start()
    try:
        for _ in getattr(corpus, how)():
            pass
        assert tracemalloc.get_traced_memory()[1] < 34 * MB
    finally:
        tracemalloc.stop()
    assert corpus.read == 160_000


def test_a_line_of_50_mb_is_one_text(write):
    corpus = FileCorpus([write(b"short\n" + b"x" * 50 * MB + b"\nlast")])
    assert [len(text) for text in corpus] == [len(t) for t in lines_of(corpus.blocks())] == [5, 50 * MB, 4]


@pytest.mark.parametrize("name", ["t.txt", "t.csv"])
def test_a_line_beyond_the_bound_is_named(write, name):
    path = write(b"only\n" + b"x" * (files.MAX_LINE + 1) + b"\n", name)
    corpus = FileCorpus([path]) if name == "t.txt" else None
    with pytest.raises(InputError, match=r"line 2: the line is longer than 64 MiB; cut it"):
        list(corpus or FileCorpus([path]))
    if corpus:
        with pytest.raises(InputError, match=r"line 2: the line is longer than 64 MiB"):
            list(corpus.blocks())


@pytest.mark.parametrize("backend", ["auto", "reference"])
@pytest.mark.parametrize(
    ("name", "content", "line", "offset"),
    [
        ("t.txt", b"good\nb\xc3\xa9 \xe9.\n", 2, 9),
        ("t.txt", b"\xef\xbb\xbfgood\n\xed\xa0\x80\n", 2, 8),
        ("t.txt", b"\xef\xbb\xbf\xff", 1, 3),
        ("t.txt", b"ab\n" * 3 * MB + b"x\xff", 3 * MB + 1, 9 * MB + 1),
        ("t.txt.gz", b"good\n\xff", 2, 5),
        ("t.csv", b"only\na\n\xff\n", 3, 7),
        ("t.csv", b"\xef\xbb\xbfonly\xff\n", 1, 7),
    ],
)
def test_bytes_that_are_not_utf8_are_named_with_line_and_offset(
    write, name, content, line, offset, backend, monkeypatch
):
    monkeypatch.setenv("LEXARIUM_BACKEND", backend)
    path = write(content, name)
    for read in (list, lambda corpus: list(corpus.blocks())):
        with pytest.raises(InputError, match="is not UTF-8") as caught:
            read(FileCorpus([path]))
        where = "unpacked file" if name.endswith(".gz") else "file"
        assert f"(offset {offset} of the {where})" in str(caught.value)
        assert (caught.value.path, caught.value.line) == (path, line)


@pytest.mark.parametrize(("name", "head"), [("t.txt", b""), ("t.csv", b"only\n")])
def test_bytes_that_are_not_utf8_may_be_replaced(write, name, head):
    corpus = FileCorpus([write(head + b"a\xffb\ngut\n", name)], errors="replace")
    assert list(corpus) == list(lines_of(corpus.blocks())) == ["a\ufffdb", "gut"]


@pytest.mark.parametrize("how", ["blocks", "__iter__"])
def test_a_corpus_that_changes_between_two_readings_is_refused(write, tmp_path, how):
    path = write("eins\n", "corpus/a.txt")
    corpus = FileCorpus([str(tmp_path / "corpus")])
    assert list(corpus) == ["eins"]
    status = Path(path).stat()
    write("vier\n", "corpus/a.txt")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    with pytest.raises(InputError, match=r"a\.txt: the file has changed since training began"):
        list(getattr(corpus, how)())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert list(corpus) == ["vier"]
    more = write("neu\n", "corpus/b.txt")
    with pytest.raises(InputError, match=r"b\.txt: the file is new"):
        list(getattr(corpus, how)())
    Path(more).unlink()
    Path(path).rename(tmp_path / "corpus" / "c.txt")
    with pytest.raises(InputError, match=r"a\.txt: the file is gone"):
        list(getattr(corpus, how)())


def test_a_file_that_grows_while_it_is_read_is_refused(write):
    path = write("eins\nzwei\n")
    corpus = FileCorpus([path])
    texts = iter(corpus)
    assert next(texts) == "eins"
    write("eins\nzwei\ndrei\n")
    with pytest.raises(InputError, match="the file has changed"):
        list(texts)
    assert corpus.read is None


class TestWhatIsNoCorpus:
    """Named before anything is trained."""

    def test_no_file(self):
        with pytest.raises(InputError, match="no file is named"):
            FileCorpus([])

    def test_a_missing_file_and_one_of_another_ending(self, write, tmp_path):
        write("x", "reviews.txt")
        with pytest.raises(InputError, match=r"no such file; did you mean 'reviews\.txt'"):
            FileCorpus([str(tmp_path / "review.txt")])
        with pytest.raises(UnsupportedError, match="does not read"):
            FileCorpus([write("x", "x.pdf")])

    def test_a_column_that_is_missing_needed_or_too_much(self, write):
        with pytest.raises(InputError, match="leave --column out"):
            FileCorpus([write("x")], "text")
        with pytest.raises(InputError, match="it has 2 columns: a, b"):
            FileCorpus([write("a,b\n1,2\n", "t.csv")])
        with pytest.raises(InputError, match="there is no column 'c'"):
            FileCorpus([write("a,b\n1,2\n", "t.csv")], "c")

    @pytest.mark.parametrize(("name", "content"), [("t.txt", ""), ("t.csv", "a\n"), ("t.txt.gz", "")])
    def test_a_file_without_a_text(self, write, name, content):
        corpus = FileCorpus([write("x\n", "x.txt"), write(content, name)])
        for read in (corpus, corpus.blocks()):
            with pytest.raises(InputError, match="there are no texts in it"):
                list(read)

    def test_a_damaged_gzip_file(self, write, tmp_path):
        path = tmp_path / "t.txt.gz"
        path.write_bytes(gzip.compress(os.urandom(99))[:-9])
        with pytest.raises(InputError, match="damaged gzip"):
            list(FileCorpus([str(path)]).blocks())

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything is readable here")
    def test_a_file_that_may_not_be_read(self, write):
        path = write("x")
        Path(path).chmod(0)
        with pytest.raises(InputError, match="cannot be read"):
            list(FileCorpus([path]))


class TestStandardInput:
    """``-``: read once, iterated as often as needed."""

    @pytest.fixture
    def given(self, monkeypatch):
        def put(stream):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream, encoding="utf-8"))

        return put

    def test_it_is_kept(self, given):
        given(io.BytesIO("eins\n二\nlast".encode()))
        corpus = FileCorpus(["-"])
        assert list(corpus) == list(lines_of(corpus.blocks())) == ["eins", "二", "last"]
        assert list(zip(corpus, corpus, strict=True))[-1] == ("last", "last")
        assert (corpus.read, corpus.path) == (3, "-")

    def test_it_may_be_gzipped(self, given):
        given(io.BytesIO(gzip.compress(b"a\nb\n")))
        corpus = FileCorpus(["-"])
        assert list(corpus) == list(lines_of(corpus.blocks())) == ["a", "b"]

    def test_bytes_that_are_not_utf8_are_named(self, given):
        given(io.BytesIO(b"a\n\xff\n"))
        with pytest.raises(InputError, match=r"-, line 2: byte 0xff at position 0 .*offset 2"):
            list(FileCorpus(["-"]))

    def test_there_may_be_none(self, monkeypatch):
        monkeypatch.setattr(sys, "stdin", None)
        with pytest.raises(InputError, match="there is no standard input"):
            list(FileCorpus(["-"]))

    def test_a_full_disk_is_one_clear_error(self, given, monkeypatch):
        given(io.BytesIO(b"x\n" * MB))
        monkeypatch.setattr(corpora.tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
        with pytest.raises(InputError, match="No space left on device; free some space there, or set TMPDIR"):
            list(FileCorpus(["-"]))
