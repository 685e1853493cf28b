"""Training GloVe: both backends, what it learns, going on with new text, and what it refuses."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import textwrap
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    InputError,
    TrainingInterrupted,
    UnsupportedError,
)
from lexarium.roles import Run
from lexarium.words import WordVectors
from lexarium_glove.config import GloveConfig
from lexarium_glove.embedder import Glove
from lexarium_glove.model import Entries, Parameters, batches, cooccurrence, entries, step
from lexarium_glove.train import fit, update

built = find_spec("lexarium_kernels") is not None and find_spec("lexarium_kernels._glove") is not None
kernels = pytest.mark.skipif(not built, reason="the kernels are not built")
BACKENDS = [pytest.param("kernels", marks=kernels), "reference"]
SMALL = {"vector_size": 10, "window_size": 5, "min_count": 1, "iter": 15, "x_max": 10.0, "eta": 0.1}


def corpus(count=300, seed=0):
    """Two topics, English and Chinese, whose words never meet, around words that they share."""
    rng = np.random.default_rng(seed)
    topics = [
        ["king", "queen", "crown", "throne", "国王", "女王"],
        ["film", "actor", "cinema", "screen", "电影", "演员"],
    ]
    shared = ["the", "of", "的"]
    return [" ".join(rng.choice(topics[i % 2] + shared, 12)) for i in range(count)]


@pytest.fixture(params=BACKENDS)
def config(request):
    return GloveConfig(backend=request.param, **SMALL)


def test_words_that_stand_together_come_to_lie_together(config):
    glove = fit(corpus(), config, Run(seed=1))
    near = {word for word, _ in glove.words.similar("king", n=5)}
    assert near == {"queen", "crown", "throne", "国王", "女王"}
    assert {word for word, _ in glove.words.similar("电影", n=5)} == {
        "film",
        "actor",
        "cinema",
        "screen",
        "演员",
    }


def test_both_backends_find_much_the_same_similarities():
    pytest.importorskip("lexarium_kernels._glove")
    found = [
        fit(corpus(), GloveConfig(backend=name, **SMALL), Run(seed=1)) for name in ("kernels", "reference")
    ]
    first, second = (glove.words.vectors @ glove.words.vectors.T for glove in found)
    assert list(found[0].words) == list(found[1].words)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(config):
    first, same, other = (fit(corpus(60), config, Run(seed=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.words.vectors, same.words.vectors)
    assert not np.array_equal(first.words.vectors, other.words.vectors)


@pytest.mark.parametrize(
    "changed", [{"shuffle": "global"}, {"memory": 0.0}, {"symmetric": False}, {"distance_weighting": False}]
)
def test_each_setting_trains(config, changed):
    if config.backend == "reference" and changed.keys() & {"shuffle", "memory"}:
        for train in (fit, partial(update, fit(corpus(9), config, Run()))):
            with pytest.raises(ConfigError, match="has no effect with the reference"):
                train(corpus(9), replace(config, **changed), Run())
        return
    glove = fit(corpus(60), replace(config, **changed), Run(threads=2))
    assert np.isfinite(glove.words.vectors).all()
    plain = fit(corpus(60), config, Run(threads=2))
    assert glove.words.vectors.shape == plain.words.vectors.shape


def test_vectors_are_the_sum_of_both_sets_or_the_words_alone(config):
    for model in (1, 2):
        glove = fit(corpus(60), replace(config, model=model), Run())
        words, contexts = (glove.tensors[name][:, :-1] for name in ("words", "contexts"))
        np.testing.assert_array_equal(glove.words.vectors, words + contexts if model == 2 else words)


def test_rare_words_and_words_beyond_the_limit_are_left_out(config):
    texts = [*corpus(60), "hapax legomenon"]
    assert "hapax" in fit(texts, config, Run()).words
    assert "hapax" not in fit(texts, replace(config, min_count=2), Run()).words
    assert len(fit(texts, replace(config, max_vocab=4), Run()).words) == 4


@pytest.mark.parametrize("pooling", ["idf", "sif"])
def test_a_pooling_with_weights_takes_them_from_the_corpus(config, pooling):
    glove = fit(corpus(60), replace(config, pooling=pooling), Run())
    again = Glove.restore(glove.state())
    np.testing.assert_array_equal(again.embed(["the king"]), glove.embed(["the king"]))
    assert len(np.unique(glove.weights)) > 2


def test_update_goes_on_with_old_and_new_words_and_leaves_the_old_model_alone(config):
    old = fit(corpus(), config, Run())
    before = old.words.vectors.copy()
    texts = [*corpus(100, seed=3), *["king sceptre crown sceptre queen"] * 30, "once"]
    new = update(Glove.restore(old.state()), texts, replace(config, min_count=2), Run())
    assert list(new.words)[: len(old.words)] == list(old.words)
    assert list(new.words)[len(old.words) :] == ["sceptre"]
    np.testing.assert_array_equal(old.words.vectors, before)
    assert not np.array_equal(new.words.vectors[: len(before)], before)
    assert (new.tensors["word_squares"][: len(before)] >= old.tensors["word_squares"]).all()
    assert "king" in {word for word, _ in new.words.similar("sceptre", n=6)}


def test_update_adds_no_word_beyond_the_limit_and_keeps_words_that_do_not_occur(config):
    old = fit(corpus(60), config, Run())
    limited = replace(config, max_vocab=len(old.words))
    new = update(old, ["king queen fresh king queen fresh"], limited, Run())
    assert list(new.words) == list(old.words)
    row = old.words.vocabulary.find("film")
    np.testing.assert_allclose(new.words.vectors[row], old.words.vectors[row], atol=1e-7)


def test_old_words_keep_their_weights_in_an_update(config):
    config = replace(config, pooling="idf")
    old = fit(corpus(60), config, Run())
    new = update(old, ["king sceptre crown sceptre queen"] * 3, config, Run())
    np.testing.assert_array_equal(new.weights[: len(old.words)], old.weights)
    assert len(new.weights) == len(old.words) + 1


@pytest.mark.parametrize(("pooling", "passes"), [("idf", 2), ("sif", 3)])
def test_ctrl_c_while_words_are_weighed_keeps_the_model(config, pooling, passes):
    class Interrupted(list):
        read = 0

        def __iter__(self):
            self.read += 1
            if self.read == passes:
                raise KeyboardInterrupt
            return super().__iter__()

    config = replace(config, pooling=pooling, iter=2)
    with pytest.raises(TrainingInterrupted) as caught:
        fit(Interrupted(corpus(30)), config, Run())
    assert caught.value.done == 1
    whole = fit(corpus(30), config, Run())
    np.testing.assert_array_equal(caught.value.model.words.vectors, whole.words.vectors)


def test_without_what_training_goes_on_from_a_model_is_a_fifth_and_update_says_why_not(config):
    whole, bare = (fit(corpus(), replace(config, keep_training=kept), Run()) for kept in (True, False))
    assert np.array_equal(bare.words.vectors, whole.words.vectors)
    sizes = [sum(t.nbytes for t in made.state().tensors.values()) for made in (whole, bare)]
    assert sizes[0] - sizes[1] == 4 * len(bare.words) * 11 * 4  # four arrays, a bias each, float32
    again = Glove.restore(bare.state())
    with pytest.raises(UnsupportedError, match="trained with keep_training=false; train on all the text"):
        update(again, corpus(), config, Run())
    assert update(whole, corpus(), replace(config, keep_training=False), Run()).tensors == {}


def test_update_refuses_what_cannot_go_on(config):
    old = fit(corpus(20), config, Run())
    for changed in ({"vector_size": 11}, {"lowercase": False}, {"tokenizer": "whitespace"}):
        with pytest.raises(ConfigError, match="differs from"):
            update(old, corpus(20), replace(config, **changed), Run())
    with pytest.raises(UnsupportedError, match="no biases and gradients to go on from: it was imported"):
        update(Glove(config, WordVectors(old.words.vocabulary, old.words.vectors)), corpus(20), config, Run())
    for name, spoilt in (
        ("contexts", old.tensors["contexts"][:, 1:]),
        ("word_squares", old.tensors["word_squares"] * 0),
        ("words", old.tensors["words"] * np.float32("nan")),
    ):
        damaged = Glove(config, old.words, tensors=old.tensors | {name: spoilt})
        with pytest.raises(CheckpointError, match=f"training.{name}"):
            update(damaged, corpus(20), config, Run())


@pytest.mark.parametrize(
    ("texts", "changed", "says"),
    [
        ([], {}, "no texts"),
        (["", " "], {}, "no token"),
        (["alone"], {}, "has one distinct word, 'alone', .* two different words"),
        (["alone alone", "alone"], {}, "has one distinct word, 'alone', .* two different words"),
        (["a", "b", "a"], {}, r"no two words stand together in a text \(different words: 2\)"),
        (["some words here"], {"min_count": 2}, "no word of the corpus occurs 2 times"),
        (["a b a b a b"] * 9, {"eta": 1e30, "grad_clip": 1e30}, "diverged"),
    ],
)
def test_a_corpus_without_anything_to_learn_is_refused(config, texts, changed, says):
    with np.errstate(all="ignore"), pytest.raises(DataError, match=says):
        fit(texts, replace(config, **changed), Run())


def test_progress_is_told_and_stops_the_training_with_what_there_is(config):
    seen = []

    def progress(what, done, total):
        seen.append((what, done, total))
        if what == "train" and done > total / 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        fit(corpus(), replace(config, iter=30, pooling="sif"), Run(progress=progress))
    glove = caught.value.model
    assert 0.3 < caught.value.done < 0.9
    assert np.isfinite(glove.embed(["king"])).all()
    assert {word for word, _ in glove.words.similar("king", n=5)} == {
        "queen",
        "crown",
        "throne",
        "国王",
        "女王",
    }
    assert all(done <= total for _, done, total in seen if total)
    Glove.restore(glove.state())


@kernels
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path):
    code = f"""
        import resource, tempfile
        import numpy as np
        from lexarium.errors import InputError
        from lexarium.roles import Run
        from lexarium_glove.config import GloveConfig
        from lexarium_glove.train import fit
        tempfile.tempdir = {str(tmp_path)!r}
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
        words = [f"w{{i}}" for i in range(200)]
        texts = [" ".join(np.random.default_rng(i).choice(words, 50)) for i in range(50)]
        try:
            fit(texts, GloveConfig(memory=0.0), Run(threads=2))
        except InputError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert "cannot hold the pairs beyond memory=0 GB: File too large; raise memory" in done.stdout
    assert not list(tmp_path.iterdir())


