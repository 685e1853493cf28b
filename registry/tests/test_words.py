"""``tag``, ``alias`` and ``set``, and that ``show`` and ``remove`` know of them."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def stored(zoo, model):
    """Store two versions of ``a`` and one of ``b``."""
    for name in ("a", "a", "b"):
        zoo.save(model, name=name, license="MIT")
    return zoo


def test_a_tag_is_put_moved_listed_and_taken_away(invoke, stored):
    assert invoke("tag", "a@1", "stable").stdout == "a@stable is a@1\n"
    assert invoke("tag", "a", "stable").stdout == "a@stable is a@2\n"
    assert json.loads(invoke("tag", "a", "--json").stdout) == {"name": "a", "tags": {"stable": "2"}}
    assert invoke("embed", "a@stable", "--text", "four").stdout == "8\n"
    row = next(r for r in json.loads(invoke("list", "--json").stdout) if r["tags"])
    assert (row["version"], row["tags"]) == ("2", ["stable"])
    assert "stable" in invoke("list").stdout
    assert "stable (2)" in invoke("show", "a").stdout
    assert "a has no tags" in invoke("tag", "a", "stable", "--remove").stderr
    for arguments, says in (
        (("a", "stable", "--remove"), "no tag named 'a@stable'"),
        (("a", "Stable"), "cannot be a tag"),
        (("a@9", "new"), "no stored model named 'a@9'"),
        (("./a", "new"), "there is no model here"),
    ):
        done = invoke("tag", *arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert says in done.stderr
    assert invoke("tag", "a", "--remove").exit_code == 2


def test_an_alias_is_given_listed_and_taken_away(invoke, stored):
    assert "there are no aliases" in invoke("alias").stderr
    assert invoke("alias", "prod", "a@1").stdout == "prod is a@1\n"
    assert json.loads(invoke("alias", "--json").stdout) == {"prod": "a@1"}
    assert invoke("embed", "prod", "--text", "four").stdout == "8\n"
    assert json.loads(invoke("show", "prod", "--json").stdout)["version"] == "1"
    assert "prod" in invoke("show", "a").stdout
    assert "did you mean 'prod'" in invoke("show", "prd").stderr
    done = invoke("fit", "lengths", "--name", "prod")
    assert done.exit_code
    for arguments, code in (
        (("prod",), 2),
        (("prod", "a", "--remove"), 2),
        (("--remove",), 2),
        (("b", "a"), 1),
    ):
        assert invoke("alias", *arguments).exit_code == code
    assert invoke("alias", "prod", "--remove").exit_code == 0
    assert invoke("alias", "prod", "--remove").exit_code == 1


def test_nothing_is_removed_through_an_alias_or_a_tag(invoke, stored):
    invoke("alias", "prod", "a@1")
    invoke("tag", "a@1", "stable")
    for typed, says in (
        ("prod", "'prod' is an alias of a@1; remove that, or type: lexarium alias prod --remove"),
        ("a@stable", "'a@stable' is a tag on a@1; remove a@1, or type: lexarium tag a stable --remove"),
    ):
        done = invoke("remove", typed)
        assert (done.exit_code, done.stderr) == (1, f"Error: {says}\n")
    assert stored.store.versions("a") == ["1", "2"]
    assert invoke("remove", "a@1").stdout == "removed a@1\nremoved the tag a@stable\n"
    assert "no stored model named 'a@1'; prod is an alias of it" in invoke("show", "prod").stderr


def test_a_licence_that_is_set_makes_a_version_that_shares_every_file(invoke, stored, files):
    blobs = files(stored.home / "blobs")
    done = invoke(
        "set",
        "b",
        "--license",
        "Apache-2.0",
        "--language",
        "en",
        "--language",
        "zh",
        "--limit",
        "max_tokens=256",
    )
    assert done.stdout == "stored b@2\n"
    assert files(stored.home / "blobs") == blobs
    document = json.loads(invoke("show", "b", "--json").stdout)
    assert (document["license"], document["languages"]) == ("Apache-2.0", ["en", "zh"])
    assert document["limits"] == {"max_tokens": 256}
    assert document["lineage"]["edited_from"] == "b@1"
    assert stored.store.find("b", "1").manifest.about.license == "MIT"
    assert stored.store.find("b", "1").manifest.root.space_id == stored.store.find("b").manifest.root.space_id
    assert list(stored.verify("b", golden=True)) == []
    assert json.loads(invoke("set", "b", "--limit", "note=long", "--json").stdout) == {
        "name": "b",
        "version": "3",
    }
    about = stored.store.find("b").manifest.about
    assert (about.limits, about.license) == ({"max_tokens": 256, "note": "long"}, "Apache-2.0")


def test_what_cannot_be_set_is_one_line(invoke, stored, tmp_path):
    stored.export("b", "folder", tmp_path / "folder")
    for arguments, code, says in (
        (("b",), 1, "nothing is to be set"),
        (("z", "--license", "MIT"), 1, "no stored model named 'z'"),
        ((tmp_path / "folder", "--license", "MIT"), 1, "is a folder"),
        (("b", "--license", "a\u202eb"), 1, "is no licence that can be looked up"),
        (("b", "--limit", "x"), 2, "is not KEY=VALUE"),
    ):
        done = invoke("set", *arguments)
        assert (done.exit_code, done.stdout) == (code, "")
        assert says in done.stderr
    assert stored.store.versions("b") == ["1"]


def test_every_verb_is_there_for_python_too(stored, tmp_path):
    stored.tag("a@1", "stable")
    stored.alias("prod", "a@stable")
    assert stored.edit("prod", license="0BSD").version == "3"
    assert stored.diff("a@1", "a@3").facts["license"].after == "0BSD"
    assert [m.name for m in stored.lock(["prod"])] == ["a"]
    stored.bundle(["prod"], tmp_path / "m.tar")
    assert [new for _, new in stored.unbundle(tmp_path / "m.tar")] == [False]
    assert stored.repair().done == []
    assert stored.gc(dry_run=True).files == 0
