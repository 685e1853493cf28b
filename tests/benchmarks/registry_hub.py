"""Push a model, change what is said of it, push it again, pull it: the bytes and requests, as JSON.

The hub is the one of the registry's tests, on the loopback, spoken to by huggingface_hub's own client.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from measuring import GLOVE, HERE

from lexarium.zoo import Zoo

__all__ = ["main"]

_REF = "hf://me/glove"


def main(folder: Path) -> None:
    """Measure in a new folder, and print."""
    sys.path.append(str(HERE.parents[1] / "registry" / "tests"))
    server: Any = importlib.import_module("hub_server")
    with server.HubServer() as hub:
        os.environ.update(HF_ENDPOINT=hub.url, HF_TOKEN=server.TOKEN, HF_HOME=str(folder / "hf"))
        found = _measure(hub, Zoo(folder / "here"), Zoo(folder / "there"))
    print(json.dumps(found))


def _measure(hub: Any, here: Zoo, there: Zoo) -> dict[str, int]:
    here.save(here.import_from("glove", GLOVE), name="glove", license="PDDL-1.0")
    with hub.counted() as first:
        here.push("glove", _REF)
    there.pull(_REF)
    with hub.counted() as same:
        there.pull(_REF)
    repository = hub.repositories["me/glove"]
    repository.add({**repository.files, "NOTES.md": b"of a person"})
    with hub.counted() as moved:
        there.pull(_REF)
    here.edit("glove", license="ODC-PDDL-1.0")
    with hub.counted() as second:
        pushed = here.push("glove", _REF)
    pulled = there.pull(_REF)
    return {
        "first": sum(asked.got for asked in first),
        "second": sum(asked.got for asked in second),
        "files": len(pushed.sent),
        "same": len(same),
        "moved": len(moved),
        "fetched": pulled.fetched,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
