"""What this distribution offers: the method ``t5``, and the commands that make texts of texts."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, Method

__all__ = ["lexarium_commands", "lexarium_methods"]

_AT, _ADOPT = "lexarium_t5", "lexarium_transformer.adopting:encoder_decoder"
_FORMS = {"transformers": "lexarium_transformer.formats:write_transformers"}


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    summary = "T5, BART, Marian and other encoder-decoders, from transformers' folders; writes texts"
    names = {"embedder": f"{_AT}.embedder:T5", "config": f"{_AT}.config:T5Config"}
    names |= {"reader": f"{_AT}.checking:read", "trainer": f"{_AT}.train:fit"}
    return [Method(name="t5", summary=summary, exports=_FORMS, adopter=_ADOPT, cost=3, **names)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the commands and their Python verbs."""
    offered = {"translate": "Texts in another language.", "summarize": "What texts say, in short."}
    offered |= {"text2text": "What an encoder-decoder writes for texts."}
    at = {name: {"command": f"{_AT}.cli:{name}", "verb": f"{_AT}.verbs:{name}"} for name in offered}
    return [Command(name=name, summary=summary, **at[name]) for name, summary in offered.items()]
