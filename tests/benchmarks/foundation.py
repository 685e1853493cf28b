"""Start-up, opening a stored model, a whole classification, and counting terms."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from measuring import BIN, GLOVE, HERE, REVIEWS, SITE, Section, fresh, in_turn, median

__all__ = ["accuracy", "counting", "opening", "start_up"]

ENOUGH = 100


def start_up(runs: int) -> Section:
    """Whole processes: listing commands against importing click alone, among over 100 distributions."""
    with tempfile.TemporaryDirectory() as folder:
        return _start_up(Path(folder), runs)


def _start_up(folder: Path, runs: int) -> Section:
    crowd = folder / "crowd"
    installed = list(distributions())
    others = [path for path in sorted(SITE.glob("*.dist-info")) if not path.name.startswith("lexarium")]
    for number in range(max(0, ENOUGH + 10 - len(installed))):
        shutil.copytree(others[number % len(others)], crowd / f"copy{number}-1.0.dist-info")
    environment = os.environ | {"PYTHONPATH": str(crowd)}
    commands: dict[str, list[Any]] = {
        "python -c 'import click'": [sys.executable, "-c", "import click"],
        "lexarium --help": [BIN / "lexarium", "--help"],
        "lexarium methods": [BIN / "lexarium", "methods"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs + 1):
        for name, command in commands.items():
            begin = time.perf_counter()
            fresh(command, environment)
            times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    base = medians["python -c 'import click'"]
    count = len(installed) + len(list(crowd.glob("*")))
    rows = [[f"`{name}`", f"{value * 1000:.0f} ms", f"{value / base:.2f}"] for name, value in medians.items()]
    return Section(
        "Start-up",
        f"Whole processes, median of {runs} alternating runs, {count} distributions on the path, all plugins "
        "installed.",
        ["command", "median", "ratio to importing click"],
        rows,
    )


def opening(runs: int) -> Section:
    """Open 400,000 stored vectors and get the first one; imports done before the clock starts."""
    with tempfile.TemporaryDirectory() as folder:
        return _opening(Path(folder), runs)


def _opening(folder: Path, runs: int) -> Section:
    home = folder / "home"
    fresh(
        [BIN / "lexarium", "import", "glove", GLOVE, "--name", "glove"],
        os.environ | {"LEXARIUM_HOME": str(home)},
    )
    fresh([sys.executable, HERE / "open_vectors.py", "prepare", GLOVE, folder / "vectors.kv"], os.environ)
    found: dict[str, list[dict[str, float]]] = {"lexarium": [], "gensim": []}
    for _ in range(runs + 1):
        for who, where in (("lexarium", home), ("gensim", folder / "vectors.kv")):
            found[who].append(
                json.loads(fresh([sys.executable, HERE / "open_vectors.py", who, where], os.environ))
            )
    rows = [
        [
            {"lexarium": "`lexarium.load(name)`", "gensim": "`KeyedVectors.load(mmap='r')`"}[who],
            f"{statistics.median(r['milliseconds'] for r in results[1:]):.2f} ms",
            f"{statistics.median(r['megabytes'] for r in results[1:]):.1f} MB",
        ]
        for who, results in found.items()
    ]
    ours, theirs = (statistics.median(r["milliseconds"] for r in results[1:]) for results in found.values())
    return Section(
        "Opening 400,000 words",
        f"GloVe 6B, 50 dimensions, stored; from the call to the first vector, and the resident memory it "
        f"adds; median of {runs} fresh processes each, in turn. Lexarium takes "
        f"{ours / theirs:.4f} of gensim's time.",
        ["who", "time", "memory added"],
        rows,
    )


def accuracy(_runs: int) -> Section:
    """TF-IDF and logistic regression on all reviews, the same options, beside scikit-learn; one run each."""
    results = {
        who: json.loads(fresh([sys.executable, HERE / "reviews.py", who, REVIEWS], os.environ))
        for who in ("scikit-learn", "lexarium", "lexarium, C by cross-validation")
    }
    rows = [
        [who, f"{r['accuracy']:.4f}", f"{r['macro_f1']:.4f}", f"{r['seconds']:.1f} s"]
        for who, r in results.items()
    ]
    first = next(iter(results.values()))
    return Section(
        "TF-IDF and a classifier on all reviews",
        f"{first['train']:,} reviews to train, {first['test']:,} to test, the same split; unigrams, "
        "scikit-learn's defaults, C=1 unless said otherwise; one run each, fresh processes.",
        ["who", "accuracy", "macro-F1", "fit and score"],
        rows,
    )


def counting(runs: int) -> Section:
    """Count terms of all reviews, beside scikit-learn."""
    rows = []
    for longest in (1, 2):
        found = in_turn("counting.py", ("lexarium", "scikit-learn"), min(runs, 3), REVIEWS, longest)
        for work in ("fit_transform", "transform"):
            ours, theirs = (median(results, work) for results in found.values())
            name = f"{work}, 1-{longest}-grams" if longest > 1 else f"{work}, unigrams"
            rows.append([name, f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f}"])
    return Section(
        "Counting terms of all reviews",
        "33,530 reviews, scikit-learn's defaults, equal results; Lexarium on 2 threads; medians of "
        f"{min(runs, 3)} fresh processes each, in turn; imports done before the clock starts.",
        ["work", "Lexarium", "scikit-learn", "times as fast"],
        rows,
    )
