"""A program with one safety step switched off: a text of one module is read as another, in all its processes.

``sitecustomize.py`` of a folder that :func:`write_site` makes does it in each process that has the folder in
``PYTHONPATH``. The file itself is never changed, and no compiled form of what is read is kept.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader
from pathlib import Path

__all__ = ["environment", "install", "write_site"]

_NAME = "LEXARIUM_TESTS_SWITCHED"


class _Loader(SourceFileLoader):
    """Reads a module's file, but for one text."""

    def get_data(self, path):
        raw = super().get_data(path)
        for old, new in self.texts:
            if raw.count(old.encode()) != 1:
                raise ImportError(f"{path} has {old!r} {raw.count(old.encode())} times")
            raw = raw.replace(old.encode(), new.encode())
        return raw

    def path_stats(self, path):
        raise OSError("so that nothing compiled is read or written")


class _Finder:
    def __init__(self, switches):
        self.switches = switches

    def find_spec(self, name, path=None, target=None):
        texts = self.switches.get(name)
        if texts is None:
            return None
        spec = PathFinder.find_spec(name, path)
        spec.loader = _Loader(name, spec.origin)
        spec.loader.texts = texts
        return spec


def write_site(folder):
    """Make a folder for ``PYTHONPATH`` with which a process is switched as its environment says."""
    folder.mkdir()
    here = str(Path(__file__).parent)
    code = f"import sys\nsys.path.append({here!r})\nimport switching\nswitching.install()\n"
    (folder / "sitecustomize.py").write_text(code)


def environment(site, switches):
    """Return what the environment of a switched process holds; ``switches`` are texts, by module.

    A long run of the tests is made of short ones.
    """
    paths = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    brief = {"LEXARIUM_NIGHTLY": "", "PYTHONPATH": paths, _NAME: json.dumps(switches)}
    return {**os.environ, **brief}


def install():
    """Switch this process as its environment says."""
    said = os.environ.get(_NAME)
    if said:
        sys.meta_path.insert(0, _Finder(json.loads(said)))
