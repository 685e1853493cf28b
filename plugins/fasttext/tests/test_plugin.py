"""What a user does: import a foreign model, use it, and give it away again."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from lexarium.compose import Pipeline
from lexarium.errors import LexariumError
from lexarium.zoo import Zoo


def test_an_imported_classifier_predicts_embeds_verifies_and_is_exported(reference, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    theirs, path = reference("supervised", ("wordNgrams", 2))
    zoo = Zoo(tmp_path / "home")
    zoo.import_from("fasttext", path, name="topics")
    model = zoo.load("topics")
    assert isinstance(model, Pipeline)
    text = "word1 电影 film word2"
    assert zoo.predict("topics", [text]).labels[0] == theirs.predict(text)[0][0].removeprefix("__label__")
    assert list(zoo.verify("topics", golden=True)) == []
    zoo.export("topics", "fasttext", tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()
    assert fasttext.load_model(str(tmp_path / "again.bin")).get_labels() == theirs.get_labels()


def test_imported_word_vectors_are_stored_whole(reference, tmp_path):
    theirs, path = reference("unsupervised")
    zoo = Zoo(tmp_path / "home")
    zoo.import_from("fasttext", path, name="words")
    model = zoo.load("words")
    np.testing.assert_allclose(model.words["电影院"], theirs.get_word_vector("电影院"), atol=1e-6)
    assert list(zoo.verify("words", golden=True)) == []
    zoo.export("words", "fasttext", tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()
    zoo.export("words", "vec", tmp_path / "words.vec")
    assert (tmp_path / "words.vec").read_bytes().startswith(f"{len(theirs.get_words())} 10\n".encode())
    with pytest.raises(LexariumError, match="does not write the format"):
        zoo.export("words", "glove", tmp_path / "words.txt")


@pytest.mark.parametrize("kind", ["unsupervised", "supervised"])
@pytest.mark.parametrize(("form", "binary"), [("vec", False), ("word2vec", False), ("word2vec-binary", True)])
def test_gensim_opens_the_word_vectors_that_are_exported(reference, tmp_path, kind, form, binary):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    zoo = Zoo(tmp_path / "home")
    zoo.import_from("fasttext", reference(kind)[1], name="model")
    zoo.export("model", form, tmp_path / "out")
    theirs = keyed.load_word2vec_format(str(tmp_path / "out"), binary=binary)
    model = zoo.load("model")
    words = (model.embedder if isinstance(model, Pipeline) else model).words
    assert theirs.index_to_key == list(words)
    np.testing.assert_array_equal(theirs.vectors, words.vectors)


def test_the_commands_answer(reference, tmp_path):
    _, path = reference("supervised")
    home = {**os.environ, "LEXARIUM_HOME": str(tmp_path / "home")}

    def lexarium(*words):
        command = [sys.executable, "-m", "lexarium", *words]
        return subprocess.run(command, env=home, capture_output=True, text=True, check=True).stdout

    lexarium("import", "fasttext", str(path), "--name", "topics")
    assert "topic" in lexarium("predict", "topics", "--text", "word1 word2 电影")
    assert "pipeline" in lexarium("show", "topics")
