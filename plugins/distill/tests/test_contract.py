"""The contract suite over a tiny static model, and over one that is distilled from a tiny BERT."""

import pytest

from lexarium.testing import EmbedderContract
from lexarium_distill.config import DistillConfig
from lexarium_distill.verbs import distilled


class TestStatic(EmbedderContract):
    method = "static"


class TestDistilled(EmbedderContract):
    method = "static"

    def make(self):
        bert = pytest.importorskip("lexarium_bert.embedder")
        return distilled(
            bert.Bert.tiny(), DistillConfig(pca_dims=16, normalize=False), ["great film", "电影"]
        )
