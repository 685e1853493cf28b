"""The contracts of every embedder and of every head, kept with the kernels and without."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.roles import Run
from lexarium.testing import EmbedderContract, HeadContract
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_static.weights import weigh

CORPUS = ["a good film", "a boring film , 很 难看", "the king and the queen"]


class TestFastText(EmbedderContract):
    method = "fasttext"


class TestWithoutKernels(EmbedderContract):
    method = "fasttext"

    @pytest.fixture(autouse=True)
    def _reference(self, monkeypatch):
        monkeypatch.setenv("LEXARIUM_BACKEND", "reference")


class TestSif(EmbedderContract):
    method = "fasttext"

    def make(self):
        config = FastTextConfig(min_n=3, max_n=4, bucket=64, pooling="sif", normalize=True)
        return weigh(FastText(config, FastText.tiny().words), CORPUS, Run())


class TestSentences(EmbedderContract):
    method = "fasttext"

    def make(self):
        config = FastTextConfig(
            min_n=3, max_n=4, bucket=64, pooling="fasttext", tokenizer="whitespace", lowercase=False
        )
        words = FastText.tiny().words
        tensors = {
            "counts": np.arange(len(words))[::-1].copy(),
            "input": words.vectors,
            "output": words.vectors,
        }
        return FastText(config, words, tensors=tensors)


class TestHead(HeadContract):
    method = "fasttext"
