"""Tables: what can be read is read, and what cannot is named with file, line, field and remedy."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import InputError, MissingExtraError, UnsupportedError
from lexarium.tables import Labelled, corpus, labelled, read_labelled, read_texts


def write(tmp_path, content, name="t.csv"):
    raw = content.encode() if isinstance(content, str) else content
    path = tmp_path / name
    path.write_bytes(gzip.compress(raw) if name.lower().endswith(".gz") else raw)
    return path


def read(path):
    return read_labelled(path, text="text", label="label")


def rows(found):
    return list(zip(found.texts, found.labels, found.lines, strict=True))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", "label,text,other\na,first,1\nb,第二,2\n"),
        ("t.csv", "label,text,other\r\na,first,1\r\nb,第二,2"),
        ("t.CSV", "\ufefflabel,text,other\na,first,1\nb,第二,2\n"),
        ("t.tsv", "label\ttext\na\tfirst\nb\t第二\n"),
        ("t.csv.gz", "text,label\nfirst,a\n第二,b\n"),
        ("t.TSV.GZ", "label\ttext\na\tfirst\nb\t第二\n"),
    ],
)
def test_rows_come_in_order_with_their_lines_whatever_the_dialect(tmp_path, name, content):
    found = read(write(tmp_path, content, name))
    assert rows(found) == [("first", "a", 2), ("第二", "b", 3)]
    assert len(found) == 2
    assert found.path.endswith(name)


def test_json_lines_have_the_lines_of_the_file_and_labels_may_be_numbers(tmp_path):
    path = write(
        tmp_path, '{"text": "a", "label": 1}\n\n{"label": true, "x": [], "text": "\\ud800"}\n', "t.jsonl"
    )
    assert rows(read(path)) == [("a", "1", 1), ("\ud800", "True", 3)]


def test_quoted_fields_may_hold_separators_quotes_and_lines_and_lines_stay_right(tmp_path):
    path = write(tmp_path, 'text,label\n"a, ""b""\r\nc\n",x\n\nlast,y\n')
    assert rows(read(path)) == [('a, "b"\r\nc\n', "x", 2), ("last", "y", 6)]


def test_a_text_longer_than_pythons_own_limit_is_read_while_another_reader_fails(tmp_path):
    text = "long " * 100_000
    long, bad = write(tmp_path, f"text,label\n{text},x\n"), write(tmp_path, "text,label\na,\n", "bad.csv")
    csv.field_size_limit(131_072)
    for _ in range(2):
        with pytest.raises(InputError):
            read(bad)
        assert read(long).texts == [text]


def test_a_text_may_be_empty_and_a_label_loses_the_space_around_it(tmp_path):
    assert rows(read(write(tmp_path, "text,label\n, x \n"))) == [("", "x", 2)]


@pytest.mark.parametrize(
    ("name", "content", "line", "says"),
    [
        ("t.csv", "", None, "the file is empty"),
        ("t.csv", "text,label\n", None, "there are no rows in it"),
        ("t.csv", "texts,label\na,b\n", None, "there is no column 'text'; did you mean 'texts'?"),
        ("t.csv", "text,label,text\na,b,c\n", None, "the column 'text' stands twice"),
        ("t.csv", "text,label\na,x\nb\n", 3, "1 fields where the header has 2"),
        ("t.csv", "text,label\na,b,c\n", 2, "3 fields where the header has 2"),
        ("t.csv", 'text,label\na,x\n"b,y\nc,z\n', 3, "quote the field"),
        ("t.csv", 'text,label\n"a" b,x\n', 2, "quote the field"),
        ("t.csv", "text,label\na,x\nb,  \n", 3, "field 'label': the row has no label"),
        ("t.csv", b"text,label\na,x\n\xff\xfe,y\n", 3, "byte 0xff at position 0 is not UTF-8"),
        ("t.csv", b'text,label\n"a\nb\nc \xe9\n",x\n', 4, "byte 0xe9 at position 2 is not UTF-8"),
        ("t.csv", "text,label\n".encode("utf-16"), 1, "is not UTF-8"),
        ("t.jsonl", "", None, "there are no rows in it"),
        ("t.jsonl", '{"text": "a", "label": "x"}\n[1]\n', 2, "not a JSON object; write one object per line"),
        ("t.jsonl", '{"text": "a", "label": "x"}\n{"text"\n', 2, "not JSON"),
        ("t.jsonl", "\n" + "[" * 100_000 + "\n", 2, "not JSON: too deep"),
        ("t.jsonl", '{"text": ' + "1" * 5000 + "}\n", 1, "not JSON: a number has too many digits"),
        ("t.jsonl", '{"text": "a"}\n', 1, "there is no column 'label'; there are: text"),
        ("t.jsonl", '{"text": 3, "label": "x"}\n', 1, "field 'text': 3 is not text"),
        ("t.jsonl", '{"text": null, "label": "x"}\n', 1, "field 'text': the text is missing"),
        ("t.jsonl", '{"text": "a", "label": null}\n', 1, "field 'label': the row has no label"),
        ("t.jsonl", '{"text": "a", "label": NaN}\n', 1, "field 'label': the row has no label"),
        ("t.txt", "text,label\na,b\n", None, "a plain text file has no columns"),
    ],
)  # fmt: skip
def test_a_bad_table_is_named_with_file_line_and_remedy(tmp_path, name, content, line, says):
    path = write(tmp_path, content, name)
    with pytest.raises(InputError) as caught:
        read(path)
    where = str(path) if line is None else f"{path}, line {line}"
    assert str(caught.value).startswith(where + (":" if "field" not in says[:6] else ","))
    assert says in str(caught.value)
    assert caught.value.line == line
    assert caught.value.remedy


def test_a_damaged_or_cut_gzip_file_is_refused(tmp_path):
    raw = gzip.compress(b"text,label\n" + b"".join(b"text %d,x\n" % i for i in range(5000)))
    path = tmp_path / "t.csv.gz"
    for damaged in (raw[: len(raw) // 2], raw[:20] + b"xxxx" + raw[24:], b"no gzip at all", raw + b"tail"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged gzip") as caught:
            read(path)
        assert caught.value.line >= 1


def test_a_missing_file_is_answered_with_the_one_that_is_near(tmp_path):
    write(tmp_path, "text,label\n", "reviews.csv")
    with pytest.raises(InputError, match=r"there is no such file; did you mean 'reviews\.csv'"):
        read(tmp_path / "review.csv")
    with pytest.raises(InputError, match="there is no such file; there are none"):
        read(tmp_path / "nowhere" / "review.csv")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(InputError, match="it is not a file"):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.gz", "csv"])
def test_an_unknown_ending_is_answered_with_those_that_are_read(tmp_path, name):
    with pytest.raises(UnsupportedError, match=r"use \.txt, \.csv, \.tsv, \.jsonl, \.parquet or \.gz"):
        read(tmp_path / name)


def test_columns_in_memory_are_rows_counted_from_one():
    found = labelled({"text": ["a", np.str_("b")], "label": [0, "x"]}, text="text", label="label")
    assert found == Labelled("the data", ["a", "b"], ["0", "x"], [1, 2])
    assert labelled(found, text="ignored", label="ignored") is found


class _NA:
    """What pandas has for a missing value: a comparison with it has no truth value."""

    def __ne__(self, other):
        return self

    def __eq__(self, other):
        return self

    __hash__ = None

    def __bool__(self):
        raise TypeError


@pytest.mark.parametrize("missing", [None, float("nan"), np.float64("nan"), _NA(), "", " \t"])
def test_a_missing_label_in_memory_is_named_by_its_row(missing):
    with pytest.raises(InputError, match="line 2, field 'c': the row has no label") as caught:
        labelled({"t": ["a", "b"], "c": ["x", missing]}, text="t", label="c")
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"t": ["a"], "l": ["x"]}, "there is no column 'c'"),
        ({"t": ["a", "b"], "c": ["x"]}, "2 rows in 't', 1 in 'c'"),
        ({"t": [], "c": []}, "there are no rows in it"),
        ({"t": [1], "c": ["x"]}, "field 't': 1 is not text"),
    ],
)
def test_columns_in_memory_that_do_not_fit_are_refused(columns, says):
    with pytest.raises(InputError, match="the data") as caught:
        labelled(columns, text="t", label="c")
    assert says in str(caught.value)


def test_a_path_may_be_text(tmp_path):
    assert labelled(str(write(tmp_path, "t,c\na,x\n")), text="t", label="c").labels == ["x"]


def test_plain_text_is_one_text_a_line_empty_lines_too(tmp_path):
    found = read_texts(write(tmp_path, "\ufefffirst\r\n\n三\x0b \x85\n last", "t.txt"))
    assert (found.texts, found.lines) == (["first", "", "三\x0b \x85", " last"], [1, 2, 3, 4])


def test_plain_text_has_no_columns_and_a_table_has_one_or_needs_its_name(tmp_path):
    with pytest.raises(InputError, match="leave --column out"):
        read_texts(write(tmp_path, "a\n", "t.txt"), "text")
    for name, content in (("t.csv", "a,b\n1,2\n"), ("t.jsonl", '\n{"a": "1", "b": "2"}\n')):
        with pytest.raises(InputError, match="it has 2 columns: a, b; name the one to read with --column"):
            read_texts(write(tmp_path, content, name))
        assert read_texts(tmp_path / name, "b").texts == ["2"]


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("t.csv", "only\na\n", ["a"]),
        ("t.tsv", "one, two\na\n", ["a"]),
        ("t.jsonl", '{"x": "a"}\n{"x": "b"}', ["a", "b"]),
    ],
)
def test_the_only_column_needs_no_name(tmp_path, name, content, texts):
    assert read_texts(write(tmp_path, content, name)).texts == texts


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.txt", "", "there are no texts in it"),
        ("t.csv", "only\n", "there are no texts in it"),
        ("t.csv", "", "the file is empty"),
        ("t.jsonl", "{broken\n", "line 1: not JSON"),
        ("t.jsonl", "[1]\n", "line 1: not a JSON object"),
        ("t.csv", "x" * 200_000, "there are no texts in it"),
        ("t.csv", '"x', "line 1: unexpected end of data"),
        ("t.txt", b"a\n\xe9\n", "line 2: byte 0xe9"),
    ],
)
def test_texts_that_cannot_be_read_are_refused(tmp_path, name, content, says):
    with pytest.raises(InputError) as caught:
        read_texts(write(tmp_path, content, name))
    assert says in str(caught.value)


def stdin(monkeypatch, raw):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))


def test_a_dash_is_standard_input_one_text_a_line(monkeypatch):
    stdin(monkeypatch, "eins\n二\n".encode())
    assert read_texts("-").texts == ["eins", "二"]


def test_standard_input_that_is_not_utf8_absent_or_read_twice_is_refused(monkeypatch):
    stdin(monkeypatch, b"a\n\xff\n")
    with pytest.raises(InputError, match="-, line 2: byte 0xff"):
        read_texts("-")
    with pytest.raises(InputError, match="it has been read already"):
        read_texts(Path("-"))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="there is no standard input"):
        read_texts("-")


def test_a_corpus_is_texts_as_given_or_the_texts_of_files(tmp_path):
    one, two = write(tmp_path, "a\nb\n", "1.txt"), write(tmp_path, "c\n", "2.txt")
    assert corpus(["x", "y"]).texts == ["x", "y"]
    assert list(corpus([one, two])) == ["a", "b", "c"]
    assert list(corpus(one)) == list(corpus(corpus(one))) == list(corpus(read_texts(one))) == ["a", "b"]
    assert list(corpus(write(tmp_path, "t,u\nd,e\n"), "u")) == ["e"]
    assert corpus(["x", "y"]).read == 2
    assert corpus(text for text in ["x", "y"]).texts == ["x", "y"]
    assert list(corpus(["x", "y"])) == ["x", "y"]


@pytest.mark.parametrize("missing", [None, float("nan"), 3, b"bytes"])
def test_what_is_missing_from_a_corpus_is_named_and_not_trained_on(missing):
    with pytest.raises(InputError, match="element 1"):
        corpus(["good film", missing])


def test_a_single_text_is_no_corpus():
    with pytest.raises(InputError, match=r"write \[text\]"):
        corpus("good film")


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
@given(content=st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), st.sampled_from("xy"))))
def test_what_pythons_csv_writes_is_read_back(tmp_path_factory, name, content):
    path = tmp_path_factory.mktemp("csv") / name
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter="\t" if name.endswith("tsv") else ",")
        writer.writerows([("text", "label"), *content, ("end", "z")])
    found = read(path)
    assert list(zip(found.texts, found.labels, strict=True)) == [*content, ("end", "z")]


class TestParquet:
    """Parquet, where pyarrow is installed."""

    @pytest.fixture
    def save(self, tmp_path):
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")

        def put(columns):
            parquet.write_table(arrow.table(columns), tmp_path / "t.parquet")
            return tmp_path / "t.parquet"

        return put

    def test_rows_are_counted_from_one_and_labels_may_be_numbers(self, save):
        path = save({"n": [1, 2], "label": [0, 1], "text": ["a", "乙"]})
        assert rows(read(path)) == [("a", "0", 1), ("乙", "1", 2)]

    @pytest.mark.parametrize(
        ("columns", "says"),
        [
            ({"txt": ["a"], "label": ["x"]}, "there is no column 'text'"),
            ({"text": ["a", None], "label": ["x", "y"]}, "line 2, field 'text': the text is missing"),
            ({"text": ["a", "b"], "label": ["x", None]}, "line 2, field 'label': the row has no label"),
            (
                {"text": ["a", "b"], "label": [1.0, float("nan")]},
                "line 2, field 'label': the row has no label",
            ),
            ({"text": [1], "label": ["x"]}, "field 'text': 1 is not text"),
        ],
    )
    def test_a_bad_row_is_named_by_its_number(self, save, columns, says):
        with pytest.raises(InputError) as caught:
            read(save(columns))
        assert says in str(caught.value)

    def test_the_only_column_needs_no_name(self, save):
        assert read_texts(save({"x": ["a"]})).texts == ["a"]
        with pytest.raises(InputError, match="it has 2 columns: x, y"):
            read_texts(save({"x": ["a"], "y": ["b"]}))

    def test_a_damaged_file_is_refused_wherever_the_damage_is(self, save):
        path = save({"text": [f"text {i}" for i in range(3000)], "label": ["x"] * 3000})
        whole = path.read_bytes()
        for damaged in (b"", b"PAR1", whole[:-9], whole[: len(whole) // 2], b"\0" * 999 + whole[999:]):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match=r"t\.parquet"):
                read(path)


def test_without_pyarrow_parquet_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexarium-core\[parquet\]'"):
        read(write(tmp_path, "", "t.parquet"))


class Frame:
    """What a data frame has in common with a mapping, which it is none of."""

    def __init__(self, columns):
        self._columns = columns

    def keys(self):
        return self._columns.keys()

    def __iter__(self):
        return iter(self._columns)

    def __getitem__(self, name):
        return self._columns[name]


def test_a_data_frame_is_a_table():
    rows = labelled(Frame({"text": ["a", "b"], "label": ["x", "y"]}), text="text", label="label")
    assert (list(rows.texts), list(rows.labels)) == (["a", "b"], ["x", "y"])


@pytest.mark.parametrize("odd", [None, 3, ["a", "b"], {"a", "b"}])
def test_what_is_no_table_is_named_by_its_type(odd):
    with pytest.raises(InputError, match=f"the data: {type(odd).__name__} where a table belongs"):
        labelled(odd, text="text", label="label")
