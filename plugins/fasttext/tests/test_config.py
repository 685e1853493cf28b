"""Settings: defaults by model, ranges, and what has no effect."""

from __future__ import annotations

from typing import Any

import pytest

from lexarium.config import fit_only_settings, from_mapping, parse_settings
from lexarium.errors import ConfigError
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.unsupervised import parameters_of


def test_the_defaults_are_fasttexts_for_each_model() -> None:
    words, labels = parameters_of(FastTextConfig()), parameters_of(FastTextConfig(model="supervised"))
    assert (words.model, words.loss, words.min_count, words.minn, words.maxn) == ("skipgram", "ns", 5, 3, 6)
    assert (words.lr, words.bucket) == (0.05, 2_000_000)
    assert (labels.model, labels.loss, labels.min_count, labels.minn, labels.maxn) == (
        "supervised", "softmax", 1, 0, 0,
    )  # fmt: skip
    assert (labels.lr, labels.bucket) == (0.1, 0)


def test_settings_as_typed() -> None:
    typed = parse_settings(["sg=0", "hs=1", "min_n=2", "max_n=4", "sample=0", "vector_size=50"])
    parameters = parameters_of(from_mapping(FastTextConfig, typed))
    assert (parameters.model, parameters.loss, parameters.minn, parameters.t) == ("cbow", "hs", 2, 0)


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("vector_size", {"vector_size": 0}),
        ("min_count", {"min_count": 0}),
        ("max_final_vocab", {"max_final_vocab": 0}),
        ("epochs", {"epochs": 0}),
        ("window", {"window": 0}),
        ("window", {"window": 1001}),
        ("epochs", {"epochs": 3_000_000_000}),
        ("min_count", {"min_count": 2**31}),
        ("max_final_vocab", {"max_final_vocab": 2**31}),
        ("negative", {"negative": 2_000_000}),
        ("ns_exponent", {"ns_exponent": 1000.0}),
        ("ns_exponent", {"ns_exponent": -1000.0}),
        ("ns_exponent", {"ns_exponent": float("nan")}),
        ("sample", {"sample": float("nan")}),
        ("max_n", {"max_n": 1001}),
        ("word_ngrams", {"model": "supervised", "word_ngrams": 2000}),
        ("min_count_label", {"model": "supervised", "min_count_label": 2**31}),
        ("negative", {"negative": -1}),
        ("negative", {"negative": 0}),
        ("alpha", {"alpha": 0.0}),
        ("min_alpha", {"alpha": 0.01, "min_alpha": 0.02}),
        ("sample", {"sample": -1.0}),
        ("bucket", {"bucket": 0}),
        ("bucket", {"bucket": 2**31}),
        ("min_n", {"min_n": 7}),
        ("min_n", {"min_n": 0}),
        ("max_n", {"max_n": -1}),
        ("loss", {"loss": "ova"}),
        ("word_ngrams", {"word_ngrams": 2}),
        ("sg", {"model": "supervised", "sg": 0}),
        ("bucket", {"model": "supervised", "word_ngrams": 2, "bucket": 0}),
        ("label_prefix", {"model": "supervised", "label_prefix": ""}),
        ("negative", {"model": "supervised", "loss": "ns", "negative": 0}),
        ("min_count_label", {"min_count_label": 3}),
        ("label_prefix", {"label_prefix": "#"}),
        ("ns_exponent", {"hs": 1, "ns_exponent": 0.75}),
        ("ns_exponent", {"model": "supervised", "ns_exponent": 0.75}),
    ],
)
def test_a_value_out_of_range_or_without_effect_is_named(key: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        from_mapping(FastTextConfig, settings)
    assert caught.value.key == key


def test_what_only_training_reads_is_marked() -> None:
    marked = fit_only_settings(FastTextConfig)
    assert {"alpha", "epochs", "negative", "backend", "sample"} <= set(marked)
    assert not {"min_n", "max_n", "bucket", "word_ngrams", "model"} & set(marked)
