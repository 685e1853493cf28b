"""The vocabulary: it answers as a dict does, and a damaged one is refused in bounded time."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.checkpoint.tensors import read_tensors, write_tensors
from lexarium.errors import CheckpointError, DataError
from lexarium.vocabulary import Vocabulary

ANY = st.text(st.characters(), max_size=8)
NAMES = ("vocabulary.bytes", "vocabulary.offsets", "vocabulary.slots")


def tensors(words=("a", "二", "")):
    return {name: tensor.copy() for name, tensor in Vocabulary.build(words).tensors().items()}


@given(st.lists(ANY, unique=True, max_size=60), st.lists(ANY, max_size=20))
def test_it_answers_as_a_dict_does(words, others):
    vocabulary, reference = Vocabulary.build(words), {word: i for i, word in enumerate(words)}
    asked = [*others, *words]
    assert len(vocabulary) == len(words)
    assert list(vocabulary) == words
    assert [vocabulary.find(word) for word in asked] == [reference.get(word, -1) for word in asked]
    assert [word in vocabulary for word in asked] == [word in reference for word in asked]
    for _ in range(2):  # the second time from memory
        ids = vocabulary.ids(asked)
        assert ids.dtype == np.int64
        assert ids.tolist() == [reference.get(word, -1) for word in asked]


def test_the_empty_word_lone_surrogates_and_nul_are_words_like_others():
    words = ["", "\x00", "\ud800", "\ud83d\ude00", "😀", "e\u0301", "é"]
    vocabulary = Vocabulary.build(words)
    assert [vocabulary.find(word) for word in words] == list(range(7))
    assert list(vocabulary) == words


def test_what_is_not_text_is_no_word():
    assert 1 not in Vocabulary.build(["1"])
    assert None not in Vocabulary.build([""])


@pytest.mark.parametrize("count", [0, 2, 3])
def test_the_first_words_are_a_vocabulary_of_their_own(count):
    words = ["the", "电影", "film"]
    first = Vocabulary.build(words).first(count)
    assert list(first) == words[:count]
    assert [first.find(word) for word in words] == [i if i < count else -1 for i in range(3)]


def test_an_empty_vocabulary_has_no_word():
    vocabulary = Vocabulary.build([])
    assert len(vocabulary) == 0
    assert vocabulary.find("") == -1
    assert vocabulary.sample(3) == []
    assert vocabulary.ids([]).shape == (0,)


def test_a_word_that_stands_twice_is_named_with_both_places():
    with pytest.raises(DataError, match="'二' stands twice, at 1 and 3"):
        Vocabulary.build(["a", "二", "b", "二"])


def test_stored_and_mapped_it_answers_the_same(tmp_path):
    words = [f"word {i}" for i in range(5000)]
    write_tensors(tmp_path / "v", Vocabulary.build(words).tensors())
    mapped = Vocabulary(read_tensors(tmp_path / "v"))
    assert mapped.ids([*words, "other"]).tolist() == [*range(5000), -1]
    assert mapped.word(4999) == "word 4999"


def test_a_file_whose_data_are_not_aligned_answers_the_same(tmp_path):
    write_tensors(tmp_path / "v", tensors())
    raw = (tmp_path / "v").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    for pad in range(1, 8):
        head = raw[8 : 8 + length] + b" " * pad
        (tmp_path / "v").write_bytes((length + pad).to_bytes(8, "little") + head + raw[8 + length :])
        assert Vocabulary(read_tensors(tmp_path / "v")).ids(["", "a", "二", "b"]).tolist() == [2, 0, 1, -1]


def test_a_sample_is_spread_evenly_and_never_longer_than_asked():
    vocabulary = Vocabulary.build([str(i) for i in range(100)])
    assert vocabulary.sample(4) == ["0", "25", "50", "75"]
    assert vocabulary.sample(0) == []
    assert len(vocabulary.sample(1000)) == 100
    assert len(vocabulary.sample(33)) == 33


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "spoil", [lambda _: None, lambda t: t.astype(np.float32), lambda t: t[None], lambda t: np.array(t[0])]
)
def test_a_tensor_that_is_missing_or_of_another_type_or_shape_is_refused(name, spoil):
    spoilt = tensors() | {name: spoil(tensors()[name])}
    with pytest.raises(CheckpointError, match=name):
        Vocabulary({key: tensor for key, tensor in spoilt.items() if tensor is not None})


@pytest.mark.parametrize(
    ("name", "length"), [("vocabulary.offsets", 0), ("vocabulary.slots", 0), ("vocabulary.slots", 3)]
)
def test_tensors_of_impossible_lengths_are_refused(name, length):
    with pytest.raises(CheckpointError, match="do not belong together"):
        Vocabulary(tensors() | {name: tensors()[name][:length]})


@pytest.mark.parametrize(
    "offsets", [[0, 1, 4, 99], [0, -1, 4, 4], [0, 4, 1, 4], [-5, 1, 4, 4], [0, 2**62, 4, 4]]
)
def test_an_offset_out_of_range_is_a_checkpoint_error(offsets):
    vocabulary = Vocabulary(tensors() | {"vocabulary.offsets": np.array(offsets, np.int64)})
    with pytest.raises(CheckpointError, match="outside the stored bytes"):
        list(vocabulary)
    with pytest.raises(CheckpointError):
        vocabulary.ids(["a", "二", ""])


def test_bytes_that_are_not_utf8_are_a_checkpoint_error():
    vocabulary = Vocabulary(tensors() | {"vocabulary.bytes": np.array([255, 254, 253, 252], np.uint8)})
    with pytest.raises(CheckpointError, match="word 0 is not UTF-8"):
        vocabulary.word(0)


def test_a_table_that_points_nowhere_is_a_checkpoint_error():
    vocabulary = Vocabulary(tensors() | {"vocabulary.slots": np.full(8, 2**32 - 1, np.uint32)})
    with pytest.raises(CheckpointError, match="word 4294967294, which does not exist"):
        vocabulary.find("a")


@pytest.mark.parametrize("index", [-1, 3, 2**40])
def test_a_word_beyond_the_last_is_a_checkpoint_error(index):
    with pytest.raises(CheckpointError, match="does not exist"):
        Vocabulary(tensors()).word(index)


class _Counting:
    """A slots tensor that counts how often it is read."""

    def __init__(self, slots):
        self.slots = slots
        self.reads = 0

    def __len__(self):
        return len(self.slots)

    def __getitem__(self, index):
        self.reads += 1
        return self.slots[index]


@pytest.mark.parametrize("size", [8, 100_000])
def test_a_full_table_is_probed_a_bounded_number_of_times(size):
    vocabulary = Vocabulary(tensors() | {"vocabulary.slots": np.ones(size, np.uint32)})
    vocabulary._slots = counting = _Counting(vocabulary._slots)
    assert vocabulary.find("not there") == -1
    assert counting.reads <= min(size, 4096)


def test_the_table_wraps_round_at_its_end():
    words = [word for word in (str(i) for i in range(1000)) if crc32(word.encode()) % 8 == 7][:3]
    vocabulary = Vocabulary.build(words)
    assert len(vocabulary.tensors()["vocabulary.slots"]) == 8
    assert vocabulary.ids(words).tolist() == [0, 1, 2]
