from __future__ import annotations

import pytest

from lexarium.errors import InputError
from lexarium.intrinsic.questions import read_questions


def test_sections_and_questions_are_read(write):
    read = read_questions(
        write(": capitals\nAthens Greece 巴格达 伊拉克\n\n:gram1 x \na\tb\tc\td\nb a d c\n")
    )
    assert read.sections == ["", "capitals", "gram1 x"]
    assert read.section.tolist() == [1, 2, 2]
    assert [[read.words[i] for i in row] for row in read.ids.tolist()] == [
        ["Athens", "Greece", "巴格达", "伊拉克"],
        ["a", "b", "c", "d"],
        ["b", "a", "d", "c"],
    ]


def test_questions_without_a_section_are_read(write):
    assert read_questions(write("a b c d\n")).section.tolist() == [0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "there is nothing in it"),
        (": a\n: b\n", "there are no questions in it"),
        (":\na b c d\n", "line 1: the section has no name"),
        (": a\na b c d\na b c d e\n", "line 3: 5 words, where a question has 4"),
        ("love\tsex\t6.77\n", "line 1: 3 words, where a question has 4; .*task similarity"),
        (b": a\na b \xe4 d\n", "line 2: byte 0xe4 at position 4 is not UTF-8"),
        (b"\x93NUMPY\x01\0", "line 1: it holds a NUL byte"),
    ],
)
def test_what_is_no_file_of_analogies_is_refused_by_place(write, content, says):
    with pytest.raises(InputError, match=says):
        read_questions(write(content))
