"""Foreign repositories of model2vec and of sentence-transformers' StaticEmbedding: the files needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["adopt"]

_WEIGHTS, _TOKENIZER, _CONFIG, _MODULES = "model.safetensors", "tokenizer.json", "config.json", "modules.json"
_INNER = "0_StaticEmbedding/"


def adopt(listing: Mapping[str, int], config: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the files of a static model; None where it is something else."""
    model2vec = config.get("model_type") == "model2vec" or config.get("architectures") == ["StaticModel"]
    if model2vec and {_WEIGHTS, _TOKENIZER} <= listing.keys():
        return [_CONFIG, _TOKENIZER, _WEIGHTS]
    inner = {_INNER + _WEIGHTS, _INNER + _TOKENIZER, _MODULES}
    if inner <= listing.keys():
        return sorted(inner)
    plain = {_WEIGHTS, _TOKENIZER, _MODULES}
    # A transformer has a config.json beside them.
    return sorted(plain) if plain <= listing.keys() and _CONFIG not in listing else None
