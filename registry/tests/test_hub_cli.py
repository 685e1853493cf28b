from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lexarium_registry.card import metadata, render
from lexarium_registry.lockfile import lock, write_lock
from lexarium_registry.readme import merge


@pytest.fixture
def run(hub, here):
    """Give a function that runs ``lexarium`` as people do, in a process of its own."""

    def call(*arguments, home=here.home):
        env = {**os.environ, "LEXARIUM_HOME": str(home), "PYTHONWARNINGS": "error"}
        command = [sys.executable, "-m", "lexarium", *map(str, arguments)]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    return call


def test_push_then_pull_on_the_command_line(hub, here, run, lengths, tmp_path):
    here.save(lengths, name="x")
    refused = run("push", "x", "hf://me/x")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Error: x states no licence")
    done = run("push", "x", "hf://me/x", "--license", "MIT", "--private", "--tag", "v1", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["commit"] == hub.repositories["me/x"].tags["v1"]
    assert hub.repositories["me/x"].private
    again = run("push", "x", "hf://me/x", "--license", "MIT")
    assert again.stdout == f"x@1 is in hf://me/x already: commit {report['commit']}\n"
    other = tmp_path / "other"
    pulled = run("pull", "hf://me/x@v1", "--name", "y", home=other)
    assert pulled.returncode == 0, pulled.stderr
    assert pulled.stdout.startswith("stored y@1 from hf://me/x: ")
    assert run("pull", "hf://me/x@v1", home=other).stdout == "y@1 is there already from hf://me/x\n"
    assert json.loads(run("pull", "hf://me/x@v1", "--json", home=other).stdout)["new"] is False


@pytest.mark.parametrize("arguments", [[], ["hf://me/x", "--locked"], ["--locked", "--name", "n"]])
def test_pull_wants_a_reference_or_a_lock_file(run, arguments):
    assert run("pull", *arguments).returncode == 2


def test_pull_locked_reproduces_a_store(hub, here, run, lengths, tmp_path, there):
    here.save(lengths, name="x", license="MIT")
    run("push", "x", "hf://me/x")
    there.pull("hf://me/x", name="mine")
    file = tmp_path / "lexarium.lock"
    write_lock(file, lock(there))
    lengths.note = b"newer\n"
    here.save(lengths, name="x", license="MIT")
    run("push", "x", "hf://me/x")
    third = tmp_path / "third"
    offline = run("pull", "--locked", "--lock", file, "--offline", home=third)
    assert offline.returncode == 1
    assert "mine (hf://me/x@" in offline.stderr
    done = run("pull", "--locked", "--lock", file, "--json", home=third)
    assert done.returncode == 0, done.stderr
    assert [each["model"] for each in json.loads(done.stdout)] == ["mine@1"]
    before = len(hub.asked)
    assert run("pull", "--locked", "--lock", file, "--offline", home=third).returncode == 0
    assert len(hub.asked) == before


def test_pull_locked_refuses_what_is_not_what_was_locked(hub, here, run, lengths, tmp_path, there):
    here.save(lengths, name="x", license="MIT")
    run("push", "x", "hf://me/x")
    there.pull("hf://me/x")
    file = tmp_path / "lexarium.lock"
    write_lock(file, lock(there))
    document = json.loads(file.read_text())
    document["models"][0]["manifest"] = "0" * 64
    file.write_text(json.dumps(document))
    done = run("pull", "--locked", "--lock", file, home=tmp_path / "third")
    assert done.returncode == 1
    assert "this is not what was locked" in done.stderr


def test_a_model_made_elsewhere_must_be_carried(here, run, lengths, tmp_path):
    here.save(lengths, name="x")
    file = tmp_path / "lexarium.lock"
    write_lock(file, lock(here))
    done = run("pull", "--locked", "--lock", file, home=tmp_path / "third")
    assert done.returncode == 1
    assert "lexarium bundle x@1" in done.stderr


HEAD = {"license": "mit", "tags": ["lexarium", "bow"]}


def test_a_new_card_has_head_and_text():
    assert merge(None, HEAD, "card") == (
        "---\n# lexarium: generated, begin\n"
        'license: "mit"\ntags: ["lexarium", "bow"]\n'
        "# lexarium: generated, end\n---\n\n"
        "<!-- lexarium: generated, begin -->\ncard\n<!-- lexarium: generated, end -->\n"
    )


@pytest.mark.parametrize(
    "old",
    [
        None,
        "",
        "# Mine\n",
        "---\nlicense: apache-2.0\n---\n# Mine\n",
        "no line end",
        "---\nnever closed\n",
        "a\r\nb\r\n",
    ],
)
def test_merging_twice_changes_nothing_and_all_that_was_there_stays(old):
    once = merge(old, HEAD, "card")
    assert merge(once, HEAD, "card") == once
    again = merge(once, {"license": "other"}, "another card")
    for line in (old or "").splitlines():
        assert line in again.splitlines()
    assert "card" in again
    assert again.count("license:") == 1


@pytest.mark.parametrize(
    ("old", "once"),
    [
        ("# x\r\ntext\r\n", "---\r\n{head}---\r\n# x\r\ntext\r\n\r\n{card}"),
        ("---\r\nmine: 1\r\n---\r\na\nb\r\n", "---\r\nmine: 1\r\n{head}---\r\na\nb\r\n\r\n{card}"),
        ("a\u2028b\x0cc\x85d\n", "---\n{head}---\na\u2028b\x0cc\x85d\n\n{card}"),
        ("\ufeff---\nmine: 1\n---\na\n", "\ufeff---\nmine: 1\n{head}---\na\n\n{card}"),
        ("\ufeffa\n", "\ufeff---\n{head}---\na\n\n{card}"),
        ("\n \n---\nmine: 1\n---\na\n", "\n \n---\nmine: 1\n{head}---\na\n\n{card}"),
        ("---\nmine: 1\n--- \na\n\n\n\n", "---\nmine: 1\n{head}--- \na\n\n\n\n{card}"),
    ],
)
def test_a_persons_text_stays_byte_for_byte(old, once):
    end = "\r\n" if "\r\n" in once else "\n"
    head = ["# lexarium: generated, begin", 'license: "mit"', 'tags: ["lexarium", "bow"]']
    card = ["<!-- lexarium: generated, begin -->", "# a", "card", "<!-- lexarium: generated, end -->"]
    said = once.format(
        head="".join(f"{line}{end}" for line in [*head, "# lexarium: generated, end"]),
        card="".join(f"{line}{end}" for line in card),
    )
    assert merge(old, HEAD, "# a\ncard") == said
    assert merge(said, HEAD, "# a\ncard") == said


@pytest.mark.parametrize("key", ["license", '"license"', "'license'"])
def test_a_key_that_a_person_states_is_not_stated_again_however_it_is_quoted(key):
    found = merge(f"---\n{key} : mine\n---\n", HEAD, "card")
    assert 'license: "mit"' not in found
    assert f"{key} : mine\n" in found


@pytest.mark.parametrize(
    "old",
    [
        "<!-- lexarium: generated, begin -->",
        "<!-- lexarium: generated, end -->\n<!-- lexarium: generated, begin -->",
        "<!-- lexarium: generated, begin -->\n<!-- lexarium: generated, end -->\n" * 2,
        "---\n# lexarium: generated, begin\n---\n",
    ],
)
def test_marks_that_do_not_pair_up_leave_the_card_alone(old):
    assert merge(old, HEAD, "card") is None


def test_the_card_says_what_the_manifest_says_and_nothing_is_markup(here, lengths):
    here.save(
        lengths, name="x", license="MIT", lineage={"note": "<script>|*\n`x`"}, metrics={"accuracy": 0.5}
    )
    manifest = here.store.find("x").manifest
    text = render(manifest, "hf://me/x")
    assert "lexarium pull hf://me/x" in text
    assert "accuracy | 0.5" in text
    assert "<script>" not in text
    assert metadata(manifest) == {
        "license": "mit",
        "library_name": "lexarium",
        "tags": ["lexarium", "lengths"],
        "pipeline_tag": "feature-extraction",
    }
