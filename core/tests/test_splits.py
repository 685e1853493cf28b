"""The split: stratified, repeatable, and no text on both sides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import ConfigError, DataError
from lexarium.splits import same_text, stratified_sample, stratified_split
from lexarium.tables import Labelled


def rows(labels, texts=None):
    texts = texts or [f"text {i}" for i in range(len(labels))]
    return Labelled("reviews.csv", list(texts), list(labels), list(range(2, len(labels) + 2)))


LABELS = st.lists(st.sampled_from("abc"), min_size=4, max_size=60).filter(
    lambda labels: len(set(labels)) > 1 and max(Counter(labels).values()) > 1
)


@given(LABELS, st.floats(0.05, 0.95), st.integers(0, 2**32))
def test_every_row_is_on_one_side_and_each_label_has_its_share(labels, test_size, seed):
    split = stratified_split(rows(labels), test_size=test_size, seed=seed)
    assert sorted([*split.train, *split.test]) == list(range(len(labels)))
    assert split.train == sorted(split.train)
    assert split.test == sorted(split.test)
    assert split.duplicates_removed == 0
    for label, count in Counter(labels).items():
        drawn = sum(labels[i] == label for i in split.test)
        assert drawn == min(count - 1, max(1, round(count * test_size)))


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    data = rows("ab" * 50)
    first = stratified_split(data, test_size=0.2, seed=7)
    assert stratified_split(data, test_size=0.2, seed=7) == first
    assert stratified_split(data, test_size=0.2, seed=8) != first


def test_a_label_with_one_row_stays_in_training():
    split = stratified_split(rows("aaaab"), test_size=0.5, seed=0)
    assert 4 in split.train
    assert len(split.test) == 2


@given(st.integers(0, 1000))
def test_a_training_row_whose_text_is_tested_is_removed_and_counted(seed):
    texts = ["Same  Text", "same text", "ＳＡＭＥ text\n", "b", "c", "d"] * 2
    data = rows("ab" * 6, texts)
    try:
        split = stratified_split(data, test_size=0.4, seed=seed)
    except DataError as error:
        assert "repeat texts of the test part" in str(error)  # noqa: PT017  a label may lose its last row
        return
    tested = {same_text(texts[i]) for i in split.test}
    assert not tested & {same_text(texts[i]) for i in split.train}
    drawn = set(range(len(texts))) - set(split.test)
    assert drawn - set(split.train) == {i for i in drawn if same_text(texts[i]) in tested}
    assert split.duplicates_removed == len(drawn) - len(split.train)


@pytest.mark.parametrize(
    ("one", "other"),
    [("A b", "a  B"), ("ﬁlm", "film"), ("Straße", "STRASSE"), ("\u3000很好 ", "很好"), ("é", "e\u0301")],
)
def test_case_white_space_and_unicode_form_do_not_make_another_text(one, other):
    assert same_text(one) == same_text(other)


def test_other_words_or_marks_make_another_text():
    assert len({same_text(text) for text in ("good", "good!", "goods", "", "好", "\ud800")}) == 6


def test_one_label_is_not_enough():
    with pytest.raises(DataError, match=r"reviews\.csv: every row has the label 'a'; give at least two"):
        stratified_split(rows("aaaa"), test_size=0.5, seed=0)


def test_one_row_per_label_leaves_nothing_to_test_on():
    with pytest.raises(DataError, match="each label has one row"):
        stratified_split(rows("abc"), test_size=0.5, seed=0)


def test_a_label_that_training_would_lose_is_named():
    with pytest.raises(DataError, match="all training rows of the label 'b' repeat texts"):
        stratified_split(rows("aaaabb", ["1", "2", "3", "4", "same", "same"]), test_size=0.5, seed=0)


@pytest.mark.parametrize("size", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(size):
    with pytest.raises(ConfigError, match="test_size"):
        stratified_split(rows("abab"), test_size=size, seed=0)


def test_a_sample_keeps_the_labels_in_proportion_and_each_at_least_once():
    labels = "a" * 900 + "b" * 99 + "c"
    sample = stratified_sample(rows(labels), 100, seed=0)
    assert Counter(labels[i] for i in sample) == {"a": 90, "b": 10, "c": 1}
    assert sample == sorted(set(sample))
    assert stratified_sample(rows(labels), 100, seed=0) == sample


def test_a_sample_as_large_as_the_data_is_the_data():
    assert stratified_sample(rows("abc"), 3, seed=0) == [0, 1, 2]
    assert stratified_sample(rows("abc"), 10, seed=0) == [0, 1, 2]
