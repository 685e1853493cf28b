"""Settings: what a user types becomes a frozen dataclass, or an error that names the key."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.config import (
    fit_only,
    fit_only_settings,
    from_mapping,
    parse_settings,
    placement,
    require,
    to_mapping,
    training_settings,
    whole,
)
from lexarium.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Settings:
    ngram_range: tuple[int, int] = (1, 1)
    alpha: float = 1.0
    max_features: int | None = None
    norm: Literal["l1", "l2"] | None = "l2"
    lowercase: bool = True
    stop_words: tuple[str, ...] | None = None
    weights: tuple[float | None, ...] = ()
    pattern: str = ""
    prompts: tuple[tuple[str, str], ...] | None = None

    def __post_init__(self):
        require("alpha", self.alpha > 0, f"{self.alpha} is not above 0")


@dataclass(frozen=True, kw_only=True)
class Demanding:
    size: int
    words: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """Annotations that only the interpreter's own reader understands."""

    Kind = Literal["a", "b"]
    kind: Kind = "a"
    count: "int" = 1  # noqa: UP037  what is asked
    nothing: None = None
    noted: Annotated[int, "a note"] = 2
    pair: tuple["int", ...] = ()  # noqa: UP037


def test_annotations_of_a_stranger_are_read_as_the_interpreter_reads_them():
    given = {"kind": "b", "count": 3, "nothing": None, "noted": 4, "pair": [1, 2]}
    assert to_mapping(from_mapping(Quoted, given)) == given
    with pytest.raises(ConfigError, match="count: 'x' is not int"):
        from_mapping(Quoted, {"count": "x"})


@pytest.mark.parametrize("odd", ["3", 1.5, True, None, int, np.array([2]), np.array([1, 2])])
def test_what_is_no_whole_number_is_refused_and_numpys_are_numbers(odd):
    assert type(whole("n", np.int32(3))) is int
    with pytest.raises(ConfigError, match=r"n: .* is not a whole number"):
        whole("n", odd)


@pytest.mark.parametrize("given", [3, ["alpha"], None])
def test_settings_that_are_no_mapping_are_refused(given):
    with pytest.raises(ConfigError, match=r"config: .* is not a mapping of settings to values"):
        from_mapping(Settings, given)


@pytest.mark.parametrize(
    ("key", "value", "becomes"),
    [
        ("ngram_range", [1, 2], (1, 2)),
        ("alpha", 2, 2.0),
        ("max_features", 10, 10),
        ("max_features", None, None),
        ("norm", "l1", "l1"),
        ("norm", None, None),
        ("lowercase", False, False),
        ("stop_words", ["的", "the"], ("的", "the")),
        ("stop_words", [], ()),
        ("weights", [1, None, 0.5], (1.0, None, 0.5)),
        ("prompts", {"query": "query: "}, (("query", "query: "),)),
        ("prompts", [["query", "q: "]], (("query", "q: "),)),
    ],
)
def test_a_value_of_the_right_type_is_taken(key, value, becomes):
    taken = getattr(from_mapping(Settings, {key: value}), key)
    assert taken == becomes
    assert type(taken) is type(becomes)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("ngram_range", [1], "a list (int, int)"),
        ("ngram_range", "1,2", "a list (int, int)"),
        ("ngram_range", [1, 2.5], "a list (int, int)"),
        ("alpha", "much", "float"),
        ("alpha", True, "float"),
        ("alpha", 10**400, "float"),
        ("max_features", 1.0, "int or none"),
        ("max_features", True, "int or none"),
        ("norm", "l3", "'l1' or 'l2' or none"),
        ("lowercase", 1, "bool"),
        ("stop_words", ["a", 1], "a list (text, ...) or none"),
        ("weights", ["a"], "a list (float or none, ...)"),
        ("pattern", None, "text"),
        ("prompts", {"query": 1}, 'pairs, as in {"name": "text"} or none'),
        ("stop_words", {"a": "b"}, "a list (text, ...) or none"),
    ],
)
def test_a_value_of_another_type_is_refused_with_the_type_that_belongs_there(key, value, says):
    with pytest.raises(ConfigError) as caught:
        from_mapping(Settings, {key: value})
    assert caught.value.key == key
    assert str(caught.value).endswith(f"is not {says}")


def test_an_unknown_key_is_answered_with_the_one_that_is_near():
    with pytest.raises(ConfigError, match="no such setting; did you mean 'ngram_range'"):
        from_mapping(Settings, {"ngram": [1, 2]})


@dataclass(frozen=True, kw_only=True)
class Usable:
    pooling: str = "mean"
    device: str = placement("cpu")
    epochs: int = fit_only(5)


def test_a_model_that_is_there_is_not_offered_what_only_training_reads():
    assert training_settings(Usable) == ("epochs",)
    assert fit_only_settings(Usable) == ("device", "epochs")
    with pytest.raises(ConfigError, match=r"there are: device, epochs, pooling$"):
        from_mapping(Usable, {"xyz": 1})
    with pytest.raises(ConfigError, match=r"there are: device, pooling$"):
        from_mapping(Usable, {"xyz": 1}, trained=True)
    assert from_mapping(Usable, {"epochs": 7}, trained=True).epochs == 7


