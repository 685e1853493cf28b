from __future__ import annotations

import logging
from importlib.util import find_spec

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from lexarium.errors import ConfigError, DataError, InputError
from lexarium.roles import Run
from lexarium_counts.config import CountConfig
from lexarium_counts.train import EXAMPLE_CORPUS, learn

CHINESE = ["这部电影很好看", "演员很出色，情节一般", "情节无聊，看得很累"]


def fit(corpus, run=None, **options):
    return learn(corpus, CountConfig(**options), run or Run())


def test_the_counts_of_the_corpus_are_those_that_the_counter_gives_again():
    counter, counts = fit(EXAMPLE_CORPUS, ngram_range=(1, 2))
    assert (counter.count(EXAMPLE_CORPUS) != counts).nnz == 0


def test_progress_is_reported_for_each_text():
    heard = []
    fit(["one two", "two", "three"], Run(progress=lambda *report: heard.append(report)))
    assert heard == [("counting terms", done, 3) for done in (1, 2, 3)]


def test_texts_in_memory_are_counted_together_with_the_result_and_reports_of_a_stream():
    texts = [f"text number {number % 700} é" for number in range(5000)]
    heard = []
    counter, counts = fit(texts, Run(progress=lambda _, done, total: heard.append((done, total))))
    assert heard == [(done, 5000) for done in range(1, 5001)]
    for other in (texts, tuple(texts), iter(texts)):
        again, same = fit(other)
        assert again.terms == counter.terms
        assert (same != counts).nnz == 0


def test_a_corpus_that_can_be_read_once_only_is_read_whole():
    heard = []
    counter, _ = fit(
        (text for text in EXAMPLE_CORPUS), Run(progress=lambda *report: heard.append(report[-1]))
    )
    assert counter.terms == fit(EXAMPLE_CORPUS)[0].terms
    assert set(heard) == {None}


@pytest.mark.parametrize(
    ("corpus", "options", "error", "says"),
    [
        ([], {}, DataError, "holds no texts"),
        (["", " "], {}, DataError, "tokenizer=unicode"),
        (["the", "and"], {"stop_words": "english"}, DataError, "stop_words"),
        (["", ""], {"analyzer": "char"}, DataError, "analyzer=char"),
        (["aa", "bb"], {"min_df": 2}, DataError, "min_df=2"),
        (["aa bb", "aa bb"], {"min_df": 2, "max_df": 0.5}, ConfigError, "min_df=2"),
        (["aa bb"] * 4, {"max_df": 0.5}, DataError, "max_df=0.5"),
        (["aa", None], {}, InputError, "element 1 is NoneType"),
        ("a single text", {}, InputError, "single text"),
    ],
)
def test_a_corpus_with_nothing_to_learn_says_what_to_change(corpus, options, error, says):
    with pytest.raises(error, match=says):
        fit(corpus, **options)


def test_an_error_of_the_corpus_itself_is_not_taken_for_one_of_counting():
    def texts():
        yield "aa"
        raise ValueError("the disk is gone")

    with pytest.raises(ValueError, match="the disk is gone"):
        fit(texts())


@pytest.mark.parametrize("tokenizer", ["unicode", "words"])
def test_chinese_that_is_not_cut_into_words_gets_a_notice_naming_the_remedy(caplog, tokenizer):
    with caplog.at_level(logging.WARNING, "lexarium"):
        fit(CHINESE, tokenizer=tokenizer)
    [record] = caplog.records
    assert "--set tokenizer=jieba" in record.getMessage()
    assert "tokenizer=characters" in record.getMessage()


def test_single_chinese_characters_give_no_words_and_both_notice_and_error(caplog):
    with caplog.at_level(logging.WARNING, "lexarium"), pytest.raises(DataError, match="tokenizer=characters"):
        fit(["好 , 很", "看"])
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("corpus", "options"),
    [
        (CHINESE, {"tokenizer": "characters"}),
        (CHINESE, {"analyzer": "char", "ngram_range": (1, 2)}),
        (EXAMPLE_CORPUS, {}),
    ],
)
def test_no_notice_where_the_tokenizer_suits_the_text(caplog, corpus, options):
    with caplog.at_level(logging.WARNING, "lexarium"):
        fit(corpus, **options)
    assert not caplog.records


def test_stop_words_that_can_never_match_get_a_notice_and_not_a_warning(caplog):
    with caplog.at_level(logging.WARNING, "lexarium"):
        fit(["do not don't"], stop_words=("don't",))
    [record] = caplog.records
    assert "'don'" in record.getMessage()


@pytest.mark.skipif(find_spec("jieba") is None, reason="jieba is an extra")
def test_jieba_finds_the_words_of_unsegmented_chinese():
    counter, _ = fit(CHINESE, tokenizer="jieba")
    assert {"电影", "演员", "情节"} <= set(counter.terms)


def test_ties_at_the_vocabulary_limit_fall_as_in_count_vectorizer():
    corpus = [" ".join(f"w{i:03d}" for i in range(start, start + 150)) for start in (0, 50, 100)]
    counter, _ = fit(corpus, max_features=40)
    assert counter.terms == tuple(CountVectorizer(max_features=40).fit(corpus).get_feature_names_out())


texts = st.lists(st.text(st.characters(exclude_categories=()), max_size=40), min_size=1, max_size=6)
option_sets = st.sampled_from(
    [
        {},
        {"lowercase": False, "ngram_range": (1, 2)},
        {"strip_accents": "unicode", "binary": True},
        {"strip_accents": "ascii", "analyzer": "char_wb", "ngram_range": (2, 3)},
        {"analyzer": "char", "ngram_range": (1, 3)},
    ]
)


@settings(max_examples=60, deadline=None)
@given(corpus=texts, others=texts, options=option_sets)
def test_any_text_has_the_vocabulary_and_counts_that_scikit_learn_gives(corpus, others, options):
    corpus = [*corpus, "a word or two"]
    reference = CountVectorizer(**options)
    expected = reference.fit_transform(corpus)
    counter, counts = fit(corpus, **options)
    assert dict(zip(counter.terms, range(len(counter)), strict=True)) == reference.vocabulary_
    assert (counts != expected).nnz == 0
    assert (counter.count(others) != reference.transform(others)).nnz == 0


def test_more_texts_than_there_are_for_min_df_is_said_of_min_df():
    with pytest.raises(ConfigError, match="min_df: 1000, and there are 3 texts; lower it"):
        fit(["a film", "a plot", "a film"], min_df=1000)
