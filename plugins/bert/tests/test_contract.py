"""The contract suite over a tiny BERT and over the real MiniLM."""

import pytest

from lexarium.testing import EmbedderContract


class TestBert(EmbedderContract):
    method = "bert"


@pytest.mark.real
class TestMiniLM(EmbedderContract):
    method = "bert"

    @pytest.fixture
    def embedder(self, minilm):
        return minilm
