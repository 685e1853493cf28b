"""Masked words: what a checkpoint with a masked-language head puts into the gaps of a text."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import torch

from lexarium.errors import InputError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium.strict_json import parse_object
from lexarium_bert.embedder import Bert
from lexarium_transformer.encoders import as_tensors
from lexarium_transformer.foreign import masked_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from lexarium.zoo import Zoo

__all__ = ["Filler", "Filling", "fill_mask"]

_MASK = "[MASK]"
_SHOWN = 60


@dataclass(frozen=True)
class Filling:
    """One token for one gap: the token, its probability, and the text with it in place."""

    token: str
    probability: float
    text: str


class Filler:
    """A checkpoint with the head that fills masks (Devlin et al., "BERT", 2018, section 3.1)."""

    def __init__(self, model: Bert) -> None:
        """Build transformers' own network over the model's tensors.

        :raises UnsupportedError: the checkpoint has no such head, or its tokenizer no mask.
        """
        head = [name for name in model.config.extra if "pooler." not in name]
        if not head:
            raise UnsupportedError(
                "this checkpoint has no head that fills masks",
                "import one that has, as bert-base-uncased and xlm-roberta-base do",
            )
        self._tokenizer = model.tokenizer
        self._mask = _mask_token(model.files)
        self._id = self._tokenizer.id_of(self._mask)
        tensors = {name: tensor for name, tensor in model.tensors.items() if "pooler." not in name}
        self._network: Any = masked_model(model.described, as_tensors(tensors, torch.float32), model.name)

    def fill(self, texts: Sequence[str], top_k: int) -> list[list[list[Filling]]]:
        """Return, for each text and each of its masks, the ``top_k`` likeliest tokens, likeliest first.

        A mask is written as ``[MASK]``, or as the checkpoint writes it.

        :raises InputError: a text has no mask, or one behind the tokens that the model sees.
        """
        return [self._one(text, top_k) for text in check_texts(texts)]

    @torch.inference_mode()
    def _one(self, text: str, top_k: int) -> list[list[Filling]]:
        written = text.replace(_MASK, self._mask)
        piece = self._tokenizer.first([written])[0]
        gaps = [place for place, token in enumerate(piece.ids) if token == self._id]
        asked = written.count(self._mask)
        if not asked:
            other = "" if self._mask == _MASK else f", or {self._mask} as the model does,"
            remedy = f"write {_MASK}{other} where a word is missing"
            raise InputError(f"the text {shorten(text, _SHOWN)!r}", "has no mask", remedy)
        if len(gaps) != asked:
            limit = self._tokenizer.max_length
            problem = f"{asked - len(gaps)} of its {asked} masks are behind the {limit} tokens that are seen"
            raise InputError(f"the text {shorten(text, _SHOWN)!r}", problem, "shorten it")
        scores = self._network(input_ids=torch.tensor([piece.ids])).logits[0, gaps].softmax(-1)
        found = torch.topk(scores, min(top_k, scores.shape[-1]), -1)
        parts = written.split(self._mask)
        pairs = zip(found.values.numpy(), found.indices.numpy(), strict=True)
        return [self._fillings(parts, gap, *pair) for gap, pair in enumerate(pairs)]

    def _fillings(
        self, parts: list[str], gap: int, probabilities: np.ndarray, ids: np.ndarray
    ) -> list[Filling]:
        """Return the fillings of one gap; the other gaps of the text stay masks."""
        before, after = self._mask.join(parts[: gap + 1]), self._mask.join(parts[gap + 1 :])
        tokens = [self._tokenizer.word_of(int(token)) for token in ids]
        return [
            Filling(token, float(probability), f"{before}{token}{after}")
            for token, probability in zip(tokens, probabilities, strict=True)
        ]


def fill_mask(zoo: Zoo, model: str, texts: Sequence[str], top_k: int = 5) -> list[list[list[Filling]]]:
    """Fill the masks of texts with a stored model: the Python verb of ``lexarium fill-mask``.

    :raises UnsupportedError: the model is no encoder with the head that fills masks.
    """
    opened = zoo.load(model)
    if not isinstance(opened, Bert):
        raise UnsupportedError(f"{model} fills no masks", "name a model that was imported as bert")
    return Filler(opened).fill(texts, top_k)


def _mask_token(files: Mapping[str, bytes]) -> str:
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        token = parse_object(files[name], name).get("mask_token") if name in files else None
        content = token.get("content") if isinstance(token, dict) else token
        if isinstance(content, str) and content:
            return content
    return _MASK
