"""The tokens of an encoder that get a vector, words that are added to them, and the ids of each in a text."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from tokenizers import AddedToken, normalizers

from lexarium.errors import DataError
from lexarium_distill.tokens import parse_tokenizer, unknown_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tokenizers import Tokenizer

__all__ = ["Tokens"]

_WITHOUT_BLANKS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_LONGEST = 256  # characters of a word
_EXAMPLES = 5
_log = logging.getLogger("lexarium")


class Tokens:
    """A tokenizer, and for each id that gets a vector the ids that the encoder is given for it."""

    def __init__(self, raw: bytes, *, lowercase: bool, remove: str | None) -> None:
        """Take the tokenizer of an encoder; ``lowercase`` says that texts are lower-cased before it.

        Special tokens, the unknown one and those that begin with a match of ``remove`` get no vector.

        :raises CheckpointError: ``raw`` is no tokenizer.
        :raises DataError: no token is left.
        """
        self.tokenizer = parse_tokenizer(raw, "tokenizer.json")
        if lowercase:
            inner = self.tokenizer.normalizer
            steps = [normalizers.Lowercase(), *([inner] if inner is not None else [])]
            self.tokenizer.normalizer = normalizers.Sequence(steps)
        before, after = _around(self.tokenizer)
        left_out = {id_ for id_, token in self.tokenizer.get_added_tokens_decoder().items() if token.special}
        left_out.add(-1 if (unknown := unknown_id(self.tokenizer)) is None else unknown)
        pattern = None if remove is None else re.compile(remove)
        vocabulary = self.tokenizer.get_vocab(with_added_tokens=True)
        self.ids = sorted(
            number
            for token, number in vocabulary.items()
            if number not in left_out and not (pattern and pattern.match(token))
        )
        if not self.ids:
            raise DataError("no token is left", "give another token_remove_pattern")
        self.rows = max(vocabulary.values()) + 1
        self.pieces: list[list[int]] = [[*before, number, *after] for number in self.ids]

    def add(self, words: Iterable[str], max_length: int) -> int:
        """Add words that are not one token already, each once; return how many were added.

        A word with a part that the encoder does not know is left out, and so is one of more than 256
        characters; a warning names some of them. A word is found in texts before the
        tokens are; it needs word ends about it, save where it is of a script that is written without blanks.
        """
        seen: set[str] = set()
        added: list[str] = []
        left: list[str] = []
        unknown = unknown_id(self.tokenizer)
        for given in words:
            word = given.strip()
            same = self._normalized(word)
            ids = self.tokenizer.encode(word, add_special_tokens=False).ids if same else []
            if same in seen or not same:
                continue
            seen.add(same)
            if unknown in ids or len(word) > _LONGEST:
                left.append(word)
            elif len(ids) > 1:
                added.append(word)
        if left:
            _log.warning(
                "%d of %d words get no vector: the encoder does not know a part of them, for instance %s",
                len(left),
                len(seen),
                ", ".join(word[:_LONGEST] for word in left[:_EXAMPLES]),
            )
        self.tokenizer.enable_truncation(max_length)
        self.pieces += [encoding.ids for encoding in self.tokenizer.encode_batch(added)]
        self.tokenizer.no_truncation()
        self._append(added)
        return len(added)

    def _append(self, words: Sequence[str]) -> None:
        for word in words:
            bounded = not (_WITHOUT_BLANKS.match(word[0]) or _WITHOUT_BLANKS.match(word[-1]))
            self.tokenizer.add_tokens([AddedToken(word, single_word=bounded, lstrip=True, normalized=True)])
        self.ids += range(self.rows, self.rows + len(words))
        self.rows += len(words)

    def _normalized(self, word: str) -> str:
        normalizer = self.tokenizer.normalizer
        return word if normalizer is None else str(normalizer.normalize_str(word)).strip()


def _around(tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the special ids that stand before a text and after it."""
    plain = tokenizer.encode("a", add_special_tokens=False).ids
    whole = tokenizer.encode("a").ids
    for start in range(len(whole) - len(plain) + 1):
        if plain and whole[start : start + len(plain)] == plain:
            return whole[:start], whole[start + len(plain) :]
    return whole, []
