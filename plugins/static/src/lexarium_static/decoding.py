"""Words from bytes: UTF-8, or, where the user says so, what can be read of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.files import EncodingErrors

__all__ = ["NOT_UTF8", "Decoder"]

#: What to do about a word that is not UTF-8.
NOT_UTF8 = "convert the file to UTF-8, or import it with --encoding-errors replace"

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_log = logging.getLogger("lexarium")


@dataclass
class Decoder:
    """Reads the words of one file, and counts those that were not UTF-8.

    With ``errors="replace"`` U+FFFD stands in place of bytes that are not UTF-8, so words that differ in
    such bytes alone become one word: the first of them stays, the others are left out.
    """

    path: Path
    errors: EncodingErrors
    replaced: int = 0
    left_out: int = 0

    def word(self, raw: bytes) -> str:
        """Return the word of some bytes.

        :raises UnicodeDecodeError: they are not UTF-8, and ``errors`` is ``strict``.
        """
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            if self.errors == "strict":
                raise
            self.replaced += 1
            return raw.decode("utf-8", "replace")

    def leaves_out(self, word: str) -> bool:
        """Tell whether a second vector of ``word`` is left out, and count it; else it is a mistake."""
        found = self.errors == "replace" and _REPLACEMENT in word
        self.left_out += found
        return found

    def report(self) -> None:
        """Say how many words were replaced, if any were."""
        if self.replaced:
            _log.warning(
                "%s: in %d words bytes that are not UTF-8 became U+FFFD; %d vectors of words that were the "
                "same then are left out",
                self.path,
                self.replaced,
                self.left_out,
            )
