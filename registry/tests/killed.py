"""Run as a program: do a deed on copies of a store, each time killed before another act on the disk.

``python killed.py ROOT WORK SAMPLE`` reads what is in ROOT/before, and leaves ROOT/0, ROOT/1 ... as they were
when the process that worked on them was killed (no handler runs, nothing is flushed); it prints the numbers,
which are at most SAMPLE, or all where SAMPLE is 0, as JSON. ROOT/all is where the deed was done to its end.
``python killed.py once HOME WORK`` does it once, and kills nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import lengths_plugin
from states import facts
from watching import observed, writes

import lexarium_registry.plugin
from lexarium.checkpoint.manifest import About
from lexarium.host import Host
from lexarium.zoo import Zoo
from lexarium_registry.bundle import unbundle
from lexarium_registry.pull import pull
from lexarium_registry.repair import repair
from lexarium_registry.sweep import gc
from lexarium_registry.transfer import Transfer

__all__ = ["WORKS", "open_zoo"]

AT_ONCE = 2


class Killer:
    """Kills this process before the act number ``at``; where there is none, it only counts."""

    def __init__(self, at):
        self.at, self.count = at, 0

    def __call__(self, act, arguments):
        """Count an act on the disk, or die of it."""
        if writes(act, arguments):
            self.strike()

    def strike(self, *_):
        """Count something, or die of it."""
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


def open_zoo(home):
    return Zoo(home, Host([lexarium_registry.plugin, lengths_plugin]))


def pull_own(zoo, killer):
    """Pull a repository of this store's own name; bytes that come count as well."""
    transfer = Transfer(progress=killer.strike)
    pull(zoo, f"hf://me/x{zoo.home.name}", name="x", transfer=transfer)


WORKS = {
    "save": lambda zoo, _: zoo.save(lengths_plugin.Lengths([5, 6]), name="x", license="MIT"),
    "revise": lambda zoo, _: zoo.store.revise(zoo.store.find("x"), About(license="MIT")),
    "remove one": lambda zoo, _: zoo.remove("x@2"),
    "remove all": lambda zoo, _: zoo.remove("x"),
    "alias": lambda zoo, _: zoo.alias("prod", "x@1"),
    "move a tag": lambda zoo, _: zoo.tag("x@1", "stable"),
    "repair": lambda zoo, _: repair(zoo),
    "gc": lambda zoo, _: gc(zoo),
    "unbundle": lambda zoo, _: unbundle(zoo, zoo.home.parent / "models.tar"),
    "pull": pull_own,
}


def begin(root, number, work, at):
    """Do the work in a child on the copy ``number``, killed before the act ``at``; return the child's id."""
    home = root / str(number)
    if not home.exists() and (root / "before").exists():
        shutil.copytree(root / "before", home)
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        killer = Killer(at)
        with observed(home, killer):
            WORKS[work](open_zoo(home), killer)
        (root / f"{number}.count").write_text(str(killer.count))
        status = 0
    finally:
        os._exit(status)


def ended(child):
    status = os.waitpid(child, 0)[1]
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not killed and status:
        raise SystemExit(f"the child ended with {status}")
    return killed


def main(root, work, sample):
    ended(begin(root, "all", work, -1))
    count = int((root / "all.count").read_text())
    some = sorted({round(n * (count - 1) / (sample - 1)) for n in range(sample)}) if sample else range(count)
    points, numbers = list(some), []
    while points:
        now, points = points[:AT_ONCE], points[AT_ONCE:]
        children = [begin(root, number, work, number) for number in now]
        numbers += [number for number, child in zip(now, children, strict=True) if ended(child)]
        if work == "pull":
            for number in now:
                found = facts(open_zoo(root / str(number)).store)  # a version that is there is whole
                assert len(found) in {0, 1, 2}, found
            # It is done again, in a process that is not killed.
            for child in [begin(root, number, work, -1) for number in now]:
                ended(child)
    sys.stdout.write(json.dumps({"acts": count, "killed": numbers}))


def once(home, work):
    """Do a deed in this process, which another may be killing."""
    WORKS[work](open_zoo(home), Killer(-1))


if __name__ == "__main__":
    if sys.argv[1] == "once":
        once(Path(sys.argv[2]), sys.argv[3])
    else:
        main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
