"""The library's session while we ask: who gets the token, what is told of an address, several threads."""

from __future__ import annotations

import logging
import threading

import pytest
from hub_server import TOKEN
from huggingface_hub import constants

from lexarium.errors import HubNetworkError
from lexarium_registry.hub import Hub
from lexarium_registry.names import parse_hub
from lexarium_registry.transfer import Patience

QUICK = Patience(tries=2, connect=1, read=0.5, first_wait=0.01, longest_wait=0.2)


def test_an_address_to_verify_at_on_another_host_does_not_get_the_token(hub, here, lengths):
    here.save(lengths, name="x", license="MIT")
    hub.verifies_at = hub.cdn
    here.push("x", "hf://me/x")
    verified = [asked for asked in hub.asked if asked.host == "cdn" and asked.method == "POST"]
    assert verified
    assert not [asked for asked in hub.asked if asked.host == "cdn" and TOKEN in str(asked.headers)]
    assert [asked for asked in hub.asked if asked.host == "hub" and TOKEN in str(asked.headers)]


@pytest.mark.parametrize("name", ["me:S3CRET@", "S3CRET@", "me@x:S3CRET@"])
def test_a_password_in_the_address_of_the_hub_is_never_told(monkeypatch, name):
    monkeypatch.setenv("HF_ENDPOINT", f"http://{name}127.0.0.1:9")
    with pytest.raises(HubNetworkError, match=r"http://127\.0\.0\.1:9 cannot be reached") as caught:
        Hub(QUICK).snapshot(parse_hub("hf://me/x"))
    assert "S3CRET" not in str(caught.value)


def switches():
    level = logging.getLogger("huggingface_hub").level
    return level, constants.HF_HUB_DISABLE_XET, constants.HF_HUB_DISABLE_TELEMETRY


def test_the_library_is_quiet_until_the_last_of_several_threads_is_done_and_then_as_it_was(hub):
    hub.repository("me/x", {"a.txt": b"a"})
    before = switches()
    client = Hub(QUICK)
    snapshot = client.snapshot(parse_hub("hf://me/x"))
    first, second = threading.Event(), threading.Event()

    def begin_first():
        with client.open(snapshot, snapshot.files["a.txt"]):
            first.set()
            second.wait(20)

    thread = threading.Thread(target=begin_first)
    thread.start()
    first.wait(20)
    with client.open(snapshot, snapshot.files["a.txt"]):
        second.set()
        thread.join()
        within = switches()
    assert within == (logging.CRITICAL, True, True)
    assert switches() == before
