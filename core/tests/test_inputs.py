"""What every embedder does with its inputs first."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import InputError
from lexarium.inputs import batches, check_texts


@pytest.mark.parametrize("texts", [[], ("a",), ["", "\ud800", "文" * 1000], np.array(["a", "b"])])
def test_texts_pass_as_they_are(texts):
    assert check_texts(texts) is texts


@pytest.mark.parametrize("single", ["one text", "", b"bytes"])
def test_a_single_text_is_refused_with_the_way_to_write_it(single):
    with pytest.raises(InputError, match=r"write \[text\]"):
        check_texts(single)


@pytest.mark.parametrize("none", [None, 3, 1.5, object(), iter(["a"]), {"a"}, {"a": 1}, np.array("a")])
def test_what_is_no_list_is_refused_by_its_type(none):
    with pytest.raises(InputError, match=f"inputs: {type(none).__name__} where a list of texts belongs"):
        check_texts(none)


def test_a_data_frame_is_no_list_of_texts():
    class Frame(list):
        columns = ("text", "label")

    with pytest.raises(InputError, match="inputs: Frame where a list of texts belongs"):
        check_texts(Frame(["text", "label"]))


@pytest.mark.parametrize("odd", [None, 3, b"bytes", float("nan"), ["nested"]])
def test_an_element_that_is_no_text_is_named_by_its_place_and_type(odd):
    with pytest.raises(InputError, match=f"element 2 is {type(odd).__name__}, not text"):
        check_texts(["a", "b", odd])


@given(st.lists(st.integers()), st.integers(1, 10))
def test_batches_are_the_items_in_order_none_longer_than_asked_and_only_the_last_shorter(items, size):
    parts = list(batches(items, size))
    assert [item for part in parts for item in part] == items
    assert all(len(part) == size for part in parts[:-1])
    assert all(1 <= len(part) <= size for part in parts)
