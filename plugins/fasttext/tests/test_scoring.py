"""Scores of texts without their vectors, beside those of the vectors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lexarium.compose import Pipeline
from lexarium.errors import CheckpointError, ConfigError
from lexarium.roles import Run
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.assembly import assemble
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.head import FastTextHead
from lexarium_fasttext.lookup import SubwordVectors
from lexarium_fasttext.scoring import TextScores
from lexarium_fasttext.supervised import train_supervised

TEXTS = ["a good film", "a bad film", "很 好看", "boring and bad", "good good king", "难看"] * 10
LABELS = ["good", "bad", "good", "bad", "good", "bad"] * 10
ASKED = [
    *TEXTS[:6],
    "",
    "unknown words of theirs",
    "good </s> bad",
    "__label__bad good",
    "a\xa0good",
    "好看" * 9,
]


def classifier(**settings):
    config = FastTextConfig(
        model="supervised",
        tokenizer="whitespace",
        lowercase=False,
        vector_size=20,
        bucket=500,
        alpha=0.5,
        **settings,
    ).filled()
    return assemble(train_supervised(TEXTS, LABELS, config, Run(seed=3)), config)


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova", "ns"])
@pytest.mark.parametrize("parts", [{}, {"word_ngrams": 2}, {"min_n": 2, "max_n": 3}])
def test_scores_are_those_of_the_vectors(loss, parts):
    model = classifier(loss=loss, **parts)
    found = model.head.text_probabilities(model.embedder, ASKED)
    expected = model.head.predict_proba(model.embedder.embed(ASKED))
    # The sigmoid of ova and ns goes by steps of up to 1 / 128.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 if loss in {"softmax", "hs"} else 0.008)
    assert np.ptp(expected) > 0.01
    assert model.predict(ASKED) == [model.labels[i] for i in found.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict_proba(ASKED), found)


def test_a_text_has_the_same_scores_alone_and_among_others():
    model = classifier()
    many = model.predict_proba(ASKED * 100)
    for i, text in enumerate(ASKED):
        assert np.array_equal(model.predict_proba([text])[0], many[i])


def test_where_scores_are_not_linear_in_the_rows_the_texts_are_embedded():
    model = classifier()
    weights = np.ones((20, 2))
    assert TextScores.of(model.embedder, weights) is not None
    assert TextScores.of(model.embedder, np.ones((20, 6))) is None  # more than dim / 4 labels
    assert TextScores.of(model.embedder, np.ones((16, 2))) is None  # of another model
    assert TextScores.of(FastText.tiny(), np.ones((8, 2))) is None  # no classifier
    embedder = model.embedder
    normalized = FastText(replace(embedder.config, normalize=True), embedder.words)
    assert TextScores.of(normalized, weights) is None
    other = Pipeline(normalized, model.head)
    assert model.head.text_probabilities(normalized, ASKED) is None
    np.testing.assert_array_equal(
        other.predict_proba(ASKED), model.head.predict_proba(normalized.embed(ASKED))
    )


def test_a_head_serves_one_embedder_after_another():
    model, other = classifier(), classifier(epochs=1)
    for embedder in (model.embedder, other.embedder, model.embedder):
        found = model.head.text_probabilities(embedder, ASKED)
        np.testing.assert_allclose(found, model.head.predict_proba(embedder.embed(ASKED)), rtol=0, atol=1e-6)
    assert isinstance(model.head, FastTextHead)


def test_numpy_gives_the_same_scores(monkeypatch):
    model = classifier(word_ngrams=2, min_n=2, max_n=3)
    expected = model.predict_proba(ASKED)
    monkeypatch.setattr("lexarium_fasttext.subwords.kernel", lambda *_, **__: None)
    model.head._scorer = None
    np.testing.assert_allclose(model.predict_proba(ASKED), expected, rtol=0, atol=1e-6)


def test_a_damaged_vocabulary_is_said_to_be():
    model = classifier()
    tensors = model.embedder.words.vocabulary.tensors()
    tensors["vocabulary.offsets"] = tensors["vocabulary.offsets"] + 1000
    words = SubwordVectors(
        Vocabulary(tensors), model.embedder.words.vectors, model.embedder.words.subwords, "words"
    )
    with pytest.raises(CheckpointError, match=r"damaged|lies outside the stored bytes"):
        model.head.text_probabilities(FastText(model.embedder.config, words), ASKED)


def test_ngrams_that_the_kernels_do_not_take_are_damage_and_threads_are_not():
    pytest.importorskip("lexarium_kernels._fasttext")
    model = classifier()
    words = model.embedder.words
    strange = replace(words.subwords, parameters=replace(words.subwords.parameters, minn=1500, maxn=1001))
    damaged = FastText(
        model.embedder.config, SubwordVectors(words.vocabulary, words.vectors, strange, "words")
    )
    with pytest.raises(CheckpointError, match=r"lengths of n-grams .*; the model is damaged"):
        model.head.text_probabilities(damaged, ASKED)
    with pytest.raises(CheckpointError, match=r"lengths of n-grams .*; the model is damaged"):
        damaged.embed(ASKED)
    for threads in (0, 1025):
        with pytest.raises(ConfigError, match=f"threads: {threads} is not from 1 to 1024"):
            model.embedder.threads = threads
