"""Pooling, search, opening and prediction beside their peers."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import BIN, GLOVE, HERE, REVIEWS, Section, fresh, median
from static_training import read

__all__ = ["fasttext_models", "looking_up"]


def looking_up(runs: int) -> Section:
    """Mean vectors, neighbours, and opening three million words."""
    rows = []
    pooled = alternately("pool", ("lexarium", "gensim", "model2vec"), min(runs, 3), REVIEWS, GLOVE)
    for who, name in (("gensim", "gensim, a loop"), ("model2vec", "model2vec")):
        rows.append(row("mean vectors of 10,000 reviews, 50 dimensions", pooled, name, who, "seconds", "s"))
    found = alternately("search", ("lexarium", "gensim"), runs, GLOVE)
    rows.append(row("10 neighbours of 50 of 400,000 words, exact", found, "gensim", "gensim", "seconds", "s"))
    index = read(fresh([sys.executable, HERE / "looking_up.py", "index", "lexarium", GLOVE]))
    for name in ("frequent", "any"):
        ours, theirs = index[f"{name}_seconds"], median(found["gensim"], "seconds")
        what = "of the 20,000 most frequent" if name == "frequent" else "of any 50 words"
        recall = f"{index[f'{name}_recall']:.3f}"
        work = f"the same {what}, by the index, recall {recall}"
        rows.append(
            [
                work,
                f"{ours * 1000:.2f} ms",
                "gensim, exact",
                f"{theirs * 1000:.0f} ms",
                f"{theirs / ours:.1f}",
            ]
        )
    with tempfile.TemporaryDirectory() as folder:
        fresh([sys.executable, HERE / "looking_up.py", "make-large", folder])
        large = alternately("open", ("lexarium", "gensim"), runs, folder)
    rows.append(row("open 3,000,000 x 300, first vector", large, "gensim", "gensim", "milliseconds", "ms"))
    rows.append(row("the same, memory added", large, "gensim", "gensim", "megabytes", "MB"))
    return Section(
        "Looking words up",
        "GloVe 6B of 50 dimensions, and 3,000,000 made words of 300; medians of fresh processes in turn, "
        f"2 threads; the index took {index['build']:.0f} s to build and was asked for 20 times 50 words, "
        "each once. Tokens are runs of word characters or single marks, lower-cased, for all.",
        ["work", "Lexarium", "peer", "peer's", "times as fast (less)"],
        rows,
    )


def fasttext_models(runs: int) -> Section:
    """Open fastText models, vectors of unknown words, predictions."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"LEXARIUM_HOME": folder}

        def lexarium(*arguments: Any) -> None:
            fresh([BIN / "lexarium", *arguments], environment)

        train = Path(folder, "train.txt")
        fresh([sys.executable, HERE / "fasttext_training.py", "file", REVIEWS, train])
        common = ["--threads", 2, "--set", "epochs=1"]
        lexarium("fit", "fasttext", "--corpus", REVIEWS, "--column", "text", "--name", "words", *common)
        cut = ["--set", "tokenizer=whitespace", "--set", "lowercase=false"]  # as fastText cuts
        labelled = ["--set", "model=supervised", *cut, "--name", "labels"]
        lexarium("fit", "fasttext", "--corpus", train, *labelled, *common)
        for name in ("words", "labels"):
            lexarium("export", name, "--format", "fasttext", "--out", Path(folder, f"{name}.bin"))
        lexarium("import", "fasttext", Path(folder, "words.bin"), "--name", "whole")
        file = Path(folder, "words.bin")
        stored = {"lexarium": "whole", "fasttext": file, "gensim": file}
        whole = of_each("parts", stored, min(runs, 3), environment)
        size = Path(folder, "words.bin").stat().st_size / 1e6
        for who, name in (("fasttext", "fastText"), ("gensim", "gensim")):
            rows.append(row(f"open {size:.0f} MB, first vector", whole, name, who, "open", "s"))
            rows.append(row("vectors of unknown words, a second", whole, name, who, "words_per_second", ""))
        stored = {"lexarium": "labels", "fasttext": Path(folder, "labels.bin")}
        found = of_each("predict", stored, min(runs, 3), environment, REVIEWS)
        rows.append(row("reviews classified a second", found, "fastText", "fasttext", "texts_per_second", ""))
        rows.append(row("the same, a review a call", found, "fastText", "fasttext", "alone_per_second", ""))
    return Section(
        "fastText models",
        "A model of the reviews with 2,000,000 buckets: stored here, and as fastText's .bin for the "
        "others; 100,000 words "
        "that it does not know; a classifier (unigrams, 100 dimensions, words cut as fastText cuts them) on "
        "30,000 reviews in one call, and "
        "on 5,000 in a call each. "
        "2 threads, "
        "medians of fresh processes.",
        ["work", "Lexarium", "peer", "peer's", "times as fast"],
        rows,
    )


def of_each(
    what: str, stored: dict[str, Any], runs: int, environment: dict[str, str], *arguments: Any
) -> dict[str, list[dict[str, Any]]]:
    """Measure each with the model that it has, in turn, ``runs`` times."""
    found: dict[str, list[dict[str, Any]]] = {who: [] for who in stored}
    for _ in range(runs):
        for who, where in stored.items():
            command = [sys.executable, HERE / "looking_up.py", what, who, where, *arguments]
            found[who].append(read(fresh(command, environment)))
    return found


def alternately(
    what: str, who: tuple[str, ...], runs: int, *arguments: Any
) -> dict[str, list[dict[str, Any]]]:
    """Measure each in turn, ``runs`` times."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in who}
    for _ in range(runs):
        for name, results in found.items():
            results.append(read(fresh([sys.executable, HERE / "looking_up.py", what, name, *arguments])))
    return found


def row(
    work: str, found: dict[str, list[dict[str, Any]]], name: str, who: str, key: str, unit: str
) -> list[str]:
    """Return a line of the table: ours beside one peer."""
    ours, theirs = median(found["lexarium"], key), median(found[who], key)
    ratio = theirs / ours if unit else ours / theirs

    def shown(value: float) -> str:
        number = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        return f"{number} {unit}".rstrip()

    return [work, shown(ours), name, shown(theirs), f"{ratio:.1f}"]
