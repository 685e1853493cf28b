"""The contract of every embedder, kept by the plain mean and by a trained model with phrases and SIF."""

from __future__ import annotations

from lexarium.roles import Run
from lexarium.testing import EmbedderContract
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.train import fit


class TestWord2Vec(EmbedderContract):
    method = "word2vec"


class TestTrained(EmbedderContract):
    method = "word2vec"

    def make(self):
        corpus = [
            "the film was better than the book .",
            "a good good movie in new york",
            "我 喜欢 this movie",
        ]
        config = Word2VecConfig(
            vector_size=7, min_count=1, hs=1, phrases=1, phrases_threshold=1, pooling="sif"
        )
        return fit(corpus * 9, config, Run())
