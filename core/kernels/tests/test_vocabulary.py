"""The compiled table is, slot for slot, the one that Python builds, and answers as a dict does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

compiled = pytest.importorskip("lexarium_kernels._vocabulary", reason="the kernels are not built")
reference = pytest.importorskip("lexarium.vocabulary", reason="core is not installed")

WORDS = st.lists(st.text(st.characters(), max_size=20), unique=True, max_size=80)


def encoded(words):
    return [word.encode("utf-8", "surrogatepass") for word in words]


@settings(deadline=None)
@given(WORDS)
def test_the_table_is_bit_for_bit_the_one_that_python_builds(words):
    raw, offsets = compiled.pack(words)
    assert raw.tobytes() == b"".join(encoded(words))
    size = max(8, int(len(words) * 1.6) + 1)
    slots, _, second, crowded = compiled.build(raw, offsets, size, 4096)
    assert (second, crowded) == (-1, False)
    assert np.array_equal(slots, reference._table(encoded(words), size))


@settings(deadline=None)
@given(WORDS, WORDS)
def test_it_finds_what_is_there_and_nothing_else(words, others):
    raw, offsets = compiled.pack(words)
    slots, *_ = compiled.build(raw, offsets, 2 * len(words) + 8, 4096)
    place = {word: i for i, word in enumerate(words)}
    found = compiled.Table(raw, offsets, slots, 4096).find([*others, *words])
    assert found.tolist() == [place.get(word, -1) for word in [*others, *words]]


@settings(deadline=None)
@given(st.lists(WORDS, max_size=4))
def test_merged_vocabularies_are_the_sorted_union(vocabularies):
    raw, offsets, places = compiled.merge([compiled.pack(words) for words in vocabularies])
    union = sorted({word for words in vocabularies for word in encoded(words)})
    assert [raw.tobytes()[a:b] for a, b in pairwise(offsets)] == union
    for words, where in zip(vocabularies, places, strict=True):
        assert [union[place] for place in where] == encoded(words)


@settings(deadline=None)
@given(
    st.binary(max_size=20),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=6),
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 7), max_size=9),
)
def test_no_table_of_a_stranger_breaks_it(raw, offsets, slots):
    arrays = np.frombuffer(raw, np.uint8), np.array(offsets, np.int64)
    table = np.array(slots, np.uint32)
    if not offsets or not slots:
        with pytest.raises(ValueError, match="no offsets or no slots"):
            compiled.Table(*arrays, table, 4096)
        return
    try:
        found = compiled.Table(*arrays, table, 4096).find(["", "a", raw.decode("latin-1")])
    except ValueError as error:
        assert "outside" in str(error)  # noqa: PT017  either answer is right
    else:
        assert ((found >= -1) & (found < len(offsets))).all()


@settings(deadline=None)
@given(
    st.binary(max_size=20),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=6),
    st.integers(0, 20),
)
def test_any_bytes_are_built_and_merged_or_refused(raw, offsets, slots):
    packed = np.frombuffer(raw, np.uint8), np.array(offsets, np.int64)
    try:
        compiled.build(*packed, slots, 4096)
    except ValueError as error:
        assert "offsets" in str(error) or "slots" in str(error)  # noqa: PT017  either answer is right
    try:
        merged, ends, (places,) = compiled.merge([packed])
    except ValueError as error:
        assert "offsets" in str(error)  # noqa: PT017
        return
    words = [raw[a:b] for a, b in pairwise(offsets)]
    union = [merged.tobytes()[a:b] for a, b in pairwise(ends)]
    assert union == sorted(set(words))
    assert [union[place] for place in places] == words


def test_a_word_that_stands_twice_and_too_long_a_chain_are_told():
    raw, offsets = compiled.pack(["a", "b", "a"])
    _, first, second, _ = compiled.build(raw, offsets, 8, 4096)
    assert (first, second) == (0, 2)
    raw, offsets = compiled.pack([str(i) for i in range(100)])
    assert compiled.build(raw, offsets, 101, 1)[3]


@pytest.mark.parametrize("offsets", [[], [1, 1], [0, 2, 1], [0, 9]])
def test_offsets_that_do_not_hold_are_refused(offsets):
    packed = np.zeros(3, np.uint8), np.array(offsets, np.int64)
    with pytest.raises(ValueError, match="the offsets"):
        compiled.build(*packed, 16, 4096)
    with pytest.raises(ValueError, match="the offsets"):
        compiled.merge([packed])
    with pytest.raises(ValueError, match="more slots"):
        compiled.build(*compiled.pack(["a", "b"]), 2, 4096)
