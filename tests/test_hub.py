"""Pushing and pulling over the loopback hub with methods that have a standard layout elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from lexarium.roles import Run
from lexarium.zoo import Zoo

sys.path.append(str(Path(__file__).parent.parent / "registry" / "tests"))

TEXTS = ["a small text", "另一个句子"]


@pytest.fixture
def hub(monkeypatch, tmp_path):
    from hub_server import TOKEN, HubServer

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


def laid_out(repository, folder):
    for path, content in repository.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return str(folder)


def test_a_pushed_encoder_opens_in_sentence_transformers_and_in_another_store(hub, tmp_path):
    from sentence_transformers import SentenceTransformer

    here, there = Zoo(tmp_path / "here"), Zoo(tmp_path / "there")
    model = here.host.method("bert").load().tiny()
    here.save(model, name="x", license="MIT")
    here.push("x", "hf://me/x")
    theirs = SentenceTransformer(laid_out(hub.repositories["me/x"], tmp_path / "repository"), device="cpu")
    assert np.allclose(theirs.encode(TEXTS), model.embed(TEXTS), atol=1e-5)
    there.pull("hf://me/x")
    assert np.array_equal(there.load("x").embed(TEXTS), model.embed(TEXTS))


@pytest.mark.parametrize(
    ("method", "form"),
    [
        ("bert", "sentence-transformers"),
        ("bert", "transformers"),
        ("gpt", "transformers"),
        ("t5", "transformers"),
        ("static", "model2vec"),
    ],
)
def test_repositories_of_others_are_adopted_by_the_method_that_reads_them(hub, tmp_path, method, form):
    here, there = Zoo(tmp_path / "here"), Zoo(tmp_path / "there")
    descriptor = here.host.method(method)
    model = descriptor.load().tiny()
    folder = tmp_path / "foreign"
    descriptor.load_writer(form)(model, folder, Run())
    found = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    hub.repository("they/model", found)
    done = there.pull("hf://they/model", name="theirs")
    stored = there.store.find("theirs")
    assert stored.manifest.root.method == method
    assert stored.manifest.about.lineage["base"]["revision"] == done.commit
    assert there.load("theirs").embed(TEXTS).shape == (2, stored.manifest.root.space.dim)
    if form != "transformers":
        assert np.allclose(there.load("theirs").embed(TEXTS), model.embed(TEXTS), atol=1e-5)


def test_a_config_with_a_bare_infinity_is_pulled_and_stored_as_json(hub, tmp_path):
    zoo = Zoo(tmp_path / "home")
    descriptor = zoo.host.method("gpt")
    folder = tmp_path / "foreign"
    descriptor.load_writer("transformers")(descriptor.load().tiny(), folder, Run())
    config = json.loads((folder / "config.json").read_bytes())
    (folder / "config.json").write_text(json.dumps({**config, "time_step_limit": [0.0, float("inf")]}))
    hub.repository("they/model", {path.name: path.read_bytes() for path in folder.iterdir()})
    zoo.pull("hf://they/model", name="theirs")
    stored = json.loads(zoo.load("theirs").state().files["config.json"], parse_constant=pytest.fail)
    assert stored["time_step_limit"] == [0.0, {"__float__": "Infinity"}]
