"""Errors: one tree, and sentences that say what was asked, what there is, and what to type."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

from lexarium import errors
from lexarium.errors import (
    AmbiguousError,
    CheckpointError,
    ConfigError,
    DataError,
    FormatError,
    InputError,
    LexariumError,
    MethodNotFoundError,
    MissingExtraError,
    ModelNotFoundError,
    NameTakenError,
    NotFoundError,
    PluginError,
    StoreError,
    TrainingInterrupted,
    UnsupportedError,
    did_you_mean,
)


def test_every_error_is_a_lexarium_error_and_drawn_in_the_tree():
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__]
    assert len(classes) > 10
    for each in classes:
        assert issubclass(each, KeyboardInterrupt if each is TrainingInterrupted else LexariumError)
        assert each is TrainingInterrupted or each.__name__ in errors.__doc__
        assert each.__name__ in errors.__all__


def test_callers_can_catch_by_kind():
    assert issubclass(FormatError, InputError)
    assert issubclass(MethodNotFoundError, NotFoundError)
    assert issubclass(ModelNotFoundError, NotFoundError)
    assert issubclass(NameTakenError, PluginError)
    assert issubclass(MissingExtraError, PluginError)


@pytest.mark.parametrize(
    ("asked", "known", "says"),
    [
        ("tfidff", ["bow", "tfidf"], "did you mean 'tfidf'?"),
        ("class", ["classifier", "clash"], "did you mean 'classifier'?"),
        ("BOW", ["bow", "tfidf"], "did you mean 'bow'?"),
        ("bow", ["BOW"], "did you mean 'BOW'?"),
        ("文字", ["文字列", "标签"], "did you mean '文字列'?"),
        ("zzz", ["b", "a", "b"], "there are: a, b"),
        ("", ["a"], "there are: a"),
        ("x", [], "there are none"),
    ],
)
def test_the_hint_names_what_is_near_or_else_what_there_is(asked, known, says):
    assert did_you_mean(asked, known) == says


def test_the_hint_shows_twelve_names_and_counts_the_rest():
    hint = did_you_mean("?", [f"name{i:02}" for i in range(30)])
    assert "name11" in hint
    assert "name12" not in hint
    assert hint.endswith("and 18 more")


def test_a_config_error_names_the_key_and_what_is_near():
    error = ConfigError("ngram", "no such setting", known=["min_df", "ngram_range"])
    assert str(error) == "ngram: no such setting; did you mean 'ngram_range'?"
    assert (error.key, error.problem) == ("ngram", "no such setting")
    assert str(ConfigError("min_df", "is below 0")) == "min_df: is below 0"


def test_an_input_error_says_file_line_field_problem_and_remedy():
    error = InputError(Path("a.csv"), "no label", "fill it in", line=3, field="label")
    assert str(error) == "a.csv, line 3, field 'label': no label; fill it in"
    assert (error.path, error.line, error.field) == ("a.csv", 3, "label")
    assert (error.problem, error.remedy) == ("no label", "fill it in")
    assert str(InputError("a.csv", "is empty")) == "a.csv: is empty"


def test_not_found_says_what_was_asked_what_there_is_and_what_to_type():
    error = ModelNotFoundError("stored model", "glvoe", ["glove", "bow", "bow"], "type: lexarium list")
    assert str(error) == "no stored model named 'glvoe'; did you mean 'glove'? Type: lexarium list"
    assert error.known == ["bow", "glove"]


def test_a_taken_name_names_every_claimant_and_the_setting_that_chooses():
    error = NameTakenError("embedder", "bow", ["b-dist", "a-dist"])
    assert "a-dist and b-dist" in str(error)
    assert "LEXARIUM_PREFER=bow=a-dist" in str(error)
    assert error.claimants == ["a-dist", "b-dist"]


def test_the_other_errors_name_their_remedy():
    assert str(DataError("no rows", "give some")) == "no rows; give some"
    assert str(StoreError("read-only", "set LEXARIUM_HOME")) == "read-only; set LEXARIUM_HOME"
    assert str(UnsupportedError("x is sparse", "use .npz")) == "x is sparse; use .npz"
    assert str(AmbiguousError("bow", ["bow@1", "method:bow"])).endswith("type bow@1 or method:bow")
    assert "pip install 'lexarium-core[jieba]'" in str(
        MissingExtraError("x", "jieba", "lexarium-core[jieba]")
    )
    damaged = CheckpointError(Path("m"), "is cut short", "fetch it again")
    assert str(damaged) == "m: is cut short; fetch it again"
    assert damaged.where == "m"


def test_an_error_without_fields_of_its_own_survives_another_process():
    assert str(pickle.loads(pickle.dumps(PluginError("broken")))) == "broken"  # noqa: S301  made here
