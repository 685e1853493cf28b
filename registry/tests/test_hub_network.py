from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import pytest

from lexarium.errors import (
    HubAccessError,
    HubCorruptedError,
    HubError,
    HubNetworkError,
    HubNotFoundError,
    HubOfflineError,
    StoreError,
)
from lexarium_registry.fetch import fetch_bytes, fetch_file
from lexarium_registry.hub import Hub, _Limited
from lexarium_registry.names import parse_hub
from lexarium_registry.pull import pull
from lexarium_registry.push import push
from lexarium_registry.transfer import Patience

REF = parse_hub("hf://me/big")
BIG = bytes(range(256)) * 4096  # 1 MiB
SMALL = b"some text\n" * 100
QUICK = Patience(tries=3, connect=2, read=0.5, first_wait=0.01, longest_wait=0.2)


@pytest.fixture
def big(hub):
    return hub.repository("me/big", {"model.safetensors": BIG, "note.txt": SMALL})


def fetch(folder, path="model.safetensors", patience=QUICK, **how):
    client = Hub(patience)
    snapshot = client.snapshot(REF)
    counts: list[int] = []
    folder.mkdir(exist_ok=True)
    own = Path(tempfile.mkdtemp(dir=folder))
    part = fetch_file(client, snapshot, snapshot.files[path], folder, counts.append, own=own, **how)
    return part, counts


@pytest.mark.parametrize(("path", "content"), [("model.safetensors", BIG), ("note.txt", SMALL)])
def test_a_file_comes_whole_and_hashed(hub, big, tmp_path, path, content):
    part, counts = fetch(tmp_path, path)
    assert part.path.read_bytes() == content
    assert part.sha256 == hashlib.sha256(content).hexdigest()
    assert counts[-1] == len(content)


MENDED = {
    "dropped": {"kind": "drop", "after": 300_000, "times": 2},
    "stalled": {"kind": "stall", "after": 300_000, "times": 1},
    "corrupted": {"kind": "corrupt", "times": 1},
    "too many requests": {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}, "times": 2},
    "a server error": {"kind": "status", "status": 503, "times": 2},
    "a gateway that times out": {"kind": "status", "status": 504, "times": 1},
    "no answer": {"kind": "lose", "times": 2},
    "ranges ignored": {"kind": "norange", "times": 5},
}


@pytest.fixture
def pauses(monkeypatch):
    """Give a list that gets the pauses asked for, in seconds; none is made, and a long one is an error."""
    found: list[float] = []

    def pause(seconds):
        found.append(seconds)
        if seconds > 90:
            pytest.fail(f"a pause of {seconds:.0f} seconds")

    monkeypatch.setattr(time, "sleep", pause)
    return found


@pytest.mark.parametrize("name", MENDED)
def test_what_goes_wrong_once_or_twice_is_mended(hub, big, tmp_path, name):
    if name == "ranges ignored":
        hub.fault("drop", "large", after=300_000, times=1)
    hub.fault(path="large", **MENDED[name])
    part, _ = fetch(tmp_path)
    assert part.path.read_bytes() == BIG
    assert len(hub.requests("GET", "/large/")) <= QUICK.tries


@pytest.mark.parametrize("asked", ["3600", "999999999999", "61"])
def test_a_download_waits_a_minute_at_most_whatever_the_server_asks_for(hub, big, tmp_path, pauses, asked):
    hub.fault("status", "large", status=429, headers={"Retry-After": asked}, times=2)
    part, _ = fetch(tmp_path, patience=Patience())
    assert part.path.read_bytes() == BIG
    assert pauses == [60, 60]


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, None), (0.0, 0.0), (5.0, 5.0), (60.0, 60.0), (3600.0, 60.0)]
)
def test_a_pause_is_as_long_as_was_asked_for_up_to_a_minute(asked, wait):
    for attempt in range(12):
        found = Patience().pause(attempt, asked)
        assert found == wait if asked is not None else 0.3 < found <= min(60, 0.7 * 2**attempt)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3600"},
        {
            "Retry-After": "3600",
            "RateLimit": '"api";r=0;t=3600',
            "RateLimit-Policy": '"fixed window";"api";q=5;w=3600',
        },
    ],
    ids=["retry-after", "ratelimit"],
)
@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/upload/"), ("POST", "objects/batch"), ("POST", "/preupload/")]
)
def test_an_upload_waits_a_minute_at_most_whatever_the_server_asks_for(
    hub, here, lengths, pauses, headers, method, path
):
    here.save(lengths, name="x", license="MIT")
    hub.fault("status", path, method=method, status=429, headers=headers, times=1)
    assert push(here, "x", "hf://me/x").sent
    assert max(pauses) == 61  # the library adds a second of its own


