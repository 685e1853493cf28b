"""The contract of every embedder, kept by the plain mean and by a trained model with phrases and SIF."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from lexarium.roles import Run
from lexarium.testing import EmbedderContract
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.train import fit


class TestWord2Vec(EmbedderContract):
    method = "word2vec"


class TestTrained(EmbedderContract):
    method = "word2vec"
    backend = "auto"

    def make(self):
        corpus = [
            "the film was better than the book .",
            "a good good movie in new york",
            "我 喜欢 this movie",
        ]
        config = Word2VecConfig(
            vector_size=7,
            min_count=1,
            hs=1,
            phrases=1,
            phrases_threshold=1,
            pooling="sif",
            backend=self.backend,
        )
        return fit(corpus * 9, config, Run())


@pytest.mark.skipif(find_spec("gensim") is None, reason="gensim is not installed")
class TestReference(TestTrained):
    """Trained by gensim, its words numbered and its texts cut by plain Python."""

    backend = "reference"

    @pytest.fixture(autouse=True)
    def _without_kernels(self, monkeypatch):
        monkeypatch.setenv("LEXARIUM_BACKEND", "reference")
