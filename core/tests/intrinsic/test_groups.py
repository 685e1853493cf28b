from __future__ import annotations

import pytest

from lexarium.errors import InputError
from lexarium.intrinsic.groups import read_groups


def clusters(path):
    read = read_groups(path)
    return [
        (c.category, [read.words[i] for i in c.together], [read.words[i] for i in c.odd])
        for c in read.clusters()
    ]


def test_a_group_a_line_with_the_odd_one_last_or_marked(write):
    path = write("# meals\nbreakfast lunch cereal\nlunch *cereal dinner\n# 水果\n苹果 香蕉 汽车\n")
    assert clusters(path) == [
        ("meals", ["breakfast", "lunch"], ["cereal"]),
        ("meals", ["lunch", "dinner"], ["cereal"]),
        ("水果", ["苹果", "香蕉"], ["汽车"]),
    ]


def test_tabs_keep_words_with_spaces_together(write):
    assert clusters(write("New York\tParis\tstone\n")) == [("", ["New York", "Paris"], ["stone"])]


def test_a_word_a_line_with_the_odd_ones_after_a_blank_line(write):
    fruits = "apple\nfig\nMercedes Benz\n\npotato\nacid\n"
    one = [("", ["apple", "fig", "Mercedes_Benz"], ["potato", "acid"])]
    assert clusters(write(fruits)) == one
    assert clusters(write("\n\n" + fruits.replace("\n", "\r\n") + "\n\n")) == one
    two = clusters(write(f"# a\n{fruits}\n# b\n\n{fruits}"))
    assert two == [("a", *one[0][1:]), ("b", *one[0][1:])]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "there is nothing in it"),
        ("# a\n", "there are no groups in it"),
        ("#\na b c\n", "line 1: the category has no name"),
        ("a b c\nd e\n", "line 2: 2 words, where a group has at least 3"),
        ("a b c\na b a\n", "line 2: the word 'a' stands twice"),
        ("*a b *c\n", "line 1: more than one word has a star"),
        ("a\tb\t\tc\n", "line 1: 3 words"),
        ("a\nb\nc\n", "line 1: 3 words that belong together and 0 odd ones"),
        ("a\n\nb\n", "line 1: 1 words that belong together and 1 odd ones"),
        ("# x\na\nb\n\nc\n# y\nd\ne\n", "line 7: 2 words that belong together and 0 odd ones"),
        ("a\nb\n\nc\n\nd\n", "line 6: a third block of words"),
        (": capitals\na b c d\n", "line 1: a section of analogies begins here"),
        ("love sex 6.77\n", "line 1: the last field is a number.*task similarity"),
        (" ".join(f"w{i}" for i in range(1100)), "line 1: more than 1,000 words in a group"),
        (b"a b c\nd \xff f\n", "line 2: byte 0xff"),
        (b"a b \0\n", "line 1: it holds a NUL byte"),
    ],
)
def test_what_is_no_file_of_groups_is_refused_by_place(write, content, says):
    with pytest.raises(InputError, match=says):
        read_groups(write(content))
