"""The output layer: the tree of hierarchical softmax, and learning with each loss."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ConfigError, DataError
from lexarium.roles import Run, State
from lexarium_fasttext.head import FastTextHead, HeadConfig
from lexarium_fasttext.tree import children, leaf_probabilities


def data():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 5)).astype(np.float32)
    rows[np.arange(300), np.arange(300) % 4] += 4
    return rows, [["好", "b", "c", "d"][i % 4] for i in range(300)]


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova", "ns"])
def test_each_loss_learns_and_is_restored(loss):
    rows, targets = data()
    head = FastTextHead.fit(rows, targets, HeadConfig(loss=loss), Run())
    right = sum(a == b for a, b in zip(head.predict(rows), targets, strict=True))
    assert right > 270
    again = FastTextHead.restore(head.state())
    assert np.array_equal(again.predict_proba(rows), head.predict_proba(rows))
    if loss in {"softmax", "hs"}:
        np.testing.assert_allclose(head.predict_proba(rows).sum(axis=1), 1, atol=1e-9)


def test_hierarchical_softmax_of_many_labels_takes_no_square_of_them():
    labels, dim = 3000, 2
    rows = np.random.default_rng(0).normal(size=(labels, dim)).astype(np.float32)
    tracemalloc.start()
    try:
        head = FastTextHead.fit(rows, [f"{i}" for i in range(labels)], HeadConfig(loss="hs", epoch=1), Run())
        assert tracemalloc.get_traced_memory()[1] < 8 * labels**2 / 4
    finally:
        tracemalloc.stop()
    assert head.output.shape == (labels, dim)


def test_the_tree_joins_the_rarest_first():
    assert children(np.array([7, 4, 2, 1])).tolist() == [[3, 2], [4, 1], [5, 0]]
    right = np.array([[0.25, 0.5, 0.75]])
    found = leaf_probabilities(right, children(np.array([7, 4, 2, 1])))
    np.testing.assert_allclose(found, [[0.75, 0.125, 0.03125, 0.09375]])
    assert leaf_probabilities(np.empty((2, 0)), children(np.array([3]))).tolist() == [[1.0], [1.0]]


def test_settings_and_data_that_cannot_be_are_refused():
    for wrong in ({"lr": 0.0}, {"epoch": 0}):
        with pytest.raises(ConfigError):
            HeadConfig(**wrong)
    rows, targets = data()
    rows[3, 1] = np.nan
    with pytest.raises(DataError, match="not finite"):
        FastTextHead.fit(rows, targets, HeadConfig(), Run())


def test_a_state_whose_parts_do_not_belong_together_is_refused():
    rows, targets = data()
    state = FastTextHead.fit(rows, targets, HeadConfig(), Run()).state()
    for name, wrong in (
        ("counts", np.array([1, 2, 3, 4])),
        ("counts", np.array([2, 1])),
        ("counts", np.array([1 << 61, 1 << 61, 2, 1])),
        ("output", np.full((4, 5), np.nan, np.float32)),
        ("output", np.zeros((3, 5), np.float32)),
    ):
        with pytest.raises(CheckpointError):
            FastTextHead.restore(
                State(config=state.config, tensors={**state.tensors, name: wrong}, files=state.files)
            )
    codes, centroids = np.zeros((4, 3), np.uint8), np.ones(256 * 5, np.float32)
    norms = np.ones(256, np.float32)
    quantised = {"norm_codes": np.zeros(4, np.uint8), "codes": codes, "centroids": centroids, "norms": norms}
    document = json.loads(state.files["labels.json"]) | {"dsub": 2, "normed": True}
    tensors, files = state.tensors | quantised, {"labels.json": json.dumps(document).encode()}
    FastTextHead.restore(State(config=state.config, tensors=tensors, files=files))
    for name in ("centroids", "norms"):
        spoilt = tensors | {name: np.full_like(quantised[name], np.nan)}
        with pytest.raises(CheckpointError, match="not finite"):
            FastTextHead.restore(State(config=state.config, tensors=spoilt, files=files))
    for damaged in (b"{", b"[]", b'{"labels": ["a"], "prefix": 3, "dsub": 0, "normed": false}'):
        with pytest.raises(CheckpointError):
            FastTextHead.restore(
                State(config=state.config, tensors=state.tensors, files={"labels.json": damaged})
            )
