from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lexarium.errors import CheckpointError, InputError
from lexarium.roles import Explainable, Run, Space, StoredEmbedder
from lexarium.zoo import Zoo
from lexarium_bow.embedder import BagOfWords
from lexarium_bow.train import fit
from lexarium_counts.config import CountConfig

TEXTS = ["A brilliant film", "电影 好看", "", "\ud800\x00", "unknown"]


def test_it_plays_the_roles_of_a_stored_explainable_embedder():
    model = BagOfWords.tiny()
    assert isinstance(model, StoredEmbedder)
    assert isinstance(model, Explainable)


def test_the_space_is_sparse_with_one_component_per_term():
    model = fit(["one two", "two three"], CountConfig(), Run())
    assert model.space == Space(dim=3, sparse=True, similarity="cosine", normalized=False)
    assert list(model.feature_names()) == ["one", "three", "two"]


def test_the_tiny_example_knows_english_and_chinese_words():
    rows = BagOfWords.tiny().embed(["a brilliant film", "情节 无聊"]).toarray()
    assert rows.sum(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize(
    "config",
    [
        CountConfig(),
        CountConfig(stop_words=("the",), ngram_range=(1, 2), binary=True),
        CountConfig(analyzer="char", ngram_range=(1, 3), strip_accents="unicode"),
        CountConfig(tokenizer="characters", lowercase=False),
        CountConfig(tokenizer="pattern", token_pattern=r"\w"),  # noqa: S106  a pattern, no password
    ],
    ids=str,
)
def test_restored_from_its_state_it_gives_the_same_vectors(config):
    model = fit(["The film, the café", "电影 很 好看", *TEXTS], config, Run())
    state = model.state()
    again = BagOfWords.restore(replace(state, config=json.loads(json.dumps(state.config))))
    assert again.space == model.space
    assert again.feature_names() == model.feature_names()
    assert (again.embed(TEXTS) != model.embed(TEXTS)).nnz == 0
    assert again.state().config == state.config
    for name, tensor in state.tensors.items():
        assert np.array_equal(again.state().tensors[name], tensor)


def test_a_state_without_vocabulary_or_with_a_strange_setting_is_a_checkpoint_error():
    state = BagOfWords.tiny().state()
    with pytest.raises(CheckpointError, match=r"vocabulary\.bytes"):
        BagOfWords.restore(replace(state, tensors={}))
    with pytest.raises(CheckpointError, match="did you mean 'binary'"):
        BagOfWords.restore(replace(state, config={**state.config, "binari": True}))


def test_a_single_text_is_refused():
    with pytest.raises(InputError):
        BagOfWords.tiny().embed("a film")


def test_two_that_learned_the_same_terms_have_the_same_space_however_they_were_chosen(tmp_path):
    zoo = Zoo(tmp_path / "home")
    ids = []
    for settings in ({}, {"min_df": 2}, {"max_features": 2}, {"max_df": 2}, {"lowercase": False}):
        zoo.save(fit(["one two", "two one"], CountConfig(**settings), Run()), name="m")
        ids.append(zoo.store.find("m").manifest.root.space_id)
    assert len(set(ids[:4])) == 1
    assert ids[4] != ids[0]
