"""A corpus as word numbers: what every static method trains on.

The compiled reading of ``lexarium-kernels`` and plain Python give the same result exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexarium.corpora import FileCorpus
from lexarium.errors import DataError, InputError
from lexarium.tokens import is_mostly_chinese
from lexarium_static.numbering import Spill, numbering

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from lexarium.corpora import TextBlock
    from lexarium.roles import Corpus, Run
    from lexarium.tokens import TokenizerName
    from lexarium.vocabulary import Vocabulary
    from lexarium_static.numbering import Numbering

__all__ = ["Encoded", "Reading", "encode", "encode_with"]

_SAMPLED, _SAMPLE_LENGTH = 200, 200
_TEXTS, _CHARACTERS = 1024, 2**20  # of a batch: whichever comes first
_log = logging.getLogger("lexarium")


@dataclass(frozen=True)
class Encoded:
    """A corpus of s texts as t word numbers over n words.

    *Shapes:* ``counts`` (n,), how often each word occurs in the corpus; ``ids`` (t,), the known tokens of
    all texts, one after another; ``offsets`` (s + 1,), text i being ``ids[offsets[i]:offsets[i + 1]]``, so
    that a text without a known token stays, empty; ``tokens``, all tokens read, known or not.
    """

    vocabulary: Vocabulary
    counts: NDArray[np.int64]
    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]
    tokens: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How texts become tokens; word numbers beyond ``memory`` bytes go to an unnamed temporary file."""

    tokenizer: TokenizerName = "words"
    token_pattern: str | None = None
    lowercase: bool = True
    memory: int = 2**30

    def encode(
        self, corpus: Corpus, *, min_count: int = 1, max_vocab: int | None = None, run: Run
    ) -> Encoded:
        """Do what :func:`encode` does."""
        numbers, texts, spill = self._read(corpus, run)
        with spill:
            if not numbers.words:
                problem = f"no token in {texts.read} texts (tokenizer={self.tokenizer})"
                raise DataError(problem, "try tokenizer=characters or tokenizer=jieba (Chinese)")
            vocabulary, counts, table = numbers.choose(min_count, max_vocab)
            if not len(counts):
                problem = (
                    f"none of the {numbers.words} words of the corpus occurs {min_count} times; "
                    f"the most frequent one occurs {numbers.highest} times"
                )
                raise DataError(problem, "lower min_count, or give more text")
            ids, offsets = spill.finish()
            kept = numbers.renumber(ids, offsets, table)
            return Encoded(vocabulary, counts, ids[:kept], offsets, spill.tokens)

    def encode_with(self, vocabulary: Vocabulary, corpus: Corpus, *, run: Run) -> Encoded:
        """Do what :func:`encode_with` does."""
        numbers, texts, spill = self._read(corpus, run)
        with spill:
            counts, table = numbers.match(vocabulary)
            if not counts.any():
                problem = (
                    f"none of the {spill.tokens} tokens of the {texts.read} texts is a word of the model"
                )
                raise DataError(problem, "give texts in its language, or another tokenizer")
            ids, offsets = spill.finish()
            kept = numbers.renumber(ids, offsets, table)
            return Encoded(vocabulary, counts, ids[:kept], offsets, spill.tokens)

    def _read(self, corpus: Corpus, run: Run) -> tuple[Numbering, _Texts, Spill]:
        numbers = numbering(self.tokenizer, self.token_pattern, lowercase=self.lowercase, threads=run.threads)
        texts = _Texts(corpus, run)
        spill = Spill(self.memory)
        try:
            for block in texts.blocks(lines=numbers.takes_lines):
                ids, lengths = numbers.add(block)
                spill.append(ids, lengths)
                texts.advance(len(lengths))
        except BaseException:
            spill.close()
            raise
        if self.tokenizer in {"unicode", "words"} and is_mostly_chinese(texts.sample):
            _log.warning(
                "the texts are mostly Chinese, which tokenizer=%s does not cut into words: type "
                "--set tokenizer=jieba or --set tokenizer=characters",
                self.tokenizer,
            )
        return numbers, texts, spill


