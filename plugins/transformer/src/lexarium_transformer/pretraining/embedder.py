"""A corpus to the embedder of a method: what ``fit`` of bert, gpt and t5 have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lexarium.config import from_mapping, require, to_mapping
from lexarium_transformer.pretraining.sizes import Outline
from lexarium_transformer.pretraining.training import Pretrained, pretrain

if TYPE_CHECKING:
    from lexarium.roles import Corpus, Run
    from lexarium_transformer.config import Pooling
    from lexarium_transformer.embedder import TransformerEmbedder
    from lexarium_transformer.pretraining.config import PretrainingConfig
    from lexarium_transformer.pretraining.objective import Objective

__all__ = ["Usual", "fit_embedder"]

_E = TypeVar("_E", bound="TransformerEmbedder")


@dataclass(frozen=True, kw_only=True)
class Usual:
    """What a method takes where the settings say nothing, and where its encoder is.

    ``lowercase``: the tokenizer takes capital letters for small ones. ``prefix`` begins the names of the
    encoder's tensors; the others are ``extra``.
    """

    pooling: Pooling = "mean"
    lowercase: bool = False
    prefix: str = ""


def fit_embedder(
    method: type[_E],
    objective: Objective[Any],
    corpus: Corpus,
    config: PretrainingConfig,
    run: Run,
    usual: Usual,
) -> _E:
    """Train a tokenizer and a network on ``corpus``, and return them as a model of ``method``.

    ``config`` is of the method's own class. :func:`pretrain` says how it is trained.

    :raises DataError: as :func:`pretrain`.
    :raises ConfigError: as :func:`pretrain`; or ``extra`` is set, which import and training write.
    :raises TrainingInterrupted: on Ctrl-C; it holds the model as far as it has come.
    """
    given = to_mapping(config)
    require("extra", not given["extra"], "is written by import and by training, and not set")
    left: dict[str, Any] = {
        "pooling": usual.pooling,
        "normalize": False,
        "similarity": "cosine",
        "prompts": [],
    }
    chosen = {**given, **{key: value for key, value in left.items() if given[key] is None}}

    def finish(found: Pretrained) -> _E:
        settled = {
            "max_length": found.max_length,
            "do_lower_case": False,  # the tokenizer does it
            "extra": sorted(name for name in found.tensors if not name.startswith(usual.prefix)),
            "output_dir": None,  # a machine's, and not a model's
        }
        return method(from_mapping(method.config_class, {**chosen, **settled}), found.tensors, found.files)

    lowercase = usual.lowercase if given["do_lower_case"] is None else given["do_lower_case"]
    outline = Outline(max_length=given["max_length"], lowercase=lowercase, device=given["device"])
    return pretrain(objective, corpus, config, run, outline, finish)
