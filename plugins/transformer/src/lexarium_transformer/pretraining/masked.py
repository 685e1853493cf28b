"""Masked-language modelling (Devlin et al., "BERT", 2018, section 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lexarium.config import require
from lexarium_transformer.pretraining.objective import IGNORED, generator
from lexarium_transformer.pretraining.sizes import SINGLE
from lexarium_transformer.pretraining.vocabulary import described, learn_wordpiece

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium_transformer.pretraining.config import MaskedConfig
    from lexarium_transformer.pretraining.encoded import Sample
    from lexarium_transformer.pretraining.sizes import Plan, Size

__all__ = ["Masked", "MaskedCollator"]

_NAMES = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}
_SPECIAL = len(_NAMES)  # they have the first ids
_MASKED, _KEPT = 0.8, 0.9  # below the first: [MASK]; from the second on: as it is; between: another token


class Masked:
    """BERT: a block is ``[CLS]``, texts with ``[SEP]`` after each, ``[SEP]``, and no padding.

    Texts follow each other as RoBERTa's do (Liu et al., 2019, "full sentences"); there is no next-sentence
    prediction.
    """

    sizes: Mapping[str, Size] = SINGLE
    relative = False
    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob")

    def tokenizer(self, texts: Callable[[], Iterator[str]], plan: Plan[MaskedConfig]) -> Tokenizer:
        """Learn WordPiece tokens."""
        return learn_wordpiece(texts, plan.vocab_size, lowercase=plan.lowercase)

    def files(self, tokenizer: Tokenizer, plan: Plan[MaskedConfig]) -> dict[str, bytes]:
        """Return the tokenizer's files."""
        return described(tokenizer, _NAMES, plan.max_length)

    def window(self, plan: Plan[MaskedConfig]) -> int:
        """Return the length without ``[CLS]`` and ``[SEP]``.

        :raises ConfigError: it leaves no place.
        """
        require("max_length", plan.max_length > 2, f"{plan.max_length} leaves no token beside 2 special ones")  # noqa: PLR2004
        return plan.max_length - 2

    def collator(self, tokenizer: Tokenizer, plan: Plan[MaskedConfig]) -> MaskedCollator:
        """Return what masks tokens."""
        pieces = tokenizer.get_vocab()
        continues = np.zeros(len(pieces), bool)
        continues[[number for piece, number in pieces.items() if piece.startswith("##")]] = True
        config = plan.config
        return MaskedCollator(
            continues, plan.seed, config.mlm_probability, whole_words=config.whole_word_mask
        )

    def network(self, tokenizer: Tokenizer, plan: Plan[MaskedConfig]) -> Any:  # noqa: ANN401  transformers' class
        """Return BERT with the head that fills masks."""
        from transformers import BertConfig  # noqa: PLC0415  takes seconds

        from lexarium_transformer.pretraining.networks import BertForMaskedLM  # noqa: PLC0415  as above

        size, dropout = plan.size, plan.config.dropout
        return BertForMaskedLM(
            BertConfig(
                vocab_size=tokenizer.get_vocab_size(),
                hidden_size=size.hidden,
                num_hidden_layers=size.layers,
                num_attention_heads=size.heads,
                intermediate_size=size.inner,
                max_position_embeddings=plan.max_length,
                hidden_dropout_prob=dropout,
                attention_probs_dropout_prob=dropout,
                tie_word_embeddings=plan.config.tie_word_embeddings,
            )
        )


@dataclass(frozen=True)
class MaskedCollator:
    """Choose the tokens that are to be told: 80 % become ``[MASK]``, 10 % another token, 10 % stay.

    ``continues`` (V,) bool says which tokens go on a word. The number of tokens is exactly the share
    (at least 1); with ``whole_words`` it is at most that, and words that would exceed it are left out.
    """

    continues: NDArray[np.bool_]
    seed: int
    share: float = 0.15
    whole_words: bool = False

    def __call__(self, samples: Sequence[Sample]) -> dict[str, Tensor]:
        """Return ``input_ids``, ``attention_mask`` and ``labels``, each (B, T) int64."""
        pairs = [self._masked(sample) for sample in samples]
        ids = torch.from_numpy(np.stack([ids for ids, _ in pairs]))
        labels = torch.from_numpy(np.stack([labels for _, labels in pairs]))
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

    def _masked(self, sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        rng = generator(self.seed, sample.number)
        cls, sep, mask = 2, 3, 4
        ids = np.concatenate([[cls], sample.ids, [sep]])
        open_ = np.flatnonzero(ids >= _SPECIAL)
        labels = np.full(len(ids), IGNORED, np.int64)
        if not len(open_):
            return ids, labels
        count = max(1, round(len(open_) * self.share))
        chosen = self._words(ids, open_, count, rng) if self.whole_words else rng.permutation(open_)[:count]
        labels[chosen] = ids[chosen]
        draw = rng.random(len(chosen))
        ids[chosen[draw < _MASKED]] = mask
        other = chosen[(draw >= _MASKED) & (draw < _KEPT)]
        ids[other] = rng.integers(_SPECIAL, len(self.continues), len(other))
        return ids, labels

    def _words(
        self, ids: NDArray[np.int64], open_: NDArray[np.int64], count: int, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        begins = ~self.continues[ids[open_]] | (np.diff(open_, prepend=-1) > 1)
        begins[0] = True
        words = np.split(open_, np.flatnonzero(begins)[1:])
        chosen: list[NDArray[np.int64]] = []
        taken = 0
        for number in rng.permutation(len(words)):
            if taken + len(words[number]) <= count or not chosen:
                chosen.append(words[number])
                taken += len(words[number])
            if taken >= count:
                break
        return np.concatenate(chosen)
