"""What this distribution offers: the method ``bert``, and the commands about encoders."""

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, Method

__all__ = ["lexarium_commands", "lexarium_methods"]

_AT, _WITH, _FORMS = "lexarium_bert", "lexarium_transformer", ("transformers", "sentence-transformers")
_LOOP, _BITS, _ADOPT = f"{_WITH}.pretraining", f"{_WITH}.backends", f"{_WITH}.adopting:encoder"


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    summary = "BERT and other bidirectional encoders, from transformers' folders or trained from scratch"
    exports = {each: f"{_WITH}.formats:write_{each.replace('-', '_')}" for each in _FORMS}
    names = {"embedder": f"{_AT}.embedder:Bert", "config": f"{_AT}.config:BertConfig"}
    names |= {"reader": f"{_AT}.formats:read", "trainer": f"{_AT}.train:fit"}
    return [Method(name="bert", summary=summary, exports=exports, adopter=_ADOPT, cost=2, **names)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the commands and their Python verbs."""
    offered = (
        ("fill-mask", "Words that a masked place may hold.", _AT, "cli:fill_mask", "masks:fill_mask"),
        ("losses", "The loss curve of a pretrained model.", _LOOP, "cli:losses", "curve:losses"),
        ("quantize", "Prepare an encoder for 8 bits.", _BITS, "cli:quantize", "quantizing:quantize"),
    )
    return [Command(name=n, summary=s, command=f"{at}.{c}", verb=f"{at}.{v}") for n, s, at, c, v in offered]
