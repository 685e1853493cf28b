"""The local store: whole at every moment, whoever is killed, whoever writes at the same time."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from lexarium.checkpoint.folder import verify_files
from lexarium.errors import CheckpointError, ModelNotFoundError, StoreError
from lexarium.testing.stores import writer
from lexarium_registry.listing import listing
from lexarium_registry.store import LocalStore, default_home

# In a process of its own: for k = 0, 1, 2 ... a child does what is asked on a store of its own and
# is killed (no handler runs, nothing is flushed) just before the k-th time that it touches the disk.
KILLED = """
import os, shutil, signal, sys
from pathlib import Path
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore

root, work = Path(sys.argv[1]), sys.argv[2]
TOUCHES = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod"}

def act(store):
    if work == "remove":
        return store.remove("x", "1")
    if work == "tag":
        return store.tag("x", "t", "1")
    return store.publish("x", writer(b"two"))

k, done = 0, False
before = LocalStore(root / "before")
for content in (b"one", b"other"):
    if work != "first":
        before.publish("x", writer(content))
        before.tag("x", "t", before.versions("x")[-1])
while not done:
    store = LocalStore(root / str(k))
    if work != "first":
        shutil.copytree(before.home, store.home)
    child = os.fork()
    if child == 0:
        left = k
        def touch(event, arguments):
            global left
            if event in TOUCHES and str(arguments[0]).startswith(str(root)):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
        sys.addaudithook(touch)
        act(store)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    done = os.WIFEXITED(status)
    assert done or os.WTERMSIG(status) == signal.SIGKILL
    k += 1
print(k)
"""

PUBLISH = """
import sys
from pathlib import Path
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore
store, who = LocalStore(Path(sys.argv[1])), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for i in range(int(sys.argv[3])):
    print(store.publish("x", writer(f"{who if i % 2 else 'both'} {i}".encode())).version)
"""


@pytest.mark.skipif(os.name != "posix", reason="kills with a signal")
@pytest.mark.parametrize(
    ("work", "before"),
    [("first", []), ("publish", ["1", "2"]), ("remove", ["1", "2"]), ("tag", ["1", "2"])],
)
def test_killed_at_any_moment_it_leaves_a_store_that_is_whole_and_goes_on(tmp_path, whole, work, before):
    command = [sys.executable, "-c", KILLED, str(tmp_path), work]
    moments = int(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    after = {"first": ["1"], "publish": ["1", "2", "3"], "remove": ["2"], "tag": before}[work]
    tags = [{"t": "1"}, {"t": "2"}] if work == "tag" else [{"t": "2"}]
    seen = set()
    for moment in range(moments):
        store = LocalStore(tmp_path / str(moment))
        versions = store.versions("x")
        assert versions in (before, after)
        assert store.names() == (["x"] if versions else [])
        assert whole(store)
        found_tags = store.tags("x")
        assert work == "first" or found_tags in tags
        indexed = listing(store.layout)
        store.layout.index.unlink(missing_ok=True)
        assert indexed == listing(store.layout), "the index shows what is there"
        expected = str(int(versions[-1]) + 1) if versions else "1"
        assert store.publish("x", writer(b"next")).version == expected
        assert whole(store)
        assert list((store.home / "staging").iterdir()) == [], "what the dead left behind is cleared"
        seen.add(str([versions, tags.index(found_tags) if work == "tag" else 0]))
    assert len(seen) == 2, "it was killed both before and after the deed"
    assert moments > 10


def test_two_processes_that_publish_one_name_at_once_both_succeed_and_readers_see_whole_models(
    home, store, whole
):
    store.publish("x", writer(b"first"))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    both = [
        subprocess.Popen([sys.executable, "-c", PUBLISH, str(home), who, "8"], **pipes) for who in ("a", "b")
    ]
    for process in both:
        assert process.stdout.readline() == "ready\n"
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    while any(process.poll() is None for process in both):
        found = store.find("x")
        assert list(verify_files(found.manifest, found.locate)) == []
    outputs = [process.communicate(timeout=60)[0].split() for process in both]
    assert sorted(map(int, [*outputs[0], *outputs[1]])) == list(range(2, 18))
    assert store.versions("x") == [str(n) for n in range(1, 18)]
    assert whole(store)


def test_what_is_being_written_is_left_alone_as_long_as_its_lock_is_held_whatever_its_name(store):
    staging = store.home / "staging"
    living, dead = staging / "999999999-x", staging / f"{os.getpid()}-x"
    for folder in (living, dead):
        folder.mkdir(parents=True)
        (folder / "half").write_text("half a model")
    with FileLock(living / "lock"):
        store.publish("x", writer(b"one"))
        assert list(staging.iterdir()) == [living]
        assert (living / "half").is_file()
    store.publish("x", writer(b"two"))
    assert list(staging.iterdir()) == []


def test_one_may_publish_while_another_is_still_writing(store, whole):
    def slow(folder):
        LocalStore(store.home).publish("x", writer(b"quick"))
        writer(b"slow")(folder)

    assert store.publish("x", slow).version == "2"
    assert store.find("x", "1").locate("content.txt").read_bytes() == b"quick"
    assert whole(store)


def test_a_writer_that_waits_says_for_what_and_gives_up_in_the_end(store, caplog):
    store.publish("x", writer(b"one"))
    impatient = LocalStore(store.home, patience=0.05)
    lock = str(store.home / "lock")
    with FileLock(lock):
        for call in (lambda: impatient.publish("x", writer(b"two")), lambda: impatient.remove("x")):
            caplog.clear()
            with pytest.raises(
                StoreError, match=re.escape(f"another process has held {lock} for 0.05 seconds")
            ):
                call()
            assert [(record.name, record.levelname) for record in caplog.records] == [("lexarium", "WARNING")]
            assert lock in caplog.text
    assert store.versions("x") == ["1"]


REMOVE = """
import sys
from pathlib import Path
from lexarium.testing.stores import writer
from lexarium_registry.store import LocalStore
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
for i in range(60):
    store.publish("x", writer(b"%d" % i))
    store.remove("x")
