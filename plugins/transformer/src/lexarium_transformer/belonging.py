"""Whether a tokenizer and weights are of one model, as far as their special tokens can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError
from lexarium.strict_json import parse_object
from lexarium_transformer.foreign import kind_of

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium_transformer.embedder import TransformerEmbedder

__all__ = ["require_own_tokenizer"]

_SETTINGS = "tokenizer_config.json"
#: What both config.json and tokenizer_config.json may state. Not the padding: of
#: paraphrase-multilingual-MiniLM-L12-v2, for one, the two give different ids, and it changes nothing.
_ENDS = ("bos", "eos", "cls", "sep")


def require_own_tokenizer(model: TransformerEmbedder, path: Path) -> None:
    """Refuse a tokenizer whose special tokens are others than config.json says.

    Of those at the ends of a text, one at least must have the id that is stated there, if any is. Decoders
    are not asked: conversations are ended by other tokens than texts.

    :raises CheckpointError: says which numbers contradict each other.
    """
    pairs = [] if kind_of(model.described) == "decoder" else _stated(model)
    if pairs and all(said != found for _, said, found in pairs):
        key, said, found = pairs[0]
        problem = (
            f"{key}_token_id is {said} in config.json and {found} in the tokenizer: it is another model's"
        )
        raise CheckpointError(path, problem, "take the tokenizer.json that came with the weights")


def _stated(model: TransformerEmbedder) -> list[tuple[str, int, int]]:
    """Return the special tokens that both sides state: the key, and the id of either."""
    raw = model.files.get(_SETTINGS)
    settings: dict[str, Any] = {} if raw is None else parse_object(raw, _SETTINGS)
    found = []
    for key in _ENDS:
        said, token = model.described.get(f"{key}_token_id"), settings.get(f"{key}_token")
        content = token.get("content") if isinstance(token, dict) else token
        number = model.tokenizer.find(content) if isinstance(content, str) else None
        if type(said) is int and number is not None:
            found.append((key, said, number))
    return found
