"""Texts to ids: what is cut, what is lost, where tokens stand."""

from __future__ import annotations

import json

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from lexarium.errors import CheckpointError, ConfigError
from lexarium_transformer.tokens import TextTokenizer, parse_tokenizer

LETTERS = "abcdefghij好看"


def make(max_length=6, *, special=True, **options):
    vocabulary = {
        token: number for number, token in enumerate(["[UNK]", "[C]", "[S]", *LETTERS, "##a", "##b"])
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[C] $A [S]", special_tokens=[("[C]", 1), ("[S]", 2)]
        )
    return TextTokenizer(tokenizer, max_length, **options)


def ids(text):
    return [3 + LETTERS.index(letter) for letter in text]


def test_a_text_is_cut_after_so_many_tokens_special_ones_among_them():
    pieces = make().first(["a b", "a b c d e f", ""])
    assert [piece.ids for piece in pieces] == [[1, *ids("ab"), 2], [1, *ids("abcd"), 2], [1, 2]]
    assert [piece.tokens for piece in pieces] == [2, 4, 0]


def test_the_first_tokens_of_a_long_text_are_those_of_the_whole_text():
    blanks, word = " " * 4_000, "a" * 400
    texts = [f"{blanks}a{blanks}b c d e", f"{word} {word} a b c d e", "好看" * 5_000, "a b " * 5_000]
    whole = [next(make().pieces(text)) for text in texts]
    assert [piece.ids for piece in make().first(texts)] == [piece.ids for piece in whole]


def test_spans_are_characters_of_the_text_without_the_prompt():
    tokenizer = make(20, prompt="a b ")
    piece = tokenizer.first(["好 ab\ud800"], spans=True)[0]
    assert piece.spans == [(-1, -1), (-1, -1), (-1, -1), (0, 1), (2, 3), (3, 4), (-1, -1)]
    assert [piece.ids[0], *piece.ids[1:3]] == [1, *ids("ab")]


def test_pieces_hold_every_token_once_and_their_spans():
    text = "a b c d e f g h i j " * 9_000  # over two blocks
    pieces = list(make(7).pieces(text, spans=True))
    inner = [token for piece in pieces for token in piece.ids[1:-1]]
    assert inner == ids("abcdefghij") * 9_000
    spans = [span for piece in pieces for span in piece.spans[1:-1]]
    assert [text[start:end] for start, end in spans] == text.split()
    assert max(len(piece.ids) for piece in pieces) == 7


def test_lost_tokens_are_counted():
    assert list(make().lost(["", "a b c d", "a b c d e f", "a " * 100_000])) == [0, 0, 2, 99_996]


def test_a_tokenizer_without_special_tokens_gives_no_token_for_no_text():
    assert make(special=False).first([""])[0].ids == []


def test_lower_case_comes_before_the_tokenizers_own_steps():
    assert make(lowercase=True).first(["A B"])[0].ids == [1, *ids("ab"), 2]
    assert make().first(["A B"])[0].ids == [1, 0, 0, 2]


def test_the_id_of_what_has_no_token_is_known_for_every_kind_of_model():
    letters = [("a", -1.0), ("<unk>", 0.0)]
    kinds = [
        (models.WordLevel({"b": 0, "[U]": 1}, unk_token="[U]"), 1),  # noqa: S106  no password
        (models.BPE({"b": 0, "[U]": 1}, [], unk_token="[U]"), 1),  # noqa: S106  as above
        (models.BPE({"b": 0}, []), None),
        (models.Unigram(letters, unk_id=1), 1),
        (models.Unigram(letters), None),
    ]
    assert [TextTokenizer(Tokenizer(model), 5).unknown for model, _ in kinds] == [found for _, found in kinds]
    assert make().unknown == 0


def test_a_length_that_leaves_no_token_is_refused():
    with pytest.raises(ConfigError, match="max_length: 2 leaves no token"):
        make(2)


def test_what_is_no_tokenizer_is_refused_whatever_the_library_raises():
    hostile = {"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}
    for raw in (b"\x00", b"[]", json.dumps(hostile).encode()):
        with pytest.raises(CheckpointError, match="is no tokenizer"):
            parse_tokenizer(raw, "here")
