"""Files that are given for fastText's and are not, or no longer: each is called by its name."""

from __future__ import annotations

import gzip
import pickle
import struct
from importlib.util import find_spec
from pathlib import Path

import pytest

from lexarium.errors import FormatError
from lexarium.roles import Run
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.formats import read
from lexarium_fasttext.names import MAGIC

SETTINGS = (100, 5, 5, 1, 5, 1, 2, 2, 2_000_000, 3, 6, 100)  # as HEADER has them: ns, skip-gram


def refused(tmp_path, raw):
    path = tmp_path / "given.bin"
    path.write_bytes(raw)
    with pytest.raises(FormatError) as caught:
        read(path, FastTextConfig(), None, Run())
    return str(caught.value)


def test_a_bin_from_before_the_magic_number(tmp_path):
    said = refused(tmp_path, struct.pack("<12id3iq", *SETTINGS, 1e-4, 1, 1, 0, 5) + b"film\0")
    assert "before May 2017" in said
    assert ".vec" in said


def test_a_real_bin_from_before_the_magic_number():
    package = find_spec("gensim")
    if package is None:
        pytest.skip("gensim, which carries one, is not installed")
    path = Path(str(package.origin)).parent / "test/test_data/lee_fasttext.bin"
    with pytest.raises(FormatError, match="before May 2017"):
        read(path, FastTextConfig(), None, Run())


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
