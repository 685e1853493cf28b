"""A small decoder of random numbers, for tests and docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from lexarium_transformer.generation_file import GENERATION
from lexarium_transformer.generative import expected_shapes
from lexarium_transformer.small import random_tensors, small_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["small_parts"]

_END, _START = "<|im_end|>", "<|im_start|>"
_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 256,
    "tie_word_embeddings": True,
}
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def small_parts() -> tuple[dict[str, NDArray[Any]], dict[str, bytes]]:
    """Return tensors and files of a Llama of two layers whose tokens are single bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*letters, _START, _END])}
    tokenizer = Tokenizer(BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([_START, _END])
    ids = {"bos_token_id": vocabulary[_START], "eos_token_id": vocabulary[_END]}
    described: dict[str, Any] = {
        **_CONFIG,
        "vocab_size": len(vocabulary),
        "pad_token_id": vocabulary[_END],
        **ids,
    }
    names = {"bos_token": _START, "eos_token": _END, "pad_token": _END}
    files = small_files(described, tokenizer, names, described["max_position_embeddings"])
    files |= {GENERATION: json.dumps(ids).encode(), "chat_template.jinja": _TEMPLATE.encode()}
    return random_tensors(expected_shapes(described, "tiny", "causal")), files
