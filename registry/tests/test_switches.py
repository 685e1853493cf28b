"""Each safety step of the registry, switched off, makes a test fail: so the tests hold what they say.

A step is switched off by reading one text of a module as another, in a process of its own and in those that
it starts. The tests named beside it must then fail, and must not hang.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue

import pytest
from switching import environment, write_site

pytestmark = pytest.mark.skipif(os.name != "posix", reason="ends groups of processes")
NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"
LONGEST = 240  # seconds, after which a test counts as hanging
AT_ONCE = 2
HERE = Path(__file__).parent
POWER = "test_power.py"


@dataclass(frozen=True)
class Switch:
    """A text of a module, what it is read as, and the tests that must fail of it."""

    module: str
    old: str
    new: str
    tests: str
    long: bool = False  # its tests take more than a few seconds to fail: for the nightly run


SWITCHES = {
    # Promise 1: durable and atomic.
    "fsync of a model's file": Switch(
        "store",
        "    sync_file(path)\n",
        "",
        POWER,
    ),
    "fsync of manifest and reference": Switch(
        "durable",
        "        os.fsync(file.fileno())\n",
        "",
        POWER,
    ),
    "fsync of the folder after a rename": Switch(
        "durable",
        "    os.replace(source, target)\n    sync_folder(target.parent)\n",
        "    os.replace(source, target)\n",
        POWER,
    ),
    "fsync of the parent of a new folder": Switch(
        "durable",
        "        each.mkdir(exist_ok=True)\n        sync_folder(each.parent)\n",
        "        each.mkdir(exist_ok=True)\n",
        POWER,
    ),
    "fsync of the parent of a folder that is there": Switch(
        "durable",
        "        sync_folder(nearest.parent)\n",
        "        pass\n",
        "test_power.py -k another",
    ),
    "fsync of the folder of a file that is there": Switch(
        "store",
        "            make_folder(blob.parent)\n            sync_folder(blob.parent)",
        "            pass",
        "test_power.py -k another",
    ),
    "fsync after a removal": Switch(
        "store",
        "                (refs / entry).unlink()\n        sync_folder(refs)\n",
        "                (refs / entry).unlink()\n",
        POWER,
    ),
    "fsync after a tag is taken away": Switch(
        "labels",
        "                path.unlink()\n                sync_folder(path.parent)\n",
        "                path.unlink()\n",
        POWER,
        long=True,
    ),
    "fsync after an alias is taken away": Switch(
        "labels",
        "            path.unlink(missing_ok=True)\n            sync_folder(path.parent)\n",
        "            path.unlink(missing_ok=True)\n",
        POWER,
        long=True,
    ),
    "writing aside": Switch(
        "durable",
        '    with aside.open("xb") as file:',
        '    aside = target\n    make_folder(target.parent)\n    with aside.open("wb") as file:',
        POWER,
    ),
    "manifest before reference": Switch(
        "store",
        '        write_new(staging / "manifest", self.layout.manifest(ref.manifest), raw)\n'
        "        proof.record(self.layout, ref.manifest, manifest)\n"
        "        with changing(self.layout, name):\n",
        "        with changing(self.layout, name):\n"
        '            write_new(staging / "early", self.layout.ref(name, version), '
        "ref.to_bytes())\n"
        '            write_new(staging / "manifest", self.layout.manifest(ref.manifest), raw)\n',
        POWER,
    ),
    "files before reference": Switch(
        "store",
        "                    for entry in manifest.files:\n"
        "                        self._keep(folder / entry.path, entry, there=entry.sha256 in "
        "there)\n"
        "                    return self._refer(staging, name, manifest, origin)\n",
        "                    stored = self._refer(staging, name, manifest, origin)\n"
        "                    for entry in manifest.files:\n"
        "                        self._keep(folder / entry.path, entry, there=entry.sha256 in "
        "there)\n"
        "                    return stored\n",
        POWER,
    ),
    "reference goes before its files": Switch(
        "store",
        "            with changing(self.layout, name):\n"
        "                self.drop(name, removed)\n"
        "            sweep(self.layout)\n",
        "            for each in removed:\n"
        "                for entry in self.find(name, each).manifest.files:\n"
        "                    self.layout.blob(entry.sha256).unlink(missing_ok=True)\n"
        "            with changing(self.layout, name):\n"
        "                self.drop(name, removed)\n",
        POWER,
    ),
    "tags go before their version": Switch(
        "store",
        "        for tag in tags:\n"
        "            self.layout.tag(name, tag).unlink()\n"
        "        if tags:\n"
        "            sync_folder(refs)\n"
        "        for each",
        "        for each",
        POWER,
    ),
    "the mark of the highest number": Switch(
        "store",
        "            if int(each) == highest:  # kept",
        "            if False:  # kept",
        POWER,
    ),
    "the index goes before a change": Switch(
        "listing",
        "    layout.index.unlink(missing_ok=True)\n",
        "",
        "test_listing.py -k breaks_off",
        long=True,
    ),
    "a reference that may not be safe is taken back": Switch(
        "store",
        "                    self.layout.ref(name, version).unlink()\n",
        "                    pass\n",
        "test_machine.py -k publish-full-False",
    ),
    "repair leaves a reference until the new one is there": Switch(
        "repair",
        "                if path.is_file() and not path.is_symlink():",
        "                if False:",
        "test_crash.py -k repair",
    ),
    # Promise 3: a strict gate before the library.
    "the order of a header": Switch(
        "lexarium.checkpoint.tensors",
        "        if entry.begin != reached:\n",
        "        if False:\n",
        "../../core/tests/checkpoint/test_tensors.py -k hole_or_an_overlap",
    ),
    "no name twice": Switch(
        "lexarium.strict_json",
        "        if name in found:\n",
        "        if False:\n",
        "../../core/tests/checkpoint/test_tensors.py -k hostile_header",
    ),
    "the length of a header": Switch(
        "lexarium.checkpoint.tensors",
        "    if length > _MAX_HEADER:\n",
        "    if False:\n",
        "../../core/tests/checkpoint/test_tensors.py -k larger_than_any",
    ),
    "the names of tensors": Switch(
        "lexarium.checkpoint.tensors",
        "    _check_name(where, name)\n    offsets",
        "    offsets",
        "../../core/tests/checkpoint/test_tensors.py -k steer_a_terminal",
    ),
    "the header of what was fetched": Switch(
        "admission",
        '    if path.endswith(".safetensors"):\n',
        "    if False:\n",
        "test_hub_gate.py -k hostile_header",
    ),
    # Promise 5: names from an enemy.
    "the paths of a repository": Switch(
        "names",
        "            check_path(path, where)\n",
        "            pass\n",
        "test_hub_names.py -k paths_of_an_enemy",
    ),
    "paths that differ in case": Switch(
        "names",
        "        if other != path:\n",
        "        if False:\n",
        "test_hub_names.py -k takes_for_one",
    ),
    "what the manifest lists is what is there": Switch(
        "pull",
        "        check_listed(snapshot, manifest)\n",
        "",
        "test_hub_gate.py -k other_files_than",
    ),
    "a file that is listed twice": Switch(
        "hub",
        " or entry.rfilename in files:",
        ":",
        "test_hub_gate.py -k lists_a_file_twice",
    ),
    # Promise 6: data never becomes code.
    "the kinds of files": Switch(
        "lexarium.checkpoint.paths",
        "        if not path.endswith(_KINDS):\n",
        "        if False:\n",
        "test_hub_gate.py -k only_kinds and pkl",
    ),
    "no hidden files": Switch(
        "lexarium.checkpoint.paths",
        '        if name.startswith("."):\n',
        "        if False:\n",
        "test_hub_gate.py -k only_kinds and gitattributes",
    ),
    "the kinds of others' files": Switch(
        "adopt",
        "    for path in missing + other:\n",
        "    for path in missing:\n",
        "test_hub_circle.py -k cannot_be_adopted",
    ),
    # Promise 9: secrets.
    "the token stays with the hub": Switch(
        "hub",
        '        request.headers.pop("authorization", None)\n',
        "        pass\n",
        "test_hub_session.py -k verify_at",
    ),
    "a token that a server repeats": Switch(
        "hub_errors",
        'text.replace(sent, "***") if sent else text',
        "text",
        "test_hub_names.py -k every_status",
    ),
    "the errors that a library's error stems from": Switch(
        "hub",
        "            raise ours from None",
        "            raise ours from error",
        "test_hub_network.py -k no_token_and_no_signature",
    ),
    # Promise 10: licences.
    "no push without a licence": Switch(
        "licences",
        "    if found is None:\n        near",
        "    if False:\n        near",
        "test_licences.py -k set_and_push_refuse",
    ),
    "licences that conflict": Switch(
        "licences",
        "        if mine is None or not same(mine, theirs):\n",
        "        if False:\n",
        "test_licences.py -k is_not_the_bases",
    ),
    "the licence that a model came under": Switch(
        "licences",
        "        lineage[_TERMS] = terms\n",
        "        pass\n",
        "test_licences.py -k in_silence",
    ),
    # Promise 7: several at a time.
    "the lock of writers": Switch(
        "locks",
        "            lock.acquire(timeout=notice)\n",
        "            pass\n",
        "test_store.py -k gives_up_in_the_end",
    ),
    "the lock in a staging folder": Switch(
        "locks",
        "    lock.acquire()\n",
        "",
        "test_concurrent.py -k outlives",
    ),
    "gc asks for the lock": Switch(
        "sweep",
        "    with disk(stores=False), store.lock():",
        "    with disk(stores=False):",
        "test_concurrent.py -k between",
    ),
    "gc leaves a download that is held": Switch(
        "sweep",
        '                with FileLock(path.with_suffix(".lock"), timeout=0):\n                    yield',
        "                if True:\n                    yield",
        "test_care.py -k held_or_young",
    ),
    "gc holds a download while it removes it": Switch(
        "sweep",
        '                    yield "partial downloads", path\n',
        "                    pass\n"
        "                if True:\n"
        '                    yield "partial downloads", path\n',
        "test_hub_parts.py -k under_the_lock",
    ),
    "repair asks for the lock": Switch(
        "repair",
        "    with disk(stores=False), store.lock():",
        "    with disk(stores=False):",
        "test_care.py -k repair_waits",
    ),
    "gc frees nothing while it does not know what is needed": Switch(
        "versions",
        '            raise CheckpointError(path, "this reference is not understood", "type: '
        'lexarium repair")',
        "            continue",
        "test_store.py -k not_understood",
    ),
    "one pull of a commit at a time": Switch(
        "pull",
        "            held.enter_context(hold(lock, _DAY))\n",
        "",
        "test_hub_network.py -k eight_processes",
        long=True,
    ),
    # Promise 2: every byte is hashed.
    "the hash of what is stored": Switch(
        "store",
        "    if path.stat().st_size != entry.size or hash_file(path) != entry.sha256:",
        "    if path.stat().st_size != entry.size:",
        "test_store.py -k is_not_what_its_manifest_says",
    ),
    "the hash of a file that is there": Switch(
        "store",
        " == entry.size and hash_file(blob) == entry.sha256",
        " == entry.size",
        "test_store.py -k healed",
    ),
    "the hash of a manifest": Switch(
        "versions",
        "    if hashlib.sha256(raw).hexdigest() != ref.manifest:",
        "    if False:",
        "test_store.py -k never_believed",
    ),
    "the hash when a model is opened": Switch(
        "proof",
        "    if hash_file(path) != entry.sha256:",
        "    if False:",
        "test_proof.py -k right_size",
    ),
    "the hash when a store is verified": Switch(
        "verify",
        "        if hash_blob(path, stop)[1] != entry.sha256:",
        "        if False:",
        "test_care.py -k verify_hashes",
    ),
    "the hash of what was fetched": Switch(
        "fetch",
        "        if expected - {found}:",
        "        if False:",
        "test_hub_network.py -k clear_line and corrupted",
    ),
    "git's id of a small file": Switch(
        "fetch",
        "self.file.sha256 is None and hashes.blob",
        "False and hashes.blob",
        "test_hub_network.py -k that_git_gives",
    ),
    "the hash of what lies there": Switch(
        "fetch",
        "    while chunk := out.read(_BLOCK):\n        hashes.take(chunk)\n",
        "    while chunk := out.read(_BLOCK):\n        hashes.count += len(chunk)\n",
        "test_hub_network.py -k lies_there",
    ),
    "a part with a second name is copied": Switch(
        "fetch",
        "        os.replace(aside, part)\n",
        "        pass\n",
        "test_hub_network.py -k second_name",
    ),
    "a killed pull keeps what has come": Switch(
        "fetch",
        "    link(part, own)\n",
        "    os.replace(part, own)\n",
        "test_crash.py -k pull_that_is_killed",
        long=True,
    ),
    # Promises 4 and 8: pinned, and the network fails.
    "the commit that was asked for": Switch(
        "hub",
        "    if of.pinned and commit != of.revision:",
        "    if False:",
        "test_hub_gate.py -k another_commit_than",
    ),
    "the room on the disk": Switch(
        "admission",
        "    if free < needed:\n",
        "    if False:\n",
        "test_hub_gate.py -k without_room",
    ),
    "the commit of an answer": Switch(
        "hub",
        "        if said is not None and said != snapshot.commit:",
        "        if False:",
        "test_hub_network.py -k names_another_commit",
    ),
    "the wait that a download is asked for": Switch(
        "transfer",
        "            return min(asked, self.longest_wait)",
        "            return asked",
        "test_hub_network.py -k is_as_long_as",
    ),
    "the wait that the library is asked for": Switch(
        "hub",
        '        response.headers["retry-after"] = str(int(longest))',
        "        pass",
        "test_hub_network.py -k an_upload_waits",
    ),
    "the limit of a rate that the library would wait for": Switch(
        "hub",
        '    response.headers.pop("ratelimit", None)',
        '    response.headers.get("ratelimit")',
        "test_hub_network.py -k an_upload_waits",
    ),
    "the time that an answer may take to begin": Switch(
        "hub",
        "    request.extensions = {\n        **request.extensions,",
        "    request.extensions = {**request.extensions} if True else {\n        **request.extensions,",
        "test_hub_network.py -k clear_line and stalled",
        long=True,
    ),
    "the pace of a download": Switch(
        "fetch",
        "            if count < slowest * passed:",
        "            if False:",
        "test_hub_network.py -k clear_line and trickling",
    ),
    "the bytes of an answer": Switch(
        "hub",
        "            if got > self._most or time.monotonic() > self._until:",
        "            if False:",
        "test_hub_network.py -k that_is_no_file and endless",
    ),
    "the bytes of a file": Switch(
        "fetch",
        "            if sink.count + len(chunk) > file.size:",
        "            if False:",
        "test_hub_network.py -k clear_line and longer",
    ),
    "no compressed answer": Switch(
        "hub",
        '    if response.headers.get("content-encoding", "identity") != "identity":',
        "    if False:",
        "test_hub_network.py -k clear_line and bomb",
    ),
    "the parent of a commit": Switch(
        "hub",
        "                parent_commit=onto.commit,\n",
        "",
        "test_hub_circle.py -k pushed_meanwhile",
        long=True,
    ),
    "the hashes after a commit": Switch(
        "push",
        "        missing = self._missing(there)\n        if missing:",
        "        missing = self._missing(there)\n        if False:",
        "test_hub_circle.py -k compared_after",
    ),
    "the golden rows after a pull": Switch(
        "pull",
        "            (folder / MANIFEST).write_bytes(raw)\n"
        "            prove_golden(self.zoo.home, str(folder))\n",
        "            (folder / MANIFEST).write_bytes(raw)\n",
        "test_hub_circle.py -k pull_refuses_what",
        long=True,
    ),
}


class Board:
    """A running :mod:`switchboard`."""

    def __init__(self, site, home):
        self.site = site
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "switchboard.py")],
            env={**os.environ, "HF_HOME": str(home)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, switch, folder, *, switched=True):
        """Return how pytest ends on the tests beside a switch, None where it hangs, and what it says last."""
        file, _, only = switch.tests.partition(" -k ")
        arguments = ["-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=line", "-k", only]
        texts = {module_of(switch): [(switch.old, switch.new)]} if switched else {}
        said = folder / "said"
        asked = {
            "arguments": [*arguments, str(HERE / file), "--basetemp", str(folder / "tmp")],
            "environment": environment(self.site, texts),
            "said": str(said),
            "longest": LONGEST,
        }
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        code = json.loads(self.process.stdout.readline())
        return code, said.read_text(errors="replace")[-2000:]

    def end(self):
        """Let it end, after the run that is under way."""
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        try:
            self.process.wait(2 * LONGEST)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """Give a queue of boards, one for each that may run at once."""
    folder = tmp_path_factory.mktemp("switched")
    write_site(folder / "site")
    found = [Board(folder / "site", folder / "hub") for _ in range(AT_ONCE)]
    free = SimpleQueue()
    for board in found:
        free.put(board)
    yield free
    for board in found:
        board.end()


def run(boards, switch, folder, *, switched=True):
    board = boards.get()
    try:
        return board.run(switch, folder, switched=switched)
    finally:
        boards.put(board)


@pytest.fixture(scope="module")
def outcomes(request, boards, tmp_path_factory):
    """Run what the collected tests ask about, two at a time, and give the futures by name."""
    asked = [
        item.callspec.params["name"]
        for item in request.session.items
        if "outcomes" in getattr(item, "fixturenames", ())
    ]
    pool = ThreadPoolExecutor(AT_ONCE)
    yield {name: pool.submit(run, boards, SWITCHES[name], tmp_path_factory.mktemp("run")) for name in asked}
    pool.shutdown(cancel_futures=True)


def module_of(switch):
    return switch.module if "." in switch.module else f"lexarium_registry.{switch.module}"


@pytest.mark.parametrize("name", [name for name, switch in SWITCHES.items() if NIGHTLY or not switch.long])
def test_a_safety_step_that_is_switched_off_makes_a_test_fail(outcomes, name):
    code, said = outcomes[name].result()
    assert code is not None, f"a test hangs: {said}"
    assert code == pytest.ExitCode.TESTS_FAILED, said
    assert not re.search(r"\b(Syntax|Indentation|Name|Import|UnboundLocal)Error\b", said), said


def test_a_board_passes_what_passes_while_nothing_is_switched_off(boards, tmp_path):
    switch = SWITCHES["fsync of the parent of a folder that is there"]  # whose tests are quick
    code, said = run(boards, switch, tmp_path, switched=False)
    assert code == pytest.ExitCode.OK, said


@pytest.mark.skipif(not NIGHTLY, reason="runs the tests of all promises again: make nightly")
@pytest.mark.parametrize("tests", sorted({switch.tests for switch in SWITCHES.values()}))
def test_the_tests_beside_a_switch_pass_while_nothing_is_switched_off(boards, tmp_path, tests):
    (switch,) = [each for each in SWITCHES.values() if each.tests == tests][:1]
    code, said = run(boards, switch, tmp_path, switched=False)
    assert code == pytest.ExitCode.OK, said


def test_each_text_that_is_switched_stands_once_in_its_module():
    for name, switch in SWITCHES.items():
        source = Path(find_spec(module_of(switch)).origin).read_text(encoding="utf-8")
        assert source.count(switch.old) == 1, name
        assert switch.new != switch.old, name
