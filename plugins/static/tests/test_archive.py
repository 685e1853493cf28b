"""Zip archives and gzip as streams: what is in them, and what they may not do."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import FormatError
from lexarium.roles import silent
from lexarium_static.archive import open_stream
from lexarium_static.binary import read_binary
from lexarium_static.text import read_text

TEXT = b"a 0 1\nb 2 3\n"


@pytest.fixture
def pack(tmp_path):
    def pack(files, kind=zipfile.ZIP_DEFLATED):
        path = tmp_path / "glove.6B.zip"
        with zipfile.ZipFile(path, "w", kind) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return path

    return pack


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_only_file_of_an_archive_is_read_without_its_name(pack, kind):
    words, vectors = read_text(pack({"folder/": b"", "folder/v.txt": TEXT}, kind), silent)
    assert words == ["a", "b"]
    np.testing.assert_array_equal(vectors, [[0, 1], [2, 3]])


def named(path, member):
    return path.with_name(f"{path.name}:{member}")


def test_one_of_several_files_is_read_by_its_name(pack):
    path = pack({"v.1d.txt": b"a 7\n", "more/v.2d.txt": TEXT, "v.bin": b"1 1\na \0\0\0\0"})
    assert read_text(named(path, "v.1d.txt"), silent)[1].shape == (1, 1)
    assert read_text(Path(f"{path}:more/v.2d.txt"), silent)[1].shape == (2, 2)
    assert read_binary(named(path, "v.bin"), silent)[0] == ["a"]


def test_a_file_whose_own_name_looks_so_is_read_as_it_is(pack):
    path = pack({"v.txt": TEXT})
    named(path, "v.txt").write_bytes(b"c 7\n")
    assert read_text(named(path, "v.txt"), silent)[0] == ["c"]


def test_what_is_wrong_in_a_file_of_an_archive_is_said_with_its_name(pack):
    path = pack({"good.txt": TEXT, "bad.txt": TEXT + b"c 4\n"})
    with pytest.raises(FormatError, match=r"zip:bad\.txt, line 3: "):
        read_text(named(path, "bad.txt"), silent)


def test_without_the_name_the_error_lists_the_files_and_says_what_to_type(pack):
    path = pack({"v.1d.txt": b"a 7\n", "v.2d.txt": TEXT})
    with pytest.raises(FormatError, match=r"holds 2 files: v\.1d\.txt, v\.2d\.txt; type .*zip:v\.1d\.txt"):
        read_text(path, silent)
    with pytest.raises(FormatError, match=r"no file 'v\.3d\.txt'; did you mean"):
        read_text(named(path, "v.3d.txt"), silent)


def test_an_empty_archive_and_a_file_that_is_none_say_so(pack, tmp_path):
    with pytest.raises(FormatError, match="holds 0 files: none"):
        read_text(pack({}), silent)
    (tmp_path / "plain").write_bytes(TEXT)
    with pytest.raises(FormatError, match="not a zip archive"):
        read_text(tmp_path / "plain:x", silent)


def test_every_prefix_of_an_archive_is_refused(pack):
    path = pack({"v.txt": TEXT * 1})
    whole = path.read_bytes()
    for end in range(1, len(whole)):
        path.write_bytes(whole[:end])
        with pytest.raises(FormatError):
            read_text(path, silent)


def test_any_byte_changed_is_refused_or_gives_the_same(pack):
    path = pack({"v.txt": TEXT})
    whole = path.read_bytes()
    expected = read_text(path, silent)
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            words, vectors = read_text(path, silent)
        except FormatError:
            continue
        assert words == expected[0]
        np.testing.assert_array_equal(vectors, expected[1])


def test_a_file_that_swells_beyond_measure_is_refused(pack):
    with pytest.raises(FormatError, match="more than 200 times as large"):
        read_text(pack({"v.txt": b"a" + b" 0" * 5_000_000}), silent)


def test_an_archive_with_an_endless_list_of_files_is_refused_before_it_is_read(pack):
    path = pack({f"{i:0200}": b"" for i in range(5000)})
    with pytest.raises(FormatError, match="too many files"):
        read_text(path, silent)


def test_an_encrypted_file_is_refused(pack):
    path = pack({"v.txt": TEXT})
    whole = bytearray(path.read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="encrypted"):
        read_text(path, silent)


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_another_compression_than_deflate_is_refused_whole_or_damaged(pack, kind):
    path = pack({"v.txt": TEXT * 100}, kind)
    whole = path.read_bytes()
    for content in (whole, whole[:40] + bytes(9) + whole[49:]):
        path.write_bytes(content)
        with pytest.raises(FormatError, match=f"compressed by method {kind}, and only .*; unpack it"):
            read_text(path, silent)


def test_gzip_is_a_stream_too(tmp_path):
    (tmp_path / "v.gz").write_bytes(gzip.compress(TEXT))
    with open_stream(tmp_path / "v.gz") as stream:
        assert stream.read() == TEXT


@pytest.mark.parametrize(
    "content", [b"2 2000000\na " + bytes(9_000_000), b"a" + b" 0" * 5_000_000], ids=["binary", "text"]
)
def test_gzip_that_swells_beyond_measure_is_refused_before_it_fills_memory(tmp_path, content):
    path = tmp_path / "v.gz"
    path.write_bytes(gzip.compress(content))
    tracemalloc.start()
    with pytest.raises(FormatError, match="more than 200 times as large as its"):
        (read_binary if content.startswith(b"2") else read_text)(path, silent)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20
