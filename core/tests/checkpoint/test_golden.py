"""Golden rows: an intact model passes, a drifted one is named, hostile rows are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from spelling_plugin.embedder import Spelling, SpellingConfig, spelling
from spelling_plugin.head import Nearest, NearestConfig

from lexarium.checkpoint.folder import Golden
from lexarium.checkpoint.golden import check_golden, make_golden
from lexarium.checkpoint.manifest import GoldenEntry
from lexarium.compose import Pipeline, take_apart
from lexarium.errors import CheckpointError
from lexarium.roles import Run

WORDS = ["cab", "add", "bad", "文"]


def embedder(**config):
    return spelling(WORDS, SpellingConfig(**config))


def pipeline():
    rows = embedder().embed(["aaa", "zzz"])
    return Pipeline(embedder(), Nearest.fit(rows, ["a", "z"], NearestConfig(), Run()))


MODELS = {"dense": embedder(), "sparse": embedder(sparse=True), "probabilities": pipeline()}


@pytest.fixture(params=MODELS)
def case(request, host):
    model = MODELS[request.param]
    return request.param, model, make_golden(model, take_apart(model, host))


def test_an_intact_model_passes_its_own_golden_rows(case):
    kind, model, golden = case
    assert golden.kind == kind
    assert check_golden(model, golden) == []


def test_the_inputs_are_in_two_languages_and_hold_words_of_the_models_own(case):
    _, _, golden = case
    assert "" in golden.inputs
    assert any("电影" in text for text in golden.inputs)
    assert set(WORDS) <= {word for text in golden.inputs for word in text.split()}


def test_rows_within_the_tolerance_pass_and_beyond_it_are_named():
    golden = Golden(
        ["abc", "b"], "dense", {"rows": embedder().embed(["abc", "b"])}, GoldenEntry(1e-5, 0.9999)
    )
    near = golden.tensors["rows"] + np.float32(5e-6)
    assert check_golden(embedder(), replace(golden, tensors={"rows": near})) == []
    drifted = golden.tensors["rows"].copy()
    drifted[1, 1] += 0.01
    (problem,) = check_golden(embedder(), replace(golden, tensors={"rows": drifted}))
    assert problem.startswith("the golden input 'b' is off by 0.01")


def test_large_rows_may_differ_in_proportion():
    text = "a" * 10_000
    rows = embedder().embed([text])
    golden = Golden([text], "dense", {"rows": rows + np.float32(0.05)}, GoldenEntry(1e-5, 0.9999))
    assert check_golden(embedder(), golden) == []


def test_a_direction_that_turned_is_named_even_if_each_number_moved_little():
    golden = Golden(
        ["a"], "dense", {"rows": np.float32(1) - embedder().embed(["a"])}, GoldenEntry(10, 0.9999)
    )
    assert "cosine 0.0" in check_golden(embedder(), golden)[0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_never_pass(bad):
    rows = embedder().embed(["a"])
    rows[0, 0] = bad
    assert len(check_golden(embedder(), Golden(["a"], "dense", {"rows": rows}, GoldenEntry(1, 0)))) == 1


def test_a_zero_row_passes_only_where_a_zero_row_was():
    zero = Golden([""], "dense", {"rows": np.zeros((1, 26), np.float32)}, GoldenEntry(10, 0.9))
    assert check_golden(embedder(), zero) == []
    assert len(check_golden(embedder(), replace(zero, inputs=["a"]))) == 1


def test_another_kind_or_shape_is_one_sentence():
    golden = Golden(["a"], "dense", {"rows": embedder().embed(["a"])}, GoldenEntry(1e-5, 0.999))
    assert check_golden(embedder(sparse=True), golden) == ["it gives sparse rows instead of dense"]
    (problem,) = check_golden(embedder(letters=5), golden)
    assert "(1, 5) instead of (1, 26)" in problem
    assert len(check_golden(embedder(), replace(golden, inputs=["a", "b"]))) == 1
    assert len(check_golden(embedder(), replace(golden, tensors={"rows": np.zeros(26, np.float32)}))) == 1


SPARSE = {
    "data": np.ones(2, np.float32),
    "indices": np.array([0, 1]),
    "indptr": np.array([0, 1, 2]),
    "shape": np.array([2, 26]),
}


def test_sparse_rows_in_order_pass():
    golden = Golden(["a", "b"], "sparse", SPARSE, GoldenEntry(1e-5, 0.999))
    assert check_golden(embedder(sparse=True), golden) == []


@pytest.mark.parametrize(
    "damage",
    [
        {"indices": np.array([0, 26])},
        {"indices": np.array([0, -1])},
        {"indices": np.array([0, 2**40])},
        {"indices": np.array([[0, 1]])},
        {"indptr": np.array([0, 5, 2])},
        {"indptr": np.array([0, -5, 2])},
        {"indptr": np.array([0, 1, 9])},
        {"indptr": np.zeros(0, np.int64)},
        {"data": np.ones(1, np.float32)},
        {"data": np.array(1.0)},
        {"shape": np.array([2, 2**40])},
        {"shape": np.array([2**31, 2**31])},
        {"shape": np.array([-2, 26])},
        {"shape": np.array([[2, 26]])},
        {"shape": np.array(2)},
        {"shape": np.array([2, 26, 1])},
        {"shape": np.array([np.nan, 26])},
        {"shape": np.array([np.inf, 26])},
    ],
    ids=str,
)
def test_sparse_rows_that_are_damaged_are_refused_without_touching_memory_that_is_not_theirs(damage):
    golden = Golden(["a", "b"], "sparse", SPARSE | damage, GoldenEntry(1e-5, 0.999))
    with pytest.raises(CheckpointError, match=r"golden\.safetensors: the golden rows are damaged"):
        check_golden(embedder(sparse=True), golden)


def test_golden_rows_without_a_tensor_are_refused():
    for kind, tensors in (("dense", {}), ("sparse", {"data": SPARSE["data"]})):
        with pytest.raises(CheckpointError, match="golden rows are damaged"):
            check_golden(embedder(sparse=kind == "sparse"), Golden(["a"], kind, tensors, GoldenEntry(1, 0)))


def test_a_model_without_vocabulary_has_golden_rows_too(host):
    model = Spelling.tiny()
    node = take_apart(model, host)
    bare = replace(node, state=replace(node.state, tensors={}))
    assert len(make_golden(model, bare).inputs) == 4
