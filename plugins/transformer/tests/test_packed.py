"""Packed weights give the states of plain ones; the numbers of a processor are chosen by measuring."""

from __future__ import annotations

import pytest
import torch

from lexarium_bert.embedder import Bert
from lexarium_transformer.backends.derived import read_note, write_note
from lexarium_transformer.dtypes import dtype_of
from lexarium_transformer.inference import TorchEngine
from lexarium_transformer.model import ACTIVATIONS, Architecture, Encoder
from lexarium_transformer.packed import PackedLayer, pack
from lexarium_transformer.processor import fast_bfloat16, measure_bfloat16

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path))


def encoder(activation="gelu", buckets=0):
    shape = Architecture(
        vocabulary=50,
        hidden=24,
        embedding=24,
        layers=2,
        heads=4,
        inner=40,
        positions=80,
        types=0,
        buckets=buckets,
        padding=None,
        eps=1e-12,
        activation=activation,
        dropout=0.1,
        attention_dropout=0.1,
    )
    found = Encoder(shape).requires_grad_(requires_grad=False)
    generator = torch.Generator().manual_seed(0)
    for parameter in found.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.3
    return found.eval()


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize(("activation", "buckets"), [*((name, 0) for name in ACTIVATIONS), ("gelu", 32)])
def test_packed_layers_give_the_same_states(activation, buckets, every):
    plain = encoder(activation, buckets)
    packed = pack(plain)
    assert all(isinstance(layer, PackedLayer) for layer in packed.layers)
    assert not any(isinstance(layer, PackedLayer) for layer in plain.layers)
    ids = torch.randint(0, 50, (3, 70), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(70) < torch.tensor([[70], [40], [3]])
    with torch.inference_mode():
        for one, other in zip(packed(ids, mask, every=every), plain(ids, mask, every=every), strict=True):
            torch.testing.assert_close(one[mask], other[mask], atol=2e-5, rtol=1e-4)
        torch.testing.assert_close(packed(ids, None)[0], plain(ids, None)[0], atol=2e-5, rtol=1e-4)


def test_weights_are_packed_where_several_batches_come_and_left_alone_otherwise():
    engine = TorchEngine(Bert.tiny()._loaded, CPU, (-1,))
    ids = torch.arange(40)[None] % 20
    with torch.inference_mode():
        first = engine.ready(1)(ids, None)
        assert engine._fast is None
        engine.ready(2)
        assert isinstance(engine._fast.layers[0], PackedLayer)
        engine._fast.layers[0]._up._bias = engine._fast.layers[0]._up._bias + 1
        assert torch.equal(engine.ready(1)(ids, None), first)  # to the bit, whatever came between
        assert not torch.equal(engine.ready(2)(ids, None), first)
    other = torch.nn.Linear(2, 2)
    assert pack(other) is other
    half = encoder().half()
    assert pack(half) is half


def test_the_fastest_numbers_are_measured_once_and_remembered():
    fast = fast_bfloat16()
    note = read_note("bfloat16")
    assert note["times"] >= 0
    assert fast == (note["times"] >= 1.1)
    for times, wanted in ((2.0, torch.bfloat16), (0.8, torch.float32)):
        write_note("bfloat16", {**note, "times": times})
        assert dtype_of("fastest", CPU) == wanted
        assert read_note("bfloat16")["times"] == times
    write_note("bfloat16", {**note, "processor": "another", "times": 9.0})
    fast_bfloat16()
    assert read_note("bfloat16")["times"] < 9.0
    assert dtype_of("auto", CPU) == dtype_of("int8", CPU) == torch.float32


def test_measuring_leaves_the_threads_of_torch_as_they_were():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        measure_bfloat16()
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
