"""Damage that opening a model sees, and damage that going on and export see."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lexarium.errors import CheckpointError
from lexarium.roles import Run, State
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.assembly import assemble, disassemble
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.formats import write
from lexarium_fasttext.model import FastTextParts, Parameters
from lexarium_fasttext.train import fit, update

WORDS = ["film", "电影", "good"]
CONFIG = FastTextConfig(vector_size=3, min_n=2, max_n=3, bucket=50)


def state() -> State:
    rng = np.random.default_rng(0)
    parameters = Parameters(dim=3, model="skipgram", loss="ns", minn=2, maxn=3, bucket=50)
    parts = FastTextParts(
        parameters=parameters,
        vocabulary=Vocabulary.build(WORDS),
        counts=np.array([5, 4, 3]),
        tokens=12,
        input=rng.standard_normal((5, 3)).astype(np.float32),
        output=rng.standard_normal((3, 3)).astype(np.float32),
        buckets=np.array([7, 9]),
    )
    model = assemble(parts, CONFIG)
    assert isinstance(model, FastText)
    return model.state()


def changed(**tensors: Any) -> State:
    good = state()
    named = {name.replace("__", "."): tensor for name, tensor in tensors.items()}
    return State(config=good.config, tensors={**good.tensors, **named}, files=good.files)


def set_to(key: str, value: Any, part: str | None = "parameters") -> State:
    good = state()
    document = json.loads(good.files["fasttext.json"])
    (document[part] if part else document)[key] = value
    return State(
        config=good.config, tensors=good.tensors, files={"fasttext.json": json.dumps(document).encode()}
    )


@pytest.mark.parametrize(
    "tensors",
    [
        {"training__output": np.zeros((3, 4), np.float32)},
        {"training__input": np.zeros((3, 2), np.float32)},
        {"training__output": np.zeros((4, 3), np.float32)},
        {"training__counts": np.zeros((3, 1), np.int64)},
        {"training__more": np.zeros(3, np.float32)},
    ],
)
def test_tensors_of_another_shape_or_name_are_refused(tensors: dict[str, Any]) -> None:
    FastText.restore(state())
    with pytest.raises(CheckpointError, match=next(iter(tensors)).replace("__", r"\.")):
        FastText.restore(changed(**tensors))


@pytest.mark.parametrize("key", ["minn", "maxn", "word_ngrams", "ws", "neg", "epoch", "min_count", "bucket"])
@pytest.mark.parametrize("value", [-1, 1 << 31, 10**12])
def test_a_setting_outside_its_field_is_refused(key: str, value: int) -> None:
    with pytest.raises(CheckpointError, match=r"fasttext\.json is damaged"):
        FastText.restore(set_to(key, value))


def test_other_numbers_that_cannot_be_are_refused() -> None:
    for damaged in (set_to("t", float("nan")), set_to("lr", float("inf")), set_to("tokens", 1 << 63, None)):
        with pytest.raises(CheckpointError, match=r"fasttext\.json(: not JSON| is (missing or )?damaged)"):
            FastText.restore(damaged)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"training__output": np.full((3, 3), np.nan, np.float32)}, "output matrix is not finite"),
        ({"training__input": np.full((3, 3), np.inf, np.float32)}, "input matrix is not finite"),
        ({"training__counts": np.array([5, 4, -3])}, "how often the words occur"),
        ({"training__counts": np.array([1 << 61, 1 << 61, 1])}, "how often the words occur"),
        ({"buckets__ids": np.array([9, 7])}, "buckets do not rise"),
        ({"buckets__ids": np.array([7, 50])}, "buckets do not rise"),
    ],
)
def test_what_opening_does_not_read_is_checked_before_it_is_used(
    tensors: dict[str, Any], message: str, tmp_path: Any
) -> None:
    sound = FastText.restore(state())
    disassemble(sound)
    damaged = FastText.restore(changed(**tensors))
    with pytest.raises(CheckpointError, match=message):
        update(damaged, ["good film"], CONFIG, Run())
    with pytest.raises(CheckpointError, match=message):
        write(damaged, tmp_path / "out.bin", Run())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("counts", "problem"),
    [(np.zeros(2000, np.int64), "tree too deep"), (np.arange(2000), "counts rise")],
    ids=["all are 0", "rising"],
)
def test_counts_that_give_no_tree_are_refused_when_it_is_trained_on(
    counts: Any, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("lexarium_kernels._fasttext_train")
    monkeypatch.setenv("LEXARIUM_BACKEND", "kernels")
    corpus = [" ".join(f"word{i}" for i in range(begin, begin + 20)) for begin in range(0, 2000, 20)]
    config = FastTextConfig(vector_size=3, min_n=0, max_n=0, hs=1, min_count=1, epochs=1)
    parts = disassemble(fit(corpus, config, Run()))
    strange = assemble(replace(parts, counts=np.resize(counts, len(parts.counts))), config)
    with pytest.raises(CheckpointError, match=problem):
        update(strange, corpus, config, Run())
