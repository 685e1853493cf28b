"""The compiled pooling: what it is given is checked, sums are right at every width, Ctrl-C is heard."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

pooling = pytest.importorskip("lexarium_kernels._pooling", reason="the kernels are not built")

WORDS = ["a", "bc", "好"]


def tensors():
    encoded = [word.encode() for word in WORDS]
    slots = np.zeros(7, np.uint32)
    for i, word in enumerate(encoded):
        slot = crc32(word) % 7
        while slots[slot]:
            slot = (slot + 1) % 7
        slots[slot] = i + 1
    offsets = np.cumsum([0, *map(len, encoded)])
    return [np.frombuffer(b"".join(encoded), np.uint8), offsets, slots]


def made(dim=5, **changes):
    vectors = np.random.default_rng(0).standard_normal((3, dim)).astype(np.float32)
    raw, offsets, slots = tensors()
    given = {"bytes": raw, "offsets": offsets, "slots": slots, "probes": 7, "vectors": vectors} | changes
    return pooling.Pooler(**given), given["vectors"]


@pytest.mark.parametrize("dim", [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 50, 63, 64, 65, 100, 300])
@pytest.mark.parametrize("weights", [None, np.array([0.5, 2, 3], np.float32)])
def test_every_width_is_summed_whole(dim, weights):
    pooler, vectors = made(dim)
    factors = np.ones(3) if weights is None else weights.astype(float)
    expected = (factors[[0, 2, 0, 1]] @ vectors[[0, 2, 0, 1]].astype(float)) / factors[[0, 2, 0, 1]].sum()
    row = pooler.pool_texts(["A 好 a, bc?"], "words", True, weights, False, 1)
    np.testing.assert_allclose(row, expected[None], atol=1e-6)
    tokens = pooler.pool_tokens(["x", "a", "好", "a", "bc"], np.array([0, 1, 5]), weights, False, 1)
    np.testing.assert_array_equal(tokens, np.vstack([np.zeros((1, dim)), row]))


@pytest.mark.parametrize("instructions", ["baseline", "avx2", "avx512"])
def test_every_instruction_set_gives_the_same_means(instructions):
    code = """
        import sys; sys.path.insert(0, %r)
        from test_pooling import made
        row = made(83)[0].pool_texts(["a a bc"] * 2, "words", True, None, False, 1)
        print(row.tobytes().hex())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code % str(Path(__file__).parent))],
        env=os.environ | {"LEXARIUM_SIMD": instructions},
        capture_output=True,
        text=True,
        check=True,
    )
    here = made(83)[0].pool_texts(["a a bc"] * 2, "words", True, None, False, 1)
    assert bytes.fromhex(done.stdout.strip()) == here.tobytes()


def test_words_are_found_in_the_stored_table():
    ids, offsets = made()[0].find_texts(["bc 好, A", "", "x"], "words", True, 2)
    assert ids.tolist() == [1, 2, -1, 0, -1]
    assert offsets.tolist() == [0, 4, 4, 5]


@pytest.mark.parametrize(
    "changes",
    [
        {"offsets": np.zeros(0, np.int64)},
        {"slots": np.zeros(0, np.uint32)},
        {"vectors": np.zeros((4, 5), np.float32)},
    ],
)
def test_parts_that_do_not_belong_together_are_refused(changes):
    with pytest.raises(ValueError, match=r"there (is|are)"):
        made(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": np.zeros((3, 5))},
        {"vectors": np.zeros((5, 3), np.float32).T},
        {"offsets": np.zeros(4, np.int32)},
        {"slots": np.zeros(7, np.int64)},
        {"probes": -1},
    ],
)
def test_arrays_of_another_type_or_order_are_refused(changes):
    with pytest.raises(TypeError):
        made(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"slots": np.full(7, 9, np.uint32)},
        {"offsets": np.array([-5, 3, 6, 7])},
        {"offsets": np.array([3, 1, 0, 0])},
        {"offsets": np.array([0, 2**62, 2**62, 2**62])},
    ],
)
def test_a_table_that_points_outside_is_refused_when_it_is_read(changes):
    pooler, _ = made(**changes)
    with pytest.raises(ValueError, match="points outside"):
        pooler.pool_texts(["a bc 好"] * 50, "words", True, None, False, 2)


@settings(deadline=None)
@drawn(
    st.binary(max_size=20),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), min_size=1, max_size=6),
    st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 7), max_size=9),
    st.integers(0, 10),
)
def test_no_vocabulary_of_a_stranger_breaks_it(raw, offsets, slots, probes):
    vectors = np.ones((len(offsets) - 1, 3), np.float32)
    arrays = np.frombuffer(raw, np.uint8), np.array(offsets, np.int64), np.array(slots, np.uint32)
    texts = ["a", "a bc 好", raw.decode("latin-1")]
    try:
        pooler = pooling.Pooler(*arrays, probes, vectors)
        found = pooler.pool_texts(texts, "words", True, None, False, 2)
        ids = pooler.find_texts(texts, "words", True, 2)[0]
        pooler.pool_tokens(texts, np.array([0, 1, 3]), None, True, 2)
    except ValueError as error:
        assert "outside" in str(error) or "there are no" in str(error)  # noqa: PT017  either answer is right
    else:
        assert ((found == 0) | (found == 1)).all()
        assert ((ids >= -1) & (ids < len(vectors))).all()


def test_a_full_table_is_not_searched_for_ever():
    pooler, _ = made(slots=np.full(7, 1, np.uint32))
    assert pooler.find_texts(["bc"], "words", True, 1)[0].tolist() == [-1]


@pytest.mark.parametrize("ends", [[], [1, 2], [0, 3], [0, 2, 1, 2], [0, 1]])
def test_offsets_that_do_not_cover_the_tokens_are_refused(ends):
    with pytest.raises(ValueError, match="offsets"):
        made()[0].pool_tokens(["a", "bc"], np.array(ends, np.int64), None, False, 1)


def test_weights_threads_rules_and_texts_out_of_range_are_refused():
    pooler, _ = made()
    with pytest.raises(ValueError, match="one weight"):
        pooler.pool_texts(["a"], "words", True, np.ones(4, np.float32), False, 1)
    for threads in (0, 1025):
        with pytest.raises(ValueError, match="threads"):
            pooler.pool_texts(["a"], "words", True, None, False, threads)
    with pytest.raises(ValueError, match="rule"):
        pooler.pool_texts(["a"], "jieba", True, None, False, 1)
    with pytest.raises(TypeError):
        pooler.pool_texts(["a", 3], "words", True, None, False, 1)


@pytest.mark.skipif(os.name != "posix", reason="a timer's signal stands for Ctrl-C")
def test_ctrl_c_stops_it():
    pooler, _ = made()
    texts = ["a bc d e f g h i " * 100_000] * 4000  # one string, four thousand times
    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    begin = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            pooler.pool_texts(texts, "words", True, None, False, 2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert time.monotonic() - begin < 10
    assert pooler.pool_texts(["a"], "words", True, None, False, 1).shape == (1, 5)
