"""Families of encoders that are computed here: what their checkpoints call each setting and tensor.

The names are those of transformers' own classes (``transformers.models.<family>``), which checkpoints on
the Hub carry. A family that is not listed is computed by its class in transformers (:mod:`foreign`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FAMILIES", "Family"]


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one family names things.

    ``prefix`` stands before every name where the checkpoint holds a head as well (``bert.encoder...``).
    ``tensors`` are modules outside the layers and ``layer`` those of layer ``{}``, by the name that
    :mod:`lexarium_transformer.model` has for them. ``settings`` are keys of ``config.json`` that differ
    from BERT's. ``after_padding``: positions count from the id of the padding token + 1, as in fairseq.
    """

    prefix: str
    tensors: Mapping[str, str]
    layer: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)
    after_padding: bool = False
    norm_eps: float | None = None


_EMBEDDINGS = {
    "word": "embeddings.word_embeddings",
    "position": "embeddings.position_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
}
_TYPED = {**_EMBEDDINGS, "token_type": "embeddings.token_type_embeddings"}
_AFTER = {
    "attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
    "up": "encoder.layer.{}.intermediate.dense",
    "down": "encoder.layer.{}.output.dense",
    "output_norm": "encoder.layer.{}.output.LayerNorm",
}
_BERT_LAYER = {
    "query": "encoder.layer.{}.attention.self.query",
    "key": "encoder.layer.{}.attention.self.key",
    "value": "encoder.layer.{}.attention.self.value",
    "attention_output": "encoder.layer.{}.attention.output.dense",
    **_AFTER,
}
_MPNET_LAYER = {
    **_AFTER,
    "query": "encoder.layer.{}.attention.attn.q",
    "key": "encoder.layer.{}.attention.attn.k",
    "value": "encoder.layer.{}.attention.attn.v",
    "attention_output": "encoder.layer.{}.attention.attn.o",
    "attention_norm": "encoder.layer.{}.attention.LayerNorm",
}
_DISTILBERT_LAYER = {
    "query": "transformer.layer.{}.attention.q_lin",
    "key": "transformer.layer.{}.attention.k_lin",
    "value": "transformer.layer.{}.attention.v_lin",
    "attention_output": "transformer.layer.{}.attention.out_lin",
    "attention_norm": "transformer.layer.{}.sa_layer_norm",
    "up": "transformer.layer.{}.ffn.lin1",
    "down": "transformer.layer.{}.ffn.lin2",
    "output_norm": "transformer.layer.{}.output_layer_norm",
}
_DISTILBERT_SETTINGS = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
    "hidden_act": "activation",
    "hidden_dropout_prob": "dropout",
    "attention_probs_dropout_prob": "attention_dropout",
}
_ROBERTA = Family(prefix="roberta", tensors=_TYPED, layer=_BERT_LAYER, after_padding=True)

#: Family by ``model_type``.
FAMILIES: Mapping[str, Family] = {
    "bert": Family(prefix="bert", tensors=_TYPED, layer=_BERT_LAYER),
    "roberta": _ROBERTA,
    "xlm-roberta": _ROBERTA,
    "camembert": _ROBERTA,
    "electra": Family(
        prefix="electra", tensors={**_TYPED, "project": "embeddings_project"}, layer=_BERT_LAYER
    ),
    "distilbert": Family(
        prefix="distilbert",
        tensors=_EMBEDDINGS,
        layer=_DISTILBERT_LAYER,
        settings=_DISTILBERT_SETTINGS,
        norm_eps=1e-12,
    ),
    "mpnet": Family(
        prefix="mpnet",
        tensors={**_EMBEDDINGS, "relative": "encoder.relative_attention_bias"},
        layer=_MPNET_LAYER,
        after_padding=True,
    ),
}
