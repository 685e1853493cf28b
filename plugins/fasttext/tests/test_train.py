"""Training words: quality, repeats, both backends, going on, interruption, bad input."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from lexarium.backend import kernel
from lexarium.errors import ConfigError, DataError, TrainingInterrupted, UnsupportedError
from lexarium.roles import Run
from lexarium_fasttext.assembly import disassemble
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.formats import write
from lexarium_fasttext.model import EOS
from lexarium_fasttext.train import fit, update

GROUPS = [["猫", "狗", "cat", "dog"], ["red", "green", "blue", "black"]]
needs_kernels = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")
backends = pytest.mark.parametrize("backend", [pytest.param("kernels", marks=needs_kernels), "reference"])


def corpus(lines: int = 400, seed: int = 0) -> list[str]:
    """Lines of words of one of two groups."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(draw.choice(GROUPS), k=10)) for _ in range(lines)]


def config(**changes: Any) -> FastTextConfig:
    settings = {"vector_size": 16, "bucket": 1000, "sample": 0.0, "min_count": 2, "alpha": 0.1, "epochs": 5}
    return FastTextConfig(**(settings | changes))


def separation(model: Any) -> float:
    """Return how much nearer words of one group are than words of two."""
    words = [word for group in GROUPS for word in group]
    vectors = np.array([model.words[word] for word in words])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    same = np.kron(np.eye(2), np.ones((4, 4))).astype(bool)
    return float(cosines[same & ~np.eye(8, dtype=bool)].mean() - cosines[~same].mean())


@needs_kernels
@pytest.mark.parametrize("sg", [0, 1])
@pytest.mark.parametrize("hs", [0, 1])
@pytest.mark.parametrize("texts", [corpus(), [" ".join(corpus())]], ids=["lines", "one text"])
def test_words_that_stand_together_come_together(texts: list[str], sg: int, hs: int) -> None:
    # Threads that meet too seldom undo each other's work: one run in twenty gave less then.
    model = fit(texts, config(sg=sg, hs=hs), Run(threads=4))
    assert separation(model) > 0.5


@pytest.mark.parametrize("settings", [{}, {"hs": 1}, {"ns_exponent": 0.75}])
def test_the_reference_learns_the_same(settings: dict[str, Any]) -> None:
    pytest.importorskip("fasttext")
    pytest.importorskip("gensim")
    model = fit(corpus(), config(backend="reference", epochs=20, **settings), Run(threads=1))
    assert separation(model) > 0.3


def test_the_reference_learns_all_of_a_long_text() -> None:
    pytest.importorskip("gensim")
    # Gensim alone has another exponent than 0.5, and of a list of words it reads the first 10,000.
    text = " ".join([*["und", "oder"] * 5000, *corpus(1000)])
    model = fit([text], config(backend="reference", ns_exponent=0.75, epochs=20, window=2), Run())
    assert separation(model) > 0.3


def test_the_reference_takes_any_seed_and_texts_without_a_word() -> None:
    pytest.importorskip("gensim")
    texts = [*corpus(50), "once", ""]
    model: Any = fit(texts, config(backend="reference", ns_exponent=0.75), Run(seed=5_000_000_000))
    assert set(model.words) == {word for group in GROUPS for word in group}


@backends
def test_only_buckets_in_use_have_rows(backend: str) -> None:
    pytest.importorskip("fasttext")
    parts = disassemble(fit(corpus(), config(backend=backend, bucket=100_000), Run()))
    assert parts.buckets is not None
    assert 0 < len(parts.buckets) < 200
    assert (np.diff(parts.buckets) > 0).all()
    assert len(parts.input) == len(parts.vocabulary) + len(parts.buckets)


@needs_kernels
def test_the_end_of_a_text_is_a_word_where_it_is_frequent_enough() -> None:
    texts = corpus(100)
    parts = disassemble(fit(texts, config(), Run()))
    end = parts.vocabulary.find(EOS)
    assert parts.counts[end] == 100
    assert (np.diff(parts.counts) <= 0).all()
    assert parts.tokens == 1100
    few = disassemble(fit(texts, config(min_count=101, sample=1.0), Run()))
    assert EOS not in few.vocabulary


@needs_kernels
def test_one_thread_and_a_seed_repeat() -> None:
    first, second, other = (fit(corpus(), config(), Run(seed=seed)) for seed in (1, 1, 2))
    assert first.words.vectors.tobytes() == second.words.vectors.tobytes()
    assert first.words.vectors.tobytes() != other.words.vectors.tobytes()


