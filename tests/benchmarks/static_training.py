"""Word2Vec, GloVe and fastText: speed and quality beside their peers."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from measuring import HERE, REVIEWS, Section, fresh, in_turn, median

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["fasttext", "glove", "growth", "word2vec"]

SEEDS = (1, 2, 3)
EPOCHS, FASTTEXT_ROWS = 5, 6_000
NAMES = {
    "lexarium": "Lexarium",
    "gensim": "gensim",
    "fasttext": "fastText",
    "pword2vec": "pWord2Vec",
    "tiles": "Lexarium",
    "c": "plain C",
    "stanford": "Stanford's GloVe",
}
PWORD2VEC = "pWord2Vec is the program of https://github.com/IntelLabs/pWord2Vec, which takes no seed."
GLOVE_PEERS = {
    "stanford": "The peer is https://github.com/stanfordnlp/GloVe, built by its Makefile: `glove` for "
    "training, without the files it reads before and writes afterwards; `cooccur` and `shuffle` for pairs, "
    "on text.",
    "c": "The peer is `tests/benchmarks/glove_peer.c`, the published algorithm in plain C, "
    "`-O3 -march=native`; it reads the same pairs, shuffled beforehand.",
}
SCORES = "WordSim-353 / SimLex-999 / analogies"
BESIDE = "times as fast (Lexarium beside this)"


def word2vec(runs: int) -> Section:
    """Skip-gram and CBOW beside gensim, and skip-gram beside Intel's program where it is at hand."""
    rows = []
    intel: dict[str, list[dict[str, Any]]] = {"pword2vec": []} if "PWORD2VEC" in os.environ else {}
    for name, options, epochs, count, more_peers in (
        ("skip-gram, 100 dimensions", [], EPOCHS, len(SEEDS), intel),
        ("skip-gram, 300 dimensions", ["--vector-size", 300], 2, 1, {}),
        ("CBOW, 100 dimensions", ["--sg", 0], EPOCHS, min(runs, len(SEEDS)), {}),
    ):
        found: dict[str, list[dict[str, Any]]] = {"lexarium": [], "gensim": []} | more_peers
        for seed in SEEDS[:count]:
            given = [
                REVIEWS,
                "--epochs",
                epochs,
                "--seed",
                seed,
                *options,
                *(["--quality"] if count > 1 else []),
            ]
            for who, more in in_turn("word2vec.py", tuple(found), 1, *given).items():
                found[who] += more
        names = ("wordsim353", "simlex999", "analogies")
        for who, results in found.items():
            speed, whole = median(results, "words_per_second"), median(results, "file_to_model")
            ratios = [
                f"{median(found['lexarium'], 'words_per_second') / speed:.1f}",
                f"{whole / median(found['lexarium'], 'file_to_model'):.1f}",
            ]
            shown = ["", ""] if who == "lexarium" else ratios
            rows.append(
                [
                    name,
                    NAMES[who],
                    f"{speed / 1e6:.2f} million",
                    shown[0],
                    f"{whole:.1f} s",
                    shown[1],
                    "-" if count == 1 else spread(results, names),
                ]
            )
    words = "5,755,131 words of 33,530 reviews, vocabulary 29,689, 5 negatives, window 5, 2 threads each"
    built = f" {PWORD2VEC}" if intel else ""
    return Section(
        "Word2Vec",
        f"{words}; {EPOCHS} epochs and medians over {len(SEEDS)} seeds (300 dimensions: 2 epochs, one seed), "
        f"fresh processes in turn. Scores by gensim's evaluators: median (lowest to highest).{built}",
        ["work", "who", "words a second", BESIDE, "file to stored model", BESIDE, SCORES],
        rows,
    )


def glove(_runs: int) -> Section:
    """Co-occurrences and AdaGrad beside Stanford's programs, or else a plain C program."""
    peer = "stanford" if "STANFORD_GLOVE" in os.environ else "c"
    found: dict[str, list[dict[str, Any]]] = {"tiles": [], peer: []}
    with tempfile.TemporaryDirectory() as folder:
        fresh([sys.executable, HERE / "glove.py", "pairs", REVIEWS, folder])
        for seed in SEEDS:
            for who, more in in_turn("glove.py", tuple(found), 1, folder, seed, EPOCHS).items():
                found[who] += more
    rows = []
    for who, results in found.items():
        cells = []
        for key in ("training", "cooccurrence"):
            if key not in results[0]:
                cells += ["-", "-"]
                continue
            seconds = median(results, key)
            ratio = f"{seconds / median(found['tiles'], key):.1f}"
            cells += [f"{seconds:.1f} s", "" if who == "tiles" else ratio]
        loss = f"{median(results, 'loss'):.4f}"
        scores = spread(results, ("wordsim", "simlex", "analogies"))
        rows.append([NAMES[who], *cells, loss, scores])
    return Section(
        "GloVe",
        "5.76 million words, 22 million pairs, 100 dimensions, window 15, x_max 10, 5 iterations, 2 threads "
        f"each, medians over 3 seeds. Ours counts and shuffles pairs in memory. {GLOVE_PEERS[peer]}",
        ["who", "training", BESIDE, "pairs counted and shuffled", BESIDE, "loss", SCORES],
        rows,
    )


