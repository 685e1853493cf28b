"""Going on with new text: from imported files, with weighted words, with a limit on the words."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lexarium.backend import kernel
from lexarium.errors import UnsupportedError
from lexarium.roles import Run
from lexarium_fasttext.assembly import assemble, disassemble
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.formats import described, read, write
from lexarium_fasttext.model import Parameters
from lexarium_fasttext.train import fit, update
from lexarium_static.exports import write_text

pytestmark = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")


def corpus(words: str, lines: int = 60, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(words.split(), k=8)) for _ in range(lines)]


OLD, NEW = corpus("猫 狗 cat dog"), corpus("cat cats fish 鱼", seed=1)


def config(**changes: Any) -> FastTextConfig:
    settings = {"vector_size": 8, "bucket": 300, "sample": 0.0, "min_count": 1, "epochs": 1}
    return FastTextConfig(**(settings | changes))


def words(corpus: list[str], settings: FastTextConfig) -> FastText:
    model = fit(corpus, settings, Run())
    assert isinstance(model, FastText)
    return model


def imported(path: Any, settings: FastTextConfig | None = None) -> FastText:
    model = read(path, settings or FastTextConfig(), None, Run())
    assert isinstance(model, FastText)
    return model


def test_an_imported_model_goes_on_with_all_its_buckets(reference: Any, tmp_path: Any) -> None:
    _, path = reference("unsupervised")
    model = imported(path)
    before = disassemble(model)
    assert before.buckets is None
    further = update(model, NEW, replace(model.config, min_count=2), Run())
    after = disassemble(further)
    assert "cats" in after.vocabulary
    assert after.buckets is None
    was, now = len(before.vocabulary), len(after.vocabulary)
    rows = np.asarray(before.input)[was:], np.asarray(after.input)[now:]
    assert rows[0].shape == rows[1].shape == (700, 10)
    same = (rows[0] == rows[1]).all(axis=1)
    assert 0 < np.count_nonzero(~same) < 300  # those of the new text's n-grams, and no other
    write(further, tmp_path / "again.bin", Run())
    again = imported(tmp_path / "again.bin")
    for word in ["cats", "电影", "unseen"]:
        np.testing.assert_array_equal(again.words[word], further.words[word])


def test_an_import_has_the_settings_of_its_training(tmp_path: Any) -> None:
    model = words(OLD, config(window=3, sample=0.002))
    write(model, tmp_path / "model.bin", Run())
    found = imported(tmp_path / "model.bin").config
    assert (found.window, found.sample) == (3, 0.002)
    odd = Parameters(dim=8, model="cbow", loss="ns", minn=3, maxn=4, bucket=9, ws=0, t=-1.0)
    assert (described(config(), odd).window, described(config(), odd).sample) == (1, 0.0)


def test_words_trained_with_another_loss_are_not_trained_on() -> None:
    parts = disassemble(words(OLD, config()))
    odd = assemble(replace(parts, parameters=replace(parts.parameters, loss="softmax")), config())
    assert isinstance(odd, FastText)
    with pytest.raises(UnsupportedError, match="trained with loss=softmax"):
        update(odd, NEW, config(), Run())


def test_vectors_alone_are_not_trained_on(tmp_path: Any) -> None:
    write_text(words(OLD, config()), tmp_path / "words.vec", Run())
    with pytest.raises(UnsupportedError, match=r"word vectors alone; import a \.bin"):
        update(imported(tmp_path / "words.vec"), NEW, config(), Run())
    with pytest.raises(UnsupportedError, match="word vectors alone; export it with --format vec"):
        write(imported(tmp_path / "words.vec"), tmp_path / "words.bin", Run())


@pytest.mark.parametrize(("limit", "new"), [(None, {"cats", "fish", "鱼"}), (7, 2), (3, 0)])
def test_new_words_fill_up_to_the_limit(limit: int | None, new: Any) -> None:
    model = words(OLD, config())
    assert len(model.words) == 5
    further = update(model, NEW, config(max_final_vocab=limit), Run())
    added = set(further.words) - set(model.words)
    assert set(model.words) <= set(further.words)
    if isinstance(new, int):
        assert len(added) == new
    else:
        assert added == new


def test_known_words_keep_their_weights() -> None:
    settings = config(pooling="idf")
    model = words(OLD, settings)
    further = update(model, NEW, settings, Run())
    assert model.weights is not None
    assert further.weights is not None
    weights = dict(zip(further.words, further.weights.tolist(), strict=True))
    assert {word: weights[word] for word in model.words} == dict(
        zip(model.words, model.weights.tolist(), strict=True)
    )
    fresh = words(NEW, settings)
    assert fresh.weights is not None
    assert weights["cats"] == dict(zip(fresh.words, fresh.weights.tolist(), strict=True))["cats"]


def test_buckets_that_export_writes_as_zeros_are_left_out_again(tmp_path: Any) -> None:
    model = words(OLD, config())
    write(model, tmp_path / "m.bin", Run())
    again = imported(tmp_path / "m.bin")
    kept, back = disassemble(model), disassemble(again)
    assert kept.buckets is not None
    np.testing.assert_array_equal(back.buckets, kept.buckets)
    np.testing.assert_array_equal(back.input, kept.input)
    np.testing.assert_array_equal(again.words["catdog"], model.words["catdog"])
