"""Graphs for other programs: the numbers of torch or a clear line, kept, and made again when damaged."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers

from lexarium.errors import ConfigError, DataError, MissingExtraError, StoreError, UnsupportedError
from lexarium.roles import silent
from lexarium.zoo import Zoo
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_transformer.backends import derived
from lexarium_transformer.backends.graph import Graph, Source, making
from lexarium_transformer.backends.quantizing import quantize, quantize_embedder
from lexarium_transformer.encoders import open_encoder

PROGRAMS = ("onnx", "openvino")
SIZES = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 40}
SMALL = {**SIZES, "vocab_size": 50, "max_position_embeddings": 320, "pad_token_id": 1}
MODERN = {"cls_token_id": 2, "sep_token_id": 3, "bos_token_id": 2, "eos_token_id": 3}
TEXTS = ["the film was better than the book .", "", "good", "这部电影比原著好看", "a bad movie " * 40]
WORDS = [
    "the",
    "film",
    "was",
    "better",
    "than",
    "book",
    "good",
    "movie",
    "bad",
    "great",
    "king",
    "queen",
    "man",
]
MANY = [" ".join(WORDS[(i * k) % len(WORDS)] for k in range(1, 4 + i % 9)) for i in range(1, 60)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def bert():
    return Bert.tiny()


def settled(**settings):
    return BertConfig(pooling="mean", normalize=True, similarity="cosine", max_length=310, **settings)


def source(encoder, **settings):
    loaded = SimpleNamespace(encoder=encoder, vocabulary=50, hidden=24)
    return Source(loaded=loaded, tensors={}, described={"model_type": "bert"}, config=settled(**settings))


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("model_type", ["bert", "mpnet", "modernbert"])
def test_states_are_those_of_torch(model_type, program):
    torch.manual_seed(0)
    more = MODERN if model_type == "modernbert" else {}
    config = transformers.CONFIG_MAPPING[model_type](**SMALL, **more)
    model = transformers.AutoModel.from_config(config).eval()
    tensors = {n: t.numpy() for n, t in model.state_dict().items() if not n.startswith("pooler.")}
    described = {**config.to_dict(), "model_type": model_type}
    loaded = open_encoder(described, tensors, torch.float32, "test")
    found = Source(loaded=loaded, tensors=tensors, described=described, config=settled())
    graph = Graph(found, program, "float32").ready(1)
    ids = torch.randint(5, 50, (3, 200), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(200) < torch.tensor([[200], [40], [3]])
    ids[~mask] = 1
    with torch.inference_mode():
        wanted = loaded.encoder(ids, mask)[0]
        whole = loaded.encoder(ids, None)[0]
    torch.testing.assert_close(graph(ids, mask)[mask], wanted[mask], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(graph(ids, None), whole, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("program", PROGRAMS)
def test_vectors_and_tokens_are_those_of_torch_in_any_batch(bert, program):
    other = bert.with_settings({"backend": program})
    texts = [*TEXTS, *MANY]
    rows = other.embed(texts)
    assert (rows * bert.embed(texts)).sum(1).min() >= 0.99999
    np.testing.assert_allclose(rows, np.concatenate([other.embed([text]) for text in texts]), atol=1e-6)
    np.testing.assert_allclose(other.embed_tokens(MANY).values, bert.embed_tokens(MANY).values, atol=1e-4)
    mixed = {"layers": [0, -1], "normalize": False}
    both = [each.with_settings(mixed).embed(TEXTS) for each in (bert, other)]
    np.testing.assert_allclose(both[0], both[1], atol=1e-4)
    assert not {"backend", "device"} & other.state().config.keys()
    assert (bert.embed(texts) == bert.embed(texts)).all()  # exporting has left the encoder as it was


@pytest.mark.parametrize("program", PROGRAMS)
def test_several_threads_compute_at_once(bert, program):
    other = bert.with_settings({"backend": program})
    wanted, found = other.embed(MANY), {}

    def work(number):
        found[number] = other.embed(MANY)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(found[number], wanted, atol=1e-6) for number in range(4))


@pytest.mark.parametrize("program", PROGRAMS)
def test_threads_that_make_graphs_at_once_leave_the_log_and_the_warnings_as_they_were(program, home):
    def state():
        root = logging.getLogger()
        return root.level, [*root.handlers], [*root.filters], [*warnings.filters]

    def work(encoder):
        start.wait()
        with contextlib.suppress(UnsupportedError):
            Graph(source(encoder), program, "float32").ready(1)

    before, start = state(), threading.Barrier(4)
    encoders = [Constant(), Raises(), Constant(), Raises()]
    threads = [threading.Thread(target=work, args=(encoder,)) for encoder in encoders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == before


class Constant(torch.nn.Module):
    """What tracing cannot follow: a number of the example, read by Python."""

    def forward(self, ids, mask, *, every=False):
        states = (ids + mask)[..., None].float().expand(-1, -1, 24) + 1
        return [states * float(ids.float().mean())]


class Raises(torch.nn.Module):
    def forward(self, ids, mask, *, every=False):
        raise RuntimeError("no such operator: surprise\nand more")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_model_that_a_program_cannot_compute_is_refused_and_nothing_is_kept(program, home):
    for encoder, says in (
        (Constant(), f"{program} gives other numbers"),
        (Raises(), f"{program} cannot compute this model: "),
    ):
        with pytest.raises(UnsupportedError, match=says):
            Graph(source(encoder), program, "float32").ready(1)
    assert list((home / "derived").iterdir()) == []
    assert logging.getLogger("lexarium").isEnabledFor(logging.WARNING)  # whatever the program did to the log


def test_a_key_says_all_that_the_states_depend_on(bert):
    graph = bert.graph("onnx", "float32")._source
    other = {name: tensor + 0 for name, tensor in bert.tensors.items()}
    next(iter(other.values()))[...] += 1
    keys = [
        graph.key("a"),
        graph.key("b"),
        bert.with_settings({"layers": [0]}).graph("onnx", "int8")._source.key("a"),
    ]
    keys.append(Bert(bert.config, other, bert.files).graph("onnx", "float32")._source.key("a"))
    assert len(set(keys)) == 4
    assert bert.with_settings({"pooling": "max"}).graph("onnx", "float32")._source.key("a") == keys[0]


def test_a_graph_is_kept_and_made_again_where_it_is_damaged(bert, home):
    folder = bert.graph("onnx", "float32").folder()
    file = folder / "model.onnx"
    before = file.stat().st_mtime_ns
    assert bert.graph("onnx", "float32").folder() == folder
    assert file.stat().st_mtime_ns == before
    file.write_bytes(file.read_bytes()[:-100])
    other = bert.with_settings({"backend": "onnx"})
    assert (other.embed(TEXTS) * bert.embed(TEXTS)).sum(1).min() >= 0.99999
    assert derived.find(folder.name) == folder
    old = home / "derived" / ".0.part"
    (old / "x").mkdir(parents=True)

    os.utime(old, (0, 0))
    derived.publish("0" * 64, lambda aside: (aside / "a").write_bytes(b""))
    assert not old.exists()


def test_a_folder_that_cannot_be_written_is_named(bert, home):
    home.write_text("a file")
    with pytest.raises(StoreError, match=r"home.* cannot be written.*LEXARIUM_HOME"):
        bert.with_settings({"backend": "onnx"}).embed(["good"])


def test_who_comes_second_takes_what_is_there(home):
    first = derived.publish("k", lambda aside: (aside / "a").write_bytes(b"1"))
    second = derived.publish("k", lambda aside: (aside / "a").write_bytes(b"2"))
    assert first == second
    assert (first / "a").read_bytes() == b"1"
    assert sorted(path.name for path in (home / "derived").iterdir()) == ["k"]


def test_a_program_that_is_not_installed_is_named_with_what_to_type(bert, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'lexarium-transformer\[onnx\]'"):
        bert.with_settings({"backend": "onnx"})
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(MissingExtraError, match=r"'nncf'; type: .*\[openvino\]"):
        quantize_embedder(bert, MANY)


@pytest.mark.parametrize(
    "settings",
    [
        {"backend": "onnx", "dtype": "int8"},
        {"backend": "torch", "dtype": "int8"},
        {"backend": "openvino", "dtype": "bfloat16"},
        {"backend": "openvino", "device": "cuda"},
        {"backend": "tensorrt"},
    ],
)
def test_what_a_program_does_not_compute_is_refused(bert, settings):
    with pytest.raises(ConfigError):
        bert.with_settings(settings)


def test_eight_bits_are_calibrated_on_some_texts_and_checked_on_others(bert, home):
    eight = bert.with_settings({"dtype": "int8"})
    with pytest.raises(UnsupportedError, match="lexarium quantize MODEL --corpus FILE"):
        eight.embed(["good"])
    assert eight.state().config["dtype"] == "auto"
    seen = []
    zoo = Zoo(home)
    zoo.save(bert, name="small")
    found = quantize(zoo, "small", [*MANY, *MANY, "", " "], progress=lambda *told: seen.append(told))
    distinct = len(set(MANY))
    assert (found.calibrated, found.checked) == (distinct // 2, distinct - distinct // 2)
    for what in ("looking for outliers", "calibrating", "embedding in 32 bits", "embedding in 8 bits"):
        counts = [(done, total) for told, done, total in seen if told == what]
        assert counts[-1][0] == counts[-1][1]
    assert 0.9 < found.least <= found.median <= 1
    assert found.least <= found.mean
    rows, exact = eight.embed(MANY), bert.embed(MANY)
    cosines = (rows * exact).sum(1)
    assert found.least - 1e-6 <= cosines.min() < 0.999999  # products of 8 bits, not of 32
    before = sorted(path.name for path in (home / "derived").iterdir())
    again = quantize_embedder(bert, MANY, ["good man", "a great king"])
    assert again.checked == 2
    assert len(before) < len(list((home / "derived").iterdir()))  # calibrated on all of MANY this time
    with pytest.raises(DataError, match="3 different texts"):
        quantize_embedder(bert, MANY[:6])
    with pytest.raises(DataError, match="0 others"):
        quantize_embedder(bert, MANY, MANY[:3])


def test_the_command_prints_the_cosines_and_nothing_is_reported_to_anybody(bert, home, tmp_path):
    Zoo(home).save(bert, name="small")
    (tmp_path / "texts.txt").write_text("\n".join(MANY), encoding="utf-8")
    code = (
        "import sys\nfrom lexarium.cli.main import cli\n"
        "try: cli(sys.argv[1:])\n"
        "finally:\n"
        "    from nncf.telemetry.wrapper import telemetry\n"
        "    print('openvino_telemetry' in sys.modules, type(telemetry).__name__, file=sys.stderr)"
    )
    command = [sys.executable, "-W", "error", "-c", code, "quantize", "small", "--json"]
    corpus = ["--corpus", str(tmp_path / "texts.txt")]
    done = subprocess.run([*command, *corpus], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["model"] == "small"
    assert told["mean"] >= told["least"] > 0.9
    assert done.stderr.splitlines()[-1] == "False MagicMock"


class Products(torch.nn.Module):
    """Two products with weights; one input of the first is a thousand times as large as the others."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rows = torch.nn.Embedding(50, 64)
        self.rows.weight.data[49, 3] = 1000.0
        self.first, self.second = torch.nn.Linear(64, 64), torch.nn.Linear(64, 64)

    def forward(self, ids, mask):
        inner = torch.tanh(self.first(self.rows(ids)))
        return self.second(inner @ (inner.transpose(1, 2) @ inner)) * mask[..., None]


def test_a_product_whose_inputs_have_outliers_stays_in_32_bits(tmp_path):
    pytest.importorskip("openvino")
    from lexarium_transformer.backends import openvino_graph

    ids = torch.arange(3 * 300).view(3, 300) % 49
    ids[1, 0] = 49
    example = ids, torch.ones_like(ids).bool()
    with making(), torch.inference_mode():
        openvino_graph.write_graph(Products().eval(), example, tmp_path)
    texts = [[one[None].numpy(), np.ones((1, 300), np.bool_)] for one in ids]
    (name,) = openvino_graph._with_outliers(tmp_path / "model.xml", texts, silent)
    assert "first" in name
