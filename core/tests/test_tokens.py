"""Tokenizers: each by name, on two languages and on odd text."""

from __future__ import annotations

import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import ConfigError, MissingExtraError
from lexarium.tokens import TokenizerName, is_mostly_chinese, tokenizer

TEXT = "It's a 好电影, naïve café\u3000no.1!"


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("unicode", ["It", "好电影", "naïve", "café", "no"]),
        ("words", ["It", "'", "s", "a", "好电影", ",", "naïve", "café", "no", ".", "1", "!"]),
        ("pattern", ["It", "好电影", "naïve", "café", "no"]),
        ("characters", list("It'sa好电影,naïvecaféno.1!")),
        ("whitespace", ["It's", "a", "好电影,", "naïve", "café", "no.1!"]),
    ],
)
def test_each_tokenizer_finds_what_its_name_says(name, tokens):
    assert tokenizer(name)(TEXT) == tokens


def test_chinese_is_segmented_by_jieba_where_that_is_installed():
    pytest.importorskip("jieba")
    assert tokenizer("jieba")("我来到北京清华大学 and  more") == [
        "我",
        "来到",
        "北京",
        "清华大学",
        "and",
        "more",
    ]


@pytest.mark.parametrize("name", get_args(TokenizerName))
@given(text=st.text(max_size=40))
def test_any_text_gives_tokens_without_white_space_that_stand_in_it(name, text):
    if name == "jieba":
        pytest.importorskip("jieba")
    for token in tokenizer(name)(text):
        assert token
        assert token in text
        assert not token.isspace()


@pytest.mark.parametrize("name", get_args(TokenizerName))
@pytest.mark.parametrize("text", ["", " \t\n\u3000", "\x1f"])
def test_nothing_gives_nothing(name, text):
    if name == "jieba":
        pytest.importorskip("jieba")
    assert tokenizer(name)(text) == []


def test_a_pattern_of_ones_own_gives_its_matches_or_its_group():
    assert tokenizer("pattern", r"[a-z]\d")("a1 b2 c") == ["a1", "b2"]
    assert tokenizer("pattern", r"#(\w+)")("#one two #三") == ["one", "三"]


@pytest.mark.parametrize("pattern", ["(", "[z-a]", "a{99999999999999999999}", "(" * 20_000])
def test_a_pattern_that_is_none_is_a_config_error(pattern):
    with pytest.raises(ConfigError, match=r"token_pattern: .*is not a regular expression"):
        tokenizer("pattern", pattern)


@pytest.mark.parametrize("pattern", [3, b"\\w+"])
def test_a_pattern_is_text(pattern):
    with pytest.raises(ConfigError, match=r"token_pattern: .* is not text"):
        tokenizer("pattern", pattern)


@pytest.mark.parametrize("name", ["foo", "", None, 5])
def test_a_choice_that_there_is_not_is_refused(name):
    with pytest.raises(ConfigError, match=r"tokenizer: .* is none; there are: characters, jieba"):
        tokenizer(name)


def test_a_pattern_with_two_groups_is_refused():
    with pytest.raises(ConfigError, match="has 2 groups"):
        tokenizer("pattern", "(a)(b)")


def test_without_jieba_the_extra_is_named(monkeypatch):
    tokenizer.__globals__["_jieba"].cache_clear()
    monkeypatch.setitem(sys.modules, "jieba", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexarium-core\[jieba\]'"):
        tokenizer("jieba")


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (["这部电影很好看", "我不喜欢"], True),
        (["这部 movie 很好看，I like 它的故事"], True),
        (["a film called 英雄 that everybody should see"], False),
        (["plain English"], False),
        (["123 !!!"], False),
        ([""], False),
        ([], False),
        (["english"] * 200 + ["中文"] * 5000, False),
    ],
)
def test_mostly_chinese_means_three_letters_in_ten_of_the_first_texts(texts, answer):
    assert is_mostly_chinese(iter(texts)) is answer
