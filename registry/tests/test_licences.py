"""Licences: which texts are one, the Hub's words for them, and models beside those they stem from."""

from __future__ import annotations

import pytest

from lexarium.errors import UnsupportedError
from lexarium_registry.card import metadata, render
from lexarium_registry.licences import canonical, checked, conflicts, from_hub, same, to_hub
from lexarium_registry.push import push


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("apache-2.0", "Apache-2.0"),
        (" MIT ", "MIT"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("pddl", "PDDL-1.0"),
        ("LicenseRef-Mine", "LicenseRef-Mine"),
        ("llama3.1", "other: llama3.1"),
        ("other: gemma", "other: gemma"),
        ("other:  My licence  https://example.org/l", "other: My licence https://example.org/l"),
        ("other: mine", None),
        ("other", None),
        ("free", None),
        ("", None),
        ("MIT\nX", None),
        ("other: a\u202eb https://example.org", None),
        ("(" * 5000, None),
    ],
)
def test_what_is_a_licence(said, found):
    assert canonical(said) == found
    if found is not None:
        assert canonical(found) == found
        assert same(said, found)


def test_what_is_none_says_what_to_write():
    with pytest.raises(UnsupportedError, match=r"'apache 2' is no licence.*did you mean 'Apache-2.0'.*SPDX"):
        checked("apache 2")
    with pytest.raises(UnsupportedError, match=r"'other: NAME LINK'"):
        checked("my own")


@pytest.mark.parametrize(
    ("licence", "head"),
    [
        ("Apache-2.0", {"license": "apache-2.0"}),
        ("GPL-3.0-or-later", {"license": "gpl-3.0"}),
        ("PDDL-1.0", {"license": "pddl"}),
        ("other: llama3.1", {"license": "llama3.1"}),
        ("BlueOak-1.0.0", {"license": "other", "license_name": "BlueOak-1.0.0"}),
        (
            "other: Mine https://example.org/l",
            {"license": "other", "license_name": "Mine", "license_link": "https://example.org/l"},
        ),
    ],
)
def test_the_hubs_words(licence, head):
    assert to_hub(licence) == head


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ({}, None),
        ({"license": "unknown"}, None),
        ({"license": 3}, None),
        ({"license": "a\nb"}, None),
        ({"license": "cc-by-sa-3.0"}, "CC-BY-SA-3.0"),
        ({"license": ["mit"]}, "MIT"),
        ({"license": ["mit", "apache-2.0"]}, "other: mit, apache-2.0"),
        ({"license": "other", "license_name": "n", "license_link": "LICENSE"}, "other: n LICENSE"),
        ({"license": "other"}, "other"),
        ({"license": "unheard-of"}, "other: unheard-of"),
    ],
)
def test_what_a_card_states(card, licence):
    assert from_hub(card) == licence


def test_set_and_push_refuse_what_is_no_licence(hub, here, lengths):
    here.save(lengths, name="x", license="whatever")
    with pytest.raises(UnsupportedError, match="is no licence"):
        here.edit("x", license="free")
    with pytest.raises(UnsupportedError, match=r"'whatever' is no licence.*lexarium set x --license"):
        push(here, "x", "hf://me/x")
    assert hub.asked == []
    assert here.edit("x", license="mit").manifest.about.license == "MIT"
    with pytest.raises(UnsupportedError, match="'free' is no licence"):
        push(here, "x", "hf://me/x", license="free")


def test_a_licence_that_is_not_the_bases_is_shown_in_show_push_and_card(hub, here, lengths):
    here.save(lengths, name="base", license="GPL-3.0-only")
    here.save(lengths, name="between", lineage={"base": {"model": "base@1", "relation": "trained on"}})
    here.save(lengths, name="x", license="mit", lineage={"base": [{"model": "between@1"}]})
    assert list(conflicts(here, here.store.find("x").manifest)) == [("base@1", "GPL-3.0-only")]
    done = push(here, "x", "hf://me/x")
    assert done.notes == ("it stems from base@1, under GPL-3.0-only, and is pushed under MIT",)
    card = hub.repositories["me/x"].files["README.md"].decode()
    assert "it stems from base@1, under GPL-3.0-only" in card
    assert push(here, "x", "hf://me/x").sent == ()


def test_a_licence_that_was_pulled_or_inherited_is_not_replaced_in_silence(
    hub, here, there, lengths, tmp_path
):
    here.save(lengths, name="x", license="CC-BY-NC-4.0")
    push(here, "x", "hf://they/x")
    there.pull("hf://they/x")
    note = "it stems from hf://they/x, under CC-BY-NC-4.0, and is pushed under MIT"
    assert push(there, "x", "hf://me/x", license="MIT").notes == (note,)
    changed = there.edit("x", license="MIT").manifest
    assert list(conflicts(there, changed)) == [("hf://they/x", "CC-BY-NC-4.0")]
    assert push(there, "x", "hf://me/y").notes == (note,)
    assert note.partition("://")[2] in hub.repositories["me/y"].files["README.md"].decode()
    assert list(conflicts(there, there.edit("x", license="CC-BY-NC-4.0").manifest)) == []
    there.edit("x", license="MIT")
    there.pull("hf://me/x", name="z")
    there.remove("x")
    assert list(conflicts(there, there.store.find("z").manifest)) == [("hf://they/x", "CC-BY-NC-4.0")]


