"""What decoders and encoder-decoders share: a network with the head that writes, and what goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexarium_transformer.foreign import Foreign, empty_model, tied_names
from lexarium_transformer.tokens import parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tokenizers import Tokenizer
    from torch import Tensor

    from lexarium_transformer.foreign import HeadKind

__all__ = ["Generative", "expected_shapes", "writing_tokenizer"]


class Generative(Foreign):
    """The part of a network that gives vectors, as :class:`Foreign`, and the whole network, which writes."""

    def __init__(self, whole: Any, part: Any, kept: Iterable[str]) -> None:  # noqa: ANN401  modules of torch
        """Take over ``whole`` and a part of it; ``kept`` are the names of its weights in a checkpoint."""
        super().__init__(part)
        self.encoder.whole = whole  # goes to a device with the part, its head too
        self.whole = whole
        self._kept = frozenset(kept)

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by the checkpoint's names, none of them twice."""
        return {name: tensor for name, tensor in self.whole.state_dict().items() if name in self._kept}


def expected_shapes(config: Mapping[str, Any], where: str, head: HeadKind) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of all weights, those left out that are others over again.

    :raises CheckpointError: transformers refuses the config.
    :raises UnsupportedError: transformers has no such class.
    """
    empty = empty_model(config, where, head)
    tied = tied_names(empty)
    return {name: tuple(t.shape) for name, t in empty.state_dict().items() if name not in tied}


def writing_tokenizer(raw: bytes, where: str) -> Tokenizer:
    """Build a tokenizer that cuts nothing off and fills nothing up.

    :raises CheckpointError: it is none.
    """
    tokenizer = parse_tokenizer(raw, where)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