def test_an_answer_that_is_no_file_may_take_so_long_and_so_many_bytes():
    body = [b"12", b"34"]
    assert list(_Limited(body, 4, 60)) == body
    for most, seconds in ((3, 60), (4, -1)):
        with pytest.raises(httpx2.DecodingError, match="the answer does not end"):
            list(_Limited(body, most, seconds))


HOPELESS = {
    "dropped": ({"kind": "drop", "after": 1000}, HubNetworkError, r"breaks off"),
    "stalled": ({"kind": "stall", "after": 1000}, HubNetworkError, r"breaks off \(ReadTimeout\)"),
    "trickling": ({"kind": "trickle"}, HubNetworkError, r"stalls at \d+ bytes per second"),
    "corrupted": ({"kind": "corrupt"}, HubCorruptedError, r"its sha256 is \w+, and should be"),
    "longer": ({"kind": "longer"}, HubCorruptedError, r"more bytes come than the 1048576"),
    "much longer": ({"kind": "longer", "after": 2**23}, HubCorruptedError, r"more bytes come|does not end"),
    "endless": ({"kind": "endless"}, HubCorruptedError, r"more bytes come than the 1048576"),
    "a bomb": ({"kind": "gzip"}, HubCorruptedError, r"the answer is compressed"),
    "too many requests": ({"kind": "status", "status": 429}, HubNetworkError, r"too many requests \(429\)"),
    "a server error": ({"kind": "status", "status": 500}, HubNetworkError, r"answers 500"),
    "vanished": ({"kind": "status", "status": 404}, HubNotFoundError, r"shows no repository"),
    "forbidden": ({"kind": "status", "status": 403}, HubAccessError, r"this token may not do that"),
    "expired": ({"kind": "status", "status": 401}, HubAccessError, r"the token is refused.*hf auth login"),
    "no answer": ({"kind": "lose"}, HubNetworkError, r"breaks off"),
    "another status": ({"kind": "status", "status": 418}, HubError, r"refuses with 418"),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_what_goes_on_going_wrong_ends_in_one_clear_line(hub, big, tmp_path, name):
    how, error, says = HOPELESS[name]
    hub.fault(path="large", **how)
    with pytest.raises(error, match=says) as caught:
        fetch(tmp_path)
    assert len(hub.requests("GET", "/large/")) <= QUICK.tries
    assert "\n" not in str(caught.value)
    assert "Signature" not in str(caught.value)
    assert all(path.stat().st_size <= len(BIG) for path in tmp_path.glob("*.part"))


NO_FILE = {
    "endless": "the answer does not end",
    "a bomb": "the answer is compressed",
    "dropped": "breaks off",
    "stalled": r"breaks off \(ReadTimeout\)",
    "a server error": "answers 500",
    "expired": "the token is refused",
    "vanished": "shows no repository",
}


@pytest.mark.parametrize("name", NO_FILE)
def test_an_answer_that_is_no_file_ends_as_well(hub, big, name):
    how, error, _ = HOPELESS[name]
    hub.fault(path="/api/models", **{**how, "after": 100})
    with pytest.raises(error, match=NO_FILE[name]) as caught:
        Hub(QUICK).snapshot(REF)
    assert len(hub.requests("GET", "/api/models")) <= QUICK.tries
    assert "\n" not in str(caught.value)


def test_a_body_of_the_right_length_with_another_byte_is_refused_though_a_cache_has_it(
    hub, big, tmp_path, monkeypatch
):
    from huggingface_hub import hf_hub_download

    cache = tmp_path / "cache"
    hub.fault("corrupt", "large", times=1)
    cached = hf_hub_download("me/big", "model.safetensors", cache_dir=cache, endpoint=hub.url)
    with open(cached, "rb") as file:  # noqa: PTH123  the library's path
        assert file.read() != BIG  # it checks the size alone
    monkeypatch.setenv("HF_HUB_CACHE", str(cache))
    part, _ = fetch(tmp_path / "partial")
    assert part.path.read_bytes() == BIG


def test_a_download_goes_on_where_it_was_and_hashes_what_lies_there(hub, big, tmp_path):
    hub.fault("drop", "large", after=700_000)
    with pytest.raises(HubNetworkError):
        fetch(tmp_path, patience=Patience(tries=1))
    (part,) = tmp_path.glob("*.part")
    assert part.name == hashlib.sha256(BIG).hexdigest() + ".part"
    have = part.stat().st_size
    assert 600_000 < have <= 700_000
    hub.faults.clear()
    before = hub.sent("large")
    assert fetch(tmp_path)[0].path.read_bytes() == BIG
    assert hub.sent("large") - before == len(BIG) - have


@pytest.mark.parametrize("left", [b"rubbish", BIG[:-1] + b"\x00", BIG + b"more", b""])
def test_what_lies_there_is_not_trusted(hub, big, tmp_path, left):
    part = tmp_path / (hashlib.sha256(BIG).hexdigest() + ".part")
    part.write_bytes(left)
    assert fetch(tmp_path)[0].path.read_bytes() == BIG


def test_a_part_that_is_a_link_is_not_written_through(hub, big, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"precious")
    (tmp_path / (hashlib.sha256(BIG).hexdigest() + ".part")).symlink_to(other)
    assert fetch(tmp_path)[0].path.read_bytes() == BIG
    assert other.read_bytes() == b"precious"


def test_a_part_that_a_killed_pull_gave_a_second_name_is_gone_on_with_and_the_other_is_not_changed(
    hub, big, tmp_path
):
    part, other = tmp_path / (hashlib.sha256(BIG).hexdigest() + ".part"), tmp_path / "other"
    part.write_bytes(BIG[:700_000])
    os.link(part, other)
    other.chmod(0o444)
    before = hub.sent("large")
    assert fetch(tmp_path)[0].path.read_bytes() == BIG
    assert hub.sent("large") - before == len(BIG) - 700_000
    assert other.read_bytes() == BIG[:700_000]


def test_a_whole_part_is_not_fetched_again(hub, big, tmp_path):
    fetch(tmp_path)
    before = hub.sent("large")
    fetch(tmp_path)
    assert hub.sent("large") == before


def test_another_hash_than_the_manifest_says_is_refused(hub, big, tmp_path):
    with pytest.raises(HubCorruptedError, match="should be " + "0" * 64):
        fetch(tmp_path, "note.txt", sha256="0" * 64)


def test_a_small_file_must_have_the_id_that_git_gives_it(hub, big, tmp_path):
    hub.fault("corrupt", "/resolve/.*note.txt")
    with pytest.raises(HubCorruptedError, match=r"git's id of it is \w+, and should be"):
        fetch(tmp_path, "note.txt")


def test_a_header_that_names_another_commit_is_refused(hub, big, tmp_path):
    hub.fault("headers", "/resolve/", headers={"X-Repo-Commit": "0" * 40})
    with pytest.raises(HubCorruptedError, match="another commit"):
        fetch(tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Repo-Commit", "not a commit"),
        *((name, value) for name in ("X-Repo-Commit", "ETag", "X-Linked-ETag", "X-Linked-Size")
          for value in ("x" * 600, "\x1b[31m", "\xe9")),
    ],
)  # fmt: skip
def test_a_header_from_an_enemy_is_refused(hub, big, tmp_path, name, value):
    hub.fault("headers", "/resolve/", headers={name: value})
    with pytest.raises((HubCorruptedError, HubNetworkError)):
        fetch(tmp_path)


