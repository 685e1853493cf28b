"""Small checkpoints with random weights, made by transformers itself, of every architecture that is known."""

from __future__ import annotations

import json

import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

from lexarium_t5.small import small_parts

T5 = {
    "d_model": 16,
    "d_kv": 4,
    "d_ff": 20,
    "num_layers": 2,
    "num_decoder_layers": 2,
    "num_heads": 4,
    "decoder_start_token_id": 0,
    "pad_token_id": 0,
    "eos_token_id": 1,
}
BART = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 20,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "eos_token_id": 1,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": 1,
}
#: model_type: (settings, the special tokens around a text)
MODELS = {
    "t5": (T5, "$A </s>"),
    "mt5": ({**T5, "tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}, "$A </s>"),
    "umt5": (T5, "$A </s>"),
    "bart": ({**BART, "forced_bos_token_id": 2}, "<unk> $A </s>"),
    "mbart": (BART, "$A </s> en_XX"),
    "marian": ({**BART, "decoder_start_token_id": 0, "bad_words_ids": [[0]], "num_beams": 4}, "$A </s>"),
    "pegasus": ({**BART, "decoder_start_token_id": 0}, "$A </s>"),
    "m2m_100": (BART, "__en__ $A </s>"),
    "blenderbot": (BART, "$A </s>"),
    "blenderbot-small": (BART, "$A </s>"),
    "mvp": (BART, "<unk> $A </s>"),
}
LANGUAGES = {
    "mbart": ["en_XX", "zh_CN", "de_DE"],
    "m2m_100": ["__en__", "__zh__", "__de__"],
    "nllb": ["eng_Latn", "zho_Hans", "zho_Hant", "deu_Latn"],
    "marian-many": [">>fra<<", ">>zho<<"],
}


def make_tokenizer(languages, template):
    """Return the words and bytes of the tiny model, with tokens of languages and this frame."""
    tokenizer = Tokenizer.from_str(small_parts()[1]["tokenizer.json"].decode())
    tokenizer.add_special_tokens(languages)
    around = [part for part in template.split() if not part.startswith("$")]
    ids = [(part, tokenizer.token_to_id(part)) for part in around]
    tokenizer.post_processor = TemplateProcessing(single=template, pair=None, special_tokens=ids)
    return tokenizer


def write_checkpoint(folder, model_type, *, template=None, languages=(), stated=None, **settings):
    """Let transformers write a folder with a random model; return the model and its tokenizer."""
    own, usual = MODELS[model_type]
    tokenizer = make_tokenizer(list(languages or LANGUAGES.get(model_type, [])), template or usual)
    described = {**own, "vocab_size": tokenizer.get_vocab_size(), **settings}
    if model_type == "marian":
        described["decoder_vocab_size"] = described["vocab_size"]
    torch.manual_seed(0)
    config = transformers.CONFIG_MAPPING[model_type].from_dict(described)
    model = transformers.AutoModelForSeq2SeqLM.from_config(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():  # as they are drawn, all texts are one word
            if "shared" in name or "embed_positions" in name:
                continue
            parameter.add_(torch.randn_like(parameter) * 0.4)
            if name.endswith(("EncDecAttention.o.weight", "encoder_attn.out_proj.weight")):
                parameter.mul_(8)  # what is written depends on what is read
    if model_type == "mt5":  # as in published mT5, the head has weights of its own
        model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.lm_head.weight))
    model.save_pretrained(folder)
    config_file = folder / "config.json"
    written = json.loads(config_file.read_text(encoding="utf-8"))
    config_file.write_text(json.dumps({**written, **(stated or {})}), encoding="utf-8")
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)
    fast.save_pretrained(folder)
    return model, fast


@pytest.fixture(scope="session")
def make_checkpoint():
    """Give :func:`write_checkpoint`."""
    return write_checkpoint


@pytest.fixture(scope="session", autouse=True)
def _alone():
    """Compute in one thread, and print no bars."""
    transformers.utils.logging.disable_progress_bar()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
