"""BERT trained from scratch: masked-language modelling on a corpus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium_bert.embedder import Bert
from lexarium_transformer.pretraining.embedder import Usual, fit_embedder
from lexarium_transformer.pretraining.masked import Masked

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_bert.config import BertConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: BertConfig, run: Run) -> Bert:
    """Train a tokenizer and BERT on ``corpus``; :func:`fit_embedder` says how, and what it raises.

    Letters are lower-cased unless ``do_lower_case`` is false. The model keeps the head that fills masks.
    """
    return fit_embedder(Bert, Masked(), corpus, config, run, Usual(lowercase=True, prefix="bert."))
