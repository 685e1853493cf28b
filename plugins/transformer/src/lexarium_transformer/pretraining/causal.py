"""Causal language modelling (Radford et al., "Language models are unsupervised multitask learners", 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lexarium.config import require
from lexarium_transformer.pretraining.sizes import SINGLE
from lexarium_transformer.pretraining.vocabulary import described, learn_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium_transformer.pretraining.config import PretrainingConfig
    from lexarium_transformer.pretraining.encoded import Sample
    from lexarium_transformer.pretraining.objective import Collator
    from lexarium_transformer.pretraining.sizes import Plan, Size

__all__ = ["Causal", "causal_batch"]

_END = "<|endoftext|>"


class Causal:
    """GPT-2: texts one after another with ``<|endoftext|>`` after each, cut into blocks, no padding."""

    sizes: Mapping[str, Size] = SINGLE
    relative = False
    dropouts = ("embd_pdrop", "resid_pdrop", "attn_pdrop")

    def tokenizer(self, texts: Callable[[], Iterator[str]], plan: Plan[PretrainingConfig]) -> Tokenizer:
        """Learn byte pairs."""
        return learn_bytes(texts, plan.vocab_size, lowercase=plan.lowercase)

    def files(self, tokenizer: Tokenizer, plan: Plan[PretrainingConfig]) -> dict[str, bytes]:
        """Return the tokenizer's files."""
        names = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), _END)
        return described(tokenizer, names, plan.max_length)

    def window(self, plan: Plan[PretrainingConfig]) -> int:
        """Return the length.

        :raises ConfigError: there is no next token in it.
        """
        require("max_length", plan.max_length > 1, f"{plan.max_length} has no next token")
        return plan.max_length

    def collator(self, tokenizer: Tokenizer, plan: Plan[PretrainingConfig]) -> Collator:
        """Return what makes batches of blocks."""
        del tokenizer, plan
        return causal_batch

    def network(self, tokenizer: Tokenizer, plan: Plan[PretrainingConfig]) -> Any:  # noqa: ANN401  transformers' class
        """Return GPT-2."""
        from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415  takes seconds

        size, dropout, end = plan.size, plan.config.dropout, tokenizer.token_to_id(_END)
        return GPT2LMHeadModel(
            GPT2Config(
                vocab_size=tokenizer.get_vocab_size(),
                n_positions=plan.max_length,
                n_embd=size.hidden,
                n_layer=size.layers,
                n_head=size.heads,
                n_inner=size.inner,
                embd_pdrop=dropout,
                resid_pdrop=dropout,
                attn_pdrop=dropout,
                bos_token_id=end,
                eos_token_id=end,
                tie_word_embeddings=plan.config.tie_word_embeddings,
            )
        )


def causal_batch(samples: Sequence[Sample]) -> dict[str, Tensor]:
    """Return ``input_ids``, ``attention_mask`` and ``labels``, each (B, T) int64.

    The labels are the ids: the network itself compares each place with the one before.
    """
    ids = torch.from_numpy(np.stack([sample.ids for sample in samples]))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids.clone()}
