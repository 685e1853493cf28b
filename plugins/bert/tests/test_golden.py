"""The same vectors as sentence-transformers and transformers give, from the real MiniLM."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from lexarium.roles import Run
from lexarium.testing.texts import ODD, PLAIN, VERY_LONG
from lexarium.zoo import Zoo
from lexarium_bert.config import BertConfig
from lexarium_bert.formats import read
from lexarium_transformer.formats import write_transformers

pytestmark = pytest.mark.real
SURROGATE = "\ud800 a lone surrogate"  # sentence-transformers raises on it
TEXTS = [
    *(text for text in [*PLAIN, *ODD] if text != SURROGATE),
    VERY_LONG,
    "word",
    "这部电影比原著好看，" * 300,
    "a" * 5_000,
    " " * 3_000 + "the end",
]
# The first five components of each vector of PLAIN; golden_minilm.py prints them anew.
FIRST = np.array(
    [
        [-0.059470, 0.030685, -0.024701, 0.044677, -0.061048],
        [0.031165, 0.092791, 0.106028, 0.016682, 0.027776],
        [-0.125324, 0.006960, 0.013155, 0.055282, -0.056054],
        [-0.051006, 0.055373, 0.018925, 0.044086, 0.036144],
        [-0.036433, 0.034703, -0.045960, 0.034326, -0.080823],
        [0.059167, 0.036978, -0.002322, 0.084769, -0.087411],
    ]
)


@pytest.fixture(scope="module")
def stored(minilm, tmp_path_factory):
    home = tmp_path_factory.mktemp("stored")
    Zoo(home / "home").write(minilm, home / "model")
    return home / "model"


def peer(folder):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the peer's own, on import
        return pytest.importorskip("sentence_transformers").SentenceTransformer(str(folder), device="cpu")


def cosines(one, other):
    return (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def test_the_first_components_are_those_of_sentence_transformers(minilm):
    np.testing.assert_allclose(minilm.embed(PLAIN)[:, :5], FIRST, atol=2e-6)


def test_vectors_are_those_of_sentence_transformers_with_both_folders(minilm, minilm_folder, stored):
    ours = minilm.embed(TEXTS)
    assert cosines(ours, peer(minilm_folder).encode(TEXTS)).min() >= 0.99999
    assert cosines(ours, peer(stored).encode(TEXTS)).min() >= 0.99999


def test_transformers_opens_the_stored_folder_with_equal_hidden_states(minilm, stored):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    network = transformers.AutoModel.from_pretrained(stored).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(stored)
    text = "A film, 电影 and naïve café."
    given = tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        states = network(**given).last_hidden_state[0, 1:-1].numpy()
    found = minilm.embed_tokens([text])
    assert tokenizer.convert_ids_to_tokens(given["input_ids"][0])[1] == "a"
    np.testing.assert_allclose(found.values, states, atol=1e-5)
    offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"][1:-1]
    assert found.spans.tolist() == [list(span) for span in offsets]


@pytest.mark.parametrize(
    ("pooling", "mode"),
    [("cls", "cls"), ("max", "max"), ("last", "lasttoken"), ("weighted", "weightedmean"), ("mean", "mean")],
)
def test_each_pooling_is_that_of_sentence_transformers(minilm_folder, tmp_path, minilm, pooling, mode):
    reference = peer(minilm_folder)
    reference[1].pooling_mode = mode
    changed = minilm.with_settings({"pooling": pooling})
    assert cosines(changed.embed(PLAIN), reference.encode(PLAIN)).min() >= 0.99999


def test_prompts_are_those_of_sentence_transformers(minilm, minilm_folder):
    changed = minilm.with_settings({"prompts": [["query", "query: "]], "default_prompt": "query"})
    assert cosines(changed.embed(PLAIN), peer(minilm_folder).encode(PLAIN, prompt="query: ")).min() >= 0.99999


def test_an_export_without_pooling_is_read_again(minilm, tmp_path):
    write_transformers(minilm, tmp_path / "out", Run())
    again = read(tmp_path / "out", BertConfig(normalize=True, max_length=256), None, Run())
    np.testing.assert_array_equal(again.embed(PLAIN), minilm.embed(PLAIN))
    assert json.loads((tmp_path / "out" / "config.json").read_text(encoding="utf-8"))["model_type"] == "bert"


def test_a_text_of_ten_million_characters_takes_one_row(minilm):
    rows = minilm.embed(["a" * 10_000_000, "好" * 10_000_000, "a b " * 2_500_000])
    assert rows.shape == (3, 384)
    assert np.isfinite(rows).all()
