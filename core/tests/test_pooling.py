"""Pooling: right, and the same for a document whatever stands beside it."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.backend import kernel
from lexarium.errors import CheckpointError, ConfigError, InputError
from lexarium.pooling import Pooler, mean_pool, normalize_rows, remove_component
from lexarium.vocabulary import Vocabulary

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


WORDS = ["a", "bc", "好", "电影", "é", ".", "_", "i̇", "a" * 16, "a" * 17, "b" * 300, "\ud800", "", "σς", "2"]
WORDS += [f"w{i}" for i in range(50 - len(WORDS))]
TEXTS = st.lists(
    st.one_of(
        st.text("abcABC好电影é.,_ İΣς2\n\u3000\ud800\U00020000", max_size=40),
        st.lists(st.sampled_from([*WORDS, *map(str.upper, WORDS)]), max_size=600).map(" ".join),
    ),
    max_size=8,
)
BACKENDS = [
    "reference",
    pytest.param(
        "kernels",
        marks=pytest.mark.skipif(kernel("_pooling", "auto") is None, reason="the kernels are not built"),
    ),
]


def pooler(backend, **settings):
    return Pooler(Vocabulary.build(WORDS), VECTORS, backend=backend, **settings)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("tokenizer", ["unicode", "words", "whitespace", "characters", "pattern"])
@given(texts=TEXTS, lowercase=st.booleans(), per=st.sampled_from(["weight", "token"]))
def test_texts_are_pooled_as_their_tokens_are(backend, tokenizer, texts, lowercase, per):
    function = re.compile(r"[a-z]|\w+").findall
    made = pooler(backend, tokenizer=function if tokenizer == "pattern" else tokenizer, lowercase=lowercase)
    tokens = [[WORDS.index(t) if t in WORDS else -1 for t in made.tokenize(text)] for text in texts]
    plain, weighted = mean_pool(VECTORS, *pack(tokens)), mean_pool(VECTORS, *pack(tokens), WEIGHTS, per=per)
    np.testing.assert_array_equal(made.pool(texts), plain)
    np.testing.assert_allclose(made.pool(texts, WEIGHTS, per=per), weighted, atol=1e-6)
    found = list(made.packed(texts))
    assert [i for ids, _ in found for i in ids.tolist()] == [i for document in tokens for i in document]
    assert [n for _, ends in found for n in np.diff(ends).tolist()] == [*map(len, tokens)]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_text_has_one_row_whatever_stands_beside_it_and_however_many_threads(backend, monkeypatch):
    rng = np.random.default_rng(2)
    texts = [" ".join(rng.choice(WORDS, rng.integers(0, 900))) for _ in range(150)]
    together = pooler(backend, threads=3).pool(texts, WEIGHTS)
    alone = [pooler(backend, threads=1).pool([text], WEIGHTS)[0] for text in texts]
    assert together.tobytes() == b"".join(row.tobytes() for row in alone)
    monkeypatch.setattr("lexarium.pooling._BLOCK", 1000)
    assert pooler(backend).pool(texts, WEIGHTS).tobytes() == together.tobytes()
    assert sum(len(ends) - 1 for _, ends in pooler(backend).packed(texts)) == 150


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_texts_give_no_rows_and_unknown_words_zeros(backend):
    assert pooler(backend).pool([]).shape == (0, 6)
    assert not pooler(backend).pool(["unheard of", ""]).any()
    assert list(pooler(backend).packed([])) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_is_no_text_and_what_does_not_fit_is_refused(backend):
    made = pooler(backend)
    with pytest.raises(InputError, match="element 1 is int"):
        made.pool(["a", 3])
    with pytest.raises(InputError, match="element 1 is int"):
        list(made.packed(["a", 3]))
    with pytest.raises(InputError, match="a single text"):
        made.pool("a")
    for wrong in (WEIGHTS[:-1], WEIGHTS.astype(float)):
        with pytest.raises(InputError, match="weights"):
            made.pool(["a"], wrong)
    for wrong in (VECTORS[:-1], VECTORS.astype(float), VECTORS[0]):
        with pytest.raises(InputError, match="vectors"):
            Pooler(Vocabulary.build(WORDS), wrong, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_threads_out_of_range_are_no_damage_of_the_model(backend, monkeypatch):
    for threads in (0, 1025):
        with pytest.raises(ConfigError, match=f"threads: {threads} is not from 1 to 1024"):
            pooler(backend, threads=threads)
    monkeypatch.setenv("OMP_NUM_THREADS", "5000")
    np.testing.assert_array_equal(pooler(backend).pool(["a bc"]), pooler(backend, threads=1).pool(["a bc"]))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("vocabulary.slots", lambda slots: np.where(slots > 0, slots + 2**20, slots).astype(np.uint32)),
        ("vocabulary.offsets", lambda offsets: offsets + 2**40),
        ("vocabulary.offsets", lambda offsets: -offsets),
        ("vocabulary.offsets", lambda offsets: offsets[::-1].copy()),
        ("vocabulary.bytes", lambda raw: raw[:1]),
    ],
)
def test_a_damaged_table_is_an_error_and_never_a_crash(backend, name, change):
    tensors = Vocabulary.build(WORDS).tensors()
    tensors[name] = change(tensors[name])
    made = Pooler(Vocabulary(tensors), VECTORS, backend=backend)
    with pytest.raises(CheckpointError):
        made.pool([" ".join(WORDS[:4])])


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_table_without_a_free_slot_ends_the_search(backend):
    tensors = Vocabulary.build(WORDS).tensors()
    tensors["vocabulary.slots"] = np.full(60, 1, np.uint32)
    assert not Pooler(Vocabulary(tensors), VECTORS, backend=backend).pool(["bc"]).any()


@pytest.mark.parametrize("backend", BACKENDS)
def test_column_major_vectors_and_tensors_at_odd_addresses_serve_as_well(backend):
    tensors = Vocabulary.build(WORDS).tensors()
    odd = {}
    for name, tensor in tensors.items():
        raw = np.zeros(tensor.nbytes + 1, np.uint8)
        raw[1:] = tensor.view(np.uint8)
        odd[name] = raw[1:].view(tensor.dtype)
    if backend == "reference":
        odd = tensors
    made = Pooler(Vocabulary(odd), np.asfortranarray(VECTORS), backend=backend)
    np.testing.assert_array_equal(made.pool(["a bc 好"]), pooler(backend).pool(["a bc 好"]))
