"""The search for settings: scores, the sequence of trials, the budget, interruption."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from lexarium.backend import kernel
from lexarium.cli.main import cli
from lexarium.compose import Pipeline
from lexarium.errors import ConfigError, DataError
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_fasttext.assembly import disassemble
from lexarium_fasttext.autotune import Examples, TuneOptions, autotune, f1, neighbour
from lexarium_fasttext.config import FastTextConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")
TEXTS = ["good one", "bad one", "good two", "bad two"] * 20
EXAMPLES = Examples(TEXTS, [("p",) if "good" in text else ("n",) for text in TEXTS])
CONFIG = FastTextConfig(model="supervised", vector_size=5, epochs=1, alpha=1e-6)


def stopped_after(trials: int) -> Run:
    def progress(what: str, done: int, total: int | None) -> None:
        if what == f"trial {trials + 1}":
            raise KeyboardInterrupt

    return Run(progress=progress)


def test_f1_by_hand() -> None:
    truth, guesses = [("a",), ("a", "b"), ("b",)], ["a", "b", "a"]
    assert f1(truth, guesses) == pytest.approx(2 * 2 / (3 + 4))
    assert f1(truth, guesses, "b") == pytest.approx(2 * 1 / (1 + 2))
    assert f1(truth, guesses, "c") == 0


def test_the_best_trial_is_kept_and_an_interruption_ends_the_search() -> None:
    # Only runs of words tell one order from the other, and the settings as given have none.
    ordered = Examples(["one two", "two one"] * 20, [("p",), ("n",)] * 20)
    run = stopped_after(30)
    tuned = autotune(ordered, CONFIG, run, TuneOptions(duration=60), validation=ordered)
    assert len(tuned.trials) == 30
    assert tuned.trials[0].config == CONFIG.filled()
    best = max(trial.score for trial in tuned.trials)
    assert best > tuned.trials[0].score
    assert next(trial.config for trial in tuned.trials if trial.score == best) == tuned.config
    assert tuned.parts is not None
    assert np.shape(tuned.parts.input)[1] == tuned.config.vector_size


def test_the_sequence_repeats_with_its_seed() -> None:
    first, second = (
        autotune(EXAMPLES, CONFIG, stopped_after(4), TuneOptions(duration=60), validation=EXAMPLES)
        for _ in range(2)
    )
    assert first.trials == second.trials
    assert len({trial.config for trial in first.trials}) == 4


def test_without_a_validation_part_only_the_settings_come_out() -> None:
    tuned = autotune(EXAMPLES, CONFIG, stopped_after(2), TuneOptions(duration=60))
    assert tuned.parts is None
    assert len(tuned.trials) == 2


def test_the_command_searches_and_then_trains_with_all_texts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train = tmp_path / "train.txt"
    train.write_text(
        "".join(f"__label__{'p' if 'good' in text else 'n'} {text}\n" for text in TEXTS), encoding="utf-8"
    )
    command = ["fit", "fasttext", "--corpus", str(train), "--name", "clf", "--set", "model=supervised"]
    command += ["--set", "autotune_duration=0.5", "--set", "alpha=1e-6", "--set", "vector_size=5"]
    home = {"LEXARIUM_HOME": str(tmp_path / "home")}
    result = CliRunner().invoke(cli, command, env=home)
    assert result.exit_code == 0, result.output
    assert "autotune: F1 1.0000 on held-out texts after" in caplog.text
    model = Zoo(tmp_path / "home").load("clf")
    assert isinstance(model, Pipeline)
    assert disassemble(model).label_counts.tolist() == [40, 40]  # type: ignore[union-attr]  # of labels
    assert model.embedder.config.autotune_duration == 0  # type: ignore[attr-defined]  # it has settings
    assert model.embedder.config.alpha > 1e-6  # type: ignore[attr-defined]
    assert model.predict(["good one", "bad two"]) == ["p", "n"]


def test_the_budget_ends_the_search_in_the_middle_of_a_trial() -> None:
    slow = FastTextConfig(model="supervised", epochs=10**9)
    with pytest.raises(DataError, match=r"no training was finished within 0\.2 seconds"):
        autotune(EXAMPLES, slow, Run(), TuneOptions(duration=0.2))


def test_an_interruption_before_the_first_trial_is_done() -> None:
    slow = FastTextConfig(model="supervised", epochs=10**9)
    with pytest.raises(KeyboardInterrupt):
        autotune(EXAMPLES, slow, stopped_after(0), TuneOptions(duration=60))


def test_every_neighbour_can_be_trained() -> None:
    rng = np.random.default_rng(0)
    config = CONFIG
    for trial in range(300):
        config = neighbour(config, trial % 20, rng)
        assert config.number("alpha") <= 5
    drawn = replace(CONFIG, loss="ns", ns_exponent=0.75)
    near = [neighbour(drawn, trial % 20, rng) for trial in range(50)]
    assert {config.ns_exponent for config in near if config.loss == "ns"} == {0.75}
    assert {config.ns_exponent for config in near if config.loss != "ns"} == {0.5}


@pytest.mark.parametrize("options", [{"duration": 0.0}, {"validation_size": 1.0}])
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        TuneOptions(**options)


def test_words_are_not_tuned() -> None:
    with pytest.raises(ConfigError, match="model=supervised"):
        autotune(EXAMPLES, FastTextConfig(), Run(), TuneOptions())
