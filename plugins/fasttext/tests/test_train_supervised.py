"""Training classifiers: every loss, exports that predict the same, labels from the text, bad input."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from lexarium.backend import kernel
from lexarium.compose import Pipeline
from lexarium.corpora import FileCorpus
from lexarium.errors import ConfigError, DataError, InputError
from lexarium.roles import Run
from lexarium.tables import Texts
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.formats import write
from lexarium_fasttext.subwords import fasttext_words, is_cut_alike
from lexarium_fasttext.supervised import split_labels, train_supervised
from lexarium_fasttext.train import fit

needs_kernels = pytest.mark.skipif(kernel("_fasttext_train") is None, reason="the kernels are not built")
backends = pytest.mark.parametrize("backend", [pytest.param("kernels", marks=needs_kernels), "reference"])
GOOD, BAD, ANY = (
    ["great", "fine", "好看"],
    ["bad", "awful", "难看"],
    ["the", "film", "was", "a", "movie", "电影"],
)
LOSSES: list[dict[str, Any]] = [
    {},
    {"loss": "hs"},
    {"loss": "ova"},
    {"loss": "ns"},
    {"word_ngrams": 2, "bucket": 3000},
    {"min_n": 2, "max_n": 4, "bucket": 3000},
]


def rows(count: int, seed: int) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    labels = [draw.choice(["good", "bad"]) for _ in range(count)]
    own = {"good": GOOD, "bad": BAD}
    return [" ".join([*draw.choices(ANY, k=8), *draw.choices(own[label], k=2)]) for label in labels], labels


def config(**changes: Any) -> FastTextConfig:
    settings = {"vector_size": 10, "epochs": 20, "tokenizer": "whitespace", "lowercase": False}
    return FastTextConfig(model="supervised", **(settings | changes))


def lines(texts: list[str], labels: list[str]) -> list[str]:
    return [f"__label__{label} {text}" for label, text in zip(labels, texts, strict=True)]


def classifier(settings: FastTextConfig) -> Pipeline:
    found = fit(lines(*rows(400, 0)), settings, Run())
    assert isinstance(found, Pipeline)
    return found


@needs_kernels
@pytest.mark.parametrize("settings", LOSSES)
def test_it_learns_and_fasttext_predicts_the_same(settings: dict[str, Any], tmp_path: Any) -> None:
    fasttext = pytest.importorskip("fasttext")
    pipeline = classifier(config(**settings))
    texts, labels = rows(200, 1)
    assert pipeline.predict(texts) == labels
    write(pipeline, tmp_path / "model.bin", Run())
    loaded = fasttext.load_model(str(tmp_path / "model.bin"))
    ours = pipeline.predict_proba(texts).max(axis=1)
    for text, label, probability in zip(texts, labels, ours, strict=True):
        (named,), (theirs,) = loaded.predict(text)
        assert named == f"__label__{label}"
        assert abs(theirs - probability) < 1e-3


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("max_final_vocab", {"max_final_vocab": 9}),
        ("min_alpha", {"min_alpha": 0.01}),
        ("ns_exponent", {"loss": "ns", "ns_exponent": 0.75}),
    ],
)
def test_what_the_reference_does_not_take_is_refused(key: str, settings: dict[str, Any]) -> None:
    pytest.importorskip("fasttext")
    with pytest.raises(ConfigError, match=f"{key}: is not a setting of fastText"):
        classifier(config(backend="reference", **settings))


def test_a_token_that_the_reference_would_cut_is_refused() -> None:
    pytest.importorskip("fasttext")
    pattern: dict[str, Any] = {"tokenizer": "pattern", "token_pattern": r"\w+ \w+"}
    with pytest.raises(DataError, match=r"the token '\w+ \w+' holds white space"):
        classifier(config(backend="reference", **pattern))
    with pytest.raises(DataError, match=r"the token 'a b' holds white space"):
        fit(["a b c d"] * 5, FastTextConfig(backend="reference", min_count=1, **pattern), Run())


@pytest.mark.parametrize("settings", [{}, {"loss": "ova"}, {"word_ngrams": 2, "bucket": 3000}])
def test_the_reference_learns_the_same(settings: dict[str, Any]) -> None:
    pytest.importorskip("fasttext")
    texts, labels = rows(200, 1)
    assert classifier(config(backend="reference", **settings)).predict(texts) == labels


@needs_kernels
def test_texts_sorted_by_label_are_learned() -> None:
    texts, labels = rows(400, 0)
    ordered = sorted(zip(labels, texts, strict=True))
    pipeline = fit(lines([t for _, t in ordered], [n for n, _ in ordered]), config(), Run())
    assert isinstance(pipeline, Pipeline)
    test, truth = rows(200, 1)
    assert pipeline.predict(test) == truth


@needs_kernels
def test_several_labels_a_text_and_rare_ones() -> None:
    texts = ["great film", "bad film", "great great", "rare one"] * 10
    labels = [["good", "film"], ["bad", "film"], ["good"], ["bad", "odd"]] * 9 + [["good"], ["bad"]] * 2
    parts = train_supervised(texts, labels, config(loss="ova", min_count_label=10), Run())
    assert parts.labels == ("__label__bad", "__label__good", "__label__film")
    assert parts.label_counts is not None
    assert parts.label_counts.tolist() == [20, 20, 18]
    assert parts.output.shape == (3, 10)  # type: ignore[union-attr]  # not quantised


@needs_kernels
def test_rare_words_have_no_row_but_stand_in_runs() -> None:
    texts = ["a b", "a c", "a d", "a e"]
    parts = train_supervised(texts, list("xyxy"), config(min_count=2, word_ngrams=2, bucket=50_000), Run())
    assert list(parts.vocabulary) == ["</s>", "a"]
    assert parts.buckets is not None
    assert len(parts.buckets) == 8
    assert parts.tokens == 16


@needs_kernels
def test_one_thread_and_a_seed_repeat() -> None:
    texts, labels = rows(100, 0)
    first, second, other = (
        np.asarray(train_supervised(texts, labels, config(), Run(seed=seed)).input) for seed in (3, 3, 4)
    )
    assert first.tobytes() == second.tobytes()
    assert first.tobytes() != other.tobytes()


def test_a_text_without_label_is_named_with_its_line() -> None:
    given = Texts("train.txt", ["__label__a x", "no label"], [1, 3])
    with pytest.raises(InputError, match=r"train.txt, line 3: no word begins with '__label__'.* --label"):
        split_labels(given, "__label__")
    with pytest.raises(InputError, match="nothing but its prefix"):
        split_labels(["__label__ x"], "__label__")
    assert split_labels(["#a  x #b y"], "#") == (["x y"], [("a", "b")])
    with pytest.raises(InputError, match=r"corpus, line 2: int, not text"):
        split_labels(["#a x", 3], "#")  # type: ignore[list-item]  # what is refused


def test_the_file_and_the_line_are_those_of_the_row(tmp_path: Any) -> None:
    first, second, table = tmp_path / "1.txt", tmp_path / "2.txt", tmp_path / "3.csv"
    first.write_text("#a x\n#b y\n", encoding="utf-8")
    second.write_text("#a x\nno label\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"2\.txt, line 2: no word begins with '#'"):
        split_labels(FileCorpus([str(first), str(second)]), "#")
    table.write_text('text\n"#a x\nand y"\nno label\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"3\.csv, line 4: no word begins with '#'"):
        split_labels(FileCorpus([str(table)], "text"), "#")


@backends
@pytest.mark.parametrize("space", ["\u3000", "\u00a0", "\x1f"])
def test_what_fasttext_does_not_cut_at_is_no_break_in_training_either(space: str, backend: Any) -> None:
    # Each text is one word to fastText. Cut in training, both would be unknown afterwards, and get one label.
    texts = [f"{space}".join(words) for words in (["电影", "好看"], ["电影", "难看"])]
    given = [f"__label__{label} {text}" for label, text in zip(["good", "bad"], texts, strict=True)] * 20
    found = fit(given, config(alpha=1.0, backend=backend), Run())
    assert isinstance(found, Pipeline)
    assert found.predict(texts) == ["good", "bad"]
    assert set(texts) <= set(found.embedder.words)  # type: ignore[attr-defined]  # it has words
    assert found.embedder.tokenize(texts[0]) == [texts[0]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["a b", "a\0b", "a\u3000b", "a\u2003b", "a\x1cb", "a\x85b", "a\tb\vc"])
def test_texts_that_both_rules_cut_alike_are_known(text: str) -> None:
    alike = fasttext_words(text) == text.split()
    assert is_cut_alike(["a b", text]) == alike
    assert is_cut_alike([*["a b"] * 700, text, "é"]) == alike


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "a"], "1 different labels"),
        (["a"], "2 texts and labels for 1"),
        ([["a"], []], "text 1 has no label"),
        (["a", ""], "text 1 has no label"),
    ],
)
def test_labels_that_cannot_be_learned(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        train_supervised(["x y", "z"], labels, config(), Run())


@backends
def test_words_that_are_all_rare(backend: Any) -> None:
    pytest.importorskip("fasttext")
    with pytest.raises(DataError, match="no word occurs 2 times, the most frequent 1 times; lower min_count"):
        train_supervised(["x", "y"], ["a", "b"], config(min_count=2, backend=backend), Run())
