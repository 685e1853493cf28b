"""Models in one file: what comes out is what went in, and nothing else ever comes out."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexarium.checkpoint.folder import verify_files
from lexarium.errors import (
    CheckpointError,
    FormatError,
    InputError,
    LexariumError,
    ModelNotFoundError,
    StoreError,
)
from lexarium.stores import Origin
from lexarium.zoo import Zoo
from lexarium_registry.bundle import bundle, unbundle
from lexarium_registry.store import LocalStore

ORIGIN = Origin(reference="hf://org/repo", revision="main", commit="a" * 40, manifest="b" * 64)
NIGHTLY = os.environ.get("LEXARIUM_NIGHTLY") == "1"


@pytest.fixture
def full(zoo, model, tmp_path):
    """Store two versions of ``a``, one of them pulled, and one of ``b`` that shares its files."""
    zoo.save(model, name="a", license="MIT")
    zoo.export("a", "folder", tmp_path / "folder")

    def copy(folder):
        (tmp_path / "folder").rename(folder)

    zoo.store.publish("b", copy, origin=ORIGIN)
    zoo.save(type(model)(3), name="a")
    return zoo


@pytest.fixture
def other(zoo, tmp_path):
    """Give an empty zoo elsewhere."""
    return Zoo(tmp_path / "other", zoo.host)


@pytest.fixture
def packed(full, tmp_path):
    path = tmp_path / "models.tar"
    bundle(full, ["a@1", "a", "b"], path)
    return path


def members(path):
    with tarfile.open(path, "r:") as archive:
        return {info.name: archive.extractfile(info).read() for info in archive}


def write(path, files):
    """Write a tar of these files by the standard library; a value that is no bytes changes the header."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, raw in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(raw)
            archive.addfile(info, io.BytesIO(raw))
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw.rstrip(b"\0")) + -len(raw.rstrip(b"\0")) % 512] + bytes(1024))


def refused(zoo, path, error=FormatError):
    """Check that a bundle is refused with an error of ours, and that nothing is stored."""
    with pytest.raises(error) as caught:
        unbundle(zoo, path)
    assert zoo.store.names() == []
    assert not list((zoo.home / "blobs").rglob("*")) if (zoo.home / "blobs").exists() else True
    staging = zoo.home / "staging"
    assert not staging.exists() or list(staging.iterdir()) == []
    return str(caught.value)


def test_what_comes_out_is_what_went_in(full, other, packed):
    found = unbundle(other, packed)
    assert [(s.name, s.version, new) for s, new in found] == [
        ("a", "1", True),
        ("a", "2", True),
        ("b", "1", True),
    ]
    for reference in ("a@1", "a@2", "b@1"):
        there, here = full.store.resolve(reference), other.store.resolve(reference)
        assert here.manifest.files == there.manifest.files
        assert here.manifest.created == there.manifest.created
        assert here.origin == there.origin
        assert list(verify_files(here.manifest, here.locate)) == []
    assert other.load("a").embed(["four"]).tolist() == [[12]]


