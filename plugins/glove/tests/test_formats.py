"""Import: what a path may be. Export: what other tools read."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from lexarium.errors import ConfigError, FormatError, InputError
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_glove.config import GloveConfig
from lexarium_glove.formats import read

VECTORS = np.arange(6, dtype=np.float32).reshape(3, 2)


@pytest.fixture
def folder(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    np.save(tmp_path / "glove_emb.npy", VECTORS)
    pq.write_table(pa.table({"index": ["a", "b", "c"]}), tmp_path / "glove_index.parquet")
    return tmp_path


@pytest.mark.parametrize("name", ["", "glove_emb.npy"])
def test_a_matrix_with_its_index_is_read_from_its_folder_or_from_itself(folder, name):
    glove = read(folder / name, GloveConfig(), None, Run())
    assert list(glove.words) == ["a", "b", "c"]
    np.testing.assert_array_equal(glove.words.vectors, VECTORS)


def test_a_text_file_is_read_under_any_name(tmp_path):
    (tmp_path / "vectors").write_text("a 0 1\nb 2 3\n")
    glove = read(tmp_path / "vectors", GloveConfig(normalize=True), None, Run())
    np.testing.assert_allclose(glove.embed(["B"]), [[2 / 13**0.5, 3 / 13**0.5]], rtol=1e-6)


def test_settings_that_word_vectors_alone_have_no_use_for_are_refused(tmp_path):
    (tmp_path / "vectors").write_text("a 0 1\nb 2 3\n")
    zoo = Zoo(tmp_path / "home")
    assert zoo.import_from("glove", tmp_path / "vectors", config={"vector_size": 2}).config.vector_size == 2
    for other in (7, GloveConfig.vector_size):
        with pytest.raises(
            ConfigError, match=f"vector_size: {other} is not what the file says, 2; leave it out"
        ):
            zoo.import_from("glove", tmp_path / "vectors", config={"vector_size": other})
    for idle in ({"model": 1}, {"keep_training": False}):
        with pytest.raises(ConfigError, match="has no effect on word vectors alone"):
            read(tmp_path / "vectors", GloveConfig(**idle), None, Run())


@pytest.mark.parametrize("name", ["glove.6B.1d.txt", "vectors.bin", "vectors.npy"])
def test_a_text_file_in_an_archive_is_read_under_any_name(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "glove.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"a 0 1\nb 2 3\n")
        archive.writestr("readme", b"")
    glove = read(tmp_path / f"glove.zip:{name}", GloveConfig(), None, Run())
    assert list(glove.words) == ["a", "b"]
    with pytest.raises(InputError, match="there is no such file or folder"):
        read(tmp_path / f"other.zip:{name}", GloveConfig(), None, Run())


def test_a_folder_with_two_matrices_says_which_there_are(folder):
    np.save(folder / "other.npy", VECTORS)
    with pytest.raises(FormatError, match=r"there are 2: glove_emb\.npy, other\.npy"):
        read(folder, GloveConfig(), None, Run())


def test_a_matrix_without_its_index_says_what_belongs_together(tmp_path):
    np.save(tmp_path / "v.npy", VECTORS)
    with pytest.raises(FormatError, match=r"one \.parquet file is needed, there are 0: none"):
        read(tmp_path / "v.npy", GloveConfig(), None, Run())


def test_a_path_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no\.txt: there is no such file"):
        read(tmp_path / "no.txt", GloveConfig(), None, Run())


@pytest.mark.parametrize(("form", "binary"), [("word2vec", False), ("word2vec-binary", True)])
def test_gensim_opens_what_is_exported(tmp_path, form, binary):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    (tmp_path / "vectors").write_text("a 0 1\n电影 2 0.1\n", encoding="utf-8")
    zoo = Zoo(tmp_path / "home")
    zoo.import_from("glove", tmp_path / "vectors", name="small")
    zoo.export("small", form, tmp_path / "out")
    theirs = keyed.load_word2vec_format(str(tmp_path / "out"), binary=binary)
    assert theirs.index_to_key == ["a", "电影"]
    np.testing.assert_array_equal(theirs.vectors, zoo.load("small").words.vectors)