def test_an_address_without_an_end_is_refused(hub, big, tmp_path):
    address = f"{hub.cdn}/large/{hashlib.sha256(BIG).hexdigest()}?X-Amz-Signature="
    hub.fault("headers", "/resolve/", headers={"Location": address + "a" * 2000}, times=1)
    assert fetch(tmp_path / "signed")[0].path.read_bytes() == BIG
    hub.fault("headers", "/resolve/", headers={"Location": address + "a" * 9000})
    with pytest.raises(HubCorruptedError, match="header that is none"):
        fetch(tmp_path / "endless")


def test_a_file_of_a_gated_model_says_where_to_ask_though_its_listing_was_given(hub, big, tmp_path):
    said = {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model me/big is restricted"}
    hub.fault("status", "/resolve/", status=403, headers=said)
    with pytest.raises(HubAccessError, match=r"hf://me/big is gated; ask for access at .*/me/big, then"):
        fetch(tmp_path)


def test_a_range_that_was_not_asked_for_is_refused(hub, big, tmp_path):
    part = tmp_path / (hashlib.sha256(BIG).hexdigest() + ".part")
    part.write_bytes(BIG[:1000])
    hub.fault("headers", "large", headers={"Content-Range": "bytes 0-9/1048576"})
    with pytest.raises(HubCorruptedError, match="another part"):
        fetch(tmp_path)


def test_a_small_file_has_its_bound(hub, big):
    client = Hub(QUICK)
    snapshot = client.snapshot(REF)
    with pytest.raises(HubCorruptedError, match="more than 10"):
        fetch_bytes(client, snapshot, snapshot.files["note.txt"], 10)
    assert fetch_bytes(client, snapshot, snapshot.files["note.txt"], 2000) == SMALL


def test_the_disk_that_is_full_is_named(hub, big, tmp_path):
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("there is no /dev/full")
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="cannot be written"):
            fetch(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)


