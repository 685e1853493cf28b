"""The registry: listing 10,000 versions, hashing beside ``sha256sum``, opening, what goes over the wire."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from measuring import BIN, HERE, Section, fresh

from lexarium.checkpoint.folder import Golden, Node, write_folder
from lexarium.checkpoint.manifest import About, GoldenEntry, PluginEntry
from lexarium.roles import Space, State
from lexarium_registry.refs import Ref
from lexarium_registry.store import LocalStore
from lexarium_registry.verify import verify_versions

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.stores import StoredVersion

__all__ = ["registry"]

_VERSIONS = 10_000
_NUMBERS = 128 * 2**20  # of the large model: 512 MiB


def registry(runs: int) -> Section:
    """Measure the store and, against a hub on the loopback, what a push and a pull send and ask."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_listing(Path(folder), runs), *_hashing(Path(folder), runs), *_hub(Path(folder))]
    return Section(
        title="The registry",
        how=(
            f"Times are medians of {runs}, in turn with what they stand beside; `lexarium list` and "
            "`lexarium verify` are whole processes. Hashing and opening: one model of 512 MiB, warm in the "
            "cache of the system. Push and pull: GloVe 6B, 400,000 words of 50 dimensions, and a hub on the "
            "loopback; bytes and requests are counted there."
        ),
        headers=["what", "figure", "beside it", "goal"],
        rows=rows,
    )


def _listing(folder: Path, runs: int) -> list[list[str]]:
    rows = []
    for names, each in ((_VERSIONS, 1), (1000, _VERSIONS // 1000), (1, _VERSIONS)):
        home = folder / f"{names}"
        _fill(home, names, each)
        environment = {**os.environ, "LEXARIUM_HOME": str(home)}
        commands = ([BIN / "lexarium", "list"], [BIN / "lexarium", "--version"])
        _run(commands[0], environment)  # makes the index
        times = _in_turn([_call(_run, command, environment) for command in commands], runs)
        shutil.rmtree(home)
        rows.append(
            [
                f"`lexarium list`: {names:,} names × {each:,} versions",
                f"{times[0] * 1000:.0f} ms",
                f"`lexarium --version`: {times[1] * 1000:.0f} ms",
                "under 300 ms",
            ]
        )
    return rows


def _hashing(folder: Path, runs: int) -> list[list[str]]:
    store = LocalStore(folder / "large")
    stored = _publish(store, "large", _NUMBERS)
    environment = {**os.environ, "LEXARIUM_HOME": str(store.home)}
    works = [
        _call(_run, ["sha256sum", stored.locate("model.safetensors")], environment),
        _call(verify_versions, store, [("large", "1")]),
        _call(_run, [BIN / "lexarium", "verify", "large"], environment),
        _call(store.prove, stored),
    ]
    peer, ours, command, opened = _in_turn(works, runs)
    mebibytes = stored.manifest.size / 2**20
    beside = f"`sha256sum`: {mebibytes / peer:.0f} MiB/s"
    return [
        [
            f"{what}: every file hashed",
            f"{mebibytes / seconds:.0f} MiB/s, {peer / seconds:.2f} of its speed",
            beside,
            goal,
        ]
        for what, seconds, goal in (
            ("the function behind `verify`", ours, "at least 0.80"),
            ("`lexarium verify`, start-up included", command, "-"),
        )
    ] + [
        [
            "opened: the files' states compared with the record, nothing hashed",
            f"{opened * 1000:.2f} ms",
            f"hashed: {ours * 1000:.0f} ms",
            "no hashing",
        ]
    ]


def _hub(folder: Path) -> list[list[str]]:
    found: dict[str, Any] = json.loads(fresh([sys.executable, HERE / "registry_hub.py", folder / "hub"]))
    return [
        [
            "second push, its licence changed: bytes sent",
            f"{found['second']:,} in {found['files']} files",
            f"first push: {found['first']:,}",
            "what changed",
        ],
        ["pull of what is here", f"{found['same']} request(s)", "-", "at most 2"],
        ["pull of the same files at another commit", f"{found['moved']} request(s)", "-", "at most 2"],
        [
            "pull after the second push: bytes fetched",
            f"{found['fetched']:,}",
            f"all: {found['first']:,}",
            "-",
        ],
    ]


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


def _call(work: Callable[..., object], *arguments: Any) -> Callable[[], object]:
    return lambda: work(*arguments)


def _in_turn(works: list[Callable[[], object]], runs: int) -> list[float]:
    """Do each work in turn, several times; return the median of the seconds that each took."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, found in zip(works, times, strict=True):
            begin = time.perf_counter()
            work()
            found.append(time.perf_counter() - begin)
    return [statistics.median(found) for found in times]


def _run(command: list[Any], environment: dict[str, str]) -> None:
    subprocess.run([str(part) for part in command], env=environment, check=True, capture_output=True)


if __name__ == "__main__":
    for row in registry(5).rows:
        print(*row, sep=" | ")
