"""What static methods check alike before they train."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lexarium.errors import DataError, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lexarium.vocabulary import Vocabulary
    from lexarium_static.embedder import StaticEmbedder

__all__ = ["check_kept", "check_several", "is_bounded"]

_FEWEST = 2
#: Numbers in what learned something, word vectors and the others, have one digit before the point, or two.
_BOUND = 1e4


def is_bounded(learned: NDArray[np.float32]) -> bool:
    """Tell whether what was learned stayed within bounds: finite, and below 10,000 in size."""
    # Written so that NaN is no number within the bounds.
    return learned.size == 0 or bool(learned.min() > -_BOUND and learned.max() < _BOUND)


def check_several(words: Vocabulary, left_out: int) -> None:
    """Refuse to train on a single word, which stands beside nothing but itself.

    ``left_out`` is how many tokens of the corpus are words that the vocabulary leaves out.

    :raises DataError: there are fewer than two words.
    """
    if len(words) >= _FEWEST:
        return
    shown = ", ".join(words)[:40]
    if not left_out:
        problem = f"the corpus has one distinct word, {shown!r}, and vectors are learned from words together"
        raise DataError(problem, "give text with two different words or more")
    problem = f"one word of the corpus is kept, {shown!r} (left out as other words: {left_out:,} tokens)"
    raise DataError(problem, "lower min_count, raise the limit of the vocabulary, or give more text")


def check_kept(model: StaticEmbedder, what: str) -> None:
    """Refuse a model that has no ``what`` (in the plural) to go on training from, and say why it has none.

    :raises UnsupportedError: it holds no training tensors.
    """
    if model.tensors:
        return
    keeps = getattr(model.config, "keep_training", True)
    why = (
        "it was imported, or made from another model" if keeps else "it was trained with keep_training=false"
    )
    raise UnsupportedError(
        f"the model holds its word vectors alone, no {what} to go on from: {why}",
        f"train on all the text: lexarium fit {model.name} --corpus FILE --name NAME",
    )