def test_a_server_error_never_gives_an_older_version_in_silence(hub, here, there, lengths, patience):
    here.save(lengths, name="x", license="MIT")
    push(here, "x", "hf://me/x")
    pull(there, "hf://me/x")
    hub.fault("status", "/api/models", status=503)
    with pytest.raises(
        HubNetworkError, match=r"503.*x@1, pulled on \d{4}-\d\d-\d\d, is here under that name"
    ):
        pull(there, "hf://me/x", transfer=patience)


def test_an_address_where_nobody_is_is_told(hub, big, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubNetworkError, match=r"http://127.0.0.1:9 cannot be reached"):
        Hub(QUICK).snapshot(REF)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"id": "x"}', b'{"id": "me/big", "sha": "z", "siblings": []}']
)
def test_an_answer_that_makes_no_sense_is_an_error_of_ours(hub, big, body):
    hub.fault("body", "/api/models", headers={"body": body})
    with pytest.raises(HubCorruptedError):
        Hub(QUICK).snapshot(REF)


@pytest.mark.parametrize(
    ("kind", "token", "error", "says"),
    [
        ("gated", "", HubAccessError, r"is gated; ask for access at .*me/big"),
        ("private", "", HubNotFoundError, r"shows no repository me/big.*hf auth login"),
        ("plain", "hf_expired", HubAccessError, r"the token is refused.*expired"),
        ("absent", "", HubNotFoundError, r"shows no repository me/absent"),
        ("revision", "", HubNotFoundError, r"no revision 'gone'; for the newest type hf://me/big"),
    ],
)
def test_who_may_not_is_told_what_to_do(hub, big, monkeypatch, kind, token, error, says):
    monkeypatch.setenv("HF_TOKEN", token)
    if not token:
        monkeypatch.delenv("HF_TOKEN")
    big.gated, big.private = kind == "gated", kind == "private"
    of = {"absent": "hf://me/absent", "revision": "hf://me/big@gone"}.get(kind, "hf://me/big")
    with pytest.raises(error, match=says):
        Hub(QUICK).snapshot(parse_hub(of))


def test_a_file_of_a_gated_repository_says_where_to_ask_for_access(hub, big, tmp_path):
    hub.fault("status", "/resolve/", status=403, headers={"X-Error-Code": "GatedRepo"})
    with pytest.raises(
        HubAccessError, match=r"hf://me/big is gated; ask for access at http://.*/me/big, then log in"
    ):
        fetch(tmp_path)


def test_the_token_goes_to_the_hub_alone(hub, here, there, lengths, monkeypatch):
    from hub_server import TOKEN

    here.save(lengths, name="x", license="MIT")
    push(here, "x", "hf://me/x")
    pull(there, "hf://me/x")
    at_hub = [asked for asked in hub.asked if asked.host == "hub" and TOKEN in str(asked.headers)]
    elsewhere = [asked for asked in hub.asked if asked.host == "cdn"]
    assert at_hub
    assert {asked.method for asked in elsewhere} == {"GET", "PUT"}
    assert not [asked for asked in elsewhere if TOKEN in str(asked.headers)]


