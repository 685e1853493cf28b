"""A small decoder of random numbers, for tests and docs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE

from lexarium_transformer.foreign import empty_model, tied_names

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
    described = {**_CONFIG, "vocab_size": len(vocabulary), "pad_token_id": vocabulary[_END], **ids}
    names = {"bos_token": _START, "eos_token": _END, "pad_token": _END}
    tokenizer_config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 256, **names}
    files = {
        "config.json": json.dumps(described).encode(),
        "generation_config.json": json.dumps(ids).encode(),
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": json.dumps(tokenizer_config).encode(),
        "chat_template.jinja": _TEMPLATE.encode(),
    }
    return _random_tensors(described), files


def _random_tensors(described: dict[str, Any]) -> dict[str, NDArray[Any]]:
    empty = empty_model(described, "tiny", "causal")
    tied = tied_names(empty)
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, shape in ((name, tensor.shape) for name, tensor in empty.state_dict().items()):
        if name not in tied:
            drawn = torch.randn(shape, generator=generator) * (0.3 if len(shape) > 1 else 0.05)
            tensors[name] = (drawn + 1 if "norm" in name else drawn).numpy()
    return tensors
