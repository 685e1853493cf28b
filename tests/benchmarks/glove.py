"""Train GloVe on all reviews and print what it took and how good it is: ours, or a peer's.

    python glove.py pairs REVIEWS FOLDER                                once: words, and what peers read
    python glove.py tiles|global|c|stanford FOLDER [SEED] [ITERATIONS]  each in a fresh process

The peer ``c`` is ``glove_peer.c``, a plain C implementation of the published algorithm, compiled here with
``-O3 -march=native``. It trains on the pairs that ours counts, read from a file as Stanford's program does;
how long it takes to count and shuffle them is not measured. ``stanford`` are the programs of
https://github.com/stanfordnlp/GloVe, in the folder that the variable ``STANFORD_GLOVE`` names; they read the
same words as text. Their training is timed from its first line to that of its last iteration, without the
files that it reads before and writes afterwards.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

THREADS, DIM, WINDOW, X_MAX, MIN_COUNT = 2, 100, 15, 10.0, 5
HERE = Path(__file__).parent


def main() -> None:
    """Measure one of them."""
    who, *rest = sys.argv[1:]
    if who == "pairs":
        _pairs(rest[0], Path(rest[1]))
        return
    folder = Path(rest[0])
    seed = int(rest[1]) if len(rest) > 1 else 1
    iterations = int(rest[2]) if len(rest) > 2 else 5
    peer = {"c": _peer, "stanford": _stanford}.get(who)
    measured = peer(folder, seed, iterations) if peer else _ours(folder, seed, iterations, who)
    vectors = measured.pop("vectors")
    print(json.dumps(measured | _quality((folder / "words.txt").read_text("utf-8").split("\n"), vectors)))


def _pairs(reviews: str, folder: Path) -> None:
    from lexarium.backend import kernel
    from lexarium.roles import Run
    from lexarium.tables import read_labelled
    from lexarium_static.encoding import encode

    texts = read_labelled(reviews, text="text", label="label").texts
    how: dict[str, Any] = {"tokenizer": "unicode", "token_pattern": None, "lowercase": True}
    encoded = encode(texts, **how, min_count=MIN_COUNT, run=Run(threads=THREADS))
    np.savez(folder / "encoded.npz", ids=encoded.ids, offsets=encoded.offsets)
    words = list(encoded.vocabulary)
    (folder / "words.txt").write_text("\n".join(words), "utf-8")
    counts = zip(words, encoded.counts.tolist(), strict=True)
    (folder / "counts.txt").write_text("".join(f"{word} {count}\n" for word, count in counts), "utf-8")
    with (folder / "text.txt").open("w", encoding="utf-8") as file:
        for begin, end in itertools.pairwise(encoded.offsets.tolist()):
            print(*(words[i] for i in encoded.ids[begin:end].tolist() if i >= 0), file=file)
    pairs = kernel("_glove", "kernels").cooccurrence(
        encoded.ids, encoded.offsets, len(encoded.vocabulary), WINDOW, True, True, THREADS
    )
    indptr, columns, values = pairs
    records = np.empty(len(values), [("row", np.int32), ("column", np.int32), ("x", np.float64)])
    records["row"] = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    records["column"], records["x"] = columns, values
    np.random.default_rng(0).shuffle(records)
    records.tofile(folder / "records")


def _ours(folder: Path, seed: int, iterations: int, shuffle: str) -> dict[str, Any]:
    from lexarium.backend import kernel
    from lexarium_glove.model import Parameters

    module = kernel("_glove", "kernels")
    corpus = np.load(folder / "encoded.npz")
    words = (folder / "words.txt").read_text("utf-8").count("\n") + 1
    tile = module.tile(words, DIM) if shuffle == "tiles" else 0
    ids, offsets = corpus["ids"], corpus["offsets"]
    begin, used = time.perf_counter(), time.process_time()
    how = (WINDOW, True, True, X_MAX, 0.75, tile, seed, 4 << 30, str(folder), THREADS)
    entries = module.Entries(ids, offsets, words, *how)
    counted, counted_used = time.perf_counter(), time.process_time()
    parameters = Parameters.random(words, DIM, seed)
    table = module.Parameters(*parameters.arrays())
    started, started_used = time.perf_counter(), time.process_time()
    losses = [table.train(entries, 0.05, 100.0, number, THREADS, seed) for number in range(iterations)]
    end, end_used = time.perf_counter(), time.process_time()
    table.read(*parameters.arrays())
    return {
        "pairs": len(entries),
        "cooccurrence": counted - begin,
        "cooccurrence_cpu": counted_used - used,
        "training": end - started,
        "training_cpu": end_used - started_used,
        "loss": losses[-1],
        "vectors": parameters.words[:, :-1] + parameters.contexts[:, :-1],
    }


def _peer(folder: Path, seed: int, iterations: int) -> dict[str, Any]:
    compiler, program, out = shutil.which("cc") or "cc", folder / "glove_peer", folder / f"peer-{seed}"
    source = str(HERE / "glove_peer.c")
    build = [compiler, "-O3", "-march=native", "-pthread", source, "-o", str(program), "-lm"]
    subprocess.run(build, check=True)
    words = (folder / "words.txt").read_text("utf-8").count("\n") + 1
    given = [folder / "records", words, DIM, iterations, THREADS, X_MAX, seed, out]
    before = os.times()
    done = subprocess.run([program, *map(str, given)], check=True, capture_output=True, text=True)
    after = os.times()
    seconds, loss = map(float, done.stdout.split())
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    vectors = np.fromfile(out, np.float32).reshape(words, DIM)
    return {"training": seconds, "training_cpu": cpu, "loss": loss, "vectors": vectors}


def _stanford(folder: Path, seed: int, iterations: int) -> dict[str, Any]:
    programs = Path(os.environ["STANFORD_GLOVE"])
    parts = {name: folder / f"{name}-{seed}" for name in ("pairs", "shuffled", "overflow", "out")}
    common: list[object] = ["-memory", 4, "-verbose", 0]
    count = [programs / "cooccur", *common, "-vocab-file", folder / "counts.txt", "-window-size", WINDOW]
    count += ["-symmetric", 1, "-distance-weighting", 1, "-overflow-file", parts["overflow"]]
    shuffle = [programs / "shuffle", *common, "-seed", seed, "-temp-file", parts["overflow"]]
    train = [programs / "glove", "-input-file", parts["shuffled"], "-vocab-file", folder / "counts.txt"]
    train += ["-save-file", parts["out"], "-vector-size", DIM, "-threads", THREADS, "-iter", iterations]
    train += ["-x-max", X_MAX, "-eta", 0.05, "-alpha", 0.75, "-grad-clip", 100, "-binary", 0, "-model", 2]
    train += ["-seed", seed, "-verbose", 2]
    begin = time.perf_counter()
    for command, given, made in (
        (count, folder / "text.txt", parts["pairs"]),
        (shuffle, parts["pairs"], parts["shuffled"]),
    ):
        with given.open("rb") as source, made.open("wb") as sink:
            subprocess.run([str(part) for part in command], stdin=source, stdout=sink, check=True)
    counted = time.perf_counter() - begin
    parts["pairs"].unlink()
    started = end = loss = 0.0
    with subprocess.Popen([str(part) for part in train], stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            if line.startswith("alpha:"):
                started = time.perf_counter()
            elif "cost:" in line:
                end, loss = time.perf_counter(), float(line.rsplit(maxsplit=1)[1])
    if process.returncode or not 0 < started < end:
        raise SystemExit(f"{train[0]} ended with {process.returncode}, or said nothing of its iterations")
    words = (folder / "words.txt").read_text("utf-8").count("\n") + 1
    columns = range(1, DIM + 1)
    vectors = np.loadtxt(
        f"{parts['out']}.txt", np.float32, comments=None, usecols=columns, max_rows=words, encoding="utf-8"
    )
    return {
        "pairs": parts["shuffled"].stat().st_size // 16,
        "cooccurrence": counted,
        "training": end - started,
        "loss": loss,
        "vectors": vectors,
    }


def _quality(words: list[str], vectors: np.ndarray) -> dict[str, float]:
    """Spearman on WordSim-353 and SimLex-999 and accuracy on Google's analogies, by gensim."""
    from gensim.models import KeyedVectors
    from gensim.test.utils import datapath

    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        similarity = {
            name: float(keyed.evaluate_word_pairs(datapath(file))[1][0])
            for name, file in (("wordsim", "wordsim353.tsv"), ("simlex", "simlex999.txt"))
        }
        analogies = keyed.evaluate_word_analogies(datapath("questions-words.txt"))[0]
    return similarity | {"analogies": float(analogies)}


if __name__ == "__main__":
    main()
