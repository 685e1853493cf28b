"""Span corruption (Raffel et al., "Exploring the limits of transfer learning", 2020, section 3.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lexarium.config import require
from lexarium_transformer.pretraining.objective import generator
from lexarium_transformer.pretraining.sizes import ENCODER_DECODER
from lexarium_transformer.pretraining.vocabulary import SENTINELS, described, learn_unigram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium_transformer.pretraining.config import SpanConfig
    from lexarium_transformer.pretraining.encoded import Sample
    from lexarium_transformer.pretraining.sizes import Plan, Size

__all__ = ["SpanCollator", "Spans", "noise_mask", "spans_of"]

_NAMES = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}


class Spans:
    """T5: of a block, spans are taken out, a sentinel in the place of each; the decoder tells them."""

    sizes: Mapping[str, Size] = ENCODER_DECODER
    relative = True  # T5's first weights differ in size by a factor of 100, and AdamW's updates do not
    dropouts = ("dropout_rate",)

    def tokenizer(self, texts: Callable[[], Iterator[str]], plan: Plan[SpanConfig]) -> Tokenizer:
        """Learn a unigram model."""
        return learn_unigram(texts, plan.vocab_size, lowercase=plan.lowercase)

    def files(self, tokenizer: Tokenizer, plan: Plan[SpanConfig]) -> dict[str, bytes]:
        """Return the tokenizer's files."""
        return described(tokenizer, _NAMES, plan.max_length)

    def window(self, plan: Plan[SpanConfig]) -> int:
        """Return the most ids that become ``max_length`` ids when spans are taken out.

        :raises ConfigError: that leaves none, or takes more spans than there are sentinels; or weights are
            not to be tied.
        """
        config, length = plan.config, plan.max_length
        require("tie_word_embeddings", config.tie_word_embeddings, "T5 in transformers 5 ties them always")
        window = 2
        while True:
            noise, spans = spans_of(window + 1, config.noise_density, config.mean_noise_span_length)
            if window + 1 - noise + spans + 1 > length:
                break
            window += 1
        noise, spans = spans_of(window, config.noise_density, config.mean_noise_span_length)
        require("max_length", window - noise + spans + 1 <= length, f"{length} is too short for a span")
        problem = f"{length} takes {spans} spans, and there are {SENTINELS} sentinels"
        require("max_length", spans <= SENTINELS, problem)
        return window

    def collator(self, tokenizer: Tokenizer, plan: Plan[SpanConfig]) -> SpanCollator:
        """Return what takes spans out."""
        first, end = (tokenizer.get_vocab()[token] for token in ("<extra_id_0>", "</s>"))
        config = plan.config
        return SpanCollator(first, end, plan.seed, config.noise_density, config.mean_noise_span_length)

    def network(self, tokenizer: Tokenizer, plan: Plan[SpanConfig]) -> Any:  # noqa: ANN401  transformers' class
        """Return T5."""
        from transformers import T5Config, T5ForConditionalGeneration  # noqa: PLC0415  takes seconds

        size = plan.size
        settings = {
            "vocab_size": tokenizer.get_vocab_size(),
            "d_model": size.hidden,
            "d_kv": size.hidden // size.heads,
            "d_ff": size.inner,
            "num_layers": size.layers,
            "num_decoder_layers": size.layers,
            "num_heads": size.heads,
            "dropout_rate": plan.config.dropout,
            "tie_word_embeddings": plan.config.tie_word_embeddings,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "decoder_start_token_id": 0,
        }
        return T5ForConditionalGeneration(T5Config.from_dict(settings))


@dataclass(frozen=True)
class SpanCollator:
    """Take spans out of blocks: the i-th becomes the i-th sentinel, whose ids fall from ``first``.

    The labels are each sentinel with what stood in its place; ``end`` ends both.
    """

    first: int
    end: int
    seed: int
    density: float = 0.15
    mean_length: float = 3.0

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Return ``input_ids`` and ``attention_mask`` (B, T), ``labels`` (B, U), int64.

        All blocks have one length, and so have what is left and what is to be told of them.
        """
        pairs = [self._corrupted(sample) for sample in samples]
        ids = torch.from_numpy(np.stack([ids for ids, _ in pairs]))
        labels = torch.from_numpy(np.stack([labels for _, labels in pairs]))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

    def _corrupted(self, sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rng = generator(self.seed, sample.number)
        noise = noise_mask(len(sample.ids), self.density, self.mean_length, rng)
        return self._collapsed(sample.ids, noise), self._collapsed(sample.ids, ~noise)

    def _collapsed(self, ids: NDArray[np.int64], out: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return the ids with a sentinel in place of each run of ``out``, and the end."""
        begins = out & ~np.concatenate([[False], out[:-1]])
        marked = np.where(begins, self.first + 1 - np.cumsum(begins), ids)
        return np.append(marked[~out | begins], self.end)


def spans_of(length: int, density: float, mean_length: float) -> tuple[int, int]:
    """Return how many of ``length`` tokens are taken out, and in how many spans."""
    noise = min(max(round(length * density), 1), length - 1)
    spans = min(max(round(noise / mean_length), 1), noise, length - noise)
    return noise, spans


def noise_mask(
    length: int, density: float, mean_length: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which of ``length`` tokens are taken out, (length,) bool; the first token stays, the last goes.

    As T5's ``random_spans_noise_mask``: every division into spans of at least one token is equally likely.
    """
    noise, spans = spans_of(length, density, mean_length)
    lengths = np.stack([_divided(length - noise, spans, rng), _divided(noise, spans, rng)], 1).reshape(-1)
    return np.repeat(np.arange(2 * spans) % 2 == 1, lengths)


def _divided(count: int, parts: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``parts`` lengths of at least 1 that add up to ``count``."""
    cuts = np.sort(rng.permutation(count - 1)[: parts - 1]) + 1
    return np.diff(np.concatenate([[0], cuts, [count]]))
