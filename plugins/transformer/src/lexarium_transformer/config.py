"""Settings of an encoder: what is done with its token states, and how the texts come to it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

from lexarium.config import placement, require

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Backend",
    "Device",
    "Dtype",
    "EncoderConfig",
    "EncoderPooling",
    "Pooling",
    "Program",
    "Similarity",
    "warn_truncation",
]

Pooling: TypeAlias = Literal["cls", "mean", "max", "last", "weighted", "echo"]
#: Of a bidirectional encoder; what ``echo`` is for, each of its tokens has seen the whole text already.
EncoderPooling: TypeAlias = Literal["cls", "mean", "max", "last", "weighted"]
Similarity: TypeAlias = Literal["cosine", "dot", "euclidean"]
Device: TypeAlias = Literal["auto", "cpu", "cuda"]
Dtype: TypeAlias = Literal["auto", "float32", "float16", "bfloat16", "fastest", "int8"]
Backend: TypeAlias = Literal["auto", "torch", "onnx", "openvino"]
Program: TypeAlias = Literal["torch", "onnx", "openvino"]
#: Where a checkpoint says which shorter vectors it was trained for, in its config.json.
_DIMENSIONS = ("matryoshka_dimensions", "matryoshka_dims")
#: What each program computes in.
_COMPUTED: dict[Program, tuple[Dtype, ...]] = {
    "torch": ("auto", "float32", "float16", "bfloat16", "fastest"),
    "onnx": ("auto", "float32"),
    "openvino": ("auto", "float32", "int8"),
}
_log = logging.getLogger("lexarium")


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """How texts become vectors; None stands for what the checkpoint says when it is imported.

    ``pooling``: ``cls`` the first token, ``mean`` and ``max`` over the tokens, ``last`` the last token,
    ``weighted`` a mean in which token i (from 1) weighs i (Muennighoff, "SGPT", 2022); ``mean`` where the
    checkpoint says nothing. ``layers``: which hidden states are averaged before that, 0 the embeddings,
    -1 the last. ``max_length`` counts tokens with the special ones. ``long``: what is over it is cut off
    (``truncate``), or the text is cut into pieces whose vectors are averaged, each by its number of
    tokens (``split``; for ``max`` their maximum). ``prompts`` are pairs (name, text); ``default_prompt``
    names the one that is put before every text. ``truncate_dim`` keeps the first components
    (Kusupati et al., "Matryoshka representation learning", 2022), before ``normalize``.

    ``device`` and ``dtype`` say where and how exactly is computed: ``auto`` is a GPU with 16 bits where
    there is one, and 32 bits otherwise; ``fastest`` is 16 bits on a processor, too, where they are faster
    there. ``backend`` says what computes: ``auto`` is torch, and OpenVINO for ``int8``. ``extra`` is
    written by import: tensors of the checkpoint that the encoder does without, a pooler or the head that
    fills masks.
    """

    #: What ``pooling`` may be.
    poolings: ClassVar[tuple[Pooling, ...]] = get_args(EncoderPooling)

    pooling: Pooling | None = None
    layers: tuple[int, ...] = (-1,)
    normalize: bool | None = None
    similarity: Similarity | None = None
    max_length: int | None = None
    long: Literal["truncate", "split"] = "truncate"
    prompts: tuple[tuple[str, str], ...] | None = None
    default_prompt: str | None = None
    truncate_dim: int | None = None
    do_lower_case: bool | None = None
    device: Device = placement("auto")  # noqa: RUF009  a field, frozen like its default
    dtype: Dtype = placement("auto")  # noqa: RUF009  as above
    backend: Backend = placement("auto")  # noqa: RUF009  as above
    extra: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check ranges."""
        usable = self.pooling is None or self.pooling in self.poolings
        require("pooling", usable, f"{self.pooling!r} is not one of {', '.join(self.poolings)}")
        require("layers", self.layers, "names no layer; -1 is the last")
        for key in ("max_length", "truncate_dim"):
            value = getattr(self, key)
            require(key, value is None or value >= 1, f"{value} is below 1")
        names = sorted(self.named_prompts)
        require("prompts", len(names) == len(self.prompts or ()), "a name stands twice")
        default = self.default_prompt
        one = """none; give it one: --set 'prompts={"query": "query: "}'"""
        unknown = f"the model has no prompt {default!r}; it has {', '.join(names) or one}"
        # Until a checkpoint has been read, it is not known which prompts there are.
        require("default_prompt", self.prompts is None or default is None or default in names, unknown)
        in_order = all(one < other for one, other in pairwise(self.extra))
        require("extra", in_order, "the names are not in order, each once")
        there = self.program == "torch" or self.device != "cuda"
        require("device", there, f"backend={self.program} computes on the processor, and torch on a GPU")
        able = _COMPUTED[self.program]
        numbers = f"backend={self.program} computes {', '.join(able)}, and not {self.dtype}"
        require("dtype", self.dtype in able, numbers)

    @property
    def program(self) -> Program:
        """What computes."""
        if self.backend != "auto":
            return self.backend
        return "openvino" if self.dtype == "int8" else "torch"

    @property
    def named_prompts(self) -> dict[str, str]:
        """The prompts: name to text."""
        return dict(self.prompts or ())

    @property
    def prompt(self) -> str:
        """What is put before every text."""
        return "" if self.default_prompt is None else self.named_prompts[self.default_prompt]


def warn_truncation(dim: int, described: Mapping[str, Any]) -> None:
    """Say in the log that a model was not trained for vectors of ``dim`` components, where that is so."""
    lists = [described[key] for key in _DIMENSIONS if isinstance(described.get(key), list)]
    declared: list[Any] = lists[0] if lists else []
    if dim not in declared:
        of = f"for {', '.join(map(str, declared))}" if declared else "for no shorter vectors"
        _log.warning("truncate_dim=%d: the checkpoint says that it was trained %s", dim, of)