def test_it_is_a_plain_tar_and_equal_files_are_in_it_once(full, packed, tmp_path):
    found = members(packed)
    blobs = [name for name in found if name.startswith("blobs/")]
    assert len(blobs) == len(
        {e.sha256 for r in ("a@1", "a@2", "b") for e in full.store.resolve(r).manifest.files}
    )
    assert all(hashlib.sha256(found[name]).hexdigest() == name.removeprefix("blobs/") for name in blobs)
    assert {entry["name"] for entry in json.loads(found["bundle.json"])["models"]} == {"a", "b"}
    bundle(full, ["b", "a@2", "a@1"], tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes(), "the same models give the same bytes"


def test_what_is_there_is_not_stored_twice(other, packed):
    unbundle(other, packed)
    assert [new for _, new in unbundle(other, packed)] == [False, False, False]
    assert other.store.versions("a") == ["1", "2"]
    other.store.remove("a", "1")
    assert [(s.version, new) for s, new in unbundle(other, packed)] == [
        ("3", True),
        ("2", False),
        ("1", False),
    ]


def test_a_bundle_that_is_cut_short_anywhere_or_goes_on_is_refused(other, packed, tmp_path):
    raw = packed.read_bytes()
    path = tmp_path / "short.tar"
    places = range(0, len(raw), 512) if NIGHTLY else [0, 1, 511, 512, 700, len(raw) // 2, len(raw) - 1024]
    for size in [*places, len(raw) - 1]:
        path.write_bytes(raw[:size])
        assert "models.tar" not in refused(other, path)
    path.write_bytes(raw + b"\0")
    assert "goes on after its end" in refused(other, path)


def test_a_damaged_file_in_a_bundle_is_named(other, packed):
    raw = packed.read_bytes()
    start = raw.index(b"blobs/")
    at = start + tarfile.BLOCKSIZE  # its first byte
    packed.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    name = raw[start : start + 70].decode()
    assert f"{name} is damaged: its sha256 is another" in refused(other, packed)


@settings(max_examples=500 if NIGHTLY else 30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_whatever_byte_is_changed_it_is_refused_and_nothing_is_stored(other, packed, tmp_path, place, flip):
    raw = bytearray(packed.read_bytes())
    raw[int(place * len(raw))] ^= flip
    path = tmp_path / "flipped.tar"
    path.write_bytes(raw)
    try:
        unbundle(other, path)
    except LexariumError:
        assert other.store.names() == []
        return
    # Only what no hash covers may differ: a name or an origin of the contents.
    changed = members(path)["bundle.json"]
    assert changed != members(packed)["bundle.json"]
    other.store.remove("a")
    other.store.remove("b")


def edit(path, change):
    files = members(path)
    contents = json.loads(files["bundle.json"])
    change(files, contents)
    files["bundle.json"] = json.dumps(contents).encode()
    write(path, files)


def traverse(files, contents):
    contents["models"][0]["name"] = "../../outside"


def more(files, contents):
    files["blobs/" + "0" * 64] = b"more"


def swapped(files, contents):
    names = [name for name in files if name.startswith("blobs/")]
    files[names[0]], files[names[1]] = files[names[1]], files[names[0]]


def unlisted(files, contents):
    del contents["models"][0]


def strange(files, contents):
    contents["models"][0]["more"] = 1


def no_origin(files, contents):
    contents["models"][0]["origin"] = {"reference": "hf://org/repo"}


def renamed(files, contents):
    contents["models"][0]["name"] = "other"


def later(files, contents):
    contents["format"] = 2


def none(files, contents):
    contents["models"] = []


def not_a_hash(files, contents):
    contents["models"][0]["manifest"] = "../../../etc/passwd"


@pytest.mark.parametrize(
    "change", [traverse, more, swapped, unlisted, strange, no_origin, renamed, later, none, not_a_hash]
)
def test_a_hostile_bundle_is_refused(other, packed, change):
    edit(packed, change)
    refused(other, packed, LexariumError)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, b"x", b"L", b"S"],
)
def test_what_is_no_plain_file_is_refused(other, packed, kind):
    raw = bytearray(packed.read_bytes())
    info = tarfile.TarInfo.frombuf(bytes(raw[:512]), "utf-8", "strict")
    info.type, info.linkname = kind, "/etc/passwd"
    raw[:512] = info.tobuf(tarfile.GNU_FORMAT)[:512]
    packed.write_bytes(raw)
    assert "belongs here" in refused(other, packed)


@pytest.mark.parametrize("size", [2**40, 2**62, -1])
def test_a_size_that_is_a_lie_is_refused_before_anything_is_read(other, packed, size):
    raw = bytearray(packed.read_bytes())
    info = tarfile.TarInfo("bundle.json")
    info.size, info.mode = size, 0o644
    raw[:512] = info.tobuf(tarfile.GNU_FORMAT)
    packed.write_bytes(raw)
    refused(other, packed)


def test_a_space_id_that_is_not_that_of_the_tensors_is_refused(full, other, tmp_path):
    stored = full.store.find("b")
    raw = stored.manifest.to_bytes().replace(stored.manifest.root.space_id.encode(), b"f" * 64)
    digest = hashlib.sha256(raw).hexdigest()
    entry = {"name": "b", "manifest": digest, "origin": None}
    files = {"bundle.json": json.dumps({"format": 1, "models": [entry]}).encode(), f"manifests/{digest}": raw}
    files |= {f"blobs/{e.sha256}": stored.locate(e.path).read_bytes() for e in stored.manifest.files}
    path = tmp_path / "lie.tar"
    write(path, files)
    # The member headers of the standard library and ours must be the same for the lie to come to light.
    assert "space.id is not that" in refused(other, path, CheckpointError)


def test_a_name_that_is_an_alias_here_is_refused_before_anything_is_stored(other, packed, model):
    other.save(model, name="c")
    other.store.alias("b", "c")
    with pytest.raises(StoreError, match="'b' is an alias of c"):
        unbundle(other, packed)
    assert other.store.names() == ["c"]


def test_a_damaged_or_missing_model_is_in_no_bundle_and_nothing_is_left_of_it(full, tmp_path):
    path = full.store.find("a", "1").locate("model.safetensors")
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    out = tmp_path / "out"
    out.mkdir()
    for references, error in ((["a@1"], CheckpointError), (["z"], ModelNotFoundError)):
        with pytest.raises(error):
            bundle(full, references, out / "models.tar")
    path.unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        bundle(full, ["a@1"], out / "models.tar")
    assert list(out.iterdir()) == []


def test_what_exists_is_not_overwritten_and_a_folder_is_no_stored_model(full, packed, tmp_path):
    before = packed.read_bytes()
    with pytest.raises(InputError, match="it exists already"):
        bundle(full, ["a"], packed)
    assert packed.read_bytes() == before
    with pytest.raises(InputError, match="there is no such folder"):
        bundle(full, ["a"], tmp_path / "none" / "models.tar")
    full.export("a", "folder", tmp_path / "model")
    with pytest.raises(InputError, match="only stored models"):
        bundle(full, [str(tmp_path / "model")], tmp_path / "new.tar")


@pytest.mark.parametrize(
    "make", [None, os.mkdir, os.mkfifo, lambda p: p.write_bytes(random.Random(0).randbytes(4096))]
)
def test_what_is_no_bundle_is_refused(other, tmp_path, make):
    path = tmp_path / "models.tar"
    if make is not None:
        make(path)
    refused(other, path)


def test_a_store_that_is_not_on_this_disk_takes_no_bundle(other, packed):
    other.store = object()
    with pytest.raises(StoreError):
        unbundle(other, packed)


def test_the_commands_carry_models_from_one_store_to_another(invoke, full, other, tmp_path):
    path = tmp_path / "m.tar"
    assert "bundled a@2, b@1 in" in invoke("bundle", "b", "a", "--out", path).stdout
    full.store.remove("b")
    done = invoke("unbundle", path)
    assert done.stdout == "a@2 is there already\nb@2 is stored\n"
    assert json.loads(invoke("unbundle", path, "--json").stdout)[0] == {
        "name": "a",
        "version": "2",
        "new": False,
    }
    facts = json.loads(invoke("bundle", "a", "--out", tmp_path / "n.tar", "--json").stdout)
    assert facts["size_bytes"] == (tmp_path / "n.tar").stat().st_size
    assert LocalStore(full.home).find("b").origin == ORIGIN
