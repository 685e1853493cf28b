"""Pooling: right, and the same for a document whatever stands beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import InputError
from lexarium.pooling import mean_pool, normalize_rows, remove_component

VECTORS = np.random.default_rng(7).standard_normal((50, 6)).astype(np.float32)
WEIGHTS = np.random.default_rng(8).random(50).astype(np.float32)
DOCUMENTS = st.lists(st.lists(st.integers(-1, 49), max_size=600), max_size=6)


def pack(documents):
    ids = np.array([token for document in documents for token in document], np.int64)
    return ids, np.cumsum([0, *map(len, documents)])


def slow_mean(document, weights, *, per="weight"):
    known = [token for token in document if token >= 0]
    if not known:
        return np.zeros(6)
    total = sum(weights[token] * VECTORS[token].astype(float) for token in known)
    return total / (sum(weights[token] for token in known) if per == "weight" else len(known))


@given(DOCUMENTS)
def test_a_row_is_the_mean_of_the_known_tokens_and_zero_where_there_is_none(documents):
    pooled = mean_pool(VECTORS, *pack(documents))
    assert pooled.shape == (len(documents), 6)
    assert pooled.dtype == np.float32
    for row, document in zip(pooled, documents, strict=True):
        np.testing.assert_allclose(row, slow_mean(document, np.ones(50)), atol=1e-6)


@pytest.mark.parametrize("per", ["weight", "token"])
@given(documents=DOCUMENTS)
def test_a_weighted_row_is_the_weighted_sum_over_the_weights_or_over_the_tokens(per, documents):
    pooled = mean_pool(VECTORS, *pack(documents), WEIGHTS, per=per)
    for row, document in zip(pooled, documents, strict=True):
        np.testing.assert_allclose(row, slow_mean(document, WEIGHTS.astype(float), per=per), atol=1e-6)


@given(DOCUMENTS)
def test_a_row_is_the_same_to_the_bit_whatever_stands_beside_it(documents):
    together = mean_pool(VECTORS, *pack(documents), WEIGHTS)
    alone = [mean_pool(VECTORS, *pack([document]), WEIGHTS)[0] for document in documents]
    assert together.tobytes() == b"".join(row.tobytes() for row in alone)


def test_one_token_gives_its_vector_exactly():
    np.testing.assert_array_equal(mean_pool(VECTORS, *pack([[3], [4]])), VECTORS[[3, 4]])


def test_a_document_of_a_million_tokens_keeps_its_precision():
    ids = np.random.default_rng(0).integers(0, 50, 1_000_000)
    vectors = VECTORS + np.float32(100)
    exact = vectors.astype(float)[ids].mean(axis=0)
    np.testing.assert_allclose(mean_pool(vectors, ids, np.array([0, len(ids)]))[0], exact, rtol=1e-6)


def test_weights_of_zero_give_a_zero_row():
    assert not mean_pool(VECTORS, *pack([[1, 2]]), np.zeros(50, np.float32)).any()


def test_read_only_and_column_major_vectors_give_the_same():
    frozen = VECTORS.copy()
    frozen.setflags(write=False)
    packed = pack([[1, 2, 3], []])
    for vectors in (frozen, np.asfortranarray(VECTORS)):
        np.testing.assert_array_equal(mean_pool(vectors, *packed), mean_pool(VECTORS, *packed))


@pytest.mark.parametrize("ids", [[50], [-2], [0, 10**9]])
def test_an_id_that_is_no_row_is_refused(ids):
    with pytest.raises(InputError, match="there are 50 rows"):
        mean_pool(VECTORS, *pack([ids]))


@pytest.mark.parametrize("offsets", [[0, 1], [1, 2], [0, 2, 1, 2], [0, 3]])
def test_offsets_that_do_not_cover_the_ids_are_refused(offsets):
    with pytest.raises(InputError, match="offsets"):
        mean_pool(VECTORS, np.array([0, 1]), np.array(offsets))


def test_after_removal_nothing_is_left_along_the_component():
    component = normalize_rows(VECTORS[:1])[0]
    cleaned = remove_component(VECTORS, component)
    np.testing.assert_allclose(cleaned @ component, 0, atol=1e-6)
    np.testing.assert_allclose(cleaned, VECTORS - np.outer(VECTORS @ component, component), atol=1e-6)


def test_removal_and_normalising_treat_each_row_by_itself():
    component = normalize_rows(VECTORS[:1])[0]
    for function in (normalize_rows, lambda matrix: remove_component(matrix, component)):
        alone = np.concatenate([function(VECTORS[i : i + 1]) for i in range(50)])
        assert function(VECTORS).tobytes() == alone.tobytes()


def test_normalised_rows_have_length_one_and_a_zero_row_stays_zero():
    matrix = np.vstack([VECTORS, np.zeros(6)]).astype(np.float32)
    lengths = np.linalg.norm(normalize_rows(matrix), axis=1)
    np.testing.assert_allclose(lengths[:-1], 1, atol=1e-6)
    assert lengths[-1] == 0
