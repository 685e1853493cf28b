"""A disk that loses its power: what was done to a folder, and what may be left of it.

The model is what POSIX promises and no more. The bytes of a file are safe once ``fsync`` of the file has
returned; before that there may be the old ones, none, zeros, or a part. A name in a folder is safe once
``fsync`` of the folder has returned; until then any of the changes to the folder may be lost, in any order.
A rename within a folder happens or does not; one between folders may be lost on either side. A folder that
has no name in its own parent is lost with all that is in it.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Disk", "Recording", "Step", "cuts", "write"]

_TOP = 0


@dataclass(frozen=True)
class Step:
    """One change, or one promise kept.

    ``kind``: write (``node`` holds ``content`` now), link (``folder`` names ``node``), unlink, rename (from
    ``old`` to ``name``), sync (of ``node``), mark (what was done so far has been told to the user).
    ``at`` is when the folder changed (ns); ``private`` is what no reader looks at.
    """

    kind: str
    folder: int = -1
    name: str = ""
    node: int = -1
    content: bytes = b""
    old: str = ""
    at: int = 0
    private: bool = False


class Recording:
    """The steps by which a folder became what it is; an observer of :func:`watching.observed`.

    The folder is looked at before each act, so that what an act did is seen whoever did it.
    """

    def __init__(self, root, private):
        self.root, self.private, self.steps = os.fspath(root), os.fspath(private), []
        self.folders = {_TOP}
        self._ids = {Path(root).stat().st_ino: _TOP}  # of inodes that are there: their numbers are used again
        self._next = 1
        self._tree = {_TOP: {}}

    def __call__(self, act, arguments):
        """See what was done so far; and a sync is done as soon as it is asked for."""
        self.see()
        if act == "os.fsync":
            node = self._ids.get(os.fstat(arguments[0]).st_ino)
            if node is not None:
                self.steps.append(Step("sync", node=node))

    def mark(self):
        """Note that what was done so far has been told to the user."""
        self.see()
        self.steps.append(Step("mark"))

    def see(self):
        """Look at the folder, and note what has changed since the last look."""
        tree, times, private, ids = {}, {}, set(), {Path(self.root).stat().st_ino: _TOP}
        self._scan(self.root, _TOP, tree, times, private, ids)
        self._ids = ids
        before, self._tree = self._tree, tree
        if tree != before:
            self._note(before, tree, times, private)

    def _scan(self, path, node, tree, times, private, ids):
        times[node] = Path(path).stat().st_mtime_ns
        if path.startswith(self.private):
            private.add(node)
        entries = tree[node] = {}
        for name in os.listdir(path):
            below = f"{path}/{name}"
            found = os.lstat(below)
            known = self._ids.get(found.st_ino)
            if known is None:
                known, self._next = self._next, self._next + 1
            ids[found.st_ino] = entries[name] = known
            if stat.S_ISDIR(found.st_mode):
                self.folders.add(known)
                self._scan(below, known, tree, times, private, ids)
            else:
                with open(below, "rb") as file:  # noqa: PTH123  thousands of times
                    tree[known] = file.read()

    def _note(self, before, tree, times, private):
        places = {node: (f, name) for f in before if f in self.folders for name, node in before[f].items()}
        moved = set()
        for folder in sorted(tree.keys() & self.folders):
            old, at = before.get(folder, {}), {"at": times[folder], "private": folder in private}
            for name, node in tree[folder].items():
                if old.get(name) == node:
                    continue
                came = places.get(node)
                if came is not None and came[0] == folder and came[1] not in tree[folder]:
                    self.steps.append(Step("rename", folder, name, node, old=came[1], **at))
                    moved.add(came)
                else:
                    self.steps.append(Step("link", folder, name, node, **at))
            gone = [name for name in old if name not in tree[folder] and (folder, name) not in moved]
            self.steps += [Step("unlink", folder, name, **at) for name in gone]
        for node in sorted(tree.keys() - self.folders):
            if tree[node] != before.get(node):
                self.steps.append(Step("write", node=node, content=tree[node]))


def cuts(steps):
    """Return where the power may go: before each sync and each mark, and at the end.

    What may be left at another place may also be left at the next of these.
    """
    return [n for n, step in enumerate(steps) if step.kind in {"sync", "mark"}] + [len(steps)]


class Disk:
    """The disk when the power goes before the step number ``cut``: what is safe, and what is not."""

    def __init__(self, steps, cut):
        self._steps = steps
        synced = {step.node: n for n, step in enumerate(steps[:cut]) if step.kind == "sync"}
        self._folders, self._times, self._safe, self._unsafe, pending = {_TOP: {}}, {}, {}, {}, []
        for n, step in enumerate(steps[:cut]):
            if step.kind == "write":
                (self._safe if n < synced.get(step.node, -1) else self._unsafe)[step.node] = step.content
            elif step.kind not in {"sync", "mark"}:
                if n < synced.get(step.folder, -1):
                    _change(step, self._folders, self._times)
                else:
                    pending.append(n)
        self._private = {n for n in pending if steps[n].private}
        self._pending = [n for n in pending if n not in self._private]

    def layouts(self, random, more=0):
        """Yield what may be left, see :meth:`remains`.

        Of the changes that are not safe: none, all, each alone, all but each; where ``more`` is asked for
        also the first few, and so many random choices. Of bytes that are not safe: the old ones, a part,
        zeros, all.
        """
        pending, every = self._pending, set(self._pending)
        yield self.remains(set(), "old")
        choices = [set(), every]
        choices += [set(pending[:n]) for n in range(1, len(pending))] if more else []
        choices += [{n} for n in pending] + [every - {n} for n in pending]
        for keep in choices:
            for data in ("old", "new"):
                yield self.remains(keep | self._private, data)
        for data in ("half", "zeros"):
            yield self.remains(every | self._private, data)
        for _ in range(more):
            keep = {n for n in [*pending, *sorted(self._private)] if random.random() < 0.5}
            yield self.remains(keep, random.choice(["old", "new", "half", "zeros"]))

    def remains(self, keep, data):
        """Return the bytes of each file by path, and when each folder changed.

        ``keep`` are the numbers of the changes that came to the disk though they were not synced; ``data``
        says what is left of bytes that were not.
        """
        folders, times = dict(self._folders), dict(self._times)
        for n in sorted(keep):
            folder = self._steps[n].folder
            folders[folder] = dict(folders.get(folder, {}))
        for n in sorted(keep):
            _change(self._steps[n], folders, times)
        contents = dict(self._safe)
        for node, new in self._unsafe.items():
            contents[node] = _spoilt(self._safe.get(node, b""), new, data)
        files, at = {}, {}
        _gather("", _TOP, (folders, contents, times), files, at)
        return files, at


def write(root, left):
    """Write what is left into an empty folder."""
    files, times = left
    for path in times:
        (root / path).mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (root / path).write_bytes(content)
    for path, at in times.items():
        if at:
            os.utime(root / path, ns=(at, at))


def _change(step, folders, times):
    entries = folders.setdefault(step.folder, {})
    if step.kind == "unlink":
        entries.pop(step.name, None)
    else:
        entries.pop(step.old, None)
        entries[step.name] = step.node
    times[step.folder] = step.at


def _spoilt(old, new, data):
    if data == "new":
        return new
    if data == "half":
        return new[: len(new) // 2]
    return bytes(len(new)) if data == "zeros" else old


def _gather(path, node, disk, files, at):
    folders, contents, times = disk
    at[path] = times.get(node, 0)
    for name, below in folders.get(node, {}).items():
        where = f"{path}/{name}" if path else name
        if below in contents:
            files[where] = contents[below]
        else:
            _gather(where, below, disk, files, at)
