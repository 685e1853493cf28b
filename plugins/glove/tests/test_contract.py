"""The contract of every embedder, kept by the mean, by SIF and by a trained model."""

from __future__ import annotations

import pytest

from lexarium.roles import Run
from lexarium.testing import EmbedderContract
from lexarium_glove.config import GloveConfig
from lexarium_glove.embedder import Glove
from lexarium_glove.train import fit
from lexarium_static.weights import weigh


class TestGlove(EmbedderContract):
    method = "glove"


class TestWithoutKernels(EmbedderContract):
    method = "glove"

    @pytest.fixture(autouse=True)
    def _reference(self, monkeypatch):
        monkeypatch.setenv("LEXARIUM_BACKEND", "reference")


class TestSif(EmbedderContract):
    method = "glove"

    def make(self):
        corpus = ["a good film", "a boring film , 很 难看", "the king and the queen"]
        config = GloveConfig(pooling="sif", normalize=True)
        return weigh(Glove(config, Glove.tiny().words), corpus, Run())


class TestTrained(EmbedderContract):
    method = "glove"

    def make(self):
        corpus = ["a good film", "a boring film , 很 难看", "the king and the queen"]
        config = GloveConfig(vector_size=8, min_count=1, iter=2, backend="reference")
        return fit(corpus, config, Run())
