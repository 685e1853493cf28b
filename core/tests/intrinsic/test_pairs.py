from __future__ import annotations

import tracemalloc

import pytest

from lexarium.errors import InputError
from lexarium.intrinsic.pairs import read_pairs

SIMLEX = (
    "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tconcQ\tAssoc(USF)\tSimAssoc333\tSD(SimLex)\n"
    "old\tnew\tA\t1.58\t2.72\t2.81\t2\t7.25\t1\t0.41\n"
    "smart\tintelligent\tA\t9.2\t1.75\t2.46\t1\t7.11\t1\t0.67\n"
)


def rows(path):
    pairs = read_pairs(path)
    return [
        (pairs.words[a], pairs.words[b], score)
        for (a, b), score in zip(pairs.ids.tolist(), pairs.scores.tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    "content",
    [
        "old\tnew\t1.58\nsmart\tintelligent\t9.2\n",
        "# comment\n# Word 1\tWord 2\tHuman (mean)\nold\tnew\t1.58\n\nsmart\tintelligent\t9.2",
        "Word 1,Word 2,Human (mean)\nold,new,1.58\r\nsmart,intelligent,9.2\r\n",
        "Word 1,Word 2,Human (mean),1,2,3\nold,new,1.58,1,2,3\nsmart,intelligent,9.2,7,8,9\n",
        '"old","new","1.58"\n"smart","intelligent",9.2\n',
        "old;new;1.58\nsmart;intelligent;9.2\n",
        "\ufeffold new 1.580000\nsmart intelligent 9.200000 \n",
        "old-j new-j 1.58\nsmart-j intelligent-j 9.2\n",
        "1\told\tnew\t1.58\n2\tsmart\tintelligent\t9.2\n",
        "7 old new 1.58\n3 smart intelligent 9.2e0\n",
        "score word1 word2\n1.58 old new\n9.2 smart intelligent\n",
        SIMLEX,
    ],
    ids=[
        "tabs", "comments", "csv", "csv-with-raters", "quoted", "semicolons", "spaces-and-mark", "lemmas",
        "numbered", "numbered-spaces", "score-first", "simlex",
    ],
)  # fmt: skip
def test_the_published_layouts_give_the_same_pairs(write, content):
    assert rows(write(content)) == [("old", "new", 1.58), ("smart", "intelligent", 9.2)]


@pytest.mark.parametrize("score", ["nan", "N/A", "NA", "none", "8..5", "inf", "-", "9,2", "8.5x"])
def test_a_first_pair_whose_score_is_no_number_is_no_header(write, score):
    with pytest.raises(InputError, match=r"line 1, field 'score': .* is not a finite number; mend or delete"):
        read_pairs(write(f"tiger\tcat\t{score}\nold\tnew\t1.58\n"))


@pytest.mark.parametrize(
    "header", ["word1 word2 human", "first second annotators", "noun1 noun2 strength", "词1 词2 平均"]
)
def test_a_header_may_name_the_words_alone(write, header):
    assert rows(write(f"{header}\nold new 1.58\n")) == [("old", "new", 1.58)]


@pytest.mark.parametrize("first", ["", "id", "Index"])
def test_a_column_of_row_numbers_is_no_word(write, first):
    path = write(f"{first},word1,word2,score\n1,old,new,1.58\n2,smart,intelligent,9.2\n")
    assert rows(path) == [("old", "new", 1.58), ("smart", "intelligent", 9.2)]


def test_chinese_pairs_and_phrases_are_kept_as_they_are(write):
    path = write("李白\t诗\t9.2\nNew York\t纽约\t8\n")
    assert rows(path) == [("李白", "诗", 9.2), ("New York", "纽约", 8.0)]


def test_a_hyphen_is_no_part_of_speech_where_one_word_has_none(write):
    assert rows(write("x-n cat 1\n")) == [("x-n", "cat", 1.0)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "there is nothing in it"),
        (" \n\n", "there is nothing in it"),
        ("# only a comment\n", "there are no word pairs in it"),
        ("word1 word2 score\n", "there are no word pairs in it"),
        ("a b 1\na b\n", "line 2: 2 fields, where the first line has 3"),
        ("a\tb\t1\na b 2\n", "line 2: 1 fields, where the first line has 3"),
        ("a b 1\na b nan\n", "line 2, field 'score': 'nan' is not a finite number"),
        ("a b 1\na b 1e999\n", "line 2, field 'score': '1e999' is not a finite number"),
        ("a b 1\na b 1_0\n", "line 2, field 'score': '1_0' is not a finite number"),
        ("a b 1\na b ١\n", "line 2, field 'score': '١' is not a finite number"),
        ("a\t\t1\n", "line 1, field 'word 2': the word is missing"),
        ("1 a b 1\nx a b 1\n", "line 2, field 'number': 'x' is not the number of a row"),
        ("a b c d 1\n", "line 1: 5 fields, where a pair has 3"),
        (": capitals\na b c d\n", "line 1: a section of analogies begins here; use the task analogy"),
        ("a b c d\na b c d\n", "line 1: there is no column of scores among a, b, c, d"),
        ("a b c\na b c\n", "line 2, field 'c': 'c' is not a finite number"),
        ('a,"b,1\n', "line 1: unexpected end of data"),
        (b"a b 1\nc \xff 2\n", "line 2: byte 0xff at position 2 is not UTF-8"),
        (
            "a b 1\nc d 2\n".encode("utf-16"),
            "line 1: it holds a NUL byte, so it is a binary file or not UTF-8",
        ),
        (b"PK\x03\x04\0\0\0", "line 1: it holds a NUL byte, so it is a binary file"),
        (b"\x1f\x8b\x08\0", "it is compressed; unpack it first"),
        (b"a b 1\rc d 2\r", "line 1: a carriage return stands alone"),
        (b"a" * 70_000, "line 1: the line is longer than 64 KiB"),
        (b"a b 1\n" * 2_800_000, "it is larger than 16 MiB"),
    ],
)
def test_what_is_no_file_of_pairs_is_refused_by_place(write, content, says):
    with pytest.raises(InputError) as caught:
        read_pairs(write(content))
    assert says in str(caught.value)


def test_a_file_that_is_not_there_and_one_that_is_no_file(tmp_path, write):
    write("a b 1\n", "wordsim353.tsv")
    with pytest.raises(InputError, match=r"no such file; did you mean 'wordsim353.tsv'\?"):
        read_pairs(tmp_path / "wordsim35.tsv")
    with pytest.raises(InputError, match="not a file"):
        read_pairs(tmp_path)


def test_memory_is_a_bounded_multiple_of_the_file(write):
    path = write("".join(f"{i:x} {i + 1:x} 1\n" for i in range(0, 20_000, 2)))
    tracemalloc.start()
    read_pairs(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * path.stat().st_size


def test_every_cut_of_a_line_is_refused_or_a_shorter_number(write):
    whole = "old\tnew\t1.58\nsmart\tintelligent\t9.25"
    for end in range(len(whole)):
        path = write(whole[:end])
        try:
            found = rows(path)
        except InputError:
            continue
        assert found[0][:2] == ("old", "new")
        assert len(found) == 1 or found[1][:2] == ("smart", "intelligent")