@kernels
@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc to find a file without a name")
def test_pairs_that_the_disk_does_not_give_back_are_one_clear_error(tmp_path, monkeypatch, caplog):
    class Cut(logging.Handler):
        """Empties the file with the pairs when the log says that there is one."""

        def emit(self, record):
            del record
            for link in Path("/proc/self/fd").iterdir():
                with suppress(FileNotFoundError):
                    if str(tmp_path) in str(link.readlink()):
                        os.truncate(link, 0)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cut = Cut()
    logging.getLogger("lexarium").addHandler(cut)
    try:
        with (
            caplog.at_level(logging.INFO, "lexarium"),
            pytest.raises(InputError, match="cannot hold the pairs beyond memory=0 GB: Input/output error"),
        ):
            fit(corpus(60), GloveConfig(memory=0.0, **SMALL), Run())
    finally:
        logging.getLogger("lexarium").removeHandler(cut)


def test_an_element_that_is_no_text_is_named(config):
    with pytest.raises(InputError, match="element 1 is int"):
        fit(["a b", 3], config, Run())


@kernels
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_kernels_count_the_pairs_that_the_reference_counts(symmetric, weighted):
    from lexarium_kernels import _glove

    rng = np.random.default_rng(4)
    lengths = rng.integers(0, 60, 50)
    ids, offsets = rng.zipf(1.3, lengths.sum()).clip(max=100).astype(np.int32) - 1, np.cumsum([0, *lengths])
    how = {"window": 7, "symmetric": symmetric, "weighted": weighted}
    matrix = cooccurrence(ids, offsets, 100, **how)
    indptr, indices, values = _glove.cooccurrence(ids, offsets, 100, **how, threads=2)
    np.testing.assert_array_equal(indptr, matrix.indptr)
    np.testing.assert_array_equal(indices, matrix.indices)
    np.testing.assert_allclose(values, matrix.data, rtol=1e-6)


