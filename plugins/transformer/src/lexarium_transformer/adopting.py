"""Foreign repositories of transformers and sentence-transformers: which of their files a reader needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lexarium.errors import UnsupportedError
from lexarium_transformer.gate import refuse_code
from lexarium_transformer.layout import STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["decoder", "encoder", "encoder_decoder"]

_CONFIG, _TOKENIZER, _WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
_INDEX = f"{_WEIGHTS}.index.json"
_SHARD = re.compile(r"model-[0-9]{5}-of-[0-9]{5}\.safetensors")
_STEP = re.compile(r"[0-9]{1,2}_[A-Za-z]{1,40}/config\.json")  # of sentence-transformers
#: What a reader takes besides, where it is there.
_BESIDE = (
    "tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "chat_template.jinja",
    "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json",
)  # fmt: skip
#: What a tokenizer is made of where there is no ``tokenizer.json``.
_VOCABULARIES = ("vocab.txt", "vocab.json", "merges.txt", "added_tokens.json")


def encoder(listing: Mapping[str, int], config: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the files of an encoder, as BERT is one; None where it is something else.

    :raises CheckpointError: the repository brings code of its own.
    :raises UnsupportedError: it has a step of sentence-transformers that is not known here.
    """
    return _files(listing, config, "encoder")


def decoder(listing: Mapping[str, int], config: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the files of a decoder, as GPT is one; as :func:`encoder`."""
    return _files(listing, config, "decoder")


def encoder_decoder(listing: Mapping[str, int], config: Mapping[str, Any]) -> Sequence[str] | None:
    """Return the files of an encoder-decoder, as T5 is one; as :func:`encoder`."""
    return _files(listing, config, "encoder-decoder")


def _files(listing: Mapping[str, int], config: Mapping[str, Any], kind: str) -> Sequence[str] | None:
    weights = list(_weights(listing))
    if _CONFIG not in listing or not weights or not isinstance(config.get("model_type"), str):
        return None
    from lexarium_transformer.foreign import kind_of  # noqa: PLC0415  torch, only where it may be one

    if kind_of(config) != kind:
        return None
    refuse_code(config, _CONFIG)
    return [
        _CONFIG,
        *_tokenizer(listing),
        *(name for name in _BESIDE if name in listing),
        *weights,
        *_steps(listing),
    ]


def _weights(listing: Mapping[str, int]) -> Iterator[str]:
    if _WEIGHTS in listing:
        yield _WEIGHTS
    elif _INDEX in listing:
        yield _INDEX
        yield from sorted(filter(_SHARD.fullmatch, listing))


def _tokenizer(listing: Mapping[str, int]) -> Iterator[str]:
    if _TOKENIZER in listing:
        yield _TOKENIZER
        return
    yield from (name for name in _VOCABULARIES if name in listing)
    yield from sorted(name for name in listing if name.endswith(".model") and "/" not in name)


def _steps(listing: Mapping[str, int]) -> list[str]:
    steps = sorted(filter(_STEP.fullmatch, listing)) if "modules.json" in listing else []
    for step in steps:  # before anything large is fetched; the reader looks into modules.json as well
        if step.partition("/")[0].partition("_")[2] not in STEPS:
            problem = f"{step}: this step of sentence-transformers is none of {', '.join(STEPS)}"
            remedy = "take a model without it; where modules.json does not name it: lexarium import FOLDER"
            raise UnsupportedError(problem, remedy)
    return steps
