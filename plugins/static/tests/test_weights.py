"""Weights of words, from a corpus and without one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lexarium.errors import DataError, TrainingInterrupted
from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_static.config import StaticConfig
from lexarium_static.embedder import StaticEmbedder
from lexarium_static.model import common_component, zipf
from lexarium_static.weights import weigh, weighed

WORDS = ["the", "film", "good", "never"]
VECTORS = np.random.default_rng(5).standard_normal((4, 3)).astype(np.float32)
CORPUS = ["The film the film", "the good film unknown words", "the", ""]
COUNTS = np.array([4, 3, 1, 0])  # of 10 tokens
TEXTS_WITH = np.array([3, 2, 1, 0])  # of 4 texts


class Means(StaticEmbedder):
    name = "means"
    config_class = StaticConfig


def means(corpus, **settings):
    words = WordVectors(Vocabulary.build(WORDS), VECTORS)
    return weigh(Means(StaticConfig(**settings), words), corpus, Run())


def test_the_plain_mean_has_no_weights_and_reads_no_corpus():
    def corpus():
        pytest.fail("the corpus was read")
        yield ""

    assert "weights" not in means(corpus()).state().tensors


def test_idf_is_the_smooth_idf_over_the_texts_of_the_corpus():
    weights = means(CORPUS, pooling="idf").state().tensors["weights"]
    np.testing.assert_allclose(weights, [math.log(5 / (1 + df)) + 1 for df in TEXTS_WITH], rtol=1e-6)


def test_idf_is_that_of_scikit_learn():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    reference = text.TfidfVectorizer(vocabulary=WORDS).fit(CORPUS)
    weights = means(CORPUS, pooling="idf").state().tensors["weights"]
    np.testing.assert_allclose(weights, reference.idf_, rtol=1e-6)


def test_sif_weighs_by_the_share_of_all_tokens():
    weights = means(CORPUS, pooling="sif", sif_a=0.01).state().tensors["weights"]
    np.testing.assert_allclose(weights, 0.01 / (0.01 + COUNTS / 10), rtol=1e-6)


def test_sif_gives_what_the_algorithm_of_the_paper_gives():
    weights = 0.01 / (0.01 + COUNTS / 10)
    rows = np.array(
        [
            (2 * weights[0] * VECTORS[0] + 2 * weights[1] * VECTORS[1]) / 4,
            (weights[:3] @ VECTORS[:3]) / 3,
            weights[0] * VECTORS[0],
            np.zeros(3),
        ]
    )
    u = np.linalg.svd(rows)[2][0]
    expected = rows - np.outer(rows @ u, u)
    np.testing.assert_allclose(means(CORPUS, pooling="sif", sif_a=0.01).embed(CORPUS), expected, atol=1e-6)


def test_without_a_corpus_words_follow_zipfs_law_and_nothing_is_removed():
    shares = np.array([1, 1 / 2, 1 / 3, 1 / 4]) / (1 + 1 / 2 + 1 / 3 + 1 / 4)
    np.testing.assert_allclose(zipf(4), shares)
    sif = means(None, pooling="sif").state().tensors
    np.testing.assert_allclose(sif["weights"], 0.001 / (0.001 + shares), rtol=1e-6)
    assert not sif["component"].any()
    idf = means(None, pooling="idf").state().tensors
    np.testing.assert_allclose(idf["weights"], 1 - np.log(shares), rtol=1e-6)


def test_the_common_component_does_not_depend_on_how_rows_are_cut_into_blocks():
    rows = np.random.default_rng(1).standard_normal((90, 5)).astype(np.float32)
    whole, cut = common_component([rows], 5), common_component([rows[:1], rows[1:40], rows[40:]], 5)
    np.testing.assert_allclose(whole, cut, atol=1e-6)
    u = np.linalg.svd(rows)[2][0]
    np.testing.assert_allclose(whole, u * np.sign(u[np.abs(u).argmax()]), atol=1e-5)


def test_rows_of_zeros_have_no_common_component():
    assert common_component([np.zeros((3, 2), np.float32)], 2).tolist() == [0, 0]
    assert common_component([], 2).tolist() == [0, 0]


@pytest.mark.parametrize("pooling", ["idf", "sif"])
@pytest.mark.parametrize("corpus", [[], [""], ["不 认识"]])
def test_a_corpus_without_a_known_word_is_refused(pooling, corpus):
    with pytest.raises(DataError, match="no text of the corpus has a word with a vector"):
        means(corpus, pooling=pooling)


def test_progress_is_told_about_each_pass():
    told = []
    words = WordVectors(Vocabulary.build(WORDS), VECTORS)
    weigh(Means(StaticConfig(pooling="sif"), words), CORPUS, Run(progress=lambda *step: told.append(step)))
    assert told == [("count words", 4, 4), ("find the common component", 4, 4)]


@pytest.mark.parametrize(("pooling", "passes"), [("idf", 1), ("sif", 1), ("sif", 2)])
def test_ctrl_c_in_weighing_keeps_the_model(pooling, passes):
    class Interrupted(list):
        read = 0

        def __iter__(self):
            self.read += 1
            if self.read == passes:
                raise KeyboardInterrupt
            return super().__iter__()

    words = WordVectors(Vocabulary.build(WORDS), VECTORS)
    model = Means(StaticConfig(pooling=pooling), words)
    with pytest.raises(TrainingInterrupted) as caught:
        weighed(model, Interrupted(CORPUS), Run())
    assert caught.value.done == 1
    np.testing.assert_array_equal(caught.value.model.weights, means(None, pooling=pooling).weights)
    assert Means.restore(caught.value.model.state()).embed(["the"]).any()


@pytest.mark.parametrize("pooling", ["idf", "sif"])
def test_words_that_a_model_had_keep_their_weights(pooling):
    old = means(CORPUS, pooling=pooling)
    order = ["fresh", "film", "never", "the", "good"]
    vectors = np.random.default_rng(6).standard_normal((5, 3)).astype(np.float32)
    texts = ["fresh fresh film", "fresh the the"]
    model = Means(StaticConfig(pooling=pooling), WordVectors(Vocabulary.build(order), vectors))
    alone, onto = weigh(model, texts, Run()), weighed(model, texts, Run(), old)
    at = [order.index(word) for word in WORDS]
    np.testing.assert_array_equal(onto.weights[at], old.weights)
    assert onto.weights[0] == alone.weights[0]
    assert not np.array_equal(onto.weights, alone.weights)
    if pooling == "sif":
        np.testing.assert_allclose(onto.component, common_component([onto.pool(texts)], 3), atol=1e-6)
    plain = weighed(model, texts, Run(), means(None))
    np.testing.assert_array_equal(plain.weights, alone.weights)
