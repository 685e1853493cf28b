"""Settings of pretraining from scratch; none of them changes a vector of a model that is there."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from lexarium.config import fit_only, require

__all__ = ["MaskedConfig", "Precision", "PretrainingConfig", "Schedule", "SizeName", "SpanConfig"]

SizeName: TypeAlias = Literal["tiny", "mini", "small", "base"]
Precision: TypeAlias = Literal["no", "bf16", "fp16"]
Schedule: TypeAlias = Literal["cosine", "linear", "constant", "constant_with_warmup"]


@dataclass(frozen=True, kw_only=True)
class PretrainingConfig:
    """How a transformer is trained from scratch. The names are those of transformers' TrainingArguments.

    ``size``                         widths and depths: :mod:`lexarium_transformer.pretraining.sizes`
    ``vocab_size``                   the most tokens that the tokenizer may have; None: that of the size
    ``tokenizer_characters``         the tokenizer learns from so many characters, spread over the corpus
    ``max_steps``                    updates of the weights; None: as many as ``num_train_epochs`` take
    ``num_train_epochs``             passes over the corpus, a part of one among them
    ``per_device_train_batch_size``  blocks of ``max_length`` tokens that one device takes together
    ``gradient_accumulation_steps``  batches whose gradients are added up for one update
    ``learning_rate``                its highest value; None: that of the size. T5's is a share of each
                                     tensor's root mean square
    ``lr_scheduler_type``            how it falls after the warm-up
    ``warmup_steps``                 updates in which it rises from 0; None: ``warmup_ratio`` of all
    ``weight_decay``, ``adam_beta1``, ``adam_beta2``, ``adam_epsilon``  of AdamW (Loshchilov and Hutter,
                                     2017); the first two also of T5's Adafactor (Shazeer and Stern, 2018)
    ``max_grad_norm``                gradients that are longer are cut to this length
    ``dropout``                      in pretraining; config.json says 0.1, for fine-tuning
    ``precision``                    no: 32 bits; bf16, fp16: 16 bits in the products, 32 in the weights
    ``tie_word_embeddings``          the output layer takes the weights of the token embeddings
    ``output_dir``                   a folder for checkpoints, from which an interrupted run goes on when it
                                     is started again; None: no checkpoints
    ``save_steps``                   updates between two checkpoints
    ``logging_steps``                updates over which a point of the loss curve is averaged

    :raises ConfigError: a value is out of range.
    """

    size: SizeName = fit_only("tiny")  # noqa: RUF009  it makes a field
    vocab_size: int | None = fit_only(None)
    tokenizer_characters: int = fit_only(20_000_000)
    max_steps: int | None = fit_only(None)
    num_train_epochs: float = fit_only(1.0)
    per_device_train_batch_size: int = fit_only(32)
    gradient_accumulation_steps: int = fit_only(1)
    learning_rate: float | None = fit_only(None)
    lr_scheduler_type: Schedule = fit_only("cosine")  # noqa: RUF009  as above
    warmup_steps: int | None = fit_only(None)
    warmup_ratio: float = fit_only(0.06)
    weight_decay: float = fit_only(0.01)
    adam_beta1: float = fit_only(0.9)
    adam_beta2: float = fit_only(0.98)
    adam_epsilon: float = fit_only(1e-6)
    max_grad_norm: float = fit_only(1.0)
    dropout: float = fit_only(0.0)
    precision: Precision = fit_only("no")  # noqa: RUF009  as above
    tie_word_embeddings: bool = fit_only(True)
    output_dir: str | None = fit_only(None)
    save_steps: int = fit_only(500)
    logging_steps: int = fit_only(10)

    def __post_init__(self) -> None:
        """Check ranges."""
        for key, least, most in (
            ("vocab_size", 8, 1 << 24),
            ("tokenizer_characters", 1, 1 << 40),
            ("max_steps", 1, 1 << 40),
            ("per_device_train_batch_size", 1, 1 << 16),
            ("gradient_accumulation_steps", 1, 1 << 16),
            ("warmup_steps", 0, 1 << 40),
            ("warmup_ratio", 0, 1),
            ("weight_decay", 0, 1),
            ("adam_beta1", 0, 1),
            ("adam_beta2", 0, 1),
            ("dropout", 0, 0.9),
            ("save_steps", 1, 1 << 40),
            ("logging_steps", 1, 1 << 40),
        ):
            value = getattr(self, key)
            holds = value is None or (isfinite(value) and least <= value <= most)
            require(key, holds, f"{value} is not from {least} to {most}")
        for key in ("num_train_epochs", "learning_rate", "adam_epsilon", "max_grad_norm"):
            value = getattr(self, key)
            require(key, value is None or (isfinite(value) and value > 0), f"{value} is not a number above 0")


@dataclass(frozen=True, kw_only=True)
class MaskedConfig(PretrainingConfig):
    """Masked-language modelling; the names are those of transformers' DataCollatorForLanguageModeling.

    ``mlm_probability``  the share of the tokens that is to be told; of these, 80 % are masked, 10 % are
                         replaced by a token drawn from the vocabulary, and 10 % stay
    ``whole_word_mask``  words are chosen with all of their tokens; a Chinese character is a word

    :raises ConfigError: a value is out of range.
    """

    mlm_probability: float = fit_only(0.15)
    whole_word_mask: bool = fit_only(False)

    def __post_init__(self) -> None:
        super().__post_init__()
        value = self.mlm_probability
        require("mlm_probability", 0 < value < 1, f"{value} is not between 0 and 1")


@dataclass(frozen=True, kw_only=True)
class SpanConfig(PretrainingConfig):
    """Span corruption; the names are those of T5's ``random_spans_noise_mask``.

    ``noise_density``           the share of the tokens that is taken out and is to be told
    ``mean_noise_span_length``  how many of them stand together in the mean

    :raises ConfigError: a value is out of range.
    """

    noise_density: float = fit_only(0.15)
    mean_noise_span_length: float = fit_only(3.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        density, span = self.noise_density, self.mean_noise_span_length
        require("noise_density", 0 < density < 1, f"{density} is not between 0 and 1")
        require("mean_noise_span_length", isfinite(span) and span >= 1, f"{span} is below 1")