@needs_kernels
def test_an_exported_model_has_the_same_vectors_in_fasttext(tmp_path: Any) -> None:
    fasttext = pytest.importorskip("fasttext")
    model = fit(corpus(), config(), Run())
    write(model, tmp_path / "model.bin", Run())
    loaded = fasttext.load_model(str(tmp_path / "model.bin"))
    for word in ["cat", "狗", "unseen", EOS]:
        np.testing.assert_allclose(model.words[word], loaded.get_word_vector(word), atol=1e-6)


@needs_kernels
@pytest.mark.parametrize("hs", [0, 1])
def test_going_on_with_new_text_learns_new_words(hs: int) -> None:
    settings = config(hs=hs)
    model = fit(corpus(), settings, Run())
    before = {word: model.words[word].copy() for word in model.words}
    new = [f"{line} cats" for line in corpus(seed=5)] + ["once"]
    further = update(model, new, settings, Run())
    assert ("cats" in further.words.vocabulary) == (not hs)
    assert "once" not in further.words.vocabulary
    assert all(np.array_equal(model.words[word], vector) for word, vector in before.items())
    assert set(before) <= set(further.words)
    assert separation(further) > 0.3
    still = update(model, new, config(hs=hs, alpha=1e-9), Run())
    for word, vector in before.items():
        np.testing.assert_allclose(still.words[word], vector, atol=1e-4)


@needs_kernels
def test_what_cannot_change_when_going_on() -> None:
    model = fit(corpus(50), config(), Run())
    with pytest.raises(ConfigError, match="vector_size: 17 was 16"):
        update(model, corpus(50), config(vector_size=17), Run())
    with pytest.raises(DataError, match="known or frequent"):
        update(model, ["nothing"], config(min_count=100), Run())
    with pytest.raises(UnsupportedError, match="install lexarium-kernels"):
        update(model, corpus(50), config(backend="reference"), Run())


@needs_kernels
def test_an_interruption_gives_the_model_so_far() -> None:
    def stop(what: str, done: int, total: int | None) -> None:
        if what == "training" and done:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        fit(corpus(), config(epochs=10**6), Run(progress=stop))
    assert 0 < caught.value.done < 1
    assert caught.value.model.words["cat"].shape == (16,)


@backends
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no texts"),
        (["", " "], "no token"),
        (["a b c"], "2 times"),
        (["cat cat"] * 3, "has one distinct word, 'cat'"),
        (["a a b"], "is kept, .*: 1 tokens.*; lower"),
    ],
)
def test_a_corpus_with_nothing_to_learn(texts: list[str], message: str, backend: str) -> None:
    pytest.importorskip("fasttext")
    with pytest.raises(DataError, match=message):
        fit(texts, config(backend=backend), Run())


@needs_kernels
def test_words_pooled_as_fasttext_pools_them_are_cut_as_it_cuts_them() -> None:
    settings = config(pooling="fasttext", tokenizer="whitespace", lowercase=False)
    model = fit(["好看\u3000电影 film\0good"] * 3, settings, Run())
    assert isinstance(model, FastText)
    assert set(model.words) == {EOS, "好看\u3000电影", "film", "good"}
    assert model.coverage(["好看\u3000电影"]).tokens == 1


def test_the_reference_lets_the_rate_end_where_it_is_told() -> None:
    pytest.importorskip("fasttext")
    pytest.importorskip("gensim")
    # Of the two, gensim alone takes a seed, and min_alpha.
    first, second = (
        fit(corpus(50), config(backend="reference", min_alpha=0.05, max_n=0), Run(seed=3)) for _ in range(2)
    )
    assert first.words["cat"].tolist() == second.words["cat"].tolist()
    with pytest.raises(ConfigError, match="min_alpha: is not a setting of fastText"):
        fit(corpus(50), config(backend="reference", min_alpha=0.05, hs=1), Run())


@needs_kernels
def test_words_with_known_parts_are_covered() -> None:
    texts = ["reading writing"] * 3 + ["zq"]
    model = fit(texts, config(), Run())
    assert isinstance(model, FastText)
    found = model.coverage(["reading rewriting xyz xyz", "writing"])
    assert (found.tokens, found.unknown, found.examples) == (5, 2, ("xyz",))
    whole = fit(texts, config(subwords=False), Run())
    assert isinstance(whole, FastText)
    assert whole.coverage(["reading rewriting xyz xyz", "writing"]).unknown == 3
