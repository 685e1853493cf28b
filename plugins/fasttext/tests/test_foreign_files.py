"""Files that are given for fastText's and are not, or no longer: each is called by its name."""

from __future__ import annotations

import gzip
import pickle
import struct
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import ConfigError, FormatError, InputError
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.formats import read, write
from lexarium_fasttext.names import MAGIC

SETTINGS = (100, 5, 5, 1, 5, 1, 2, 2, 2_000_000, 3, 6, 100)  # as HEADER has them: ns, skip-gram


def refused(tmp_path, raw):
    path = tmp_path / "given.bin"
    path.write_bytes(raw)
    with pytest.raises(FormatError) as caught:
        read(path, FastTextConfig(), None, Run())
    return str(caught.value)


def test_one_of_several_files_of_an_archive_is_read(tmp_path):
    path = tmp_path / "two.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wiki.vec", b"2 1\nfilm 0.5\ngood 1.5\n")
        archive.writestr("model.bin", struct.pack("<2i", MAGIC, 12) + bytes(100))
    model = read(Path(f"{path}:wiki.vec"), FastTextConfig(), None, Run())
    assert model.words["good"].tolist() == [1.5]
    with pytest.raises(FormatError, match=r"holds 2 files: wiki\.vec, model\.bin; type .*two\.zip:wiki\.vec"):
        read(path, FastTextConfig(), None, Run())
    with pytest.raises(FormatError, match=r"a compressed \.bin"):
        read(Path(f"{path}:model.bin"), FastTextConfig(), None, Run())
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "three.zip:wiki.vec", FastTextConfig(), None, Run())


def test_settings_that_words_alone_have_no_use_for_are_refused(tmp_path):
    path = tmp_path / "wiki.vec"
    path.write_bytes(b"2 1\nfilm 0.5\ngood 1.5\n")
    with pytest.raises(ConfigError, match="min_n: has no effect on a file of words and vectors alone"):
        read(path, FastTextConfig(min_n=2), None, Run())


@pytest.mark.parametrize(
    "given",
    [
        {"bucket": 9},
        {"bucket": 2_000_000},
        {"max_n": 9},
        {"model": "supervised"},
        {"model": "supervised", "loss": "hs", "word_ngrams": 2},
    ],
)
def test_settings_other_than_those_of_the_file_are_refused(reference, tmp_path, given):
    zoo, (_, path) = Zoo(tmp_path), reference("unsupervised")
    with pytest.raises(ConfigError, match=f"{next(iter(given))}: .* is not what the file says"):
        zoo.import_from("fasttext", path, config=given, name="x")
    assert zoo.list() == []
    right = {"bucket": 700, "model": "words", "pooling": "idf", "normalize": True, "min_n": None}
    made = zoo.import_from("fasttext", path, config=right, source=["film good bad"])
    assert (made.config.pooling, made.config.normalize, made.config.bucket) == ("idf", True, 700)


@pytest.mark.parametrize(
    "given",
    [
        {"pooling": "mean"},
        {"pooling": "sif", "sif_a": 0.1},
        {"model": "supervised", "loss": "hs"},
        {"model": "words"},
        {"tokenizer": "words"},
        {"tokenizer": "pattern", "token_pattern": "x"},
        {"lowercase": True},
    ],
)
def test_a_classifier_that_is_imported_reads_texts_as_it_was_trained_to(reference, tmp_path, given):
    zoo, (_, path) = Zoo(tmp_path), reference("supervised")
    with pytest.raises(
        ConfigError, match=r"(pooling|loss|model|tokenizer|lowercase): .* is not what the file"
    ):
        zoo.import_from("fasttext", path, config=given)
    made = zoo.import_from("fasttext", path, config={"model": "supervised", "loss": "softmax"})
    assert made.embedder.config.pooling == "fasttext"


