"""References: what people may type, and what is refused with the thing to type instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexarium.errors import LexariumError, StoreError
from lexarium_registry.names import HubReference
from lexarium_registry.references import Reference, check_name, check_tag, is_name, is_tag, parse


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("glove", Reference("glove")),
        ("glove-6b.50d_x", Reference("glove-6b.50d_x")),
        ("glove@1", Reference("glove", "1")),
        ("g@999999999", Reference("g", "999999999")),
        ("glove@stable", Reference("glove", tag="stable")),
        ("glove@v1.0-rc_1", Reference("glove", tag="v1.0-rc_1")),
        ("hf://org/Repo", Reference(hub=HubReference("org/Repo"))),
        ("hf://org/repo@v2", Reference(hub=HubReference("org/repo", "v2"))),
        ("./glove", Reference(folder=Path("glove"))),
        ("../a b/名", Reference(folder=Path("../a b/名"))),
        (".", Reference(folder=Path())),
        ("..", Reference(folder=Path(".."))),
        ("/models/x", Reference(folder=Path("/models/x"))),
    ],
)
def test_a_name_a_version_or_a_folder_is_read(typed, reference):
    assert parse(typed) == reference


@pytest.mark.parametrize("name", ["a", "0", "a" * 96, "bert-base.v2_x", "console", "aux2", "a..b"])
def test_a_plain_lower_case_word_may_name_a_model(name):
    assert is_name(name)
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "'my-model'"),
        ("My Model", "'my-model'"),
        ("GloVe", "'glove'"),
        ("影评", "'my-model'"),
        (".hidden", "'hidden'"),
        ("x.", "'x'"),
        ("-x", "'x'"),
        ("a/b", "'a-b'"),
        ("../../etc", "'etc'"),
        ("a\n", "'a'"),
        ("a\x00b", "'a-b'"),
        ("con", "'my-model'"),
        ("NUL.txt", "'my-model'"),
        ("com1.x", "'my-model'"),
        ("A" * 97, f"'{'a' * 96}'"),
        ("a" * 95 + "--b", f"'{'a' * 95}'"),
        ("ａ", "'my-model'"),
        ("²", "'my-model'"),
    ],
)
def test_a_name_that_no_model_may_have_is_answered_with_one_that_it_may(name, says):
    assert not is_name(name)
    with pytest.raises(StoreError, match="cannot name a model") as caught:
        check_name(name)
    assert str(caught.value).endswith(f"for instance {says}")


@pytest.mark.parametrize("odd", [3, None, Path("model"), ["model"]])
def test_what_is_no_text_is_neither_a_name_nor_a_reference(odd):
    with pytest.raises(StoreError, match="cannot name a model: it is not text"):
        check_name(odd)
    with pytest.raises(StoreError, match=r"is not a reference; give text: a name, or './folder'"):
        parse(odd)


@given(st.text(max_size=120))
def test_the_name_that_is_proposed_may_always_be_taken(name):
    try:
        assert check_name(name) == name
    except StoreError as error:
        assert is_name(str(error).rpartition("for instance '")[2].rstrip("'"))  # noqa: PT017  either is right


@pytest.mark.parametrize("typed", ["a/b", "models/glove", "a\\b", "C:\\models", "a@1/b"])
def test_a_path_that_could_be_a_name_is_answered_with_the_folder_to_type(typed):
    with pytest.raises(StoreError) as caught:
        parse(typed)
    assert str(caught.value).endswith(f"for a folder type ./{typed}")


@pytest.mark.parametrize(
    "typed",
    [
        *("a@", "a@0", "a@01", "a@X", "a@-1", "a@1.0", "a@1@2", "a@²", "a@1\n", "a@9999999999"),
        *("a@x.", "a@con", "a@nul.x", "a@" + "x" * 65, "a@影"),
    ],
)
def test_what_is_neither_version_nor_tag_is_answered_with_both(typed):
    with pytest.raises(StoreError, match=r"versions are numbers \(a@1\), tags are words \(a@stable\)"):
        parse(typed)


@given(st.text(max_size=70))
def test_a_tag_is_never_a_version_and_a_legal_part_of_a_file_name(tag):
    if is_tag(tag):
        assert check_tag(tag) == tag
        assert parse(f"m@{tag}") == Reference("m", tag=tag)
    else:
        with pytest.raises(StoreError, match="cannot be a tag"):
            check_tag(tag)


@pytest.mark.parametrize("typed", ["@1", "", "A@1", "名@1"])
def test_a_version_of_no_name_is_refused(typed):
    with pytest.raises(StoreError, match="cannot name a model"):
        parse(typed)


@pytest.mark.parametrize(
    "typed", ["hf://", "hf://org", "hf://a/b/c", "hf://../b", "hf://a/b@", "hf://a/b@../c"]
)
def test_a_repository_that_cannot_be_is_refused(typed):
    with pytest.raises(StoreError):
        parse(typed)


@given(st.text(max_size=30))
def test_any_text_is_a_reference_or_an_error_of_ours(typed):
    try:
        reference = parse(typed)
    except LexariumError:
        return
    assert [bool(reference.name), reference.folder is not None, reference.hub is not None].count(True) == 1
