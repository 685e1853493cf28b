"""One candidate in a process of its own: ``python -m lexarium_compare.worker TASK.json RESULT.json``.

Whatever the candidate does (raise, exit, run out of memory, crash), it does it here.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lexarium.errors import LexariumError, PluginError
from lexarium_compare.measure import folder_bytes, latency, peak_memory, throughput
from lexarium_compare.task import Measured, Task, read_rows, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium.roles import Truncation

__all__ = ["main", "measure"]


_WARM_UP = 12


class _Candidate(Protocol):
    def train(self, texts: Sequence[str], targets: Sequence[str]) -> None: ...

    def predict(self, texts: Sequence[str]) -> Sequence[str]: ...

    def size(self, scratch: Path) -> int: ...

    def truncation(self, texts: Sequence[str]) -> Truncation | None: ...


class _Majority:
    """The most frequent class of the training part, whatever the text says."""

    _label = ""

    def train(self, texts: Sequence[str], targets: Sequence[str]) -> None:  # noqa: ARG002  it reads no texts
        counts = Counter(targets)
        self._label = min(counts, key=lambda label: (-counts[label], label))

    def predict(self, texts: Sequence[str]) -> list[str]:
        return [self._label] * len(texts)

    def size(self, scratch: Path) -> int:  # noqa: ARG002  nothing to write but the label
        return len(self._label.encode("utf-8", "surrogatepass"))

    def truncation(self, texts: Sequence[str]) -> None:
        pass


class _Learned:
    """An embedder, fitted or stored, with a fresh head on top.

    All that is imported is imported here: it is the start of a process and no part of training.
    """

    def __init__(self, task: Task) -> None:
        from lexarium import compose, output  # noqa: F401, PLC0415  the majority class needs none of it
        from lexarium.roles import Run  # noqa: PLC0415
        from lexarium.zoo import Zoo  # noqa: PLC0415

        self._task, self._run = task, Run(threads=task.threads, seed=task.seed)
        self._zoo = Zoo(home=Path(task.home))
        head = self._zoo.host.head(task.head)
        self._head, self._config = head.load(), head.load_config()()
        self._import_method()
        rows = np.eye(2, dtype=np.float32)[np.arange(_WARM_UP) % 2]
        with suppress(Exception):  # a head that cannot learn this toy says so of the real rows
            self._head.fit(rows, [task.labels[i % 2] for i in range(_WARM_UP)], self._config, self._run)

    def _import_method(self) -> None:
        from lexarium.method import Method  # noqa: PLC0415

        found = self._zoo.find_embedder(self._task.reference)
        method = found if isinstance(found, Method) else self._zoo.host.method(found.manifest.root.method)
        method.load_config()
        method.load_trainer()
        with suppress(Exception):  # as above
            method.load().tiny().embed(["a"])

    def train(self, texts: Sequence[str], targets: Sequence[str]) -> None:
        from lexarium.compose import Pipeline  # noqa: PLC0415  imported above
        from lexarium.output import embed_all  # noqa: PLC0415

        config = self._task.config or None
        _, embedder = self._zoo.embedder(self._task.reference, texts, config=config, run=self._run)
        fitted = self._head.fit(embed_all(embedder, texts), targets, self._config, self._run)
        self._pipeline = Pipeline(embedder, fitted)

    def predict(self, texts: Sequence[str]) -> list[str]:
        return self._pipeline.predict(texts)

    def size(self, scratch: Path) -> int:
        self._zoo.write(self._pipeline, scratch / "model")
        return folder_bytes(scratch / "model")

    def truncation(self, texts: Sequence[str]) -> Truncation | None:
        from lexarium.roles import Truncates  # noqa: PLC0415  imported above

        embedder = self._pipeline.embedder
        return embedder.truncation(texts) if isinstance(embedder, Truncates) else None


def measure(task: Task, scratch: Path, clock: Callable[[], float] = perf_counter) -> Measured:
    """Train the candidate, predict the test part, and measure both; ``clock`` times the training.

    :raises PluginError: the predictions are not one known label per text.
    """
    rows = read_rows(Path(task.train))
    texts, targets = [text for text, _ in rows], [task.labels[index] for _, index in rows]
    test = read_rows(Path(task.test))
    candidate: _Candidate = _Majority() if task.kind == "majority" else _Learned(task)
    start = clock()
    candidate.train(texts, targets)
    train_seconds = clock() - start
    predicted, rate = throughput(candidate.predict, test)
    p50, p95 = latency(candidate.predict, test)
    memory = peak_memory()  # before what follows: a user trains and predicts
    cut = candidate.truncation([*texts, *test])
    return Measured(
        predicted=tuple(_indices(predicted, task.labels, len(test))),
        train_seconds=train_seconds,
        rows_per_second=rate,
        latency_ms_p50=p50,
        latency_ms_p95=p95,
        size_bytes=candidate.size(scratch),
        peak_memory_bytes=memory,
        truncated_texts=None if cut is None else cut.inputs,
        truncated_tokens=None if cut is None else cut.tokens,
        token_limit=None if cut is None else cut.limit,
    )


def main(arguments: Sequence[str]) -> None:
    """Measure the task named first, and write the result or the reason to the path named second."""
    task, result = Path(arguments[0]), Path(arguments[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with TemporaryDirectory(dir=task.parent) as scratch:
            document = asdict(measure(Task.read(task), Path(scratch)))
    except LexariumError as error:
        document = {"error": str(error)}
    except SystemExit as error:
        document = {"error": f"its code called sys.exit({error.code!r})"}
    except Exception as error:  # noqa: BLE001  a candidate may raise anything; the parent shows it
        document = {"error": f"{type(error).__name__}: {error}"}
    write_json(result, document)


def _indices(predicted: Sequence[str], labels: Sequence[str], rows: int) -> list[int]:
    index = {label: place for place, label in enumerate(labels)}
    unknown = next((label for label in predicted if label not in index), None)
    if unknown is not None or len(predicted) != rows:
        what = f"{len(predicted)} for {rows} texts" if unknown is None else f"the unknown label {unknown!r}"
        raise PluginError(f"its predictions cannot be used: {what}")
    return [index[label] for label in predicted]


def _end_with_parent() -> None:
    """Leave when standard input closes: the parent holds its other end and may be killed."""
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
