"""Batches of like lengths, and workers that leave torch's threads as they were."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lexarium.errors import UnsupportedError
from lexarium_transformer.encoders import copied_bytes
from lexarium_transformer.folder import _needed
from lexarium_transformer.inference import padded
from lexarium_transformer.memory import available_memory, require_memory
from lexarium_transformer.pooling import mix, pool
from lexarium_transformer.running import bucket, each


def test_batches_hold_every_piece_once_the_longest_first_within_the_budget():
    lengths = [3, 50, 1, 7, 7, 200, 2]
    batches = bucket(lengths, 60)
    assert sorted(i for batch in batches for i in batch) == list(range(7))
    assert batches[0] == [5]  # longer than the budget: alone
    assert all(len(batch) * max(lengths[i] for i in batch) <= 60 for batch in batches[1:])
    assert [lengths[batch[0]] for batch in batches] == sorted((lengths[b[0]] for b in batches), reverse=True)


def test_workers_have_one_thread_each_and_results_come_in_order():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = list(each(lambda batch: (batch * 2, torch.get_num_threads()), [1, 2, 3], 2))
        assert found == [(1, (2, 1)), (2, (4, 1)), (3, (6, 1))]
        assert torch.get_num_threads() == 3
        assert list(each(lambda _: torch.get_num_threads(), [1], 2)) == [(1, 3)]
        with pytest.raises(ZeroDivisionError):
            list(each(lambda batch: 1 // batch, [1, 0, 2], 2))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_pooling_sees_tokens_and_no_padding():
    states = torch.tensor([[[1.0, -1.0], [3.0, -5.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    assert pool(states, mask, "cls").tolist() == [[1, -1]]
    assert pool(states, mask, "mean").tolist() == [[2, -3]]
    assert pool(states, mask, "max").tolist() == [[3, -1]]
    assert pool(states, mask, "last").tolist() == [[3, -5]]
    assert pool(states, mask, "weighted").tolist() == [pytest.approx([7 / 3, -11 / 3])]
    assert pool(states, None, "last").tolist() == [[9, 9]]
    assert pool(states.half(), mask, "mean").dtype == torch.float32


def test_layers_are_averaged():
    states = [torch.full((1, 1, 1), float(number)) for number in (1, 2, 6)]
    assert mix(states, (-1,)).item() == 6
    assert mix(states, (0, -1)).item() == 3.5


def test_padding_is_masked_and_no_mask_is_made_where_there_is_none():
    ids, mask = padded([[5, 6], [7]], 9)
    assert ids.tolist() == [[5, 6], [7, 9]]
    assert mask.tolist() == [[True, True], [True, False]]
    assert padded([[5], [7]], 9)[1] is None


def test_a_model_that_does_not_fit_says_so_before_it_tries():
    with pytest.raises(UnsupportedError, match=r"4\.0 GB, 3\.0 GB are free; type that, take a smaller model"):
        require_memory(4 * 10**9, "big", "type that", available=3 * 10**9)
    require_memory(2 * 10**9, "big", available=3 * 10**9)
    assert available_memory() > 0


@pytest.mark.parametrize(
    ("kind", "dtype", "size"),
    [
        ("F32", torch.float32, 4),
        ("F32", torch.bfloat16, 6),
        ("F16", torch.float16, 2),
        ("F16", torch.float32, 6),
        ("BF16", torch.float32, 4),
        ("BF16", torch.bfloat16, 6),
    ],
)
def test_what_is_held_and_what_is_computed_with_both_count(kind, dtype, size):
    assert _needed({kind: 10, "I64": 1}, dtype) == 10 * size + 8


def test_weights_that_are_computed_with_as_they_are_take_no_memory():
    tensors = {"a": np.zeros(10, np.float32), "b": np.zeros(10, np.float16), "c": np.zeros(10, np.int64)}
    assert copied_bytes(tensors, torch.float32) == 40
    assert copied_bytes(tensors, torch.bfloat16) == 40
