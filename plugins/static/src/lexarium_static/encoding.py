"""A corpus as word numbers: what every static method trains on.

The compiled reading of ``lexarium-kernels`` and plain Python give the same result exactly.
"""

from __future__ import annotations

import logging
from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lexarium.corpora import FileCorpus
from lexarium.errors import DataError, InputError
from lexarium.inputs import check_list
from lexarium.tokens import is_mostly_chinese
from lexarium.vocabulary import Vocabulary
from lexarium_static.numbering import Spill, numbering, renumber

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lexarium.corpora import TextBlock
    from lexarium.roles import Corpus, Run
    from lexarium.tokens import Tokenize, TokenizerName
    from lexarium_static.config import StaticConfig
    from lexarium_static.numbering import Numbering

__all__ = ["Encoded", "encode", "encode_onto"]

_SAMPLED, _SAMPLE_LENGTH = 200, 200
_TEXTS, _CHARACTERS = 2**13, 2**22  # of a batch, whichever comes first: a thread takes a while to begin
_MEMORY = 2**30  # bytes of word numbers; what is more goes to a file
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

    @property
    def left_out(self) -> int:
        """How many tokens are words that the vocabulary leaves out (or, of phrases, second words)."""
        return self.tokens - len(self.ids)


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
    ``run.threads`` and the backend change nothing in the result. Word numbers beyond 1 GiB go to a
    temporary file without a name, so that memory grows with the words and texts, not with the tokens.

    :raises DataError: there is no text, no token in the texts, or no word with ``min_count`` occurrences.
    :raises InputError: an element of the corpus is not a string, a file of it cannot be read or changes,
        or the disk has no room for the word numbers.
    :raises ConfigError: ``token_pattern`` is no regular expression.
    """
    numbers = numbering(tokenizer, token_pattern, lowercase=lowercase, threads=run.threads)
    with _read(corpus, numbers, tokenizer, run) as spill:
        vocabulary, counts, table = numbers.choose(min_count, max_vocab)
        if not len(counts):
            found = f"different words: {numbers.words}; occurrences of the most frequent: {numbers.highest}"
            problem = f"no word of the corpus occurs {min_count} times ({found})"
            raise DataError(problem, "lower min_count, or give more text")
        return _finished(vocabulary, counts, table, spill)


def encode_onto(
    vocabulary: Vocabulary,
    corpus: Corpus,
    config: StaticConfig,
    *,
    min_count: int,
    max_vocab: int | None,
    run: Run,
    analyze: Tokenize | None = None,
) -> Encoded:
    """Read new text once over the words of a model; ``counts`` are those of the new text, some perhaps 0.

    The words keep their numbers. Others that occur ``min_count`` times come behind them, in the order
    that :func:`encode` gives them, while there are no more than ``max_vocab`` words in all.
    ``analyze``, where given, cuts the texts instead of the tokenizer that ``config`` names.

    :raises DataError: there is no text, no token in the texts, or none that is a known or a new word.
    :raises InputError: as :func:`encode`.
    :raises ConfigError: as :func:`encode`.
    :raises CheckpointError: the vocabulary is damaged.
    """
    rule = config.tokenizer
    numbers = numbering(
        rule, config.token_pattern, lowercase=config.lowercase, threads=run.threads, analyze=analyze
    )
    with _read(corpus, numbers, rule, run) as spill:
        counts, table = numbers.match(vocabulary)
        words, frequencies, places = numbers.choose(min_count, None)
        new = np.flatnonzero((table < 0) & (places >= 0))
        room = None if max_vocab is None else max(0, max_vocab - len(vocabulary))
        new = new[np.argsort(places[new])][:room]
        if not len(new) and not counts.any():
            problem = (
                f"no token (read: {spill.tokens}) is a word of the model or reaches min_count={min_count}"
            )
            raise DataError(problem, "give texts in its language, or lower min_count")
        table[new] = len(vocabulary) + np.arange(len(new))
        if len(new):
            vocabulary = Vocabulary.build([*vocabulary, *map(words.word, places[new].tolist())])
        return _finished(vocabulary, np.append(counts, frequencies[places[new]]), table, spill)


def _read(corpus: Corpus, numbers: Numbering, rule: TokenizerName, run: Run) -> Spill:
    """Return the provisional numbers of all tokens, of which there is one at least."""
    texts = _Texts(corpus, run)
    spill = Spill(_MEMORY)
    try:
        for block in texts.blocks(lines=numbers.takes_lines):
            ids, lengths = numbers.add(block)
            spill.append(ids, lengths)
            texts.advance(len(lengths))
    except BaseException:
        spill.close()
        raise
    if not spill.tokens:  # nothing went to a file then
        problem = f"no token in the corpus (texts: {texts.read}; tokenizer={rule})"
        raise DataError(problem, "try tokenizer=characters or tokenizer=jieba (Chinese)")
    if rule in {"unicode", "words"} and is_mostly_chinese(texts.sample):
        _log.warning(
            "the texts are mostly Chinese, which tokenizer=%s does not cut into words; a model "
            "fitted with --set tokenizer=jieba, or tokenizer=characters, does",
            rule,
        )
    return spill


def _finished(
    vocabulary: Vocabulary, counts: NDArray[np.int64], table: NDArray[np.int32], spill: Spill
) -> Encoded:
    ids, offsets = spill.finish()
    kept = renumber(ids, offsets, table)
    return Encoded(vocabulary, counts, ids[:kept], offsets, spill.tokens)


class _Texts:
    """The corpus on its way through: checked, counted, reported, and the first texts remembered."""

    def __init__(self, corpus: Corpus, run: Run) -> None:
        check_list(corpus, "corpus")
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
