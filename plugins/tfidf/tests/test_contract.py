"""The method keeps what every embedder must keep."""

from lexarium.testing import EmbedderContract


class TestContract(EmbedderContract):
    method = "tfidf"
