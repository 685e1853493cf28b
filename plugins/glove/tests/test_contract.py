"""The contract of every embedder, kept by the plain mean and by SIF."""

from __future__ import annotations

from lexarium.roles import Run
from lexarium.testing import EmbedderContract
from lexarium_glove.config import GloveConfig
from lexarium_glove.embedder import Glove
from lexarium_glove.weights import weigh


class TestGlove(EmbedderContract):
    method = "glove"


class TestSif(EmbedderContract):
    method = "glove"

    def make(self):
        corpus = ["a good film", "a boring film , 很 难看", "the king and the queen"]
        return weigh(Glove.tiny().words, GloveConfig(pooling="sif", normalize=True), corpus, Run())
