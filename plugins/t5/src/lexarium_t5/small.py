"""A small encoder-decoder of random numbers, for tests and docs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.processors import TemplateProcessing

from lexarium_transformer.generative import expected_shapes
from lexarium_transformer.small import random_tensors, small_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["small_parts"]

_PAD, _END, _UNKNOWN = "<pad>", "</s>", "<unk>"
_WORDS = "the film was better than book good movie bad great boring is an and of"
_CONFIG = {
    "architectures": ["T5ForConditionalGeneration"],
    "model_type": "t5",
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 64,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
    "relative_attention_num_buckets": 32,
    "task_specific_params": {
        "summarization": {"prefix": "good: ", "max_length": 20, "num_beams": 2},
        "translation_en_to_zh": {"prefix": "the book: ", "max_length": 24, "num_beams": 3},
        "translation_zh_to_en": {"prefix": "the movie: ", "max_length": 24, "num_beams": 3},
    },
}


def small_parts() -> tuple[dict[str, NDArray[Any]], dict[str, bytes]]:
    """Return tensors and files of a T5 of two layers, whose tokens are a few words and single bytes."""
    tokenizer = _tokenizer()
    described = {**_CONFIG, "vocab_size": tokenizer.get_vocab_size()}
    names = {"pad_token": _PAD, "eos_token": _END, "unk_token": _UNKNOWN}
    files = small_files(described, tokenizer, names, 256)
    return random_tensors(expected_shapes(described, "tiny", "seq2seq")), files


def _tokenizer() -> Tokenizer:
    pieces = [(token, 0.0) for token in (_PAD, _END, _UNKNOWN)]
    pieces += [(f"▁{word}", -5.0) for word in _WORDS.split()]
    pieces += [("▁", -6.0), *((letter, -8.0) for letter in "abcdefghijklmnopqrstuvwxyz.,:!?")]
    pieces += [(f"<0x{byte:02X}>", -12.0) for byte in range(256)]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=2, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    tokenizer.post_processor = TemplateProcessing(single=f"$A {_END}", pair=None, special_tokens=[(_END, 1)])
    tokenizer.add_special_tokens([_PAD, _END, _UNKNOWN])
    return tokenizer