def test_a_bin_from_before_the_magic_number(tmp_path):
    said = refused(tmp_path, struct.pack("<12id3iq", *SETTINGS, 1e-4, 1, 1, 0, 5) + b"film\0")
    assert "before May 2017" in said
    assert ".vec" in said


def carried(name):
    """Return a file of gensim's test data."""
    package = find_spec("gensim")
    if package is None:
        pytest.skip("gensim, which carries it, is not installed")
    return Path(str(package.origin)).parent / "test/test_data" / name


def test_a_real_bin_from_before_the_magic_number():
    with pytest.raises(FormatError, match="before May 2017"):
        read(carried("lee_fasttext.bin"), FastTextConfig(), None, Run())


def test_a_real_bin_with_an_empty_word_is_read_and_written_as_it_is(backend, tmp_path):
    path = carried("toy-model-pretrained.bin")
    theirs = pytest.importorskip("fasttext").load_model(str(path))
    model = read(path, FastTextConfig(), None, Run())
    assert list(model.words) == theirs.get_words()
    assert "" in model.words
    for word in model.words:
        np.testing.assert_array_equal(model.words[word], theirs.get_word_vector(word))
    write(model, tmp_path / "again.bin", Run())
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()


def test_a_real_bin_with_words_that_are_not_utf_8_is_read_where_they_may_be_replaced(backend, caplog):
    path = carried("pang_lee_polarity_fasttext.bin")
    with pytest.raises(FormatError, match=r"'\\\\x97' is not UTF-8.*--encoding-errors replace"):
        read(path, FastTextConfig(), None, Run())
    model = read(path, FastTextConfig(), None, Run(encoding_errors="replace"))
    assert [word for word in model.embedder.words if "\ufffd" in word] == [
        "\ufffd",
        "clich\ufffds",
        "ladr\ufffdn",
        "orqu\ufffddeas",
        "am\ufffdlie's",
    ]
    assert "in 5 words bytes that are not UTF-8" in caplog.text
    theirs = pytest.importorskip("fasttext").load_model(str(path))
    for text in ("a moving and funny film", "the worst , most boring plot of the year ."):
        (label,), (probability,) = theirs.predict(text)
        assert model.predict([text]) == [label.removeprefix("__label__")]
        assert model.predict_proba([text]).max() == pytest.approx(probability, abs=2e-5)


@pytest.mark.parametrize("place", [6, 7])
def test_settings_that_no_fasttext_wrote_are_not_taken_for_old_ones(tmp_path, place):
    settings = [*SETTINGS[:place], 9, *SETTINGS[place + 1 :]]
    said = refused(tmp_path, struct.pack("<12id", *settings, 1e-4))
    assert "neither text nor" in said


def test_a_compressed_bin(tmp_path):
    said = refused(tmp_path, gzip.compress(struct.pack("<2i", MAGIC, 12) + bytes(100)))
    assert "compressed" in said
    assert "gunzip" in said


def test_a_pickle(tmp_path):
    said = refused(tmp_path, pickle.dumps({"wv": 1}, 4))
    assert "pickle" in said
    assert "save_facebook_model" in said


def test_word2vecs_binary_format(tmp_path):
    said = refused(tmp_path, b"1 2\nfilm " + struct.pack("<2f", 0.123, 4.56) + b"\n")
    assert "lexarium import word2vec" in said


@pytest.mark.parametrize(
    ("version", "remedy"), [(10, "train the model again"), (13, "upgrade lexarium-fasttext")]
)
def test_another_version(tmp_path, version, remedy):
    said = refused(tmp_path, struct.pack("<2i", MAGIC, version) + bytes(100))
    assert f"version {version}" in said
    assert "11 to 12 are read" in said
    assert remedy in said


@pytest.mark.parametrize("size", [4, 8, 30, 64])
def test_a_bin_cut_short(tmp_path, size):
    whole = struct.pack("<2i12id", MAGIC, 12, *SETTINGS, 1e-4)
    said = refused(tmp_path, whole[:size])
    assert "cut short" in said
    assert "fetch the file again" in said