def test_a_range_check_of_the_class_is_a_config_error_too():
    with pytest.raises(ConfigError, match=r"alpha: -1\.0 is not above 0"):
        from_mapping(Settings, {"alpha": -1})


def test_a_field_without_default_must_be_there():
    with pytest.raises(ConfigError, match="size: is missing"):
        from_mapping(Demanding, {})
    assert from_mapping(Demanding, {"size": 3}) == Demanding(size=3, words=())


def test_settings_go_to_json_and_come_back_equal():
    settings = Settings(ngram_range=(1, 3), stop_words=("的", "a"), weights=(1.0, None), alpha=0.5)
    document = json.loads(json.dumps(to_mapping(settings)))
    assert list(document) == list(Settings.__dataclass_fields__)
    assert from_mapping(Settings, document) == settings


@dataclass(frozen=True, kw_only=True)
class Typed:
    flag: bool = False
    number: float = 0.0
    whole: int = 0
    text: str = ""
    maybe: str | None = "x"
    words: Literal["english"] | tuple[str, ...] | None = None
    pair: tuple[int, int] = (0, 0)
    level: Literal[1, 2] = 1
    prompts: tuple[tuple[str, str], ...] = ()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("flag=true", True),
        ("flag=True", True),
        ("number=0.5", 0.5),
        ("number=3", 3.0),
        ("whole=3", 3),
        ("text=1", "1"),
        ("text=true", "true"),
        ("text=[0,9]", "[0,9]"),
        ('text="3"', "3"),
        ("text=", ""),
        ("text=x=y", "x=y"),
        ("maybe=none", None),
        ("maybe=null", None),
        ("maybe=7", "7"),
        ("words=english", "english"),
        ("words=the", ("the",)),
        ("words=the,a,", ("the", "a")),
        ("pair=1,2", (1, 2)),
        ("pair=(1, 2)", (1, 2)),
        ("pair=[1, 2]", (1, 2)),
        ("level=2", 2),
        ('prompts={"query": "query: ", "passage": ""}', (("query", "query: "), ("passage", ""))),
        ('prompts=[["query", "query: "]]', (("query", "query: "),)),
    ],
)
def test_what_is_typed_means_what_its_field_takes(typed, value):
    found = getattr(from_mapping(Typed, parse_settings([f" {typed}"])), typed.partition("=")[0])
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "typed",
    ["flag=1", "whole=1.5", "number=nan", "number=Infinity", "pair=1", "level=1.0", "prompts=query:q"],
)
def test_what_is_typed_and_does_not_fit_its_field_is_refused(typed):
    with pytest.raises(ConfigError, match=typed.partition("=")[2]):
        from_mapping(Typed, parse_settings([typed]))


def test_a_huge_value_is_not_repeated_whole():
    with pytest.raises(ConfigError) as caught:
        from_mapping(Typed, {"whole": "x" * 10_000})
    assert len(str(caught.value)) < 200


def test_the_last_of_two_settings_of_one_key_counts():
    assert from_mapping(Typed, parse_settings(["whole=1", "number=2", "whole=3"])).whole == 3


@pytest.mark.parametrize("pair", ["min_df", "=3", " =3", ""])
def test_a_pair_without_key_or_equals_sign_is_refused(pair):
    with pytest.raises(ConfigError, match="key=value"):
        parse_settings([pair])


def test_text_that_json_would_nest_without_end_is_text():
    deep = "[" * 100_000
    assert parse_settings([f"key={deep}"]) == {"key": deep}


@given(st.text(max_size=50))
def test_any_text_can_be_typed(text):
    parse_settings([f"key={text}"])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(list(Settings.__dataclass_fields__)), _JSON, max_size=4))
def test_any_json_gives_settings_or_a_config_error(values):
    try:
        settings = from_mapping(Settings, values)
    except ConfigError as error:
        assert error.key in values  # noqa: PT017  either outcome is right
    else:
        assert from_mapping(Settings, to_mapping(settings)) == settings


@dataclass(frozen=True, kw_only=True)
class Trained:
    least: int = fit_only(1)
    most: float | None = fit_only(None)
    lower: bool = True


def test_a_setting_that_training_alone_reads_is_one_like_the_others_and_marked():
    assert fit_only_settings(Trained) == ("least", "most")
    assert fit_only_settings(Settings) == ()
    assert from_mapping(Trained, {"most": 2}) == Trained(least=1, most=2.0, lower=True)
    assert to_mapping(Trained()) == {"least": 1, "most": None, "lower": True}


@dataclass(frozen=True, kw_only=True)
class Loose:
    """Defaults of another type than their field's, as a stranger may write them."""

    share: float = 1
    most: float | None = 2
    count: int = 3


def test_a_value_that_is_the_default_is_of_its_fields_type_all_the_same():
    made = from_mapping(Loose, {"share": 1, "most": 2, "count": 3})
    assert [type(value) for value in (made.share, made.most, made.count)] == [float, float, int]
    with pytest.raises(ConfigError, match="count: True is not int"):
        from_mapping(Loose, {"count": True})