@kernels
def test_a_pass_of_the_kernels_in_a_given_order_is_the_references():
    from lexarium_kernels import _glove

    rng = np.random.default_rng(5)
    ids, offsets = rng.integers(0, 80, 2000).astype(np.int32), np.array([0, 900, 2000])
    found = _glove.Entries(ids, offsets, 80, 5, True, True, 10.0, 0.75, 16, 3, 1 << 30, "", 1)
    parameters = Parameters.random(80, 20, 0)
    table = _glove.Parameters(*parameters.arrays())
    loss = table.train(found, 0.05, 100.0, 0, 1, 9)
    exact = parameters.astype(np.float64)
    ordered = Entries(*found.order(9, 0))
    losses = [step(exact, ordered, np.array([i]), 0.05, 100.0) for i in range(len(found))]
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    arrays = [np.empty_like(array) for array in parameters.arrays()]
    table.read(*arrays)
    for ours, theirs in zip(arrays, exact.arrays(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_a_batch_of_the_reference_is_its_entries_one_after_another():
    rng = np.random.default_rng(6)
    ids = rng.integers(0, 30, 500).astype(np.int32)
    how = {"window": 4, "symmetric": True, "weighted": True}
    found = entries(cooccurrence(ids, np.array([0, 500]), 30, **how), 10.0, 0.75)
    at_once, in_turn = (Parameters.random(30, 5, 0).astype(np.float64) for _ in range(2))
    seen = []
    for batch in batches(found, 30, np.random.default_rng(1)):
        assert len(set(found.rows[batch])) == len(batch) == len(set(found.columns[batch]))
        step(at_once, found, batch, 0.1, 100.0)
        for number in batch:
            step(in_turn, found, np.array([number]), 0.1, 100.0)
        seen += batch.tolist()
    assert sorted(seen) == list(range(len(found.rows)))
    assert max(map(len, batches(found, 30, np.random.default_rng(1)))) > 5
    for first, second in zip(at_once.arrays(), in_turn.arrays(), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-12)
