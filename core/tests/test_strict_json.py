"""JSON from strangers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_json, parse_object

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_what_json_writes_is_read_as_it_was(value, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert parse_json(raw, "here") == value


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"NaN", "NaN is not finite"),
        (b"[-Infinity]", "-Infinity is not finite"),
        (b'{"a": 1e999}', "1e999 is not finite"),
        (b'{"b": {"a": 1, "c": 2, "a": 3}}', "the name 'a' stands twice"),
        (b"\xff", "invalid start byte"),
        (b"\xef\xbb\xbf{}", "BOM"),
        ('{"a": 1}'.encode("utf-16"), "decode"),
        (b"[" * 100_000, "recursion"),
        (b"1" * 5_000, "digits"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
    ],
)
def test_what_others_would_read_otherwise_is_refused(raw, says):
    with pytest.raises(CheckpointError, match=rf"^here: not JSON: .*{says}.*; mend it$"):
        parse_json(raw, "here", "mend it")


def test_the_last_of_a_million_names_is_found_to_stand_twice_in_one_pass():
    names = [*map(str, range(10**6)), str(10**6 - 1)]
    with pytest.raises(CheckpointError, match="the name '999999' stands twice"):
        parse_json(("{" + ",".join(f'"{name}":0' for name in names) + "}").encode(), "here")


@pytest.mark.parametrize("raw", [b"[]", b"1", b"null", b'"a"'])
def test_an_object_is_no_other_value(raw):
    with pytest.raises(CheckpointError, match="here: not a JSON object; fetch it again"):
        parse_object(raw, "here")