def test_the_licence_of_a_base_is_recorded_where_another_takes_its_place(here, there, lengths):
    here.save(lengths, name="base", license="GPL-3.0-only")
    here.save(lengths, name="x", license="GPL-3.0-only", lineage={"base": {"model": "base@1"}})
    here.save(
        lengths, name="y", license="MIT", lineage={"base": {"model": "base@1", "license": "GPL-3.0-only"}}
    )
    changed = here.edit("x", license="MIT").manifest
    here.remove("base")
    for manifest in (changed, here.store.find("y").manifest):
        assert list(conflicts(here, manifest)) == [("base@1", "GPL-3.0-only")]


def test_who_made_a_model_may_give_it_another_licence_in_silence(here, lengths):
    here.save(lengths, name="x", license="MIT")
    changed = here.edit("x", license="Apache-2.0").manifest
    assert list(conflicts(here, changed)) == []
    assert "terms" not in changed.about.lineage


def test_set_says_that_the_licence_is_not_the_bases(invoke, zoo, model):
    zoo.save(model, name="base", license="GPL-3.0-only")
    zoo.save(model, name="x", lineage={"base": {"model": "base@1"}})
    said = invoke("set", "x", "--license", "MIT").output
    assert "Note: it stems from base@1, under GPL-3.0-only, and is now under MIT" in said
    assert "Note" not in invoke("set", "x", "--language", "en").output


def test_licences_that_are_one_are_no_conflict_and_a_method_is_no_base(here, lengths):
    here.save(lengths, name="base", license="mit")
    here.save(lengths, name="lengths", license="GPL-3.0-only")
    lineage = {"base": {"model": "base@1"}, "embedder": "lengths", "with": "gone@3"}
    here.save(lengths, name="x", license="MIT", lineage=lineage)
    assert list(conflicts(here, here.store.find("x").manifest)) == []


def test_show_names_the_licence_of_a_base(invoke, zoo, model):
    zoo.save(model, name="base", license="GPL-3.0-only")
    zoo.save(model, name="x", license="MIT", lineage={"base": {"model": "base@1"}})
    assert "licence of base@1" in invoke("show", "x").stdout
    assert "licence of" not in invoke("show", "base").stdout


def test_the_licence_that_was_pulled_counts_for_what_is_set_later(hub, there):
    from test_hub_circle import foreign

    foreign(hub, readme=b"---\nlicense: cc-by-4.0\n---\n")
    there.pull("hf://they/Foreign_Model")
    changed = there.edit("foreign_model", license="MIT")
    foreign(hub, (3, 4), readme=b"---\nlicense: gpl-3.0\n---\n")  # what it says now does not matter
    assert there.pull("hf://they/Foreign_Model").model == "foreign_model@3"
    assert list(conflicts(there, changed.manifest)) == [("hf://they/Foreign_Model", "CC-BY-4.0")]


def test_the_card_has_head_use_data_metrics_limits_lineage_and_licence(here, lengths):
    lineage = {
        "data": "reviews.csv",
        "base": {"model": "hf://they/x", "relation": "trained on", "files": {"secret-list": 1}},
        "seed": 3,
    }
    licence = "other: Mine https://example.org/l"
    here.save(lengths, name="x", license=licence, lineage=lineage, metrics={"accuracy": 0.5})
    manifest = here.edit("x", languages=["en", "zh"], limits={"max_tokens": 5}).manifest
    head = metadata(manifest)
    assert head["base_model"] == ["they/x"]
    assert head["base_model_relation"] == "finetune"
    assert (head["license"], head["license_link"]) == ("other", "https://example.org/l")
    assert head["language"] == ["en", "zh"]
    text = render(manifest, "hf://me/x", ["a note"])
    parts = [line for line in text.splitlines() if line.startswith("## ")]
    assert parts == ["## Use", "## Data", "## Metrics", "## Limits", "## Lineage", "## Licence"]
    said_of = ["lexarium embed model", 'lexarium.load("hf://me/x")', "reviews.csv", "a note"]
    for said in [*said_of, "max\\_tokens | 5", "<https://example.org/l>"]:
        assert said in text, said
    assert "secret-list" not in text


def test_nothing_of_a_manifest_is_markup(here, lengths):
    evil = "<b>\u202e\n---\n# x\n<!-- lexarium: generated, end -->|![a](javascript:b) https://evil.example"
    here.save(
        lengths, name="x", license="MIT", lineage={"note": evil, "data": evil}, metrics={evil[:3]: evil}
    )
    text = render(here.store.find("x").manifest, "hf://me/x")
    assert "\u202e" not in text
    for mark in ("<b>", "<!--", "](", "https://evil", "\n# x", "\n---\n"):
        assert mark not in text, mark
