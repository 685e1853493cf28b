"""What ``glove -binary 1`` writes: read as it was trained, and refused wherever it is cut or damaged."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from lexarium.errors import FormatError, InputError, UnsupportedError
from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_glove.config import GloveConfig
from lexarium_glove.embedder import Glove
from lexarium_glove.formats import read, write_binary
from lexarium_glove.train import fit, update

WORDS = ["the", "电影", "king"]
DIM = 2
NUMBERS = [0.5 * i - 3 for i in range(2 * len(WORDS) * (DIM + 1))]
SUMS = [1 + 0.25 * i for i in range(len(NUMBERS))]
TEXTS = ["the king the 电影", "king 电影 the queen queen"] * 5


def doubles(numbers):
    return struct.pack(f"<{len(numbers)}d", *numbers)


@pytest.fixture
def path(tmp_path):
    (tmp_path / "vocab.txt").write_text(
        "".join(f"{w} {9 - i}\n" for i, w in enumerate(WORDS)), encoding="utf-8"
    )
    (tmp_path / "vectors.bin").write_bytes(doubles(NUMBERS))
    return tmp_path / "vectors.bin"


def opened(path, run=None, **settings):
    return read(path, GloveConfig(**{"vector_size": DIM, **settings}), None, run or Run())


def test_rows_are_components_and_a_bias_words_first_then_contexts(path):
    both, alone = opened(path), opened(path, model=1)
    assert list(both.words) == WORDS
    # Row 1 of the words is numbers 3 to 5, of the contexts 12 to 14; the third of each is a bias.
    np.testing.assert_array_equal(alone.words["电影"], NUMBERS[3:5])
    np.testing.assert_array_equal(both.words["电影"], np.add(NUMBERS[3:5], NUMBERS[12:14]))
    with pytest.raises(FormatError, match=r"144 bytes.* take 2448; .* type --set vector_size=2"):
        opened(path, vector_size=50)


def test_training_goes_on_where_the_gradients_are_there(path):
    with pytest.raises(UnsupportedError, match="no biases and gradients to go on from"):
        update(opened(path), TEXTS, opened(path).config, Run())
    (path.parent / "gradsq.bin").write_bytes(doubles(SUMS))
    model = opened(path, min_count=1, iter=2)
    np.testing.assert_array_equal(model.tensors["contexts"][1], NUMBERS[12:15])
    np.testing.assert_array_equal(model.tensors["word_squares"][1], SUMS[3:6])
    np.testing.assert_array_equal(model.tensors["context_squares"][1], SUMS[12:15])
    again = update(model, TEXTS, model.config, Run())
    assert list(again.words) == [*WORDS, "queen"]
    assert (again.tensors["word_squares"][:3] >= model.tensors["word_squares"]).all()
    assert opened(path, keep_training=False).tensors == {}


def test_every_prefix_of_either_file_is_refused(path):
    vocabulary = path.parent / "vocab.txt"
    for file in (path, vocabulary):
        whole = file.read_bytes()
        for size in range(len(whole)):
            file.write_bytes(whole[:size])
            with pytest.raises(FormatError):
                opened(path)
        file.write_bytes(whole)
    assert len(opened(path).words) == len(WORDS)


@pytest.mark.parametrize(
    ("lines", "line", "problem"),
    [
        (b"the 3\nof\nking 1\n", 2, "not a word, a space, its count"),
        (b"the 3\nof 1 1\nking 1\n", 2, "not a word, a space, its count"),
        (b"the 3\nof -1\nking 1\n", 2, "not a word, a space, its count"),
        (b"the 3\nof 1\nthe 1\n", 3, "the word 'the' stands on line 1 too"),
        (b"the 3\n\xff 1\nking 1\n", 2, "is not UTF-8"),
        (b"the 3\n" + b"a" * 70_000 + b" 1\nking 1\n", 2, "not a word, a space, its count"),
    ],
)
def test_a_bad_line_of_the_vocabulary_is_named(path, lines, line, problem):
    (path.parent / "vocab.txt").write_bytes(lines)
    with pytest.raises(FormatError, match=problem) as caught:
        opened(path)
    assert caught.value.line == line


def test_words_that_are_not_utf_8_are_replaced_where_asked(path):
    (path.parent / "vocab.txt").write_bytes(b"caf\xe9 3\ncaf\xe8 2\nking 1\n")
    model = opened(path, Run(encoding_errors="replace"), model=1)
    assert list(model.words) == ["caf\ufffd", "king"]
    np.testing.assert_array_equal(model.words.vectors, [NUMBERS[0:2], NUMBERS[6:8]])


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1e39])
def test_a_number_that_is_none_is_named_with_its_place(path, wrong):
    path.write_bytes(doubles([*NUMBERS[:7], wrong, *NUMBERS[8:]]))
    with pytest.raises(FormatError, match="at byte 56"):
        opened(path)


@pytest.mark.parametrize(
    ("sums", "problem"),
    [
        (SUMS[:-6], "96 bytes, where 3 words"),
        ([0.5, *SUMS[1:]], "below 1"),
        (SUMS[1:], "136 bytes, where 3 words"),
    ],
)
def test_gradients_that_do_not_belong_to_the_vectors_are_refused(path, sums, problem):
    (path.parent / "gradsq.bin").write_bytes(doubles(sums))
    with pytest.raises(FormatError, match=problem):
        opened(path)


def test_without_its_words_it_says_what_belongs_beside_it(path):
    (path.parent / "vocab.txt").unlink()
    with pytest.raises(InputError, match=r"vocab\.txt: cannot be read.*put it beside the \.bin"):
        opened(path)


def test_a_bin_of_word2vec_is_called_so(path):
    path.write_bytes(b"1 2\nfilm " + struct.pack("<2f", 0.123, 4.56))
    with pytest.raises(FormatError, match="lexarium import word2vec"):
        opened(path)


@pytest.fixture(scope="module")
def trained():
    return fit(TEXTS, GloveConfig(vector_size=DIM, min_count=1, iter=2, x_max=10.0), Run())


def test_what_is_written_is_stanfords_layout(trained, tmp_path):
    write_binary(trained, tmp_path / "v.bin", Run())
    n = len(trained.words)
    lines = (tmp_path / "vocab.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split(" ") for line in lines] == [[word, "0"] for word in trained.words]
    for name, words, contexts in (
        ("v.bin", "words", "contexts"),
        ("gradsq.bin", "word_squares", "context_squares"),
    ):
        rows = np.fromfile(tmp_path / name, "<f8").reshape(2, n, DIM + 1)
        np.testing.assert_array_equal(rows[0], trained.tensors[words])
        np.testing.assert_array_equal(rows[1], trained.tensors[contexts])
    rows = np.fromfile(tmp_path / "v.bin", "<f8").reshape(2, n, DIM + 1)
    np.testing.assert_array_equal(rows.astype(np.float32).sum(axis=0)[:, :-1], trained.words.vectors)


def test_a_model_that_is_written_reads_back_and_can_be_trained_on(trained, tmp_path):
    write_binary(trained, tmp_path / "vectors.bin", Run())
    again = opened(tmp_path / "vectors.bin", min_count=1, iter=2, x_max=10.0)
    assert list(again.words) == list(trained.words)
    np.testing.assert_array_equal(again.words.vectors, trained.words.vectors)
    assert again.tensors.keys() == trained.tensors.keys()
    for name, tensor in trained.tensors.items():
        np.testing.assert_array_equal(again.tensors[name], tensor)
    (tmp_path / "more").mkdir()
    write_binary(again, tmp_path / "more/vectors.bin", Run())
    assert (tmp_path / "more/vectors.bin").read_bytes() == (tmp_path / "vectors.bin").read_bytes()


def test_word_vectors_alone_are_not_written_so(path):
    with pytest.raises(UnsupportedError, match=r"word vectors alone.*--format glove"):
        write_binary(opened(path), path.with_name("again.bin"), Run())
    assert not path.with_name("again.bin").exists()


@pytest.mark.parametrize("name", ["vocab.txt", "gradsq.bin"])
def test_what_stands_beside_the_path_is_never_replaced(trained, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"{name}: it exists already"):
        write_binary(trained, tmp_path / "vectors.bin", Run())
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [(name, "mine")]
    (tmp_path / name).unlink()
    with pytest.raises(InputError, match="this name is taken"):
        write_binary(trained, tmp_path / name, Run())


@pytest.mark.parametrize("word", ["a\tb", "a\0b", "\ud800", "", "a" * 1001])
def test_a_word_that_stanfords_programs_would_not_read_is_refused_and_leaves_no_file(tmp_path, word):
    tensors = {name: np.ones((1, DIM + 1), np.float32) for name in Glove.training}
    vectors = WordVectors(Vocabulary.build([word]), np.ones((1, DIM), np.float32))
    with pytest.raises(UnsupportedError, match="for GloVe's programs"):
        write_binary(Glove(GloveConfig(), vectors, tensors=tensors), tmp_path / "vectors.bin", Run())
    assert list(tmp_path.iterdir()) == []