def fasttext(runs: int) -> Section:
    """Words by their parts beside fastText and gensim; the classifier beside fastText."""
    words: dict[str, list[dict[str, Any]]] = {"lexarium": [], "fasttext": [], "gensim": []}
    for seed in SEEDS:
        for who, results in words.items():
            command = [sys.executable, HERE / "fasttext_training.py", "words", who, REVIEWS, seed]
            results.append(read(fresh([*command, EPOCHS, FASTTEXT_ROWS])))
    rows = []
    for who, results in words.items():
        speed = statistics.median(r["tokens"] * EPOCHS / r["seconds"] for r in results)
        ours = statistics.median(r["tokens"] * EPOCHS / r["seconds"] for r in words["lexarium"])
        ratio = "" if who == "lexarium" else f"{ours / speed:.1f}"
        scores = spread(results, ("wordsim", "simlex", "analogies"))
        rows.append(
            ["skip-gram with parts", NAMES[who], f"{speed / 1e3:,.0f} thousand words a second", ratio, scores]
        )
    labels: dict[str, list[dict[str, Any]]] = {"lexarium": [], "fasttext": []}
    for seed in SEEDS[: max(1, min(runs, 3))]:
        for who, results in labels.items():
            command = [sys.executable, HERE / "fasttext_training.py", "classifier", who, REVIEWS, seed]
            results.append(read(fresh([*command, "text", "label"])))
    for who, results in labels.items():
        seconds = median(results, "seconds")
        ratio = "" if who == "lexarium" else f"{seconds / median(labels['lexarium'], 'seconds'):.1f}"
        accuracy = spread(results, ("accuracy",))
        rows.append(["classifier, softmax", NAMES[who], f"{seconds:.1f} s", ratio, f"accuracy {accuracy}"])
    return Section(
        "fastText",
        f"Words: the first {FASTTEXT_ROWS:,} reviews, {EPOCHS} epochs, 100 dimensions, parts of 3 to 6 "
        "characters, fastText's settings for all; scores of the words' vectors. Classifier: four fifths of "
        "the 33,530 reviews to train, fastText's defaults. Time from text to model, 2 threads each, medians "
        "over 3 seeds (fastText has none: three runs).",
        ["work", "who", "speed", BESIDE, f"quality ({SCORES})"],
        rows,
    )


def growth(_runs: int) -> Section:
    """How cost grows with the corpus and with the vocabulary."""
    rows = []
    for tokens, words in (
        (10**6, 30_000),
        (10**7, 30_000),
        (10**8, 30_000),
        (10**7, 10**4),
        (10**7, 10**5),
        (10**7, 10**6),
    ):
        with tempfile.TemporaryDirectory() as folder:
            script = HERE / "looking_up.py"
            fresh([sys.executable, script, "make-text", folder, tokens, words])
            found = read(fresh([sys.executable, script, "growth", "lexarium", folder]))
        speed, memory = found["words_per_second"], found["bytes_per_word"]
        rows.append([f"{tokens:,}", f"{words:,}", f"{speed / 1e6:.2f} million", f"{memory:,.0f}"])
    return Section(
        "How Word2Vec's cost grows",
        "Made text, words drawn by Zipf's law, skip-gram of 100 dimensions, 5 negatives, one epoch, "
        "2 threads, one run each, with the making of the vectors. Memory is the highest resident memory of "
        "training less that right before it, when the text is in memory as word numbers; the two arrays of "
        "the model are 800 bytes a word.",
        ["tokens", "distinct words", "words a second", "bytes a distinct word"],
        rows,
    )


def read(printed: str) -> dict[str, Any]:
    """Return the JSON object on the last line."""
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found


def spread(results: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> str:
    """Show the median of each score, and where there are several runs the lowest and highest."""
    shown = []
    for key in keys:
        values = sorted(float(result[key]) for result in results)
        middle = f"{statistics.median(values):.3f}"
        shown.append(middle if len(values) == 1 else f"{middle} ({values[0]:.3f} to {values[-1]:.3f})")
    return " / ".join(shown)
