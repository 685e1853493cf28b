"""GPT-2 trained from scratch: causal language modelling on a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_gpt.embedder import Gpt
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.embedder import Usual, fit_embedder

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_gpt.config import GptConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: GptConfig, run: Run) -> Gpt:
    """Train a tokenizer and GPT-2 on ``corpus``; :func:`fit_embedder` says how, and what it raises.

    Letters keep their case unless ``do_lower_case`` is true. The model writes, and its pooling is ``last``
    unless another is set.
    """
    return fit_embedder(Gpt, Causal(), corpus, config, run, Usual(pooling="last"))