def encode(
    corpus: Corpus,
    *,
    tokenizer: TokenizerName,
    token_pattern: str | None,
    lowercase: bool,
    min_count: int = 1,
    max_vocab: int | None = None,
    run: Run,
) -> Encoded:
    """Read a corpus once; number its words, most frequent first, equal counts in the order of their bytes.

    Words that occur fewer than ``min_count`` times are left out, and all but the first ``max_vocab``.
    ``run.threads`` and the backend change nothing in the result.

    :raises DataError: there is no text, no token in the texts, or no word with ``min_count`` occurrences.
    :raises InputError: an element of the corpus is not a string, a file of it cannot be read or changes,
        or the disk has no room for the word numbers.
    :raises ConfigError: ``token_pattern`` is no regular expression.
    """
    reading = Reading(tokenizer=tokenizer, token_pattern=token_pattern, lowercase=lowercase)
    return reading.encode(corpus, min_count=min_count, max_vocab=max_vocab, run=run)


def encode_with(
    vocabulary: Vocabulary,
    corpus: Corpus,
    *,
    tokenizer: TokenizerName,
    token_pattern: str | None,
    lowercase: bool,
    run: Run,
) -> Encoded:
    """Read a corpus once over a given vocabulary; ``counts`` are those of this corpus, some perhaps 0.

    :raises DataError: there is no text, or no token in the texts is a word of the vocabulary.
    :raises InputError: as :func:`encode`.
    :raises ConfigError: as :func:`encode`.
    """
    reading = Reading(tokenizer=tokenizer, token_pattern=token_pattern, lowercase=lowercase)
    return reading.encode_with(vocabulary, corpus, run=run)


class _Texts:
    """The corpus on its way through: checked, counted, reported, and the first texts remembered."""

    def __init__(self, corpus: Corpus, run: Run) -> None:
        if isinstance(corpus, str | bytes):
            raise InputError("corpus", "a single text where a list of texts belongs", "write [text]")
        self._corpus = corpus
        self._run = run
        self.read = 0
        self.sample: list[str] = []

    def blocks(self, *, lines: bool) -> Iterator[TextBlock]:
        """Yield the texts in blocks; as lines of bytes only where the corpus has them and ``lines`` allows.

        :raises DataError: there is none.
        :raises InputError: one is not a string.
        """
        given = self._corpus.blocks() if lines and isinstance(self._corpus, FileCorpus) else self._batches()
        for block in given:
            if len(self.sample) < _SAMPLED:
                self.sample += _beginnings(block)[: _SAMPLED - len(self.sample)]
            yield block
        if not self.read:
            raise DataError("the corpus holds no texts", "give at least one")
        self._run.progress("read the corpus", self.read, self.read)

    def advance(self, count: int) -> None:
        """Take note that ``count`` more texts have been read, and report it."""
        self.read += count
        total = len(self._corpus) if isinstance(self._corpus, Sized) else None
        self._run.progress("read the corpus", self.read, total)

    def _batches(self) -> Iterator[list[str]]:
        batch: list[str] = []
        characters = 0
        for number, text in enumerate(self._corpus):
            if not isinstance(text, str):
                problem = f"element {number} is {type(text).__name__}, not text"
                raise InputError("corpus", problem, "pass strings")
            batch.append(text)
            characters += len(text)
            if len(batch) == _TEXTS or characters >= _CHARACTERS:
                yield batch
                batch, characters = [], 0
        if batch:
            yield batch


def _beginnings(block: TextBlock) -> list[str]:
    if isinstance(block, list):
        return [text[:_SAMPLE_LENGTH] for text in block[:_SAMPLED]]
    lines = block.split(b"\n", _SAMPLED)[:_SAMPLED]
    return [line[: 4 * _SAMPLE_LENGTH].decode("utf-8", "ignore")[:_SAMPLE_LENGTH] for line in lines]