@pytest.mark.parametrize("name", ["expired", "another status", "a server error"])
def test_no_token_and_no_signature_is_ever_told(hub, here, lengths, patience, caplog, capsys, name):
    from hub_server import TOKEN

    here.save(lengths, name="x", license="MIT")
    how, _, _ = HOPELESS[name]
    hub.fault(path="/upload/", method="PUT", times=1, **how)
    hub.fault(path="/commit/", method="POST", **{**how, "headers": {"X-Error-Message": f"bad {TOKEN}"}})
    with pytest.raises(HubError) as caught:
        push(here, "x", "hf://me/x", transfer=patience)
    import traceback

    told = "".join(traceback.format_exception(caught.value)) + caplog.text + "".join(capsys.readouterr())
    assert TOKEN not in told
    assert "Signature" not in told
    kept = [path.read_bytes() for path in here.home.rglob("*") if path.is_file()]
    assert not [content for content in kept if TOKEN.encode() in content]


GUARD = """
import os, sys
def guard(event, arguments):
    if event.startswith("socket."):
        os.write(2, f"SOCKET {event}\\n".encode())
        os._exit(99)
sys.addaudithook(guard)
"""


def test_offline_opens_no_socket(hub, here, there, lengths, tmp_path):
    here.save(lengths, name="x", license="MIT")
    push(here, "x", "hf://me/x")
    pull(there, "hf://me/x")
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(GUARD)

    def run(*arguments, **variables):
        paths = os.pathsep.join([str(guard), os.environ["PYTHONPATH"]])
        env = {**os.environ, "LEXARIUM_HOME": str(there.home), "PYTHONPATH": paths, **variables}
        command = [sys.executable, "-m", "lexarium", *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    assert run("pull", "hf://me/x").returncode == 99  # the guard is on
    for done in (
        run("pull", "hf://me/x", "--offline"),
        run("pull", "hf://me/x", HF_HUB_OFFLINE="1"),
        run("embed", "hf://me/x", "--text", "abc", HF_HUB_OFFLINE="1"),
    ):
        assert done.returncode == 0, done.stderr
    for arguments in (
        ("--offline", "pull", "hf://me/x"),
        ("--offline", "embed", "hf://me/x", "--text", "abc"),
        ("embed", "hf://me/x", "--text", "abc", "--offline"),
    ):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
    for arguments in (
        ("embed", "hf://me/absent", "--text", "abc", "--offline"),
        ("push", "x", "hf://me/x", "--offline"),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert "nothing may be asked of the network; leave --offline out" in done.stderr
    absent = run("pull", "hf://me/absent", "--offline")
    assert absent.returncode == 1
    assert absent.stderr.startswith("Error: hf://me/absent is not here")
    assert run("push", "x", "hf://me/x", HF_HUB_OFFLINE="1").returncode == 1
    with pytest.raises(HubOfflineError):
        pull(there, "hf://me/absent", offline=True)


PULL = """
import sys, lexarium_registry.plugin, lengths_plugin
from lexarium.host import Host
from lexarium.zoo import Zoo
from lexarium_registry.pull import pull
print(pull(Zoo(sys.argv[1], Host([lexarium_registry.plugin, lengths_plugin])), "hf://me/x").model)
"""


def pulling(home):
    command = [sys.executable, "-c", PULL, str(home)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def heavy(hub, here, lengths):
    """Push a model with a file that takes some time to come: 8 MiB."""
    lengths.note = os.urandom(2**23)
    here.save(lengths, name="x", license="MIT")
    push(here, "x", "hf://me/x")
    return lengths.note


def test_eight_processes_download_once_and_all_succeed(hub, heavy, tmp_path):
    before = hub.sent("/resolve/")
    processes = [pulling(tmp_path / "shared") for _ in range(8)]
    outcomes = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, outcomes
    assert {out.strip() for out, _ in outcomes} == {"x@1"}
    assert hub.sent("/resolve/") - before < 1.1 * len(heavy)


def test_a_killed_pull_resumes(hub, heavy, tmp_path):
    before = hub.sent("note.txt")
    for after in (2**21, 2**22):
        hub.fault("stall", "note.txt", after=after, times=1)
        process = pulling(tmp_path / "shared")
        deadline = time.monotonic() + 60
        while hub.sent("note.txt") - before < after and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.3)
        process.kill()
        process.communicate()
        hub.faults.clear()
    done = pulling(tmp_path / "shared")
    out, err = done.communicate(timeout=120)
    assert (done.returncode, out.strip()) == (0, "x@1"), err
    assert hub.sent("note.txt") - before <= 1.3 * len(heavy)
    assert not list((tmp_path / "shared" / "partial").glob("*.part"))
