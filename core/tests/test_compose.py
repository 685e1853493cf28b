"""Composition: an embedder under a head, apart into states and together again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from spelling_plugin.embedder import Spelling
from spelling_plugin.head import Nearest, NearestConfig

from lexarium.checkpoint.manifest import PluginEntry
from lexarium.compose import Pipeline, put_together, take_apart
from lexarium.errors import CheckpointError, InputError, MethodNotFoundError, PluginError
from lexarium.host import Host, Plugin
from lexarium.roles import Run, State


def pipeline():
    embedder = Spelling.tiny()
    return Pipeline(embedder, Nearest.fit(embedder.embed(["aaa", "zzz"]), ["a", "z"], NearestConfig(), Run()))


class _Counting(Spelling):
    """An embedder that remembers how many texts it was given at a time."""

    def __init__(self):
        super().__init__(Spelling.tiny().config, Spelling.tiny().words)
        self.calls = []

    def embed(self, inputs):
        self.calls.append(len(inputs))
        return super().embed(inputs)


def test_a_pipeline_labels_each_text():
    model = pipeline()
    assert model.predict(["aab", "zzy", ""]) == ["a", "z", "a"]
    probabilities = model.predict_proba(["aab", "zzy"])
    assert probabilities.shape == (2, 2)
    assert list(model.labels) == ["a", "z"]
    assert [list(model.labels)[i] for i in probabilities.argmax(axis=1)] == ["a", "z"]
    assert model.space == model.embedder.space


def test_no_texts_give_no_labels():
    assert pipeline().predict([]) == []
    assert pipeline().predict_proba([]).shape == (0, 2)


def test_many_texts_are_embedded_batch_by_batch_and_the_order_is_kept():
    model = Pipeline(_Counting(), pipeline().head)
    texts = ["a", "z"] * 600
    assert model.predict(texts) == texts
    assert model.embedder.calls == [512, 512, 176]
    np.testing.assert_array_equal(model.predict_proba(texts)[:2], pipeline().predict_proba(["a", "z"]))


class _Straight(Nearest):
    """A head that tells "z" from a text itself, where it is allowed to."""

    allowed = True

    def text_probabilities(self, embedder, texts):
        del embedder
        rows = [[1 - text.count("z") / 3, text.count("z") / 3] for text in texts]
        return np.array(rows) if self.allowed else None


def straight():
    head = pipeline().head
    return Pipeline(_Counting(), _Straight(head.config, head.labels, head.means))


def test_a_head_that_takes_texts_is_given_them():
    model = straight()
    assert model.predict(["zzy", "zyy", ""]) == ["z", "a", "a"]
    np.testing.assert_array_equal(model.predict_proba(["zzz", ""]), [[0, 1], [1, 0]])
    texts = ["zzz", "a"] * 5000
    assert model.predict(texts) == ["z", "a"] * 5000
    assert model.embedder.calls == []
    assert model.predict([]) == []
    assert model.predict_proba([]).shape == (0, 2)


def test_where_that_head_declines_the_texts_are_embedded():
    model = straight()
    model.head.allowed = False
    assert model.predict(["aab", "zyy"]) == pipeline().predict(["aab", "zyy"])
    np.testing.assert_array_equal(model.predict_proba(["zyy"]), pipeline().predict_proba(["zyy"]))
    assert model.embedder.calls == [2, 1]


def test_progress_counts_the_texts_that_have_probabilities_with_vectors_and_without():
    declined = straight()
    declined.head.allowed = False
    for model, steps in ((straight(), [65536, 70000]), (declined, [*range(512, 70000, 512), 70000])):
        told = []
        model.predict_proba(["z"] * 70000, lambda *said, told=told: told.append(said))
        assert told == [("predicting", done, 70000) for done in steps]


def test_a_single_text_is_refused():
    for call in (pipeline().predict, pipeline().predict_proba):
        with pytest.raises(InputError, match=r"write \[text\]"):
            call("one text")


def test_a_model_comes_apart_into_nodes_with_method_plugin_and_space(host):
    node = take_apart(pipeline(), host)
    assert (node.method, node.space, list(node.parts)) == ("nearest", None, ["embedder"])
    inner = node.parts["embedder"]
    assert (inner.method, inner.space, dict(inner.parts)) == ("spelling", Spelling.tiny().space, {})
    assert inner.plugin == PluginEntry("spelling_plugin.plugin", ">=0")


def test_put_together_it_gives_the_same_answers(host):
    texts = ["aab", "zzy", "", "好"]
    model = put_together(take_apart(pipeline(), host), host, "m@1")
    np.testing.assert_array_equal(model.predict_proba(texts), pipeline().predict_proba(texts))
    alone = put_together(take_apart(Spelling.tiny(), host), host, "m@1")
    np.testing.assert_array_equal(alone.embed(texts), Spelling.tiny().embed(texts))


def test_a_model_of_no_plugin_is_refused():
    with pytest.raises(PluginError, match=r"offers the class spelling_plugin\.embedder:Spelling"):
        take_apart(Spelling.tiny(), Host([]))


def test_without_its_plugin_a_model_names_what_to_install(host):
    node = take_apart(pipeline(), host)
    with pytest.raises(MethodNotFoundError, match="pip install") as caught:
        put_together(node, Host([]), "m@1")
    assert "spelling_plugin.plugin" in str(caught.value)
    assert "nearest" in str(caught.value)


@pytest.mark.parametrize(
    ("written", "installed", "opens"),
    [
        ("1.2", "1.2", True),
        ("1.2", "1.10", True),
        ("1.10", "1.2", False),
        ("1.2.1", "1.2", False),
        ("2", "10.0", True),
    ],
)
def test_a_plugin_older_than_the_one_that_wrote_the_model_is_answered_with_the_upgrade(
    host, written, installed, opens
):
    node = replace(take_apart(Spelling.tiny(), host), plugin=PluginEntry("spelling", f">={written}"))
    plugin = replace(host.plugins[0], distribution="spelling", version=installed)
    if opens:
        assert isinstance(put_together(node, Host([plugin]), "m@1"), Spelling)
    else:
        with pytest.raises(PluginError, match=rf"by spelling {written}, .* pip install -U spelling"):
            put_together(node, Host([plugin]), "m@1")


def test_a_disabled_plugin_does_not_answer(host):
    node = replace(take_apart(Spelling.tiny(), host), plugin=PluginEntry("spelling", ">=1"))
    off = Plugin(name="spelling", distribution="spelling", version="1", status="disabled", error="it is off")
    with pytest.raises(MethodNotFoundError, match="the plugin spelling is disabled: it is off"):
        put_together(node, Host([off]), "m@1")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda node: replace(node, state=State(config={"no_such": 1}, tensors=node.state.tensors)),
        lambda node: replace(node, state=State(config={"letters": 0}, tensors=node.state.tensors)),
        lambda node: replace(node, state=State(config=node.state.config, tensors={})),
    ],
)
def test_a_damaged_state_is_a_checkpoint_error_that_names_the_model(host, spoil):
    node = take_apart(pipeline(), host)
    for damaged in (
        spoil(take_apart(Spelling.tiny(), host)),
        replace(node, parts={"embedder": spoil(node.parts["embedder"])}),
    ):
        with pytest.raises(CheckpointError, match="m@1"):
            put_together(damaged, host, "m@1")


@pytest.mark.parametrize("names", [["other"], ["embedder", "other"]])
def test_parts_that_no_head_has_are_refused(host, names):
    inner = take_apart(Spelling.tiny(), host)
    node = replace(take_apart(pipeline(), host), parts=dict.fromkeys(names, inner))
    with pytest.raises(CheckpointError, match="m@1: a head with the parts"):
        put_together(node, host, "m@1")


def test_a_pipeline_in_a_pipeline_is_refused(host):
    inner = take_apart(pipeline(), host)
    node = replace(inner, parts={"embedder": inner})
    with pytest.raises(CheckpointError, match="a pipeline where an embedder belongs"):
        put_together(node, host, "m@1")


@pytest.mark.parametrize(
    ("installed", "required", "old"),
    [
        ("0.1.0", "0.1.0", False),
        ("0.2", "0.2.0", False),
        ("0.1.1rc1", "0.1.0", False),
        ("0.1.0+cpu", "0.1.0", False),
        ("0.10.0", "0.9.0", False),
        ("0.1.0", "0.1.1", True),
        ("0.9", "0.10", True),
    ],
)
def test_only_an_older_plugin_is_older(installed, required, old):
    from lexarium.compose import _numbers

    assert (_numbers(installed) < _numbers(required)) is old


def test_every_part_says_its_kind(host):
    node = take_apart(pipeline(), host)
    assert (node.kind, node.parts["embedder"].kind) == ("head", "embedder")


@pytest.mark.parametrize(
    ("kind", "parts"), [("embedder", True), ("head", False), ("fuser", True), ("fuser", False)]
)
def test_what_a_part_is_does_not_follow_from_its_parts(host, kind, parts):
    node = replace(take_apart(pipeline(), host), kind=kind)
    with pytest.raises((CheckpointError, MethodNotFoundError)):
        put_together(node if parts else replace(node, parts={}), host, "m@1")


@pytest.mark.parametrize(
    "change", [{"dim": 999}, {"sparse": True}, {"normalized": True}, {"modalities": ("image",)}]
)
def test_a_space_that_the_manifest_misstates_is_a_checkpoint_error(host, change):
    node = take_apart(pipeline(), host)
    inner = replace(node.parts["embedder"], space=replace(node.parts["embedder"].space, **change))
    for wrong in (inner, replace(node, parts={"embedder": inner})):
        with pytest.raises(CheckpointError, match="m@1: the manifest says Space"):
            put_together(wrong, host, "m@1")
