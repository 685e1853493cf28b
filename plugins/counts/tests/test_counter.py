from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import CheckpointError, InputError
from lexarium.vocabulary import Vocabulary
from lexarium_counts.config import CountConfig
from lexarium_counts.counter import TermCounter
from lexarium_counts.kernel import compiled

ODD = [
    "",
    " ",
    "\x00",
    "a\x00b cd",
    "\ud800 lone \udfff",
    "😀😀 cat",
    "ﬁ ǅ İstanbul",
    "cat " * 20_000,
    "中文 cat",
]


def counter(*terms, **settings):
    return TermCounter(CountConfig(**settings), Vocabulary.build(terms))


def test_each_term_is_counted_in_its_own_column_and_others_nowhere():
    counts = counter("cat", "dog").count(["cat dog cat bird", "bird"])
    assert counts.dtype == np.float32
    assert counts.toarray().tolist() == [[2, 1], [0, 0]]


def test_columns_of_a_row_ascend_whatever_the_order_of_the_words():
    counts = counter("ant", "bee", "cat").count(["cat bee ant"])
    assert counts.indices.tolist() == [0, 1, 2]


def test_binary_counts_a_term_once():
    assert counter("cat", binary=True).count(["cat cat"]).toarray().tolist() == [[1]]


def test_no_texts_give_no_rows():
    counts = counter("cat", "dog").count([])
    assert counts.shape == (0, 2)
    assert counts.dtype == np.float32


@pytest.mark.parametrize("tokenizer", ["unicode", "words", "characters", "whitespace"])
@pytest.mark.parametrize("strip_accents", [None, "ascii", "unicode"])
def test_odd_text_is_counted_like_any_other(tokenizer, strip_accents):
    counts = counter("cat", "c", tokenizer=tokenizer, strip_accents=strip_accents).count(ODD)
    assert counts.shape == (len(ODD), 2)
    expected = 0 if tokenizer == "characters" else 20_000
    assert counts[[7], [0]] == expected


@pytest.mark.parametrize("wrong", ["one text", [b"bytes"], ["a", None]])
def test_what_is_not_a_list_of_texts_is_refused(wrong):
    with pytest.raises(InputError):
        counter("cat").count(wrong)


def test_a_vocabulary_without_terms_is_a_checkpoint_error():
    with pytest.raises(CheckpointError, match="no terms"):
        counter()


def test_a_vocabulary_with_a_term_twice_is_a_checkpoint_error():
    tensors = Vocabulary.build(["cat", "dog", "dot"]).tensors()
    tensors["vocabulary.bytes"] = np.frombuffer(b"catdogdog", np.uint8)
    with pytest.raises(CheckpointError, match="1 of its terms"):
        TermCounter(CountConfig(), Vocabulary(tensors)).count(["cat"])


def test_a_vocabulary_that_points_outside_its_bytes_is_a_checkpoint_error():
    tensors = Vocabulary.build(["cat", "dog"]).tensors()
    tensors["vocabulary.offsets"] = np.array([0, 3, 600], np.int64)
    with pytest.raises(CheckpointError, match="outside"):
        TermCounter(CountConfig(), Vocabulary(tensors)).count(["cat"])


def test_a_vocabulary_whose_first_term_begins_late_is_a_checkpoint_error():
    if compiled() is None:
        pytest.skip("the reference takes the terms as they are")
    tensors = Vocabulary.build(["cat", "dog"]).tensors()
    tensors["vocabulary.offsets"] = np.array([1, 3, 6], np.int64)
    with pytest.raises(CheckpointError, match="begin with 0"):
        TermCounter(CountConfig(), Vocabulary(tensors)).count(["cat"])


def test_settings_and_vocabulary_come_back_from_the_state():
    original = counter("cat", "\ud800", "猫", stop_words=("的",))
    state = original.state()
    again = TermCounter(CountConfig(stop_words=("的",)), Vocabulary(state.tensors))
    assert state.config["stop_words"] == ["的"]
    assert again.terms == original.terms == ("cat", "\ud800", "猫")
