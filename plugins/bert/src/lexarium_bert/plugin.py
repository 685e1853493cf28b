"""What this distribution offers: the method ``bert``, and the command that fills masks."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, Method

__all__ = ["lexarium_commands", "lexarium_methods"]

_AT, _LOOP = "lexarium_bert", "lexarium_transformer.pretraining"
_WRITE, _FORMS = "lexarium_transformer.formats:write", ("transformers", "sentence-transformers")


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    summary = "BERT and other bidirectional encoders, from transformers' folders or trained from scratch"
    exports = {form: f"{_WRITE}_{form.replace('-', '_')}" for form in _FORMS}
    names = {"embedder": f"{_AT}.embedder:Bert", "config": f"{_AT}.config:BertConfig"}
    names |= {"reader": f"{_AT}.formats:read", "trainer": f"{_AT}.train:fit"}
    return [Method(name="bert", summary=summary, exports=exports, cost=2, **names)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the commands and their Python verbs."""
    fill, curve = "Words that a masked place of a text may hold.", "The loss curve of a pretrained model."
    masks = {"command": f"{_AT}.cli:fill_mask", "verb": f"{_AT}.masks:fill_mask"}
    losses = {"command": f"{_LOOP}.cli:losses", "verb": f"{_LOOP}.curve:losses"}
    return [Command(name="fill-mask", summary=fill, **masks), Command(name="losses", summary=curve, **losses)]
