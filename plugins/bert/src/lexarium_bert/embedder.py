"""BERT as an embedder, and a small one of random numbers for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from lexarium_bert.config import BertConfig
from lexarium_transformer.architecture import architecture_of
from lexarium_transformer.embedder import TransformerEmbedder
from lexarium_transformer.encoders import checkpoint_names
from lexarium_transformer.model import Encoder
from lexarium_transformer.names import FAMILIES
from lexarium_transformer.small import random_tensors, small_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bert"]

_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = """
the film was better than book good movie bad great boring king queen man woman is an and of . , ! ? ##s ##ing
这 部 电 影 比 原 著 好 看 很 难 我 喜 欢 非 常 的 国 王 女 。 ，
"""
_CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
}


class Bert(TransformerEmbedder):
    """A bidirectional encoder (Devlin et al., "BERT", 2018) and every other of its kind."""

    name: ClassVar[str] = "bert"
    config_class: ClassVar[type[BertConfig]] = BertConfig

    @classmethod
    def tiny(cls) -> Self:
        """Return two layers of 32 components, drawn with a fixed seed, over words, letters and characters."""
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        pieces = [*_SPECIAL, *_WORDS.split(), *letters, *(f"##{letter}" for letter in letters)]
        vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
        described = {**_CONFIG, "vocab_size": len(vocabulary)}
        tokenizer_config = {"tokenizer_class": "BertTokenizer", "model_max_length": 64, "do_lower_case": True}
        kinds = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
        names = dict(zip(kinds, _SPECIAL, strict=True))
        files = {
            "config.json": json.dumps(described).encode(),
            "tokenizer.json": _tokenizer(vocabulary).to_str().encode(),
            "tokenizer_config.json": json.dumps({**tokenizer_config, **names}).encode(),
            "special_tokens_map.json": json.dumps(names).encode(),
        }
        settings = small_settings(cls.config_class, "mean", 64)
        return cls(settings, _random_tensors(described), files)


def _tokenizer(vocabulary: dict[str, int]) -> Tokenizer:
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    ends = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", pair=None, special_tokens=ends)
    tokenizer.add_special_tokens(_SPECIAL)
    return tokenizer


def _random_tensors(described: dict[str, Any]) -> dict[str, NDArray[Any]]:
    shape = architecture_of(described, "tiny")
    assert shape is not None  # noqa: S101  BERT is computed here
    empty = {name: tensor.shape for name, tensor in Encoder(shape, "meta").state_dict().items()}
    names = checkpoint_names(FAMILIES["bert"], empty, ())
    return random_tensors({names[own]: size for own, size in empty.items()})
