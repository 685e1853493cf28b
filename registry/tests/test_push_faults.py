"""A push while the network fails: the repository holds all of it or is as it was, and one line says so."""

from __future__ import annotations

import os
import time

import pytest

from lexarium.errors import HubError
from lexarium_registry.push import push

REF = "hf://me/x"
NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"
WHERE = {
    "upload": {"path": "/upload/", "method": "PUT"},
    "preupload": {"path": "/preupload/", "method": "POST"},
    "batch": {"path": "objects/batch", "method": "POST"},
    "commit": {"path": "/commit/", "method": "POST"},
}
FAULTS = {
    "cut off": {"kind": "cut", "after": 40},
    "not listened to": {"kind": "deaf", "after": 40},
    "not answered": {"kind": "lose"},
    "half answered": {"kind": "drop", "after": 5},
    "answered in the end": {"kind": "stall", "after": 5},
    "refused": {"kind": "status", "status": 503},
}
ALL = [(where, fault, times) for where in WHERE for fault in FAULTS for times in (1, 1000)]
SOME = [
    *(("upload", fault, 1000) for fault in ("cut off", "not answered", "refused")),
    *(("upload", fault, 1) for fault in ("cut off", "not listened to", "answered in the end")),
    ("preupload", "not listened to", 1000),
    ("preupload", "half answered", 1),
    ("batch", "half answered", 1000),
    ("commit", "cut off", 1000),
    ("commit", "half answered", 1),
]


@pytest.fixture
def stored(hub, here, lengths, monkeypatch):
    """Store a model of which a small and a large file are to be sent, and let pauses take no time."""
    lengths.note = os.urandom(2**16)
    here.save(lengths, name="x", license="MIT")
    wait = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: wait(min(seconds, 0.01)))
    return hub.repository("me/x", {"theirs.txt": b"of a person"})


@pytest.mark.parametrize(("where", "fault", "times"), ALL if NIGHTLY else SOME)
def test_a_push_that_meets_a_fault_sends_all_or_nothing_and_the_next_one_succeeds(
    hub, here, stored, patience, where, fault, times
):
    before, said = stored.branches["main"], ""
    met = hub.fault(**WHERE[where], **FAULTS[fault], times=times)
    try:
        done = push(here, "x", REF, transfer=patience)
    except HubError as error:
        said = str(error)
    assert stored.branches["main"] == (before if said else done.commit)
    assert "\n" not in said
    assert "Signature" not in said
    assert met.times < times
    hub.faults.clear()
    done = push(here, "x", REF, transfer=patience)
    assert stored.branches["main"] == done.commit
    assert len(stored.commits) == 2, "the first one, and one of all files"
    listed = {entry.path for entry in here.store.find("x").manifest.files}
    assert set(stored.files) == listed | {"lexarium.json", "README.md", ".gitattributes", "theirs.txt"}
