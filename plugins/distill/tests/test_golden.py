"""Equal vectors with model2vec and sentence-transformers, both ways."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from lexarium.roles import Run
from lexarium.testing.texts import ODD, PLAIN
from lexarium_distill.config import StaticModelConfig
from lexarium_distill.embedder import Static
from lexarium_distill.formats import read

TEXTS = [text for text in [*PLAIN, *ODD] if text.isprintable() or not text] + ["good film bad " * 60]


@pytest.fixture
def theirs():
    return pytest.importorskip("model2vec").StaticModel


def test_model2vec_opens_an_exported_folder(theirs, folder):
    np.testing.assert_allclose(
        theirs.from_pretrained(folder).encode(TEXTS), Static.tiny().embed(TEXTS), atol=1e-6
    )


def test_a_stored_folder_is_one_of_model2vecs(theirs, tmp_path):
    zoo = pytest.importorskip("lexarium.zoo").Zoo(tmp_path / "home")
    zoo.write(Static.tiny(), tmp_path / "model")
    found = theirs.from_pretrained(tmp_path / "model").encode(TEXTS)
    np.testing.assert_allclose(found, Static.tiny().embed(TEXTS), atol=1e-6)


@pytest.mark.parametrize("length", [None, 4])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("form", ["float32", "float16", "int8", "mapping"])
def test_what_model2vec_saves_opens_here(theirs, tmp_path, form, normalize, length):
    tiny = Static.tiny()
    vectors = (tiny.vectors * 40).astype(np.int8) if form == "int8" else tiny.vectors
    vectors = vectors.astype(np.float16) if form == "float16" else vectors
    more = {}
    if form == "mapping":
        count = len(vectors)
        more = {"token_mapping": np.arange(count) % 9, "weights": np.linspace(1, 3, count, dtype=np.float32)}
        vectors = vectors[:9]
    model = theirs(vectors, tiny.tokenizer, normalize=normalize, max_length=length, **more)
    model.save_pretrained(tmp_path / "theirs")
    ours = read(tmp_path / "theirs", StaticModelConfig(), None, Run())
    atol = 5e-3 if form == "float16" else 2e-5  # theirs averages in 16 bits there
    np.testing.assert_allclose(ours.embed(TEXTS), model.encode(TEXTS), atol=atol)


def test_sentence_transformers_opens_an_exported_folder_and_its_own_opens_here(tmp_path, folder):
    peer = pytest.importorskip("sentence_transformers").SentenceTransformer
    texts = [text for text in TEXTS if text]
    found = peer(str(folder), device="cpu").encode(texts)
    np.testing.assert_allclose(found, Static.tiny().embed(texts), atol=1e-6)
    vectors = Static.tiny().vectors.copy()
    vectors[0] = 0.5  # of the unknown token
    save_file({"embedding.weight": vectors}, folder / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps(json.loads((folder / "modules.json").read_text())[:1]))
    ours = read(folder, StaticModelConfig(), None, Run()).embed(texts)
    np.testing.assert_allclose(peer(str(folder), device="cpu").encode(texts), ours, atol=1e-6)
