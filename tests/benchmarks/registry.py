"""The store: listing 10,000 versions, opening a stored model, and hashing beside ``sha256sum``."""

from __future__ import annotations

import hashlib
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring import BIN, Section

from lexarium.checkpoint.folder import Golden, Node, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry, PluginEntry
from lexarium.roles import Space, State
from lexarium_registry.refs import Ref
from lexarium_registry.store import LocalStore
from lexarium_registry.verify import verify_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.stores import StoredVersion

__all__ = ["listing", "proving"]

_VERSIONS = 10_000
_NUMBERS = 128 * 2**20  # of the large model: 512 MiB


def listing(runs: int) -> Section:
    """Measure ``lexarium list`` of stores of 10,000 versions."""
    with tempfile.TemporaryDirectory() as folder:
        return _listing(Path(folder), runs)


def proving(runs: int) -> Section:
    """Measure hashing and opening of a large stored model."""
    with tempfile.TemporaryDirectory() as folder:
        return _hashing(Path(folder), runs)


def _listing(folder: Path, runs: int) -> Section:
    rows = []
    for names, each in ((_VERSIONS, 1), (1000, _VERSIONS // 1000), (1, _VERSIONS)):
        home = folder / f"{names}"
        _fill(home, names, each)
        environment = {**os.environ, "LEXARIUM_HOME": str(home)}
        _timed(lambda: _run([BIN / "lexarium", "list"], environment))  # noqa: B023  called at once: makes the index
        with_rows, without = [], []
        for _ in range(runs):
            with_rows.append(_timed(lambda: _run([BIN / "lexarium", "list"], environment)))  # noqa: B023  as above
            without.append(_timed(lambda: _run([BIN / "lexarium", "--version"], environment)))  # noqa: B023  as above
        shutil.rmtree(home)
        rows.append(
            [
                f"{names:,} × {each:,}",
                f"{statistics.median(with_rows) * 1000:.0f} ms",
                f"{statistics.median(without) * 1000:.0f} ms",
            ]
        )
    return Section(
        title="Listing 10,000 stored versions",
        how=(
            "Names × versions of each; `lexarium list` as a whole process, beside `lexarium --version`, "
            f"in turn, medians of {runs}."
        ),
        headers=["names × versions", "lexarium list", "lexarium --version"],
        rows=rows,
    )


def _hashing(folder: Path, runs: int) -> Section:
    store = LocalStore(folder / "large")
    stored = _publish(store, "large", _NUMBERS)
    blob = stored.locate("model.safetensors")
    peer, ours, opened = [], [], []
    for _ in range(runs):
        peer.append(_timed(lambda: _run(["sha256sum", blob], dict(os.environ))))
        ours.append(_timed(lambda: verify_versions(store, [("large", "1")])))
        opened.append(_timed(lambda: store.prove(stored)))
    size = stored.manifest.size / 2**20
    return Section(
        title="Proving a stored model of 512 MiB",
        how=f"All files warm in the cache of the system; in turn, medians of {runs}.",
        headers=["what", "time", "speed"],
        rows=[
            ["`sha256sum` of its largest file", *_speed(statistics.median(peer), size)],
            ["`verify`: every file hashed", *_speed(statistics.median(ours), size)],
            ["opened: nothing hashed", f"{statistics.median(opened) * 1000:.2f} ms", "-"],
        ],
    )


def _speed(seconds: float, mebibytes: float) -> tuple[str, str]:
    return f"{seconds:.2f} s", f"{mebibytes / seconds:.0f} MiB/s"


def _publish(store: LocalStore, name: str, count: int) -> StoredVersion:
    tensor = np.random.default_rng(0).standard_normal(count, np.float32)
    node = Node(
        kind="embedder",
        method="any",
        plugin=PluginEntry("lexarium-any", ">=0"),
        state=State(config={}, tensors={"weight": tensor}),
        space=Space(dim=1),
    )
    golden = Golden([""], "dense", {"rows": np.zeros((1, 1), np.float32)}, GoldenEntry(0, 1))
    return store.publish(name, lambda path: write_folder(path, name, node, golden, About(license="MIT")))


def _fill(home: Path, names: int, each: int) -> None:
    """Make a store of many versions of one small model, by its files: publishing them would take an hour."""
    store = LocalStore(home)
    seed = _publish(store, "seed", 4).manifest
    store.remove("seed")
    for name in (f"model-{n}" for n in range(names)):
        (store.layout.refs / name).mkdir()
        for number in range(1, each + 1):
            raw = replace(seed, name=name, version=str(number)).to_bytes()
            digest = hashlib.sha256(raw).hexdigest()
            path = store.layout.manifest(digest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(raw)
            store.layout.ref(name, str(number)).write_bytes(Ref(digest).to_bytes())


def _run(command: list[Any], environment: dict[str, str]) -> None:
    subprocess.run([str(part) for part in command], env=environment, check=True, capture_output=True)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    for section in (listing(5), proving(5)):
        print(section.title, *section.rows, sep="\n")
