"""BERT trained from scratch: masked-language modelling on a corpus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lexarium.config import require
from lexarium_bert.embedder import Bert
from lexarium_transformer.pretraining.masked import Masked
from lexarium_transformer.pretraining.sizes import Outline
from lexarium_transformer.pretraining.training import Pretrained, pretrain

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_bert.config import BertConfig

__all__ = ["fit"]


def fit(corpus: Corpus, config: BertConfig, run: Run) -> Bert:
    """Train a tokenizer and BERT on ``corpus``; :func:`pretrain` says how.

    Letters are lower-cased unless ``do_lower_case`` is false. The model keeps the head that fills masks.

    :raises DataError: as :func:`pretrain`.
    :raises ConfigError: as :func:`pretrain`; or a setting that import writes is given.
    :raises TrainingInterrupted: on Ctrl-C; it holds the model as far as it has come.
    """
    require("extra", not config.extra, "is written by training, and not set")

    def finish(found: Pretrained) -> Bert:
        settings = replace(
            config,
            pooling=config.pooling or "mean",
            normalize=bool(config.normalize),
            similarity=config.similarity or "cosine",
            prompts=config.prompts or (),
            max_length=found.max_length,
            do_lower_case=False,  # the tokenizer does it
            extra=tuple(sorted(name for name in found.tensors if not name.startswith("bert."))),
            output_dir=None,  # a machine's, and not a model's
        )
        return Bert(settings, found.tensors, found.files)

    outline = Outline(
        max_length=config.max_length, lowercase=config.do_lower_case is not False, device=config.device
    )
    return pretrain(Masked(), corpus, config, run, outline, finish)
