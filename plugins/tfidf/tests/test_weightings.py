"""BM25 and log-entropy as gensim has them, hashing as scikit-learn; merged and updated as fitted on all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from gensim.corpora import Dictionary
from gensim.models import LogEntropyModel, LuceneBM25Model
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.pipeline import make_pipeline

from lexarium.errors import CheckpointError, ConfigError, DataError, UnsupportedError
from lexarium.roles import Run, State
from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.embedder import Tfidf
from lexarium_tfidf.train import fit, merge, update

TEXTS = [
    "the film is long and the film is dull",
    "what film what film",
    "the plot is fine",
    "好看 的 电影 film",
    "a dull plot",
    "是 的 是 的 是",
]
WORDS = {"tokenizer": "whitespace"}


def rows(model, texts):
    matrix = model.embed(texts).tocsr()
    names = model.feature_names()
    return [
        {names[c]: w for c, w in zip(matrix[[i]].indices, matrix[[i]].data, strict=True)}
        for i in range(len(texts))
    ]


def assert_gensims(model, reference, dictionary):
    for text, ours in zip(TEXTS, rows(model, TEXTS), strict=True):
        theirs = {dictionary[i]: w for i, w in reference[dictionary.doc2bow(text.split())]}
        assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (2.0, 0.0), (1.2, 1.0)])
def test_bm25_is_that_of_gensims_lucene_model(k1, b):
    dictionary = Dictionary([text.split() for text in TEXTS])
    model = fit(TEXTS, TfidfConfig(weighting="bm25", k1=k1, b=b, norm=None, **WORDS), Run())
    assert_gensims(model, LuceneBM25Model(dictionary=dictionary, k1=k1, b=b), dictionary)


@pytest.mark.parametrize("norm", [None, "l2"])
def test_log_entropy_is_that_of_gensim(norm):
    dictionary = Dictionary([text.split() for text in TEXTS])
    bows = [dictionary.doc2bow(text.split()) for text in TEXTS]
    model = fit(TEXTS, TfidfConfig(weighting="log-entropy", norm=norm, **WORDS), Run())
    assert_gensims(model, LogEntropyModel(bows, normalize=norm == "l2"), dictionary)


@pytest.mark.parametrize("options", [{}, {"sublinear_tf": True, "norm": "l1"}, {"use_idf": False}], ids=str)
def test_hashed_weights_are_those_of_scikit_learns_pipeline(options):
    model = fit(TEXTS, TfidfConfig(n_features=32, ngram_range=(1, 2), **options), Run())
    hasher = HashingVectorizer(n_features=32, norm=None, alternate_sign=False, ngram_range=(1, 2))
    reference = make_pipeline(hasher, TfidfTransformer(**options)).fit(TEXTS)
    expected = reference.transform([*TEXTS, "unseen words"]).toarray()
    np.testing.assert_allclose(model.embed([*TEXTS, "unseen words"]).toarray(), expected, rtol=1e-6)


CONFIGS = [
    TfidfConfig(ngram_range=(1, 2)),
    TfidfConfig(weighting="bm25", **WORDS),
    TfidfConfig(weighting="log-entropy", norm=None),
    TfidfConfig(n_features=16),
    TfidfConfig(analyzer="char_wb", ngram_range=(2, 3), binary=True),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_restored_merged_and_updated_models_equal_one_that_was_fitted_on_all(config):
    whole = fit(TEXTS, config, Run())
    parts = [fit(TEXTS[:2], config, Run()), fit(TEXTS[2:3], config, Run()), fit(TEXTS[3:], config, Run())]
    parts = [Tfidf.restore(part.state()) for part in parts]
    others = [
        merge(parts, {}),
        update(update(parts[0], TEXTS[2:3], config, Run()), TEXTS[3:], config, Run()),
        Tfidf.restore(whole.state()),
    ]
    for other in others:
        assert other.feature_names() == whole.feature_names()
        np.testing.assert_allclose(other.embed(TEXTS).toarray(), whole.embed(TEXTS).toarray(), rtol=1e-6)
        theirs, ours = other.state().tensors, whole.state().tensors
        assert theirs.keys() == ours.keys()
        assert all(np.allclose(theirs[name], ours[name]) for name in ours)


def test_terms_are_chosen_when_merging():
    parts = [fit(TEXTS[:3], TfidfConfig(), Run()), fit(TEXTS[3:], TfidfConfig(), Run())]
    whole = fit(TEXTS, TfidfConfig(min_df=2, max_features=3), Run())
    assert merge(parts, {"min_df": 2, "max_features": 3}).feature_names() == whole.feature_names()
    with pytest.raises(DataError, match="min_df=6"):
        merge(parts, {"min_df": 6})


@pytest.mark.parametrize(
    ("configs", "settings", "error", "says"),
    [
        ([{"min_df": 2}, {"min_df": 2}], {}, ConfigError, "min_df: 2 has left terms out"),
        ([{}, {"lowercase": False}], {}, ConfigError, "lowercase"),
        ([{}, {}], {"norm": "l1"}, ConfigError, "norm"),
        ([], {}, DataError, "nothing to merge"),
    ],
)
def test_what_cannot_be_merged_is_refused(configs, settings, error, says):
    with pytest.raises(error, match=says):
        merge([fit(TEXTS, TfidfConfig(**config), Run()) for config in configs], settings)


def test_a_model_without_statistics_opens_but_does_not_count_on():
    state = fit(TEXTS, TfidfConfig(), Run()).state()
    old = State(
        config=state.config,
        tensors={n: t for n, t in state.tensors.items() if not n.startswith("statistics.")},
    )
    model = Tfidf.restore(old)
    assert model.embed(TEXTS).nnz
    with pytest.raises(UnsupportedError, match="without its statistics"):
        update(model, TEXTS, model.config, Run())


def test_what_a_term_is_cannot_change_in_an_update_but_the_weighting_can():
    model = fit(TEXTS, TfidfConfig(), Run())
    with pytest.raises(ConfigError, match="lowercase"):
        update(model, TEXTS, TfidfConfig(lowercase=False), Run())
    with pytest.raises(ConfigError, match="no entropy"):
        update(model, TEXTS, TfidfConfig(weighting="log-entropy"), Run())
    again = update(model, TEXTS, TfidfConfig(weighting="bm25"), Run())
    assert again.weights.average == fit(TEXTS, TfidfConfig(weighting="bm25"), Run()).weights.average


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"weighting": "bm25", "sublinear_tf": True}, "sublinear_tf"),
        ({"k1": 2.0}, "k1"),
        ({"weighting": "bm25", "b": 1.5}, "b"),
        ({"weighting": "log-entropy", "use_idf": False}, "use_idf"),
        ({"n_features": 8, "smooth_idf": False}, "smooth_idf"),
        ({"n_features": 8, "alternate_sign": True}, "alternate_sign"),
    ],
)
def test_a_weighting_that_cannot_work_is_refused_by_name(settings, key):
    with pytest.raises(ConfigError) as caught:
        TfidfConfig(**settings)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("weighting", "name", "value"),
    [
        ("bm25", "average_length", np.array([0.0])),
        ("bm25", "average_length", None),
        ("log-entropy", "entropy", np.full(3, 2.0)),
        ("log-entropy", "statistics.entropy", np.full(3, -1.0)),
        ("tfidf", "statistics.texts", np.array([0])),
        ("tfidf", "statistics.document_frequency", np.array([9, 1, 1])),
        ("tfidf", "statistics.term_frequency", np.array([0, 1, 1])),
    ],
)
def test_damaged_sums_and_weights_are_a_checkpoint_error(weighting, name, value):
    state = fit(["one two", "two three"], TfidfConfig(weighting=weighting), Run()).state()
    rest = {key: tensor for key, tensor in state.tensors.items() if key != name}
    tensors = rest if value is None else {**rest, name: value}
    with pytest.raises(CheckpointError, match=name):
        Tfidf.restore(replace(state, tensors=tensors))


def test_the_terms_that_weigh_most_are_named_with_their_weights():
    model = fit(TEXTS, TfidfConfig(), Run())
    [(first, weight), (second, _)] = model.top_terms("the dull 电影", 2)
    assert (first, second) == ("电影", "dull")
    assert weight == pytest.approx(model.embed(["the dull 电影"]).max())
    hashed = fit(TEXTS, TfidfConfig(n_features=2), Run())
    assert {part for name, _ in hashed.top_terms("dull plot film") for part in name.split(" | ")} == {
        "dull",
        "plot",
        "film",
    }


@pytest.mark.parametrize("weighting", ["tfidf", "bm25", "log-entropy"])
def test_texts_without_a_term_are_refused_when_terms_are_hashed(weighting):
    with pytest.raises(DataError, match=r"no term in the corpus \(texts: 2; "):
        fit(["", "!"], TfidfConfig(n_features=32, weighting=weighting), Run())
