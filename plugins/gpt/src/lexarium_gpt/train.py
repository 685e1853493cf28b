"""GPT-2 trained from scratch: causal language modelling on a corpus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lexarium.config import require
from lexarium_gpt.embedder import Gpt
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.sizes import Outline
from lexarium_transformer.pretraining.training import Pretrained, pretrain

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_gpt.config import GptConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: GptConfig, run: Run) -> Gpt:
    """Train a tokenizer and GPT-2 on ``corpus``; :func:`pretrain` says how.

    Letters keep their case unless ``do_lower_case`` is true. The model writes, and its pooling is ``last``
    unless another is set.

    :raises DataError: as :func:`pretrain`.
    :raises ConfigError: as :func:`pretrain`; or a setting that import writes is given.
    :raises TrainingInterrupted: on Ctrl-C; it holds the model as far as it has come.
    """
    require("extra", not config.extra, "is written by training, and not set")

    def finish(found: Pretrained) -> Gpt:
        settings = replace(
            config,
            pooling=config.pooling or "last",
            normalize=bool(config.normalize),
            similarity=config.similarity or "cosine",
            prompts=config.prompts or (),
            max_length=found.max_length,
            do_lower_case=False,  # the tokenizer does it
            output_dir=None,  # a machine's, and not a model's
        )
        return Gpt(settings, found.tensors, found.files)

    outline = Outline(
        max_length=config.max_length, lowercase=bool(config.do_lower_case), device=config.device
    )
    return pretrain(Causal(), corpus, config, run, outline, finish)
