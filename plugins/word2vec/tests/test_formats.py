"""Files of the field in and out: word2vec's text and binary, and gensim's pickles refused."""

from __future__ import annotations

import gzip
import pickle
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import FormatError, InputError
from lexarium.roles import Run
from lexarium_static.exports import write_binary, write_text
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.embedder import Word2Vec
from lexarium_word2vec.formats import read
from lexarium_word2vec.train import fit

CORPUS = ["the king and the queen rule the land 很 好", "a film with a good plot is a good film"] * 20


def read_plain(path):
    return read(path, Word2VecConfig(), None, Run())


@pytest.fixture(scope="module")
def model():
    return fit(CORPUS, Word2VecConfig(vector_size=10, min_count=2), Run())


@pytest.mark.parametrize("write", [write_text, write_binary])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_a_model_that_is_written_reads_back(tmp_path, model, write, packed):
    path = tmp_path / "vectors"
    write(model, path, Run())
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    again = read_plain(path)
    assert list(again.words) == list(model.words)
    assert np.array_equal(again.words.vectors, model.words.vectors)
    assert np.array_equal(again.embed(CORPUS[:2]), model.embed(CORPUS[:2]))
    assert again.tensors == {}


@pytest.mark.parametrize("write", [write_text, write_binary])
def test_one_of_several_files_of_an_archive_is_read(tmp_path, model, write):
    write(model, tmp_path / "vectors", Run())
    with zipfile.ZipFile(tmp_path / "two.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "vectors", "words.kept")
        archive.writestr("readme", b"")
        archive.writestr("pickle", pickle.dumps({}))
    again = read_plain(tmp_path / "two.zip:words.kept")
    assert np.array_equal(again.words.vectors, model.words.vectors)
    with pytest.raises(FormatError, match=r"holds 3 files: words\.kept, .*; type .*two\.zip:words\.kept"):
        read_plain(tmp_path / "two.zip")
    with pytest.raises(FormatError, match="a pickle"):
        read_plain(tmp_path / "two.zip:pickle")
    with pytest.raises(InputError, match="there is no such file"):
        read_plain(tmp_path / "three.zip:words.kept")


@pytest.mark.parametrize("write", [write_text, write_binary])
def test_gensim_opens_what_is_written(tmp_path, model, write):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    write(model, tmp_path / "vectors", Run())
    theirs = keyed.load_word2vec_format(str(tmp_path / "vectors"), binary=write is write_binary)
    assert theirs.index_to_key == list(model.words)
    assert np.array_equal(theirs.vectors, model.words.vectors)


@pytest.mark.parametrize(
    "name", ["euclidean_vectors.bin", "word2vec_pre_kv_c", "high_precision.kv.bin", "high_precision.kv.txt"]
)
def test_a_file_of_gensims_own_is_read_as_gensim_reads_it(name):
    spec = find_spec("gensim")
    if spec is None:
        pytest.skip("gensim is not installed")
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    path = Path(next(iter(spec.submodule_search_locations))) / "test/test_data" / name
    theirs = keyed.load_word2vec_format(str(path), binary=name.endswith(".bin"))
    ours = read_plain(path)
    assert list(ours.words) == theirs.index_to_key
    assert np.array_equal(ours.words.vectors, theirs.vectors)


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        ("NaN", "number 2 of the word 'b' is NaN"),
        ("-Infinity", "number 2 of the word 'b' is infinite"),
        ("1e40", "number 2 of the word 'b' is 1e+40, too large for float32"),
        ("-nan(ind)", "'-nan(ind)' is not a number"),
    ],
)
@pytest.mark.parametrize("before", ["", "a 1 2\n"], ids=["first", "second"])
def test_a_number_in_text_that_is_none_is_named(tmp_path, number, problem, before):
    path = tmp_path / "vectors.txt"
    path.write_text(f"{before.count('a') + 1} 2\n{before}b 1 {number}\n", encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_plain(path)
    assert problem in str(caught.value)
    assert caught.value.line == before.count("a") + 2


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_with_what_to_type(tmp_path, protocol):
    (tmp_path / "model").write_bytes(pickle.dumps({"a": 1}, protocol))
    with pytest.raises(FormatError, match=r"pickle.*save_word2vec_format"):
        read_plain(tmp_path / "model")


def test_what_gensim_saves_is_refused(tmp_path):
    word2vec = pytest.importorskip("gensim.models").Word2Vec
    saved = word2vec([["a", "b"]], min_count=1, vector_size=2)
    saved.save(str(tmp_path / "model"))
    with pytest.raises(FormatError, match="pickle"):
        read_plain(tmp_path / "model")


def test_no_file_and_a_folder_are_input_errors(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="no such file"):
            read_plain(path)


def test_sif_of_an_imported_file_takes_its_weights_from_a_corpus(tmp_path, model):
    write_text(model, tmp_path / "vectors", Run())
    sif = read(tmp_path / "vectors", Word2VecConfig(pooling="sif"), CORPUS, Run())
    assert isinstance(sif, Word2Vec)
    assert sif.weights is not None
    assert sif.component is not None
    assert sif.component.any()
