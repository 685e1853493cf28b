"""Finding plugins: the entry points of group ``lexarium``, without importlib.metadata."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import pytest

from lexarium.entrypoints import EntryPoint, scan


def put(root, folder, text):
    (root / folder).mkdir(parents=True)
    raw = text if isinstance(text, bytes) else text.encode()
    (root / folder / "entry_points.txt").write_bytes(raw)


def test_name_module_distribution_and_version_come_from_the_metadata(tmp_path):
    put(
        tmp_path,
        "lexarium_my.Bow-1.2.3.dist-info",
        "[console_scripts]\nx = y:z\n\n[lexarium]\nbow = my.plugin\n",
    )
    assert scan([str(tmp_path)]) == [EntryPoint("bow", "my.plugin", "lexarium-my-bow", "1.2.3")]


@pytest.mark.parametrize(
    "text",
    [
        "[lexarium]\na=m",
        "\ufeff\n[lexarium]\r\na = m [extra]\r\n[other]\r\nb = n\r\n",
        "# comment\n[lexarium]\n; comment\n# c = d\n\n  a   =   m  \n",
        "[lexarium-other]\nz = z\n[lexarium]\na = m\n",
    ],
)
def test_the_section_is_read_as_the_packaging_guide_writes_it(tmp_path, text):
    put(tmp_path, "d-1.dist-info", text)
    assert [(e.name, e.module) for e in scan([str(tmp_path)])] == [("a", "m")]


def test_distributions_without_the_section_give_nothing(tmp_path):
    put(tmp_path, "a-1.dist-info", "[console_scripts]\nlexarium = x:y\n")
    put(tmp_path, "b-1.dist-info", "[lexarium-other]\na = m\n")
    (tmp_path / "c-1.dist-info").mkdir()
    (tmp_path / "d-1.dist-info").write_text("a file, not a folder")
    assert [e for e in scan([str(tmp_path)]) if e.module] == []


def test_the_first_of_a_distribution_on_the_path_counts(tmp_path):
    put(tmp_path / "first", "My_Dist-2.dist-info", "[lexarium]\na = new\n")
    put(tmp_path / "second", "my.dist-1.dist-info", "[lexarium]\na = old\n")
    paths = [str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "first")]
    assert [(e.module, e.version) for e in scan(paths)] == [("new", "2")]


def test_a_distribution_without_plugins_hides_an_older_one_with_plugins(tmp_path):
    put(tmp_path / "first", "d-2.dist-info", "[console_scripts]\na = b:c\n")
    put(tmp_path / "second", "d-1.dist-info", "[lexarium]\na = old\n")
    assert scan([str(tmp_path / "first"), str(tmp_path / "second")]) == []


@pytest.mark.parametrize(
    ("folder", "version"),
    [
        ("d-1.0-py3.11.egg-info", "1.0"),
        ("d-1.0.egg-info", "1.0"),
        ("d.egg-info", "0"),
        ("d-1.0+cpu.dist-info", "1.0+cpu"),
    ],
)
def test_every_kind_of_metadata_folder_has_a_version(tmp_path, folder, version):
    put(tmp_path, folder, "[lexarium]\na = m\n")
    assert scan([str(tmp_path)]) == [EntryPoint("a", "m", "d", version)]


def test_metadata_that_is_not_text_is_kept_so_that_its_distribution_can_be_named(tmp_path):
    put(tmp_path, "bad-1.dist-info", b"[lexarium]\na = \xff\xfe\n")
    put(tmp_path, "good-1.dist-info", "[lexarium]\ng = m\n")
    assert scan([str(tmp_path)]) == [EntryPoint("bad", "", "bad", "1"), EntryPoint("g", "m", "good", "1")]


def test_paths_that_are_missing_or_files_are_passed_over(tmp_path):
    (tmp_path / "archive.zip").write_bytes(b"PK")
    assert scan([str(tmp_path / "nowhere"), str(tmp_path / "archive.zip")]) == []


def test_an_empty_path_is_the_working_folder(tmp_path, monkeypatch):
    put(tmp_path, "d-1.dist-info", "[lexarium]\na = m\n")
    monkeypatch.chdir(tmp_path)
    assert [e.name for e in scan([""])] == ["a"]


def test_the_whole_path_gives_what_importlib_metadata_gives(tmp_path, monkeypatch):
    put(tmp_path, "d_e-1.0.dist-info", "[lexarium]\nsomething = m\n")
    (tmp_path / "d_e-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: d-e\nVersion: 1.0\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    expected = sorted((e.name, e.value, e.dist.version) for e in entry_points(group="lexarium"))
    assert ("something", "m", "1.0") in expected
    assert [(e.name, e.module, e.version) for e in scan()] == expected


def test_what_is_installed_or_changed_after_a_scan_is_found_by_the_next(tmp_path):
    put(tmp_path, "a-1.dist-info", "[lexarium]\na = first\n")
    (tmp_path / "b-1.dist-info").mkdir()
    assert [e.module for e in scan([str(tmp_path)])] == ["first"]
    (tmp_path / "b-1.dist-info" / "entry_points.txt").write_text("[lexarium]\nb = second\n")
    (tmp_path / "a-1.dist-info" / "entry_points.txt").write_text("[lexarium]\na = another\n")
    assert [e.module for e in scan([str(tmp_path)])] == ["another", "second"]
    (tmp_path / "a-1.dist-info" / "entry_points.txt").unlink()
    assert [e.module for e in scan([str(tmp_path)])] == ["second"]


def test_a_current_folder_that_is_gone_has_no_plugins(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert scan([""]) == []
