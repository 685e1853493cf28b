"""Training with either backend, going on with new text, and what cannot be trained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from lexarium.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    MissingExtraError,
    TrainingInterrupted,
    UnsupportedError,
)
from lexarium.roles import Run, State
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.embedder import Word2Vec
from lexarium_word2vec.train import fit, update
from lexarium_word2vec.weights import Weights

NEEDS = {"kernels": "lexarium_kernels._word2vec", "reference": "gensim"}
SMALL = {"vector_size": 10, "min_count": 2}
CORPUS = ["the king and the queen rule the land", "a film with a good plot is a good film"] * 20


def has(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@pytest.fixture(params=sorted(NEEDS))
def backend(request):
    if not has(NEEDS[request.param]):
        pytest.skip(f"{NEEDS[request.param]} is not installed")
    return request.param


def topics(texts=300):
    """Return texts about one of two things, in words of their own and words that they share."""
    rng = np.random.default_rng(0)
    return [
        " ".join(f"{'ab'[i % 2] if rng.random() < 0.7 else 'c'}{j}" for j in rng.integers(0, 12, 30))
        for i in range(texts)
    ]


@pytest.mark.parametrize(
    "settings", [{"sg": 1}, {"sg": 0}, {"sg": 1, "hs": 1, "negative": 0}, {"sg": 0, "hs": 1}], ids=str
)
def test_words_of_one_topic_become_neighbours(backend, settings):
    config = Word2VecConfig(backend=backend, vector_size=20, epochs=20, sample=0, **settings)
    model = fit(topics(), config, Run())
    near = [word for word, _ in model.words.similar("a1", n=11)]
    assert sum(word.startswith("a") for word in near) >= 9  # 11 of 35 by chance: 3
    assert set(model.tensors) == set(Word2Vec.kept(config))


def test_one_thread_and_a_seed_give_the_same_vectors(backend):
    config = Word2VecConfig(backend=backend, **SMALL)
    first, again, other = (fit(CORPUS, config, Run(seed=seed)).words.vectors for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_both_backends_know_the_same_words_and_keep_the_same_tensors():
    for module in NEEDS.values():
        if not has(module):
            pytest.skip(f"{module} is not installed")
    settings = {"hs": 1, "phrases": 1, "phrases_threshold": 0.1, **SMALL}
    ours, theirs = (fit(CORPUS, Word2VecConfig(backend=b, **settings), Run()) for b in NEEDS)
    assert list(ours.words) == list(theirs.words)
    for name in ("counts", "tree"):
        assert np.array_equal(ours.tensors[name], theirs.tensors[name])
    assert ours.tensors["nodes"].shape == theirs.tensors["nodes"].shape


def test_gensim_sees_texts_of_any_length(backend):
    config = Word2VecConfig(backend=backend, vector_size=4, min_count=1, sample=0, window=1, epochs=1)
    model = fit(["a b " * 6000 + "y z " * 2000], config, Run())
    start = 1 / 4
    assert np.abs(model.words["z"]).max() > start  # it moved, although it comes after 12,000 words


def test_vectors_begin_as_wide_as_gensims():
    vectors = Weights.new(np.ones(5000, np.int64), Word2VecConfig(vector_size=20), 1).vectors
    assert (vectors.min(), vectors.max()) == pytest.approx((-1 / 20, 1 / 20), rel=1e-3)
    assert vectors.std() == pytest.approx(1 / 20 / np.sqrt(3), rel=0.01)


def test_training_goes_on_with_new_words(backend):
    config = Word2VecConfig(backend=backend, hs=1, **SMALL)
    model = fit(CORPUS, config, Run())
    again = Word2Vec.restore(model.state())
    more = ["a zebra and a good gnu"] * 30 + ["once only"]
    learned = update(again, more, config, Run())
    n = len(model.words)
    assert list(learned.words)[:n] == list(model.words)
    assert sorted(list(learned.words)[n:]) == ["gnu", "zebra"]
    before, after = model.tensors["counts"], learned.tensors["counts"]
    good = model.words.vocabulary.find("good")
    assert after[good] == before[good] + 30
    assert after[learned.words.vocabulary.find("gnu")] == 30
    king = model.words.vocabulary.find("king")
    assert np.array_equal(learned.words.vectors[king], model.words.vectors[king])  # not in the new text
    assert not np.array_equal(learned.words["good"], model.words["good"])
    assert np.array_equal(again.words.vectors, model.words.vectors)
    third = update(Word2Vec.restore(learned.state()), more, config, Run())
    assert list(third.words) == list(learned.words)


def test_max_final_vocab_holds_for_new_words_too():
    config = Word2VecConfig(max_final_vocab=5, **SMALL)
    model = fit(CORPUS, config, Run())
    assert len(model.words) == 5
    assert len(update(model, ["yak gnu the"] * 9, config, Run()).words) == 5
    assert len(update(model, ["yak gnu gnu the"] * 9, replace(config, max_final_vocab=6), Run()).words) == 6


def test_phrases_are_words_and_are_found_again_in_texts():
    corpus = ["we fly to new york by day", "new york is far", "a new day", "york by night"] * 20
    config = Word2VecConfig(phrases=1, phrases_threshold=0.1, vector_size=6, min_count=2)
    model = fit(corpus, config, Run())
    assert "new_york" in model.words
    assert model.tokenize("To new york") == ["to", "new_york"] or "to_new" in model.words
    assert np.allclose(model.embed(["new york"])[0], model.words["new_york"])
    learned = update(model, ["new york new york", "new", "york"] * 3, config, Run())
    at = model.words.vocabulary.find("new_york")
    assert learned.tensors["counts"][at] == model.tensors["counts"][at] + 6


@pytest.mark.parametrize(
    ("corpus", "settings", "says"),
    [
        ([], {}, "no texts"),
        (["", "  "], {}, "no token"),
        (["only only only"], {"min_count": 1}, "has one distinct word, 'only', .* two different words"),
        (
            ["a a a b"],
            {"min_count": 2},
            "one word of the corpus is kept, 'a' .*: 1 tokens.*; lower min_count",
        ),
        (["a a a b"], {"min_count": 2, "phrases": 1}, "is kept, 'a' .*: 1 tokens.*; lower min_count"),
        (["only only"] * 5, {"phrases": 1}, "has one distinct word, 'only', .* two different words"),
        (["a b c d"], {}, "lower min_count"),
        (["a b c d"], {"phrases": 1}, "lower min_count"),
    ],
)
def test_a_corpus_with_nothing_to_learn_is_a_data_error(backend, corpus, settings, says):
    with pytest.raises(DataError, match=says):
        fit(corpus, Word2VecConfig(backend=backend, **settings), Run())


@pytest.mark.parametrize(
    "changed",
    [{"vector_size": 11}, {"hs": 1}, {"lowercase": False}, {"phrases": 1}, {"negative": 0}],
    ids=str,
)
def test_what_the_arrays_depend_on_cannot_change(changed):
    hs = int("negative" in changed)
    config = Word2VecConfig(hs=hs, **SMALL)
    with pytest.raises(ConfigError, match=next(iter(changed))):
        update(fit(CORPUS, config, Run()), CORPUS, replace(config, **changed), Run())


def test_without_what_training_goes_on_from_the_vectors_are_the_same_and_update_says_why_not(backend):
    config = Word2VecConfig(backend=backend, **SMALL)
    whole, bare = (fit(CORPUS, replace(config, keep_training=kept), Run()) for kept in (True, False))
    assert np.array_equal(bare.words.vectors, whole.words.vectors)
    assert set(bare.state().tensors) == {n for n in whole.state().tensors if not n.startswith("training.")}
    again = Word2Vec.restore(bare.state())
    with pytest.raises(UnsupportedError, match="trained with keep_training=false; train on all the text"):
        update(again, CORPUS, config, Run())
    assert update(whole, CORPUS, replace(config, keep_training=False), Run()).tensors == {}


def test_a_model_of_vectors_alone_cannot_learn_on():
    with pytest.raises(UnsupportedError, match=r"word vectors alone, no output vectors.*it was imported"):
        update(Word2Vec.tiny(), CORPUS, Word2Vec.tiny().config, Run())


def test_text_without_a_known_or_new_word_is_a_data_error():
    config = Word2VecConfig(**SMALL)
    with pytest.raises(DataError, match=r"no token \(read: 2\)"):
        update(fit(CORPUS, config, Run()), ["xyzzy plugh"], config, Run())


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("context", np.zeros((9, 3), np.float32)),
        ("nodes", np.zeros((9, 3), np.float32)),
        ("counts", np.zeros(9, np.int64)),
        ("counts", np.full(9, 1 << 60)),
        ("tree", np.zeros((9, 3), np.int32)),
        ("tree", np.zeros((9, 2), np.int32)),
        ("tree", np.full((9, 2), 1 << 30, np.int32)),
    ],
)
def test_tensors_that_do_not_belong_together_are_a_checkpoint_error(name, tensor):
    config = Word2VecConfig(hs=1, max_final_vocab=9, **SMALL)
    state = fit(CORPUS, config, Run()).state()
    damaged = State(config=state.config, tensors={**state.tensors, f"training.{name}": tensor})
    with pytest.raises(CheckpointError, match=name):
        update(Word2Vec.restore(damaged), CORPUS, config, Run())


@pytest.mark.parametrize("name", ["vectors", "training.context", "training.nodes"])
def test_a_model_with_nan_in_it_cannot_learn_on(name):
    config = Word2VecConfig(hs=1, **SMALL)
    state = fit(CORPUS, config, Run()).state()
    spoilt = np.array(state.tensors[name])
    spoilt[1, 2] = np.nan
    damaged = State(config=state.config, tensors={**state.tensors, name: spoilt})
    with pytest.raises(CheckpointError, match=f"{name.removeprefix('training.')}' has a number that is NaN"):
        update(Word2Vec.restore(damaged), CORPUS, config, Run())


@pytest.mark.skipif(not has(NEEDS["kernels"]), reason="the kernels are not built")
@pytest.mark.parametrize("threads", [1, 2])
def test_training_that_diverges_is_refused(threads):
    config = Word2VecConfig(backend="kernels", **SMALL, sg=0, cbow_mean=0, alpha=100.0, epochs=30)
    with np.errstate(all="ignore"), pytest.raises(DataError, match="diverged with alpha=100, window="):
        fit(topics(), config, Run(threads=threads))


@pytest.mark.parametrize("far", [1e5, -1e5, np.inf, np.nan])
def test_numbers_that_are_too_large_for_a_vector_are_a_training_that_diverged(far, monkeypatch):
    def spoil(encoded, weights, config, run, progress):
        weights.vectors[1, 2] = far

    monkeypatch.setattr("lexarium_word2vec.train.trainer", lambda _: spoil)
    said = "diverged with alpha=0.025, window=2, negative=3; lower one of these, alpha first"
    with pytest.raises(DataError, match=said):
        fit(CORPUS, Word2VecConfig(**SMALL | {"window": 2, "negative": 3}), Run())


@pytest.mark.parametrize(("pooling", "passes"), [("idf", 2), ("sif", 3)])
def test_ctrl_c_while_words_are_weighed_keeps_the_model(pooling, passes):
    class Interrupted(list):
        read = 0

        def __iter__(self):
            self.read += 1
            if self.read == passes:
                raise KeyboardInterrupt
            return super().__iter__()

    config = Word2VecConfig(pooling=pooling, **SMALL)
    with pytest.raises(TrainingInterrupted) as caught:
        fit(Interrupted(CORPUS), config, Run())
    assert caught.value.done == 1
    assert np.array_equal(caught.value.model.words.vectors, fit(CORPUS, config, Run()).words.vectors)


def test_old_words_keep_their_weights_in_an_update():
    config = Word2VecConfig(pooling="idf", **SMALL)
    model = fit(CORPUS, config, Run())
    learned = update(model, ["a zebra and a good gnu"] * 3, config, Run())
    assert np.array_equal(learned.weights[: len(model.words)], model.weights)
    assert len(learned.weights) == len(learned.words) == len(model.words) + 2


def test_without_gensim_the_reference_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(MissingExtraError, match=r"lexarium-word2vec\[reference\]"):
        fit(CORPUS, Word2VecConfig(backend="reference"), Run())


_LONG = """
import os, sys, threading, time, signal
from lexarium.errors import TrainingInterrupted
from lexarium.roles import Run
from lexarium_word2vec.config import Word2VecConfig
from lexarium_word2vec.train import fit

def told(what, done, total):
    if what == "training" and done and not told.sent:
        told.sent = time.monotonic()
        print("training", flush=True)
told.sent = 0
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started all this with &
try:
    config = Word2VecConfig(epochs=1_000_000, vector_size=10, pooling="sif", backend="kernels")
    fit(["the king and the queen rule the land"] * 99, config, Run(threads=2, progress=told))
except TrainingInterrupted as error:
    assert 0 < error.done < 1, error.done
    assert error.model.embed(["the king"]).any()
    print("kept", flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="a signal as Ctrl-C sends it")
def test_ctrl_c_stops_training_and_keeps_the_model():
    if not has(NEEDS["kernels"]):
        pytest.skip("the kernels are not built")
    process = subprocess.Popen([sys.executable, "-c", _LONG], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "training\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert out == "kept\n"
    assert process.returncode == 0
