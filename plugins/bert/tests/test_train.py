"""BERT from scratch: ``fit bert``, what it gives, and the curve that it keeps."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from lexarium.cli.main import cli
from lexarium.config import from_mapping
from lexarium.errors import ConfigError, TrainingInterrupted
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_bert.config import BertConfig
from lexarium_bert.embedder import Bert
from lexarium_bert.masks import Filler
from lexarium_bert.train import fit
from lexarium_transformer import testing
from lexarium_transformer.testing import TEXTS

SETTINGS = {**testing.SETTINGS, "max_steps": 4, "vocab_size": 150, "logging_steps": 2}


@pytest.fixture(scope="module")
def fitted():
    return fit(TEXTS, BertConfig(**SETTINGS), Run())


def test_it_embeds_and_fills_masks_and_comes_back(fitted):
    again = Bert.restore(fitted.state())
    texts = ["the long film", "这部电影", ""]
    vectors = fitted.embed(texts)
    assert vectors.shape == (3, 128)
    assert np.isfinite(vectors).all()
    np.testing.assert_array_equal(again.embed(texts), vectors)
    filled = Filler(fitted).fill(["the [MASK] film"], 3)
    assert len(filled[0][0]) == 3
    assert fitted.config.max_length == 24


def test_letters_are_lower_cased_unless_it_is_said_otherwise(fitted):
    np.testing.assert_array_equal(fitted.embed(["THE FILM"]), fitted.embed(["the film"]))
    cased = fit(TEXTS, BertConfig(**SETTINGS, do_lower_case=False), Run())
    assert (cased.embed(["The film"]) != cased.embed(["the film"])).any()


def test_settings_of_the_model_are_kept_and_those_of_the_machine_are_not(tmp_path):
    config = BertConfig(**SETTINGS, pooling="cls", normalize=True, output_dir=str(tmp_path / "run"))
    kept = fit(TEXTS, config, Run()).state().config
    assert (kept["pooling"], kept["normalize"], kept["max_steps"]) == ("cls", True, 4)
    assert str(tmp_path) not in json.dumps(kept)


def test_how_it_was_trained_is_no_part_of_the_space(fitted, tmp_path):
    zoo = Zoo(tmp_path)
    zoo.save(fitted, name="a")
    other = Bert(replace(fitted.config, save_steps=7), fitted.tensors, fitted.files)
    zoo.save(other, name="b")
    zoo.save(fitted.with_settings({"pooling": "max"}), name="c")
    spaces = [zoo.open(name).manifest.root.space_id for name in "abc"]
    assert spaces[0] == spaces[1] != spaces[2]
    assert spaces[0]


def test_a_model_that_is_there_takes_no_settings_of_training_and_names_none(fitted, tmp_path):
    with pytest.raises(ConfigError, match="max_steps: is read by training"):
        fitted.with_settings({"max_steps": 3})
    for ask in (
        lambda: fitted.with_settings({"xyz": 1}),
        lambda: Zoo(tmp_path).import_from("bert", tmp_path / "none", config={"xyz": 1}),
    ):
        with pytest.raises(ConfigError) as error:
            ask()
        listed = str(error.value).partition("there are: ")[2].split(" and ")[0].split(", ")
        assert {"device", "dtype", "pooling"} <= set(listed)
        assert not {"adam_beta1", "max_steps", "size"} & set(listed)


def test_a_head_cannot_be_named_and_settings_are_checked():
    with pytest.raises(ConfigError, match="extra"):
        fit(TEXTS, BertConfig(extra=("a",)), Run())
    with pytest.raises(ConfigError, match="mlm_probability"):
        from_mapping(BertConfig, {"mlm_probability": 1.5})
    with pytest.raises(ConfigError, match="max_length"):
        from_mapping(BertConfig, {"max_length": 0})


def test_ctrl_c_carries_an_embedder():
    def progress(what, done, total):
        if (what, done) == ("train", 2):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stop:
        fit(TEXTS, BertConfig(**SETTINGS), Run(progress=progress))
    assert stop.value.done == 0.5
    assert np.isfinite(stop.value.model.embed(["the film"])).all()


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))

    def invoke(*arguments, code=0):
        done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output
        return done

    return invoke


def test_fit_and_losses_from_the_command_line(command, tmp_path):
    corpus = tmp_path / "texts.txt"
    corpus.write_text("\n".join(TEXTS), encoding="utf-8")
    chosen = [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    command("fit", "bert", "--corpus", corpus, "--name", "mine", *chosen)
    stored = json.loads(command("losses", "mine", "--svg", tmp_path / "a.svg", "--json").stdout)
    assert (stored["steps"], stored["of"]) == (4, 4)
    assert [point["step"] for point in stored["points"]] == [1, 2, 4]
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    line = drawn.split('points="')[1].split('"')[0].split()
    assert len(line) == 3
    assert "mine: loss over 4 of 4 steps" in drawn
    heights = [float(pair.split(",")[1]) for pair in line]
    losses = [point["loss"] for point in stored["points"]]
    assert np.argsort(heights).tolist() == np.argsort(losses)[::-1].tolist()  # SVG counts down
    plain = command("losses", "mine").stdout
    assert plain.split()[:3] == ["step", "loss", "learning"]
    said = command("losses", "mine", "--svg", tmp_path / "a.svg", code=1).stderr
    assert "there is such a file" in said
    Zoo(tmp_path / "home").save(Bert.tiny(), name="plain")
    assert "has no loss curve" in command("losses", "plain", code=1).stderr


def test_a_corpus_that_is_too_small_is_one_line(command, tmp_path):
    corpus = tmp_path / "texts.txt"
    corpus.write_text("word\n", encoding="utf-8")
    said = command("fit", "bert", "--corpus", corpus, "--name", "mine", code=1).stderr
    assert said.startswith("Error: the corpus has ")
    assert "lower max_length" in said
