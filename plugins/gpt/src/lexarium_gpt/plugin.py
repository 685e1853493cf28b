"""What this distribution offers: the method ``gpt``, and the commands for models that write."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import Command, Method

__all__ = ["lexarium_commands", "lexarium_methods"]

_AT, _WITH = "lexarium_gpt", "lexarium_transformer"
_ADOPT = f"{_WITH}.adopting:decoder"
_WRITTEN = {"generate": "Texts that go on with a prompt.", "perplexity": "How well texts are predicted."}


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    summary = "GPT and other decoders, from transformers and GGUF or trained from scratch: they write, too"
    forms = ("transformers", "sentence-transformers")
    exports = {form: f"{_WITH}.formats:write_{form.replace('-', '_')}" for form in forms}
    at = {"embedder": f"{_AT}.embedder:Gpt", "config": f"{_AT}.config:GptConfig"}
    at |= {"reader": f"{_AT}.checking:read", "trainer": f"{_AT}.train:fit"}
    return [Method(name="gpt", summary=summary, exports=exports, adopter=_ADOPT, cost=3, **at)]


@hookimpl
def lexarium_commands() -> list[Command]:
    """Return the commands and their Python verbs."""
    at = {name: (f"{_WITH}.cli:{name}", f"{_WITH}.verbs:{name}") for name in _WRITTEN}
    return [Command(name=n, summary=s, command=at[n][0], verb=at[n][1]) for n, s in _WRITTEN.items()]
