"""The method keeps what every embedder must keep, with the kernels and without."""

from __future__ import annotations

import pytest

from lexarium.testing import EmbedderContract


class TestContract(EmbedderContract):
    method = "bow"


class TestWithoutKernels(EmbedderContract):
    method = "bow"

    @pytest.fixture(autouse=True)
    def _reference(self, monkeypatch):
        monkeypatch.setenv("LEXARIUM_BACKEND", "reference")
