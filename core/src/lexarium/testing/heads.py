"""What every classification head must keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.sparse import csr_array

from lexarium.errors import CheckpointError, LexariumError
from lexarium.host import Host
from lexarium.roles import Head, Run, State

if TYPE_CHECKING:
    from lexarium.roles import Floats

__all__ = ["HeadContract"]

_LABELS = ["好", "bad", "neutral"]


class HeadContract:
    """Inherit, and set ``method`` to the name that an installed plugin offers."""

    method: str

    @pytest.fixture
    def matrix(self) -> Floats:
        """Give 90 rows of 6 components: three classes that can be told apart, with noise."""
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(90, 6)).astype(np.float32)
        rows[np.arange(90), np.arange(90) % 3] += 3
        rows[rows < 0] = 0
        return rows

    @pytest.fixture
    def targets(self) -> list[str]:
        """Give the label of each row."""
        return [_LABELS[i % 3] for i in range(90)]

    @pytest.fixture
    def head(self, matrix: Floats, targets: list[str]) -> Head:
        """Give the head under test, fitted."""
        descriptor = Host.discover().head(self.method)
        return descriptor.load().fit(matrix, targets, descriptor.load_config()(), Run())

    def test_it_learns_what_can_be_learned(self, head: Head, matrix: Floats, targets: list[str]) -> None:
        right = sum(a == b for a, b in zip(head.predict(matrix), targets, strict=True))
        assert right > 70

    def test_labels_are_those_of_the_targets(self, head: Head, targets: list[str]) -> None:
        assert sorted(head.labels) == sorted(set(targets))
        assert head.majority in head.labels

    def test_probabilities_are_rows_that_sum_to_one_and_agree_with_the_prediction(
        self, head: Head, matrix: Floats
    ) -> None:
        probabilities = head.predict_proba(matrix)
        assert probabilities.shape == (len(matrix), len(head.labels))
        assert (probabilities >= 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
        assert head.predict(matrix) == [head.labels[i] for i in probabilities.argmax(axis=1)]

    def test_dense_and_sparse_rows_give_the_same_answer(self, head: Head, matrix: Floats) -> None:
        np.testing.assert_allclose(
            head.predict_proba(matrix), head.predict_proba(csr_array(matrix)), atol=1e-6
        )

    def test_it_fits_sparse_rows(self, matrix: Floats, targets: list[str]) -> None:
        descriptor = Host.discover().head(self.method)
        head = descriptor.load().fit(csr_array(matrix), targets, descriptor.load_config()(), Run())
        assert set(head.predict(csr_array(matrix))) <= set(targets)

    def test_a_row_does_not_depend_on_its_neighbours(self, head: Head, matrix: Floats) -> None:
        alone = np.concatenate([head.predict_proba(matrix[i : i + 1]) for i in range(5)])
        np.testing.assert_allclose(head.predict_proba(matrix)[:5], alone, atol=1e-9)

    def test_no_rows_give_no_predictions(self, head: Head, matrix: Floats) -> None:
        assert head.predict(matrix[:0]) == []
        assert head.predict_proba(matrix[:0]).shape == (0, len(head.labels))

    def test_the_same_data_gives_the_same_head(self, head: Head, matrix: Floats, targets: list[str]) -> None:
        descriptor = Host.discover().head(self.method)
        again = descriptor.load().fit(matrix, targets, descriptor.load_config()(), Run())
        assert np.array_equal(head.predict_proba(matrix), again.predict_proba(matrix))

    def test_restored_from_its_state_it_gives_the_same_probabilities(
        self, head: Head, matrix: Floats
    ) -> None:
        state = head.state()
        config = json.loads(json.dumps(dict(state.config)))
        again = type(head).restore(State(config=config, tensors=state.tensors, files=state.files))
        assert np.array_equal(head.predict_proba(matrix), again.predict_proba(matrix))
        assert list(again.labels) == list(head.labels)
        assert again.majority == head.majority

    def test_a_state_without_one_of_its_tensors_or_files_is_a_checkpoint_error(self, head: Head) -> None:
        state = head.state()
        for missing in (*state.tensors, *state.files):
            tensors = {name: tensor for name, tensor in state.tensors.items() if name != missing}
            files = {name: raw for name, raw in state.files.items() if name != missing}
            with pytest.raises(CheckpointError):
                type(head).restore(State(config=state.config, tensors=tensors, files=files))

    def test_one_class_or_no_rows_or_unequal_lengths_are_refused(
        self, matrix: Floats, targets: list[str]
    ) -> None:
        descriptor = Host.discover().head(self.method)
        config = descriptor.load_config()()
        for rows, labels in ((matrix, ["one"] * 90), (matrix[:0], []), (matrix, targets[:5])):
            with pytest.raises(LexariumError):
                descriptor.load().fit(rows, labels, config, Run())

    def test_metrics_say_how_many_are_right(self, head: Head) -> None:
        scores = head.metrics(["a", "a", "b", "b"], ["a", "b", "b", "b"])
        assert scores["accuracy"] == 0.75
        assert set(scores) == {"accuracy", "macro_f1", "micro_f1", "weighted_f1", "labels", "confusion"}
        assert scores["confusion"] == [[1, 1], [0, 2]]
        right = {"precision": 2 / 3, "recall": 1.0, "f1": 0.8, "support": 2}
        assert scores["labels"]["b"] == pytest.approx(right)
        json.dumps(scores, allow_nan=False)
