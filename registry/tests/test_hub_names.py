from __future__ import annotations

import errno
import inspect

import httpx2
import huggingface_hub.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import HubCorruptedError, HubError, LexariumError, StoreError
from lexarium_registry.hub_errors import translate
from lexarium_registry.names import (
    check_commit,
    check_files,
    check_header,
    check_revision,
    check_sha256,
    local_name,
    parse_hub,
)
from lexarium_registry.references import is_name
from lexarium_registry.transfer import is_offline

OF = parse_hub("hf://me/x")


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("hf://me/x", "me/x", "main"),
        ("hf://Me/A_b.c-1@v1.0", "Me/A_b.c-1", "v1.0"),
        ("hf://me/x@refs/pr/1", "me/x", "refs/pr/1"),
        ("hf://me/x@" + "a" * 40, "me/x", "a" * 40),
    ],
)
def test_references_to_the_hub(text, repository, revision):
    found = parse_hub(text)
    assert (found.repository, found.revision) == (repository, revision)
    assert found.pinned == (len(revision) == 40)
    assert parse_hub(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "hf://", "hf://x", "hf:///x", "hf://a/b/c", "hf://../x", "hf://a/..", "hf://a/.", "hf://a/b..c", "hf://a/b--c",
        "hf://a/b.git", "hf://a/con", "hf://nul/x", "hf://a/b c", "hf://a/b%2e", "hf://a/b\x00", "hf://a/\u202eb",
        "hf://é/x", "hf://a/" + "b" * 97, "hf://a/x@", "hf://a/x@..", "hf://a/x@a/../b", "hf://a/x@/a", "hf://a/x@a//b",
        "hf://a/x@.a", "hf://a/x@a.lock", "hf://a/x@a b", "hf://a/x@a\n", "hf://a/x@con", "hf://a/x@a?b", "hf://a/x@-a",
        "hf://a/x@v1@v2", "hf://a\\b/x", "https://huggingface.co/a/b",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text):
    with pytest.raises(StoreError) as caught:
        parse_hub(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "path",
    [
        "../x", "/x", "a/../b", "a//b", "./a", "a/.", "", ".", "a\\b",
        "c:x", "con", "a/NUL.txt", "aux.json", "a.",
        "a /b", " a", "a\x00b", "a\nb", "a\u202eb", "a\u200eb", "e\u0301", "x" * 300,
        "/".join(["abc"] * 300), "a*", "a?", "\ud800",
    ],
)  # fmt: skip
def test_paths_of_an_enemy_are_refused(path):
    with pytest.raises(HubCorruptedError) as caught:
        check_files([path], "hf://a/b")
    assert "\n" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


@pytest.mark.parametrize(
    "paths", [["a.txt", "A.txt"], ["é.txt", "É.txt"], ["ß", "SS"], ["a/b", "A/b"], ["ﬁ.json", "fi.json"]]
)
def test_paths_that_some_disk_takes_for_one_are_refused(paths):
    with pytest.raises(HubCorruptedError, match="differ in case only"):
        check_files(paths, "hf://a/b")


def test_paths_of_honest_people_are_taken():
    check_files(
        ["config.json", "1_Pooling/config.json", "模型.txt", "naïve.md", "a b.txt", "config.json"], "w"
    )


@given(st.text(max_size=30))
def test_a_path_that_is_taken_stays_in_its_folder(path):
    from pathlib import Path

    try:
        check_files([path], "w")
    except HubCorruptedError:
        return
    folder = Path("/folder")
    assert (folder / path).parts[:2] == folder.parts
    assert ".." not in Path(path).parts
    assert path.isprintable()


@given(st.from_regex(r"hf://[\w.-]{1,40}/[\w.-]{1,40}", fullmatch=True))
def test_every_repository_has_a_local_name(text):
    try:
        found = parse_hub(text)
    except StoreError:
        return
    assert is_name(local_name(found.repository))


@pytest.mark.parametrize(
    "value", [None, 1, "", "A" * 40, "a" * 39, "a" * 41, "a" * 40 + "\n", "../" + "a" * 37]
)
def test_commits_are_forty_digits(value):
    with pytest.raises(HubCorruptedError):
        check_commit(value, "w")
    assert check_commit("a" * 40, "w") == "a" * 40


@pytest.mark.parametrize("value", [None, "a" * 40, "g" * 64, "a" * 64 + " "])
def test_hashes_are_sixty_four_digits(value):
    with pytest.raises(HubCorruptedError):
        check_sha256(value, "w")
    assert check_sha256("a" * 64, "w") == "a" * 64


def test_headers():
    assert check_header('W/"abc"', "w") == "abc"
    assert check_header(None, "w") is None
    for value in ("x" * 1000, "a\x1bb", "é"):
        with pytest.raises(HubCorruptedError):
            check_header(value, "w")
    assert check_revision("v1.0", "w") == "v1.0"


def _all(module, root):
    classes = [c for _, c in inspect.getmembers(module, inspect.isclass) if issubclass(c, root)]
    return sorted(set(classes), key=lambda c: c.__name__)


def _made(cls, status=500):
    request = httpx2.Request(
        "GET", "https://hub.invalid/?X-Amz-Signature=secret", headers={"authorization": "Bearer hf_x"}
    )
    response = httpx2.Response(status, request=request)
    error = cls.__new__(cls)
    Exception.__init__(error, "https://hub.invalid/?X-Amz-Signature=secret hf_x")
    for name, value in (("response", response), ("_request", request), ("server_message", "said\nhf_x")):
        if name != "response" or issubclass(
            cls, huggingface_hub.errors.HfHubHTTPError | httpx2.HTTPStatusError
        ):
            setattr(error, name, value)
    return error


LIBRARY = [c for c in _all(huggingface_hub.errors, Exception) if c.__module__ == "huggingface_hub.errors"]


@pytest.mark.parametrize("cls", [*LIBRARY, *_all(httpx2, Exception)], ids=lambda cls: cls.__name__)
def test_no_error_of_the_library_is_missed(cls):
    ours = translate(_made(cls), OF, "https://hub.invalid")
    assert isinstance(ours, HubError | StoreError)
    assert "me/x" in str(ours) or "https://hub.invalid" in str(ours)
    assert "Signature" not in str(ours)
    assert "hf_x" not in str(ours)
    assert "\n" not in str(ours)


@pytest.mark.parametrize("status", range(400, 600))
def test_every_status_is_an_error_of_ours(status):
    ours = translate(_made(huggingface_hub.errors.HfHubHTTPError, status), OF, "https://h")
    assert isinstance(ours, HubError)
    assert "hf_x" not in str(ours)  # the token, which a server may repeat
    assert str(ours).isprintable()


def test_what_is_ours_or_the_disks_stays():
    for error in (LexariumError("ours"), OSError(errno.ENOSPC, "full")):
        assert translate(error, OF, "https://h") is error
    wrapped = RuntimeError("Error while uploading")
    wrapped.__cause__ = httpx2.ReadTimeout("slow")
    assert "ReadTimeout" in str(translate(wrapped, OF, "https://h"))


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("yes", True), ("0", False), ("", False)])
def test_offline_is_read_as_the_library_reads_it(monkeypatch, value, offline):
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    assert is_offline() is offline
