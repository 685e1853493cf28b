"""Boards made by hand, and a stranger's plugin as a folder that an interpreter finds."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from lexarium_compare.advice import MAJORITY, advise
from lexarium_compare.board import Board, Facts, Row
from lexarium_compare.scoring import frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_STRANGER = '''
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
import numpy as np
from lexarium.hookspecs import hookimpl
from lexarium.method import Method
from lexarium.roles import Space, State, Truncation


@dataclass(frozen=True, kw_only=True)
class Config:
    tokenizer: str = "unicode"


@dataclass(frozen=True, kw_only=True)
class Words:
    tokenizer: str = "words"


@dataclass(frozen=True, kw_only=True)
class Letters:
    tokenizer: str = "characters"


EVENTS = []
LOCKS = """
import fcntl, sys, time
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
time.sleep(120)
"""


class Length:
    """One component: how often the letter g occurs."""

    space = Space(dim=1)

    def embed(self, inputs):
        if len(inputs) > 512:
            raise MemoryError("too many at once")
        return np.array([[text.count("g")] for text in inputs], np.float32).reshape(-1, 1)

    def truncation(self, inputs):
        lost = [len(text) - 7 for text in inputs if len(text) > 7]
        return Truncation(inputs=len(lost), tokens=sum(lost), limit=7)

    def state(self):
        return State(config={}, tensors={"one": np.ones(1, np.float32)})

    @classmethod
    def restore(cls, state):
        return cls()

    @classmethod
    def tiny(cls):
        EVENTS.append("tiny")
        return cls()


def works(corpus, config, run):
    return Length()


def looks(corpus, config, run):
    EVENTS.append("fit")
    wanted = ["sklearn.linear_model", "lexarium.compose", "lexarium.output"]
    late = [name for name in wanted if name not in sys.modules]
    if late:
        raise ImportError(f"{late} would be imported on the clock")
    return Length()


def forks(corpus, config, run):
    command = [sys.executable, "-c", LOCKS, os.environ["STRANGER_LOCK"]]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    child.stdout.readline()
    return Length()


def raises(corpus, config, run):
    raise ValueError("the first line\\nand the second")


def exits(corpus, config, run):
    sys.exit(3)


def vanishes(corpus, config, run):
    print("nothing to see", flush=True)
    os._exit(0)


def dies(corpus, config, run):
    print("last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


def sleeps(corpus, config, run):
    with open(os.environ.get("STRANGER_PID", os.devnull), "w") as file:
        file.write(str(os.getpid()))
    time.sleep(120)


def offered(name, cost, config="Config", trainer=None):
    return Method(name="stranger-" + name, summary=name, embedder="stranger_plugin:Length",
                  config="stranger_plugin:" + config, trainer="stranger_plugin:" + (trainer or name),
                  cost=cost)


@hookimpl
def lexarium_methods():
    costs = {"works": 1, "raises": 1, "exits": 1, "vanishes": 1, "dies": 1, "sleeps": 0}
    costs |= {"looks": 1, "forks": 1}
    spaced = [offered("words", 1, "Words", "works"), offered("letters", 1, "Letters", "works")]
    return [*(offered(name, cost) for name, cost in costs.items()), *spaced]
'''


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give an empty store, and a plugin that is installed for every interpreter started from here.

    One of its methods works; each of the others breaks in its own way.
    """
    root = tmp_path_factory.mktemp("stranger")
    site = root / "site"
    info = site / "stranger_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "stranger_plugin.py").write_text(_STRANGER, encoding="utf-8")
    metadata = "Metadata-Version: 2.1\nName: stranger-plugin\nVersion: 1.0\n"
    (info / "METADATA").write_text(metadata, encoding="utf-8")
    (info / "entry_points.txt").write_text("[lexarium]\nstranger = stranger_plugin\n", encoding="utf-8")
    before = os.environ.get("PYTHONPATH")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(site), *([before] if before else [])]))
        patch.setenv("LEXARIUM_HOME", str(root / "home"))
        patch.syspath_prepend(str(site))
        yield root
    sys.modules.pop("stranger_plugin", None)


def row(model: str, accuracy: float, latency: float, **more: Any) -> Row:
    """Return a measured row."""
    values: dict[str, Any] = {
        "accuracy_ci95": (accuracy - 0.02, min(1.0, accuracy + 0.02)),
        "macro_f1": accuracy,
        "macro_f1_ci95": (accuracy - 0.02, min(1.0, accuracy + 0.02)),
        "train_seconds": 1.5,
        "rows_per_second": 1000 / latency,
        "latency_ms_p95": 2 * latency,
        "size_bytes": 2_400_000,
        "peak_memory_bytes": 180_000_000,
    }
    return Row(model=model, status="ok", accuracy=accuracy, latency_ms_p50=latency, **(values | more))


@pytest.fixture
def make_board() -> Callable[..., Board]:
    """Boards from rows; all but the majority class count as better than it."""

    def make(*rows: Row, path: str = "reviews.csv") -> Board:
        measured = [r for r in rows if r.status == "ok"]
        on = frontier([(r.accuracy or 0, r.latency_ms_p50 or 0) for r in measured])
        marked = {id(r): replace(r, pareto=flag) for r, flag in zip(measured, on, strict=True)}
        final = tuple(marked.get(id(r), r) for r in rows)
        beat = {r.model for r in measured if r.model != MAJORITY}
        advice = advise(final, beat_majority=beat, test_rows=800)
        data = {"path": path, "rows": 4000, "train": 3190, "test": 800, "labels": ["a", "b"]}
        return Board(
            data={**data, "duplicates_removed": 10},
            rows=final,
            advice=advice.sentence,
            recommended=advice.recommended,
            facts=Facts(
                text="text",
                label="label",
                label_rows={"a": 2000, "b": 2000},
                file_rows=4000,
                head="classifier",
                seed=0,
                threads=1,
                command="lexarium compare reviews.csv",
            ),
        )

    return make


@pytest.fixture
def make_row() -> Callable[..., Row]:
    """Measured rows: model, accuracy, latency."""
    return row


@pytest.fixture
def floor() -> Row:
    """Return the majority class."""
    return row(MAJORITY, 0.503, 0.0002, p_value_vs_best=1e-9)
