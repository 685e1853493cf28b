from __future__ import annotations

import pytest

from lexarium.checkpoint.paths import check_path, check_paths, fold_path, is_device
from lexarium.errors import CheckpointError


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("a/../b", "not a path within"),
        ("a\u202eb", "not a path within"),
        ("e\u0301.txt", "composed form"),
        ("CON.txt", "every file system"),
        ("a/lpt1", "every file system"),
        ("a.", "every file system"),
        ("a /b", "every file system"),
        ("x" * 256, "longer than"),
        ("/".join(["abc"] * 300), "longer than"),
    ],
)
def test_a_path_that_some_file_system_does_not_hold_is_refused(path, says):
    with pytest.raises(CheckpointError, match=says):
        check_path(path, "here")


def test_paths_that_some_file_system_takes_for_one_are_refused():
    with pytest.raises(CheckpointError, match="listed twice"):
        check_paths([("ﬁ.json", "method"), ("fi.json", "method")], "here")
    assert fold_path("É.txt") == fold_path("é.txt")


def test_plain_paths_are_taken():
    for path in ("config.json", "1_Pooling/config.json", "模型.txt", "naïve.md", "console.txt", "a b"):
        check_path(path, "here")
    assert is_device("aux.h")
    assert not is_device("auxiliary")
