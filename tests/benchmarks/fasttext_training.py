"""Train once, print speed and quality as JSON: here, by fastText, or by gensim; a fresh process each.

    fasttext_training.py words      lexarium|fasttext|gensim  TEXTS.csv SEED EPOCHS ROWS
    fasttext_training.py file       TEXTS.csv TRAIN.txt
    fasttext_training.py classifier lexarium|fasttext         TRAIN.csv SEED TEXT LABEL [TEST.csv]

``seconds`` is the training from text to model, ``cpu`` what all threads took of it. Words are scored on
WordSim-353, SimLex-999 (Spearman) and the Google analogies, classifiers by their accuracy on rows set aside.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import numpy as np

from lexarium.roles import Run
from lexarium.tables import read_labelled, read_texts
from lexarium_fasttext.config import FastTextConfig

THREADS = 2
TEST_SHARE = 0.2
WORD = re.compile(r"\w+|[^\w\s]")


def main() -> None:
    """Measure one of them."""
    if sys.argv[1] == "file":
        labelled_file(*sys.argv[2:])
        return
    what, who, path, seed, *rest = sys.argv[1:]
    result = (
        words(who, path, int(seed), int(rest[0]), int(rest[1]))
        if what == "words"
        else classifier(who, path, int(seed), rest)
    )
    print(json.dumps({"who": who, "seed": int(seed), **result}))


class Stopwatch:
    """Wall and processor time of what runs inside it."""

    def __enter__(self) -> Self:
        self._begin, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.times = {
            "seconds": time.perf_counter() - self._begin,
            "cpu": time.process_time() - self._cpu,
        }


def words(who: str, path: str, seed: int, epochs: int, rows: int) -> dict[str, Any]:
    """Train skip-gram with parts of words, everybody with fastText's settings; score the vectors."""
    from gensim.models import KeyedVectors

    lines = [" ".join(WORD.findall(text.lower())) for text in read_texts(path, "text").texts[:rows]]
    with Stopwatch() as watch:
        names, vectors = WORDS[who](lines, seed, epochs)
    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(names, vectors)
    return {**watch.times, "tokens": sum(len(line.split()) for line in lines), **quality(keyed)}


def quality(keyed: Any) -> dict[str, float]:
    """Score word vectors on the three sets that gensim brings along."""
    from gensim.test.utils import datapath

    return {
        "wordsim": float(keyed.evaluate_word_pairs(datapath("wordsim353.tsv"))[1][0]),
        "simlex": float(keyed.evaluate_word_pairs(datapath("simlex999.txt"))[1][0]),
        "analogies": float(keyed.evaluate_word_analogies(datapath("questions-words.txt"))[0]),
    }


def words_here(lines: list[str], seed: int, epochs: int) -> tuple[list[str], Any]:
    """Train with Lexarium."""
    from lexarium_fasttext.train import fit

    config = FastTextConfig(epochs=epochs, tokenizer="whitespace", lowercase=False)
    model: Any = fit(lines, config, Run(threads=THREADS, seed=seed))
    return list(model.words), np.asarray(model.words.vectors)


def words_fasttext(lines: list[str], seed: int, epochs: int) -> tuple[list[str], Any]:
    """Train with fastText's own program."""
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        model = fasttext.train_unsupervised(written(folder, lines), epoch=epochs, thread=THREADS, verbose=0)
    names = list(model.get_words())
    return names, np.array([model.get_word_vector(name) for name in names], np.float32)


def words_gensim(lines: list[str], seed: int, epochs: int) -> tuple[list[str], Any]:
    """Train with gensim and fastText's settings."""
    from gensim.models import FastText

    sentences = [line.split() for line in lines]
    model = FastText(
        sentences, vector_size=100, sg=1, workers=THREADS, epochs=epochs, min_count=5, sample=1e-4,
        alpha=0.05, ns_exponent=0.5, seed=seed,
    )  # fmt: skip
    return model.wv.index_to_key, model.wv.vectors


WORDS = {"lexarium": words_here, "fasttext": words_fasttext, "gensim": words_gensim}


def classifier(who: str, path: str, seed: int, rest: list[str]) -> dict[str, Any]:
    """Train with fastText's defaults, on a file or four fifths of it; score the others."""
    data = read_labelled(path, text=rest[0], label=rest[1])
    rows = [(" ".join(WORD.findall(t.lower())), n) for t, n in zip(data.texts, data.labels, strict=True)]
    random.Random(0).shuffle(rows)  # the same for everybody
    if len(rest) > 2:
        other = read_labelled(rest[2], text=rest[0], label=rest[1])
        test = [
            (" ".join(WORD.findall(t.lower())), n) for t, n in zip(other.texts, other.labels, strict=True)
        ]
    else:
        count = round(len(rows) * TEST_SHARE)
        test, rows = rows[:count], rows[count:]
    texts, labels = [text for text, _ in rows], [label.replace(" ", "_") for _, label in rows]
    truth = [label.replace(" ", "_") for _, label in test]
    learn = classifier_here if who == "lexarium" else classifier_fasttext
    with Stopwatch() as watch:
        predict = learn(texts, labels, seed)
    predicted = predict([text for text, _ in test])
    return {
        **watch.times,
        "accuracy": float(np.mean([a == b for a, b in zip(predicted, truth, strict=True)])),
    }


def classifier_here(texts: list[str], labels: list[str], seed: int) -> Any:
    """Train with Lexarium; return a function from texts to labels."""
    from lexarium_fasttext.assembly import assemble
    from lexarium_fasttext.supervised import train_supervised

    config = FastTextConfig(model="supervised", tokenizer="whitespace", lowercase=False).filled()
    model: Any = assemble(
        train_supervised(texts, labels, config, Run(threads=THREADS, seed=seed)), config, THREADS
    )
    return model.predict


def classifier_fasttext(texts: list[str], labels: list[str], seed: int) -> Any:
    """Train with fastText's own program; return a function from texts to labels."""
    import fasttext

    lines = [f"__label__{label} {text}" for label, text in zip(labels, texts, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        model = fasttext.train_supervised(written(folder, lines), thread=THREADS, verbose=0)
    return lambda given: [found[0].removeprefix("__label__") for found in model.predict(given)[0]]


def labelled_file(source: str, target: str) -> None:
    """Write the labelled reviews as fastText's training file."""
    data = read_labelled(source, text="text", label="label")
    rows = zip(data.labels, data.texts, strict=True)
    lines = [f"__label__{label} {' '.join(WORD.findall(text.lower()))}\n" for label, text in rows]
    Path(target).write_text("".join(lines), encoding="utf-8")


def written(folder: str, lines: list[str]) -> str:
    """Write a file for a program that reads no other way."""
    path = Path(folder, "corpus.txt")
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


if __name__ == "__main__":
    main()
