"""From ``config.json`` to the module that computes: ours for seven families, transformers' for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_transformer.model import ACTIVATIONS, Architecture
from lexarium_transformer.names import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium_transformer.names import Family

__all__ = ["architecture_of", "padding_of", "positions_of"]

_BERT = {  # BERT's own settings where config.json leaves them out (transformers' BertConfig)
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.1,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
)
#: What BERT's own defaults are not, by family (transformers' configuration classes).
_DEFAULTS: dict[str, dict[str, Any]] = {
    "roberta": {"vocab_size": 50265, "pad_token_id": 1},
    "xlm-roberta": {"vocab_size": 30522, "pad_token_id": 1},
    "camembert": {"vocab_size": 30522, "pad_token_id": 1},
    "electra": {"hidden_size": 256, "num_attention_heads": 4, "intermediate_size": 1024},
    "distilbert": {"num_hidden_layers": 6},
    "mpnet": {"vocab_size": 30527, "pad_token_id": 1},
}
_LARGEST = 2**31


def architecture_of(config: Mapping[str, Any], where: str) -> Architecture | None:
    """Return the sizes of an encoder that :mod:`lexarium_transformer.model` computes, else None.

    :raises CheckpointError: a size is not a number that it can be.
    :raises UnsupportedError: its positions are none that its class in transformers has.
    """
    family = FAMILIES.get(str(config["model_type"]))
    if family is None:
        return None
    found = {**_BERT, **_DEFAULTS.get(str(config["model_type"]), {})}
    found |= {
        key: config[theirs]
        for key in found
        if config.get(theirs := family.settings.get(key, key)) is not None
    }
    if (positions := config.get("position_embedding_type", "absolute")) not in (None, "absolute"):
        problem = (
            f"{where}: position_embedding_type is {positions!r}, and transformers knows 'absolute' alone"
        )
        raise UnsupportedError(problem, "take a checkpoint with absolute positions")
    if config.get("is_decoder") or found["hidden_act"] not in ACTIVATIONS:
        return None
    _check(found, where)
    hidden = found["hidden_size"]
    return Architecture(
        vocabulary=found["vocab_size"],
        hidden=hidden,
        embedding=_embedding(config, hidden),
        layers=found["num_hidden_layers"],
        heads=found["num_attention_heads"],
        inner=found["intermediate_size"],
        positions=found["max_position_embeddings"],
        types=found["type_vocab_size"] if "token_type" in family.tensors else 0,
        buckets=config.get("relative_attention_num_buckets", 32) if "relative" in family.tensors else 0,
        padding=_padding(found, family, str(config["model_type"])),
        eps=family.norm_eps or float(found["layer_norm_eps"]),
        activation=found["hidden_act"],
        dropout=float(found["hidden_dropout_prob"]),
        attention_dropout=float(found["attention_probs_dropout_prob"]),
    )


def positions_of(config: Mapping[str, Any]) -> int | None:
    """Return how many tokens a text may have for its positions; None where there is no limit.

    Families that count from the padding id have fewer positions than rows.
    """
    rows = config.get("max_position_embeddings")
    if rows is None and "relative_attention_num_buckets" not in config:  # T5's n_positions bounds nothing
        rows = config.get("n_positions")  # GPT-2's
    if not isinstance(rows, int) or rows < 1:
        return None
    family = FAMILIES.get(str(config["model_type"]))
    after = family.after_padding if family else str(config["model_type"]) in _AFTER_PADDING
    return rows - padding_of(config) - 1 if after else rows


def padding_of(config: Mapping[str, Any]) -> int:
    """Return the id that fills up a batch; what it is changes nothing, because it is masked."""
    padding = 1 if config["model_type"] == "mpnet" else config.get("pad_token_id")
    return padding if isinstance(padding, int) and padding >= 0 else _padding_by_default(config)


def _padding_by_default(config: Mapping[str, Any]) -> int:
    return int(_DEFAULTS.get(str(config["model_type"]), {}).get("pad_token_id", 0))


#: Families of transformers' own classes that count so, too.
_AFTER_PADDING = {
    "longformer",
    "xlm-roberta-xl",
    "roberta-prelayernorm",
    "data2vec-text",
    "ibert",
    "layoutlmv3",
    "lilt",
    "luke",
    "markuplm",
    "xmod",
    "esm",
}


def _check(found: Mapping[str, Any], where: str) -> None:
    for key in _SIZES:
        size = found[key]
        if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size < _LARGEST:
            raise CheckpointError(where, f"{key} is {size!r}, not a size")
    for key in ("type_vocab_size", "pad_token_id"):
        if not isinstance(found[key], int) or not 0 <= found[key] < _LARGEST:
            raise CheckpointError(where, f"{key} is {found[key]!r}, not a number of the vocabulary")
    for key in ("layer_norm_eps", "hidden_dropout_prob", "attention_probs_dropout_prob"):
        if not isinstance(found[key], int | float) or not 0 <= found[key] < 1:
            raise CheckpointError(where, f"{key} is {found[key]!r}, not a number from 0 to 1")
    if found["hidden_size"] % found["num_attention_heads"]:
        problem = f"{found['hidden_size']} components do not part into {found['num_attention_heads']} heads"
        raise CheckpointError(where, problem)


def _embedding(config: Mapping[str, Any], hidden: int) -> int:
    if config["model_type"] != "electra":
        return hidden
    size = config.get("embedding_size", 128)
    return size if isinstance(size, int) and size > 0 else hidden


def _padding(found: Mapping[str, Any], family: Family, model_type: str) -> int | None:
    if not family.after_padding:
        return None
    # MPNet's class in transformers takes 1 whatever the config says.
    return 1 if model_type == "mpnet" else int(found["pad_token_id"])
