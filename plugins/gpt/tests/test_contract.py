"""The contract suite over a tiny decoder, and over one that reads each text twice."""

import pytest

from lexarium.testing import EmbedderContract


class TestGpt(EmbedderContract):
    method = "gpt"


class TestEcho(EmbedderContract):
    method = "gpt"

    @pytest.fixture
    def embedder(self, tiny):
        return tiny.with_settings({"pooling": "echo"})
