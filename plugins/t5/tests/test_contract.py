"""The contract suite over a tiny T5."""

from lexarium.testing import EmbedderContract


class TestT5(EmbedderContract):
    method = "t5"
