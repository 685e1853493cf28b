"""T5 trained from scratch: spans of a corpus are taken out, and the decoder tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_t5.embedder import T5
from lexarium_transformer.pretraining.embedder import Usual, fit_embedder
from lexarium_transformer.pretraining.spans import Spans

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_t5.config import T5Config

__all__ = ["fit"]


def fit(corpus: Corpus, config: T5Config, run: Run) -> T5:
    """Train a tokenizer and T5 on ``corpus``; :func:`fit_embedder` says how, and what it raises.

    Letters keep their case unless ``do_lower_case`` is true.
    """
    return fit_embedder(T5, Spans(), corpus, config, run, Usual())
