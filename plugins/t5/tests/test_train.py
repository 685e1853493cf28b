"""T5 from scratch: ``fit t5`` and what it gives."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexarium.errors import ConfigError
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium_t5.config import T5Config
from lexarium_t5.embedder import T5
from lexarium_t5.train import fit
from lexarium_transformer import testing
from lexarium_transformer.testing import TEXTS

SETTINGS = {**testing.SETTINGS, "max_steps": 30, "vocab_size": 300}


@pytest.fixture(scope="module")
def fitted():
    return fit(TEXTS, T5Config(**SETTINGS), Run())


def test_the_loss_falls_and_the_model_embeds_writes_and_comes_back(fitted):
    losses = [point["loss"] for point in json.loads(fitted.files["training.json"])["points"]]
    assert losses[-1] < 0.9 * losses[0]
    texts = ["the long film", "这部电影", ""]
    vectors = fitted.embed(texts)
    assert np.isfinite(vectors).all()
    again = T5.restore(fitted.state())
    np.testing.assert_array_equal(again.embed(texts), vectors)
    asked = GenerateConfig(max_new_tokens=4)
    assert again.generate(["the long"], asked) == fitted.generate(["the long"], asked)


def test_what_import_writes_is_not_set():
    with pytest.raises(ConfigError, match="extra"):
        fit(TEXTS, T5Config(**SETTINGS, extra=("a",)), Run())