"""


def test_a_reader_beside_one_who_removes_finds_a_whole_model_or_none(home, store):
    store.publish("y", writer(b"other"))
    process = subprocess.Popen([sys.executable, "-c", REMOVE, str(home)], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "ready\n"
        found, missed, hints = 0, 0, set()
        while process.poll() is None:
            for version in (None, *store.versions("x")):
                try:
                    stored = store.find("x", version)
                except ModelNotFoundError as error:
                    hints.add(str(error).partition("did you mean ")[2][:3])
                    missed += 1
                else:
                    assert stored.name == "x"
                    found += 1
    assert process.returncode == 0
    assert found
    assert missed
    assert not hints & {"'x'", "'x@"}, "what is proposed is not what was asked for"


def test_two_who_remove_the_same_at_once_share_the_work_and_the_later_one_finds_nothing(home, whole):
    store = LocalStore(home)
    for content in (b"one", b"two", b"three"):
        store.publish("x", writer(content))
    gone = []

    class Late(LocalStore):
        def lock(self):
            if not gone:
                gone.extend(LocalStore(home).remove("x", "1" if self.only_one else None))
            return super().lock()

    late = Late(home)
    late.only_one = True
    assert late.remove("x") == ["2", "3"]
    assert gone == ["1"]
    store.publish("x", writer(b"four"))
    gone.clear()
    late.only_one = False
    with pytest.raises(ModelNotFoundError, match="no stored model named 'x'; there are none"):
        late.remove("x")
    assert gone == ["4"]
    assert whole(store)


def test_what_was_published_is_returned_though_it_was_removed_at_once(home):
    class Quick(LocalStore):
        @contextmanager
        def lock(self):
            with super().lock():
                yield
            if self.versions("x"):
                LocalStore(self.home).remove("x")

    stored = Quick(home).publish("x", writer(b"one"))
    assert (stored.name, stored.version, stored.manifest.version) == ("x", "1", "1")
    assert LocalStore(home).names() == []


def unlike(folder):
    (folder / "content.txt").write_bytes(b"two")


def longer(folder):
    (folder / "content.txt").write_bytes(b"longer")


def linked(folder):
    (folder / "content.txt").rename(folder.parent / "aside")
    (folder / "content.txt").symlink_to(folder.parent / "aside")


def linked_outside(folder):
    (folder.parents[2] / "outside").write_bytes(b"one")
    (folder / "content.txt").unlink()
    (folder / "content.txt").symlink_to(folder.parents[2] / "outside")


def missing(folder):
    (folder / "content.txt").unlink()


@pytest.mark.parametrize("spoiled", [unlike, longer, linked, linked_outside, missing])
@pytest.mark.parametrize("known", [False, True])
def test_what_is_not_what_its_manifest_says_is_not_stored(store, files, spoiled, known):
    store.publish("x", writer(b"one" if known else b"other"))  # known: the blob is there already
    before = files(store.home)

    def write(folder):
        writer(b"one")(folder)
        spoiled(folder)

    with pytest.raises(CheckpointError, match=r"content\.txt: it is .*; the model was not stored"):
        store.publish("y", write)
    if spoiled is linked_outside:
        assert (store.home / "outside").stat().st_mode & 0o200
        (store.home / "outside").unlink()
    assert files(store.home) == before


def test_an_error_of_what_writes_the_model_is_not_taken_for_one_of_the_store(store, files):
    store.publish("x", writer(b"one"))
    before = files(store.home)

    def refuse(folder):
        writer(b"two")(folder)
        Path(folder / "no such file").read_bytes()

    with pytest.raises(FileNotFoundError, match="no such file"):
        store.publish("x", refuse)
    assert files(store.home) == before


def test_the_store_says_its_format_from_the_first_publish_on(store):
    with pytest.raises(CheckpointError):
        store.publish("x", lambda folder: folder.mkdir())
    assert not (store.home / "format").exists()
    store.publish("x", writer(b"one"))
    assert (store.home / "format").read_bytes() == b"2\n"


@pytest.mark.parametrize("says", [b"1\n", b"3\n", b"", b"2", b"two\n", b"\xff" * 9])
def test_a_store_of_another_format_is_neither_read_nor_written(store, files, says):
    store.publish("x", writer(b"one"))
    (store.home / "format").write_bytes(says)
    before = files(store.home)
    calls = [
        store.names,
        lambda: store.versions("x"),
        lambda: store.find("x"),
        lambda: store.find("x", "1"),
        lambda: store.resolve("x@1"),
        lambda: store.publish("x", lambda _: pytest.fail("it is refused before the work")),
        lambda: store.remove("x"),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="knows format 2; use the Lexarium that made it"):
            call()
    assert files(store.home) == before


@pytest.mark.parametrize("stray", ["x/latest", "x/2.tmp", "x/01", "Tags/x", "file", "x/.lock"])
def test_nothing_is_freed_while_there_is_a_reference_that_is_not_understood(store, files, caplog, stray):
    for content in (b"one", b"two"):
        store.publish("x", writer(content))
    path = store.home / "refs" / stray
    path.parent.mkdir(exist_ok=True)
    path.write_text("of a later version")
    kept = [name for name in files(store.home) if name.startswith(("blobs", "manifests"))]
    assert store.remove("x", "1") == ["1"]
    assert [name for name in files(store.home) if name.startswith(("blobs", "manifests"))] == kept
    assert "no file was freed" in caplog.text
    path.unlink()
    if not os.listdir(path.parent):
        path.parent.rmdir()
    store.publish("x", writer(b"three"))
    store.remove("x", "3")
    assert len(files(store.home / "manifests")) == 1


def test_a_reference_that_is_no_file_is_damage(store):
    store.publish("x", writer(b"one"))
    for make in (os.mkdir, os.mkfifo, lambda path: path.symlink_to("nowhere")):
        make(path := store.home / "refs" / "x" / "2")
        with pytest.raises(CheckpointError, match="x@2: its reference cannot be read"):
            store.find("x")
        (os.rmdir if path.is_dir() else os.unlink)(path)
    assert store.find("x").version == "1"


@pytest.mark.parametrize("version", ["", "0", "01", "2", "../1", "1\n", "one"])
def test_a_version_that_cannot_be_is_not_found(store, version):
    store.publish("x", writer(b"one"))
    with pytest.raises(ModelNotFoundError):
        store.find("x", version)
    with pytest.raises(ModelNotFoundError):
        store.remove("x", version)


def test_finding_a_version_lists_no_others(store):
    for content in (b"one", b"two"):
        store.publish("x", writer(content))
    listed = []

    class Watched(LocalStore):
        def versions(self, name):
            listed.append(name)
            return super().versions(name)

    assert Watched(store.home).find("x", "1").version == "1"
    assert listed == []


def test_eight_processes_that_write_one_name_lose_no_version_and_their_index_is_right(home, store, whole):
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    each = 25 if os.environ.get("LEXARIUM_NIGHTLY") == "1" else 3
    command = [sys.executable, "-c", PUBLISH, str(home)]
    writers = [subprocess.Popen([*command, str(n), str(each)], **pipes) for n in range(8)]
    for process in writers:
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=300)[0].split() for process in writers]
    assert sorted(int(version) for output in outputs for version in output) == list(range(1, 8 * each + 1))
    assert [len(output) for output in outputs] == [each] * 8
    indexed = listing(store.layout)
    assert [row.version for row in indexed["x"].rows] == store.versions("x")
    store.layout.index.unlink()
    assert listing(store.layout) == indexed
    assert whole(store)


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX")
def test_a_blob_that_is_there_already_is_made_durable_again(store, monkeypatch):
    blob = store.publish("x", writer(b"one")).locate("content.txt")
    synced = set()
    fsync = os.fsync

    def watched(descriptor):
        synced.add(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    store.publish("y", writer(b"one"))
    for folder in (blob.parent, blob.parent.parent):
        assert folder.stat().st_ino in synced


def test_equal_content_is_kept_once_and_goes_with_its_last_user(store, files):
    store.publish("x", writer(b"shared"))
    blobs = files(store.home / "blobs")
    store.publish("y", writer(b"shared"))
    assert files(store.home / "blobs") == blobs
    store.publish("y", writer(b"own"))
    assert len(files(store.home / "blobs")) == len(blobs) + 1
    store.remove("y")
    assert files(store.home / "blobs") == blobs
    store.remove("x")
    assert files(store.home / "blobs") == []
    assert files(store.home / "manifests") == []


def test_blobs_stand_under_their_own_hash_and_cannot_be_written_to(store):
    found = store.publish("x", writer(b"content"))
    for entry in found.manifest.files:
        blob = found.locate(entry.path)
        assert blob.relative_to(store.home) == Path("blobs", entry.sha256[:2], entry.sha256)
        assert blob.stat().st_mode & 0o222 == 0


def turn(raw):
    return raw[:-1] + bytes([raw[-1] ^ 1])


def spoil(path, change):
    path.chmod(0o644)
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize(
    "change", [lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), lambda raw: raw + b"x", lambda _: b""]
)
def test_a_damaged_blob_is_found_by_verifying_and_healed_by_storing_the_same_again(store, whole, change):
    found = store.publish("x", writer(b"content"))
    spoil(found.locate("content.txt"), change)
    (problem,) = verify_files(found.manifest, found.locate)
    assert problem.startswith("content.txt ")
    store.publish("y", writer(b"content"))
    assert whole(store)


def test_a_missing_blob_comes_back_by_storing_the_same_again(store, whole):
    store.publish("x", writer(b"content")).locate("content.txt").unlink()
    store.publish("x", writer(b"content"))
    assert whole(store)


DAMAGE = {
    "nonsense": b"nonsense",
    "empty": b"",
    "not ASCII": b"\xff" * 64,
    "a way out": b"../../../etc/passwd",
    "the hash of nothing stored": b"0" * 64,
}


@pytest.mark.parametrize("raw", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_reference_is_named_leaves_the_others_and_can_be_removed(store, whole, files, raw):
    store.publish("x", writer(b"one"))
    store.publish("x", writer(b"two"))
    store.publish("y", writer(b"one"))
    (store.home / "refs" / "x" / "1").write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"x@1: its .* \(lexarium remove x@1\) and store it again"):
        store.find("x", "1")
    for name in ("x", "y"):
        assert list(verify_files((found := store.find(name)).manifest, found.locate)) == []
    kept = files(store.home / "blobs")
    store.remove("y")
    assert files(store.home / "blobs") == kept, (
        "while a version is damaged nothing is swept that it might need"
    )
    assert store.remove("x", "1") == ["1"]
    assert store.versions("x") == ["2"]
    assert whole(store)
    assert len(files(store.home / "manifests")) == 1


@pytest.mark.parametrize(
    "change", [lambda raw: raw.replace(b"any", b"all"), lambda raw: raw[:50], lambda _: b"{}"]
)
def test_a_damaged_manifest_is_never_believed(store, change):
    store.publish("x", writer(b"one"))
    (manifest,) = (path for path in (store.home / "manifests").rglob("*") if path.is_file())
    spoil(manifest, change)
    with pytest.raises(CheckpointError, match="x@1: its manifest is damaged: its sha256 is another"):
        store.find("x")
    manifest.unlink()
    with pytest.raises(CheckpointError, match="x@1: its manifest is missing"):
        store.find("x")


def test_files_of_strangers_in_the_store_are_passed_over(store):
    store.publish("x", writer(b"one"))
    for stray in (".DS_Store", "Thumbs.db", "README"):
        (store.home / "refs" / stray).write_text("stray")
        (store.home / "refs" / "x" / stray).write_text("stray")
    for stray in ("²", "٣", "1.tmp", "-1"):
        (store.home / "refs" / "x" / stray).write_text("stray")
    (store.home / "refs" / "empty").mkdir()
    assert store.names() == ["x"]
    assert store.versions("x") == ["1"]
    assert store.publish("x", writer(b"two")).version == "2"


def test_versions_are_counted_as_numbers(store):
    for _ in range(11):
        store.publish("x", writer(b"one"))
    assert store.versions("x") == [str(n) for n in range(1, 12)]
    assert store.find("x").version == "11"


def everything(home):
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes() if p.is_file() else None) for p in home.rglob("*")}


def test_a_read_only_store_can_be_read_and_reading_writes_nothing(store, whole):
    store.publish("x", writer(b"one"))
    for path in (store.home, *store.home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = everything(store.home)
    assert whole(LocalStore(store.home))
    assert store.resolve("x@1").version == "1"
    store.prove(store.find("x"))
    assert list(listing(store.layout)) == ["x"]
    assert (store.tags("x"), store.aliases(), store.pulled("hf://a/b")) == ({}, {}, [])
    assert everything(store.home) == before
    if os.geteuid():  # root may write anywhere
        for call in (lambda: store.publish("y", writer(b"one")), lambda: store.remove("x")):
            with pytest.raises(StoreError, match="cannot be written"):
                call()
    for path in (store.home, *store.home.rglob("*")):
        path.chmod(0o755)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_home_that_cannot_be_made_is_a_store_error(tmp_path, place):
    (tmp_path / "file").write_text("a file")
    store = LocalStore(tmp_path / place)
    assert store.names() == []
    with pytest.raises(StoreError, match="check the folder, or set LEXARIUM_HOME"):
        store.publish("x", writer(b"one"))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full_is_a_store_error_and_nothing_is_stored(store, files, code):
    store.publish("x", writer(b"one"))
    before = files(store.home)

    def refuse(folder):
        writer(b"two")(folder)
        raise OSError(code, os.strerror(code))

    with pytest.raises(StoreError, match="free some space; nothing was stored"):
        store.publish("x", refuse)
    assert files(store.home) == before


def test_a_writer_that_writes_no_model_stores_nothing(store, files):
    with pytest.raises(CheckpointError, match="there is no model here"):
        store.publish("x", lambda folder: folder.mkdir())
    assert store.names() == []
    assert [path for path in files(store.home) if path != "lock"] == []


def test_what_is_not_there_is_answered_with_what_is_near(store):
    store.publish("glove", writer(b"one"))
    with pytest.raises(ModelNotFoundError, match="did you mean 'glove'"):
        store.find("glvoe")
    with pytest.raises(ModelNotFoundError, match="no stored model named 'glove@2'; did you mean 'glove@1'"):
        store.resolve("glove@2")
    with pytest.raises(ModelNotFoundError):
        store.remove("glove", "2")
    assert store.versions("glove") == ["1"]


def test_a_folder_is_read_where_it_lies_and_never_for_a_bare_name(store, tmp_path, monkeypatch):
    writer(b"one")(tmp_path / "glove")
    monkeypatch.chdir(tmp_path)
    for reference in ("./glove", str(tmp_path / "glove"), "../" + tmp_path.name + "/glove"):
        assert store.resolve(reference).locate("content.txt").read_bytes() == b"one"
    with pytest.raises(StoreError, match=r"for the folder type \./glove"):
        store.resolve("glove")
    store.publish("glove", writer(b"two"))
    assert store.resolve("glove").locate("content.txt").read_bytes() == b"two"
    with pytest.raises(CheckpointError, match="there is no model here"):
        store.resolve("./nowhere")


def test_a_model_that_is_being_read_outlives_its_removal(store):
    with store.publish("x", writer(b"content")).locate("content.txt").open("rb") as file:
        store.remove("x")
        assert file.read() == b"content"


def test_the_home_is_what_the_environment_says_or_the_users_data_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEXARIUM_HOME", "models")
    assert default_home() == LocalStore().home == tmp_path / "models"
    monkeypatch.delenv("LEXARIUM_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_home().name == "lexarium"
    assert default_home().is_absolute()
    assert LocalStore(Path("relative")).home == tmp_path / "relative"
