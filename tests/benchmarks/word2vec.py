"""Train Word2Vec on all reviews, print speed and quality: ours, or a peer's; one fresh process each.

All read the same column, cut it into the same words (runs of two word characters or more, lower-cased,
five occurrences) and train with the same settings. ``words_per_second`` counts the words of all epochs,
with those that subsampling leaves out, in training alone; ``file_to_model`` is from the file to the stored
model. ``cpu_seconds`` is the processor time of all threads in training, which other work on the machine
hardly changes. ``pword2vec`` is https://github.com/IntelLabs/pWord2Vec, the program that the variable
``PWORD2VEC`` names; its seconds of training are from the words a second that it prints at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

WORD = r"\w\w+"
MIN_COUNT = 5


def main() -> None:
    """Measure one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("who", choices=["lexarium", "gensim", "pword2vec"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--vector-size", type=int, default=100)
    parser.add_argument("--sg", type=int, choices=[0, 1], default=1)
    parser.add_argument("--hs", type=int, choices=[0, 1], default=0)
    parser.add_argument("--negative", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quality", action="store_true", help="score similarity and analogies as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        done = {"lexarium": lexarium, "gensim": gensim, "pword2vec": pword2vec}[given.who](
            given, Path(folder)
        )
    figures = {
        "words": done.words,
        "seconds": done.seconds,
        "cpu_seconds": done.cpu_seconds,
        "words_per_second": done.words * given.epochs / done.seconds,
        "words_per_cpu_second": done.words * given.epochs / done.cpu_seconds,
        "file_to_model": done.whole,
    }
    print(json.dumps(figures | (quality(done.vocabulary, done.vectors) if given.quality else {})))


@dataclass(frozen=True)
class Done:
    """What training gave and what it took, in seconds."""

    words: int
    seconds: float
    cpu_seconds: float
    whole: float
    vocabulary: list[str]
    vectors: np.ndarray


def lexarium(given: argparse.Namespace, folder: Path) -> Done:
    """Train with ours."""
    from lexarium.config import from_mapping
    from lexarium.roles import Run
    from lexarium.tables import read_labelled
    from lexarium.words import WordVectors
    from lexarium.zoo import Zoo
    from lexarium_static.encoding import encode
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.embedder import Word2Vec
    from lexarium_word2vec.train import trainer
    from lexarium_word2vec.weights import Weights

    names = ("vector_size", "sg", "hs", "negative", "epochs")
    asked = {name: getattr(given, name) for name in names}
    config = from_mapping(Word2VecConfig, asked | {"tokenizer": "unicode", "min_count": MIN_COUNT})
    run = Run(threads=given.threads, seed=given.seed)
    zoo, train = Zoo(folder), trainer("kernels")
    begin = time.perf_counter()
    texts = read_labelled(given.path, text="text", label="label").texts
    encoded = encode(
        texts, tokenizer="unicode", token_pattern=None, lowercase=True, min_count=MIN_COUNT, run=run
    )
    weights = Weights.new(encoded.counts, config, given.seed)
    seconds, cpu_seconds = timed(lambda: train(encoded, weights, config, run, print_nothing))
    words = WordVectors(encoded.vocabulary, weights.vectors)
    zoo.save(Word2Vec(config, words, tensors=weights.kept()), name="reviews")
    whole = time.perf_counter() - begin
    return Done(len(encoded.ids), seconds, cpu_seconds, whole, list(words), weights.vectors)


def gensim(given: argparse.Namespace, folder: Path) -> Done:
    """Train with the peer."""
    from gensim.models import Word2Vec

    from lexarium.tables import read_labelled

    token = re.compile(WORD)
    begin = time.perf_counter()
    texts = read_labelled(given.path, text="text", label="label").texts
    sentences = [token.findall(text.lower()) for text in texts]
    names = ("vector_size", "sg", "hs", "negative", "seed")
    settings = {name: getattr(given, name) for name in names}
    model = Word2Vec(**settings, min_count=MIN_COUNT, workers=given.threads)
    model.build_vocab(sentences)
    seconds, cpu_seconds = timed(
        lambda: model.train(sentences, total_examples=model.corpus_count, epochs=given.epochs)
    )
    model.save(str(folder / "model"))
    whole = time.perf_counter() - begin
    words = sum(int(model.wv.get_vecattr(word, "count")) for word in model.wv.index_to_key)
    return Done(words, seconds, cpu_seconds, whole, model.wv.index_to_key, model.wv.vectors)


def pword2vec(given: argparse.Namespace, folder: Path) -> Done:
    """Train skip-gram with negative sampling with Intel's program."""
    import numpy as np

    from lexarium.tables import read_labelled

    if not given.sg or given.hs:
        raise SystemExit("pWord2Vec trains skip-gram with negative sampling alone")
    token = re.compile(WORD)
    begin = time.perf_counter()
    texts = read_labelled(given.path, text="text", label="label").texts
    with (folder / "text").open("w", encoding="utf-8") as file:
        for text in texts:
            print(*token.findall(text.lower()), file=file)
    settings = {
        "train": folder / "text",
        "output": folder / "out",
        "save-vocab": folder / "counts",
        "size": given.vector_size,
        "window": 5,
        "negative": given.negative,
        "sample": 1e-3,
        "alpha": 0.025,
        "iter": given.epochs,
        "min-count": MIN_COUNT,
        "batch-size": 11,  # the words of a window, with the middle one
        "threads": given.threads,
        "binary": 0,
        "debug": 2,
    }
    options = [part for name, value in settings.items() for part in (f"-{name}", str(value))]
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    before = os.times()
    done = subprocess.run(
        [os.environ["PWORD2VEC"], *options], env=alone, check=True, capture_output=True, text=True
    )
    whole, after = time.perf_counter() - begin, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    counts = [line.split(" ") for line in (folder / "counts").read_text("utf-8").splitlines()]
    read = sum(int(count) for _, count in counts)  # with </s>, the end of each line
    rate = 1000 * float(re.findall(r"Words/sec: ([\d.]+)k", done.stdout)[-1])
    names = [word for word, _ in counts][1:]
    columns = range(1, given.vector_size + 1)
    vectors = np.loadtxt(
        folder / "out", np.float32, comments=None, skiprows=2, usecols=columns, encoding="utf-8"
    )
    words = sum(int(count) for _, count in counts[1:])
    return Done(words, read * given.epochs / rate, cpu, whole, names, vectors)


def print_nothing(words: int) -> None:
    """Report progress to nobody."""


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the seconds that some work takes by the clock, and of the processors."""
    begin, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - begin, time.process_time() - cpu


def quality(vocabulary: list[str], vectors: np.ndarray) -> dict[str, float]:
    """Score WordSim-353 and SimLex-999 (Spearman) and Google's analogies (accuracy), by gensim for both."""
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    words = KeyedVectors(vectors.shape[1])
    words.add_vectors(vocabulary, vectors)
    pairs = {"wordsim353": "wordsim353.tsv", "simlex999": "simlex999.txt"}
    found = {name: float(words.evaluate_word_pairs(datapath(file))[1][0]) for name, file in pairs.items()}
    accuracy, _ = words.evaluate_word_analogies(datapath("questions-words.txt"))
    return found | {"analogies": float(accuracy)}


if __name__ == "__main__":
    main()
