"""Texts to vectors through the words that have one."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ConfigError, InputError
from lexarium.roles import Coverage, HasWords, Reports, Space, State, StoredEmbedder
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_static.config import StaticConfig
from lexarium_static.embedder import StaticEmbedder

WORDS = ["good", "film", "好", "king", ","]
VECTORS = np.random.default_rng(5).standard_normal((5, 4)).astype(np.float32)
GOOD, FILM, HAO, KING, COMMA = VECTORS
TEXTS = ["Good film", "好", "", "xyzzy", "king , king", "\ud800 good \x00", "🙂" * 1000 + " film"]


class Means(StaticEmbedder):
    name = "means"
    config_class = StaticConfig


def means(weights=None, component=None, **settings):
    return Means(StaticConfig(**settings), WordVectors(Vocabulary.build(WORDS), VECTORS), weights, component)


def test_it_is_what_its_roles_ask_for():
    assert isinstance(means(), StoredEmbedder)
    assert isinstance(means(), HasWords)
    assert isinstance(means(), Reports)
    assert means(normalize=True).space == Space(dim=4, similarity="cosine", normalized=True)


def test_a_text_is_the_mean_of_its_known_words_and_zero_without_any():
    expected = [(GOOD + FILM) / 2, HAO, 0 * GOOD, 0 * GOOD, (KING + COMMA + KING) / 3, GOOD, FILM]
    matrix = means().embed(TEXTS)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, expected, atol=1e-6)


def test_no_texts_give_no_rows():
    assert means().embed([]).shape == (0, 4)


def test_idf_is_a_weighted_mean():
    weights = np.array([1, 3, 1, 1, 1], np.float32)
    row = means(weights, pooling="idf").embed(["good film"])[0]
    np.testing.assert_allclose(row, (GOOD + 3 * FILM) / 4, atol=1e-6)


def test_sif_divides_by_the_number_of_words_and_removes_the_component():
    weights = np.array([1, 3, 1, 1, 1], np.float32)
    unit = np.array([0, 1, 0, 0], np.float32)
    row = means(weights, unit, pooling="sif").embed(["good film unknown"])[0]
    np.testing.assert_allclose(row, (GOOD + 3 * FILM) / 2 * [1, 0, 1, 1], atol=1e-6)


def test_normalised_rows_have_length_one_except_zero_rows():
    lengths = np.linalg.norm(means(normalize=True).embed(TEXTS), axis=1)
    np.testing.assert_allclose(lengths, [1, 1, 0, 0, 1, 1, 1], atol=1e-6)


def test_upper_case_is_unknown_where_texts_are_not_lower_cased():
    assert not means(lowercase=False).embed(["KING"]).any()
    assert means().embed(["KING"]).any()


def test_the_tokenizer_is_a_choice():
    np.testing.assert_array_equal(means(tokenizer="characters").embed(["好X"])[0], HAO)
    assert not means(tokenizer="whitespace").embed(["king,"]).any()


@pytest.mark.parametrize("settings", [{}, {"normalize": True}, {"pooling": "sif"}])
def test_a_row_is_the_same_to_the_bit_whatever_stands_beside_it(settings):
    weights = np.linspace(0.1, 1, 5, dtype=np.float32)
    model = means(weights, np.full(4, 0.5, np.float32), **settings)
    texts = TEXTS + ["good film , " * 3000, "king"] * 30
    alone = np.concatenate([model.embed([text]) for text in texts])
    assert model.embed(texts).tobytes() == alone.tobytes()


@pytest.mark.parametrize("inputs", ["a text", ["good", 3]])
def test_an_input_that_is_not_a_list_of_texts_is_refused(inputs):
    with pytest.raises(InputError):
        means().embed(inputs)
    with pytest.raises(InputError):
        means().coverage(inputs)


@pytest.mark.parametrize("tokenizer", ["unicode", "words", "whitespace", "characters"])
def test_coverage_of_a_long_text_is_that_of_its_parts(tokenizer):
    part, times = "Good ΟΔΟΣ ΟΔΟΣ! worse\xa0film,\u3000好电影 ", 9000
    found, one = (
        means(tokenizer=tokenizer).coverage([part * times]),
        means(tokenizer=tokenizer).coverage([part]),
    )
    assert (found.tokens, found.unknown) == (times * one.tokens, times * one.unknown)
    assert set(found.examples) == set(one.examples)


def test_coverage_of_a_long_text_counts_tokens_with_spaces_in_them_whole():
    settings = {"tokenizer": "pattern", "token_pattern": r"\S+ \S+"}
    assert means(**settings).coverage(["good worse " * 9000]) == Coverage(9000, 9000, ("good worse",))


def test_coverage_of_a_long_text_takes_little_memory():
    text, model = "good worse " * 50_000, means()
    model.coverage(["good worse"])
    tracemalloc.start()
    try:
        assert model.coverage([text]).unknown == 50_000
        assert tracemalloc.get_traced_memory()[1] < 4 * len(text)
    finally:
        tracemalloc.stop()


def test_coverage_counts_unknown_words_and_names_the_most_frequent():
    found = means().coverage(["Good bad film", "bad worse, king", ""])
    assert found == Coverage(tokens=7, unknown=3, examples=("bad", "worse"))


@pytest.mark.parametrize("pooling", ["mean", "idf", "sif"])
def test_restored_from_its_state_it_gives_the_same_vectors(pooling):
    weights = None if pooling == "mean" else np.linspace(0.1, 1, 5, dtype=np.float32)
    component = np.full(4, 0.5, np.float32) if pooling == "sif" else None
    model = means(weights, component, pooling=pooling)
    state = model.state()
    again = Means.restore(State(config=dict(state.config), tensors=dict(state.tensors)))
    assert again.embed(TEXTS).tobytes() == model.embed(TEXTS).tobytes()
    assert again.config == model.config
    assert sorted(again.state().tensors) == sorted(state.tensors)


def test_opening_looks_at_no_vector_and_no_word():
    state = means().state()
    nothing = {
        name: np.lib.stride_tricks.as_strided(np.zeros(1, t.dtype), t.shape, [0] * t.ndim)
        for name, t in state.tensors.items()
    }
    nothing["vocabulary.bytes"] = np.full(5, 0xFF, np.uint8)
    nothing["vectors"] = np.full((5, 4), np.nan, np.float32)
    assert Means.restore(State(config={}, tensors=nothing)).space.dim == 4


DAMAGED = {
    "no vectors": {"vectors": None},
    "vectors of another type": {"vectors": VECTORS.astype(float)},
    "fewer vectors than words": {"vectors": VECTORS[:4]},
    "a flat tensor": {"vectors": VECTORS.ravel()},
    "no vocabulary": {"vocabulary.slots": None},
    "no weights": {"weights": None},
    "fewer weights than words": {"weights": np.ones(4, np.float32)},
    "weights of another type": {"weights": np.ones(5)},
    "no component": {"component": None},
    "a longer component": {"component": np.ones(5, np.float32)},
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_a_checkpoint_error(change):
    state = means(np.ones(5, np.float32), np.full(4, 0.5, np.float32), pooling="sif").state()
    tensors = {name: t for name, t in {**state.tensors, **change}.items() if t is not None}
    with pytest.raises(CheckpointError):
        Means.restore(State(config=state.config, tensors=tensors))


def test_a_tensor_that_training_does_not_keep_is_refused():
    tensors = {**means().state().tensors, "training.extra": np.zeros((5, 1))}
    with pytest.raises(CheckpointError, match=r"'training\.extra' is none that"):
        Means.restore(State(config={}, tensors=tensors))


def test_a_setting_that_nothing_would_read_is_refused():
    with pytest.raises(ConfigError, match=r"sif_a.*has no effect without pooling=sif"):
        StaticConfig(sif_a=0.5)
    assert StaticConfig(sif_a=0.5, pooling="sif").sif_a == 0.5


def test_a_setting_of_another_version_is_a_checkpoint_error():
    with pytest.raises(CheckpointError, match="x_max"):
        Means.restore(State(config={"x_max": 100}, tensors=means().state().tensors))


def test_the_tiny_example_is_the_same_each_time_and_knows_both_languages():
    first, second = Means.tiny(), Means.tiny()
    texts = ["a good film", "电影 很 好看", "the king and the queen"]
    assert first.embed(texts).any(axis=1).all()
    assert first.embed(texts).tobytes() == second.embed(texts).tobytes()
    assert first.space.dim == 8
    assert len(first.words) == 32
