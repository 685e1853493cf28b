"""T5 trained from scratch: spans of a corpus are taken out, and the decoder tells them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lexarium.config import require
from lexarium_t5.embedder import T5
from lexarium_transformer.pretraining.sizes import Outline
from lexarium_transformer.pretraining.spans import Spans
from lexarium_transformer.pretraining.training import Pretrained, pretrain

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_t5.config import T5Config

__all__ = ["fit"]


def fit(corpus: Corpus, config: T5Config, run: Run) -> T5:
    """Train a tokenizer and T5 on ``corpus``; :func:`pretrain` says how.

    The case of letters is kept unless ``do_lower_case`` is true.

    :raises DataError: as :func:`pretrain`.
    :raises ConfigError: as :func:`pretrain`; or a setting that import writes is given.
    :raises TrainingInterrupted: on Ctrl-C; it holds the model as far as it has come.
    """
    require("extra", not config.extra, "is written by import, and not set")

    def finish(found: Pretrained) -> T5:
        settings = replace(
            config,
            pooling=config.pooling or "mean",
            normalize=bool(config.normalize),
            similarity=config.similarity or "cosine",
            prompts=config.prompts or (),
            max_length=found.max_length,
            do_lower_case=False,  # the tokenizer does it
            output_dir=None,  # a machine's, and not a model's
        )
        return T5(settings, found.tensors, found.files)

    outline = Outline(
        max_length=config.max_length, lowercase=bool(config.do_lower_case), device=config.device
    )
    return pretrain(Spans(), corpus, config, run, outline, finish)
