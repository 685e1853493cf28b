"""Durable writing: the old or the new, never a half."""

from __future__ import annotations

import os

import pytest

from lexarium_registry.durable import make_folder, place, sync_folder, write_new


def test_a_folder_is_made_with_its_parents_and_may_be_there_already(tmp_path):
    for _ in range(2):
        make_folder(tmp_path / "a" / "b" / "c")
        assert (tmp_path / "a" / "b" / "c").is_dir()


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX")
def test_the_name_of_a_folder_that_is_there_already_is_made_durable_too(tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        synced.clear()
        make_folder(folder)
        assert tmp_path.stat().st_ino in synced
    assert (tmp_path / "a").stat().st_ino in synced


def test_a_folder_cannot_be_made_where_a_file_stands(tmp_path):
    (tmp_path / "a").write_text("file")
    with pytest.raises(OSError, match="a"):
        make_folder(tmp_path / "a" / "b")


def test_a_file_takes_the_place_of_another_in_one_step(tmp_path):
    target = tmp_path / "new" / "folder" / "target"
    for content in ("one", "two"):
        (tmp_path / "aside").write_text(content)
        place(tmp_path / "aside", target)
        assert target.read_text() == content
        assert not (tmp_path / "aside").exists()


def test_new_content_stands_under_its_name_and_nothing_beside_it(tmp_path):
    write_new(tmp_path / "aside", tmp_path / "x" / "target", b"\x00content")
    assert (tmp_path / "x" / "target").read_bytes() == b"\x00content"
    assert os.listdir(tmp_path) == ["x"]


def test_a_file_that_another_is_writing_is_not_overwritten(tmp_path):
    (tmp_path / "aside").write_text("another's")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "aside", tmp_path / "target", b"mine")
    assert (tmp_path / "aside").read_text() == "another's"
    assert not (tmp_path / "target").exists()


def test_a_folder_that_is_gone_cannot_be_made_durable(tmp_path):
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")
