"""The compiled tokenizer gives what the tokenizers in Python give, on every character and on any text."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lexarium.tokens import tokenizer

corpus = pytest.importorskip("lexarium_kernels._corpus", reason="the kernels are not built")

RULES = ["unicode", "words", "whitespace", "characters"]
TEXTS = st.one_of(
    st.text("aAbB_9 é的ß,.\n\t\x1c\u0130\u03a3\u03c3\u0345'\u2028\ud800\U00020000", max_size=60),
    st.text(st.characters(), max_size=40),
)


def reference(text, rule, lowercase):
    return tokenizer(rule)(text.lower() if lowercase else text)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("lowercase", [False, True])
def test_every_character_is_what_it_is_to_python(rule, lowercase):
    every = map(chr, filter(lambda code: code != 0x3A3, range(0x110000)))
    text = " ".join(f"a{character}b{character}{character}" for character in every)
    assert corpus.tokens(text, rule, lowercase) == reference(text, rule, lowercase)


@settings(deadline=None, max_examples=400)
@given(TEXTS, st.sampled_from(RULES), st.booleans())
@example("ΑΣ ΑΣΑ Σ Α'Σ", "words", True)
@example("\u0130stanbul \u212a \u023a", "unicode", True)
@example("", "words", True)
@example("a\0b \0", "words", True)
def test_any_text_gives_pythons_tokens(text, rule, lowercase):
    assert corpus.tokens(text, rule, lowercase) == reference(text, rule, lowercase)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("fill", ["a", "Z9", "_", "é", "的a"])
def test_every_ascii_character_ends_or_goes_on_with_a_token_at_any_place(rule, fill):
    for code in range(128):
        for before in range(18):
            text = (fill * before)[:before] + chr(code) + fill * 4 + chr(code)
            assert corpus.tokens(text, rule, False) == reference(text, rule, False)


@pytest.mark.parametrize("rule", RULES)
def test_one_token_of_a_million_characters(rule):
    text = "Ⱥ" * 1_000_000
    assert corpus.tokens(text, rule, True) == reference(text, rule, True)


def test_a_rule_of_another_name_is_refused():
    with pytest.raises(ValueError, match="unicode, words, whitespace, characters"):
        corpus.tokens("a", "jieba", False)


def invalid(raw):
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start
    return len(raw)


@settings(max_examples=500)
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=4),
            st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass")),
            st.sampled_from([b"\xc0\x80", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8"]),
            st.just(b"plain text"),
        ),
        max_size=8,
    ).map(b"".join)
)
def test_what_is_not_utf8_is_found_where_python_finds_it(raw):
    assert corpus.find_invalid(raw) == invalid(raw)


def test_every_sequence_of_two_bytes_and_every_beginning_of_three():
    for first in range(256):
        for second in range(256):
            for raw in (
                bytes([first, second]),
                bytes([first, second, 0x80]),
                bytes([first, second, 0x80, 0xBF]),
            ):
                assert corpus.find_invalid(raw) == invalid(raw)
