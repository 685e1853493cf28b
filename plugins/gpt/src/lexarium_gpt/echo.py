"""Texts read twice: what comes first has then seen what comes after it (Springer et al., 2024)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lexarium_transformer.tokens import TextTokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

    from lexarium_transformer.tokens import Piece

__all__ = ["EchoTokenizer"]


class EchoTokenizer(TextTokenizer):
    """A tokenizer whose pieces hold each text twice, after at most one special token.

    The pooling ``echo`` takes the second half of the tokens: of 2 t it is t, of 1 + 2 t as well. Spans
    are those of the second time.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int, *, prompt: str, lowercase: bool) -> None:
        """Take over ``tokenizer``; ``max_length`` is room for both times."""
        special = tokenizer.num_special_tokens_to_add(is_pair=False)
        super().__init__(tokenizer, special + (max_length - special) // 2, prompt=prompt, lowercase=lowercase)

    def _piece(self, encoding: Encoding, shift: int | None) -> Piece:
        once = super()._piece(encoding, shift)
        special = encoding.special_tokens_mask
        own = [place for place, out in enumerate(special) if not out]
        before = [place for place, out in enumerate(special[: own[0]]) if out][:1] if own else []
        order = [*before, *own, *own]
        first = len(before) + len(own)
        spans = None
        if once.spans is not None:
            given = once.spans
            spans = [given[place] if n >= first else (-1, -1) for n, place in enumerate(order)]
        return replace(once, ids=[once.ids[place] for place in order], spans=spans)
