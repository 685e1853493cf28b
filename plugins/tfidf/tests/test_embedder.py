from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lexarium.errors import CheckpointError, DataError, InputError
from lexarium.roles import Explainable, Run, Space, StoredEmbedder
from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.embedder import Tfidf
from lexarium_tfidf.train import fit

TEXTS = ["A brilliant film", "电影 好看", "", "\ud800\x00", "unknown"]


def test_it_plays_the_roles_of_a_stored_explainable_embedder():
    model = Tfidf.tiny()
    assert isinstance(model, StoredEmbedder)
    assert isinstance(model, Explainable)


@pytest.mark.parametrize(("norm", "normalized"), [("l2", True), ("l1", False), (None, False)])
def test_only_the_l2_norm_makes_the_space_a_normalized_one(norm, normalized):
    model = fit(["one two", "two three"], TfidfConfig(norm=norm), Run())
    assert model.space == Space(dim=3, sparse=True, similarity="cosine", normalized=normalized)


def test_a_rare_word_weighs_more_than_a_frequent_one():
    model = fit(["rare film", "film", "film"], TfidfConfig(), Run())
    film, rare = model.embed(["rare film"]).toarray()[0]
    assert list(model.feature_names()) == ["film", "rare"]
    assert rare > film > 0


@pytest.mark.parametrize(
    "config",
    [
        TfidfConfig(),
        TfidfConfig(use_idf=False, norm="l1"),
        TfidfConfig(smooth_idf=False, sublinear_tf=True, norm=None, stop_words=("the",)),
        TfidfConfig(analyzer="char_wb", ngram_range=(2, 3), binary=True),
    ],
    ids=str,
)
def test_restored_from_its_state_it_gives_the_same_vectors(config):
    model = fit(["The film, the café", "电影 很 好看", *TEXTS], config, Run())
    state = model.state()
    again = Tfidf.restore(replace(state, config=json.loads(json.dumps(state.config))))
    assert again.space == model.space
    assert again.feature_names() == model.feature_names()
    assert (again.embed(TEXTS) != model.embed(TEXTS)).nnz == 0
    assert again.state().config == state.config
    assert set(again.state().tensors) == set(state.tensors)
    assert ("idf" in state.tensors) == config.use_idf


def test_weights_stored_in_float32_are_accepted():
    state = Tfidf.tiny().state()
    again = Tfidf.restore(
        replace(state, tensors={**state.tensors, "idf": state.tensors["idf"].astype(np.float32)})
    )
    expected = Tfidf.tiny().embed(TEXTS).toarray()
    assert again.embed(TEXTS).toarray() == pytest.approx(expected, abs=1e-6)


def spoiled(idf, position, value):
    return np.concatenate([idf[:position], [value], idf[position + 1 :]])


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda _: None, "missing"),
        (lambda idf: idf[:-1], "shape"),
        (lambda idf: idf[:, None], "shape"),
        (lambda idf: idf.astype(np.int64), "int64"),
        (lambda idf: spoiled(idf, 2, np.nan), "term 2: nan"),
        (lambda idf: spoiled(idf, 0, np.inf), "term 0: inf"),
        (lambda idf: spoiled(idf, 1, -1.0), "term 1: -1"),
        (lambda idf: spoiled(idf, 1, 1e300), "term 1"),
    ],
)
def test_damaged_weights_are_a_checkpoint_error_that_says_which(damage, says):
    state = Tfidf.tiny().state()
    idf = damage(state.tensors["idf"])
    rest = {name: tensor for name, tensor in state.tensors.items() if name != "idf"}
    with pytest.raises(CheckpointError, match=says):
        Tfidf.restore(replace(state, tensors=rest if idf is None else {**rest, "idf": idf}))


def test_a_state_without_vocabulary_or_with_a_strange_setting_is_a_checkpoint_error():
    state = Tfidf.tiny().state()
    with pytest.raises(CheckpointError, match=r"vocabulary\.bytes"):
        Tfidf.restore(replace(state, tensors={}))
    with pytest.raises(CheckpointError, match="did you mean 'norm'"):
        Tfidf.restore(replace(state, config={**state.config, "norms": "l2"}))


def test_a_corpus_that_min_df_empties_is_a_data_error_that_names_it():
    with pytest.raises(DataError, match="min_df=2"):
        fit(["one", "two"], TfidfConfig(min_df=2), Run())


def test_a_single_text_is_refused():
    with pytest.raises(InputError):
        Tfidf.tiny().embed("a film")
