"""Learning a vocabulary from a corpus."""

from __future__ import annotations

import logging
from collections.abc import Sized
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from lexarium.errors import ConfigError, DataError, InputError, LexariumError
from lexarium.inputs import check_list
from lexarium.roles import Run, silent
from lexarium.tokens import is_mostly_chinese
from lexarium.vocabulary import Vocabulary
from lexarium_counts.analysis import analyzer
from lexarium_counts.counter import HashCounter, TermCounter
from lexarium_counts.kernel import KernelLearner, compiled
from lexarium_counts.pruning import choose_terms, count_pruned
from lexarium_counts.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Corpus
    from lexarium_counts.config import CountConfig

__all__ = ["EXAMPLE_CORPUS", "Learned", "check_corpus", "explain_empty", "learn", "learn_terms", "select"]

#: What ``tiny()`` learns from; the Chinese texts are segmented, so that every tokenizer finds words in them.
EXAMPLE_CORPUS = (
    "A quiet film with a brilliant cast.",
    "The cast is fine, the plot is not.",
    "A dull plot and a long, long evening.",
    "What a brilliant evening at the cinema!",
    "这部 电影 很 好看",
    "演员 很 出色 , 情节 一般",
    "情节 无聊 , 看 得 很 累",
    "电影院 的 夜晚 很 愉快",
)

_SAMPLED, _SAMPLE_LENGTH = 200, 1000
_HASHED_TOGETHER = 4096
_REPORTED_TOGETHER = 4096
_FIRST_CHINESE = "\u3400"  # the lowest of the characters that is_mostly_chinese looks for
_log = logging.getLogger("lexarium")


@dataclass(frozen=True)
class Learned:
    """A counter of n columns and what the corpus says about them."""

    counter: TermCounter | HashCounter
    statistics: Statistics


def learn(corpus: Corpus, config: CountConfig, run: Run) -> tuple[TermCounter, csr_array]:
    """Learn the vocabulary of ``corpus``, reading it once; return a counter and the corpus' own counts.

    ``run.threads`` count where the kernels do, with the same result; ``run.seed`` changes nothing. All
    counts are held in memory; :func:`learn_terms` holds what is distinct only. ``prune_at`` has no effect.

    *Shape:* counts (texts, terms) int32.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    found = _terms(corpus, config, run, rows=True)
    if found.rows is None:
        message = "rows were asked for"
        raise TypeError(message)
    return found.counter, found.rows


def learn_terms(corpus: Corpus, config: CountConfig, run: Run) -> Learned:
    """Learn the vocabulary of ``corpus``, reading it once, and how often each term occurs.

    Memory grows with the distinct terms (``prune_at`` bounds them), not with the texts. With
    ``n_features`` there are no terms to learn, and what is counted are the columns.

    :raises DataError: as :func:`learn`.
    :raises ConfigError: as :func:`learn`.
    :raises InputError: as :func:`learn`.
    """
    if config.n_features is not None:
        return _hashed(corpus, config, run)
    found = _terms(corpus, config, run, rows=False)
    return Learned(found.counter, found.statistics)


@dataclass(frozen=True)
class _Found:
    counter: TermCounter
    statistics: Statistics
    rows: csr_array | None


def _terms(corpus: Corpus, config: CountConfig, run: Run, *, rows: bool) -> _Found:
    _, remarks = analyzer(config)
    for remark in remarks:
        _log.warning("%s", remark)
    texts = _Texts(corpus, run)
    try:
        if compiled() is None:
            counted = _by_reference(texts, config, rows=rows)
        else:
            counted = _by_kernel(texts, config, run, rows=rows)
        kept = choose_terms(counted.statistics, config)
    except ValueError as error:
        explained = explain_empty(str(error), texts.read, config) if texts.finished else None
        if explained is None:
            raise
        raise explained from error
    finally:
        _notice_unsegmented(texts, config)
    if len(kept) == len(counted.offsets) - 1:
        vocabulary = Vocabulary.from_bytes(counted.raw, counted.offsets)
        return _Found(TermCounter(config, vocabulary), counted.statistics, counted.rows)
    vocabulary = Vocabulary.from_bytes(*select(counted.raw, counted.offsets, kept))
    matrix = None if counted.rows is None else csr_array(counted.rows[:, kept])
    return _Found(TermCounter(config, vocabulary), counted.statistics.kept(kept), matrix)


def select(
    raw: NDArray[np.uint8], offsets: NDArray[np.int64], kept: NDArray[np.intp]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return some of n packed terms, packed."""
    lengths = np.diff(offsets)
    chosen = np.zeros(len(lengths), bool)
    chosen[kept] = True
    fewer = np.zeros(len(kept) + 1, np.int64)
    np.cumsum(lengths[kept], out=fewer[1:])
    return raw[: offsets[-1]][np.repeat(chosen, lengths)], fewer


@dataclass(frozen=True)
class _Counted:
    """All n terms of a corpus, packed and in order."""

    raw: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    statistics: Statistics
    rows: csr_array | None


def _by_kernel(texts: _Texts, config: CountConfig, run: Run, *, rows: bool) -> _Counted:
    learner = KernelLearner(config, run.threads, rows=rows)
    if learner.takes_lines and texts.has_blocks:
        for block in texts.blocks():
            if isinstance(block, bytes):
                learner.add_lines(block)
            else:
                learner.add(block)
    elif texts.in_memory:
        for batch in texts.batches():
            learner.add_batch(batch)
    else:
        learner.add(texts)
    return _Counted(*learner.finish())


def _by_reference(texts: _Texts, config: CountConfig, *, rows: bool) -> _Counted:
    analyze, _ = analyzer(config)
    if config.prune_at is not None and not rows:
        terms, statistics = count_pruned(map(analyze, texts), config.prune_at, binary=config.binary)
        return _Counted(*_packed(terms), statistics, None)
    # Exact: float32 sums would let max_features keep other terms.
    vectorizer = CountVectorizer(analyzer=analyze, binary=config.binary, dtype=np.int32)
    counts = csr_array(vectorizer.fit_transform(texts))
    return _Counted(*_packed(vectorizer.get_feature_names_out()), Statistics.of(counts), counts)


def _packed(terms: Iterable[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(term) for term in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def _hashed(corpus: Corpus, config: CountConfig, run: Run) -> Learned:
    counter = HashCounter(config)
    texts = _Texts(corpus, run)
    n = len(counter)
    found = Statistics(0, np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n))
    stream = iter(texts)
    while batch := list(islice(stream, _HASHED_TOGETHER)):
        counts = counter.count(batch)
        counts.data = np.abs(counts.data)  # of terms that count negatively: how often, not which way
        counts.eliminate_zeros()
        found += Statistics.of(counts)
    if not texts.read:
        raise _no_texts()
    _notice_unsegmented(texts, config)
    if not found.term_frequency.any():
        raise _no_terms(texts.read, config)
    return Learned(counter, found)


def check_corpus(corpus: Corpus) -> None:
    """Refuse a corpus without texts, reading the first one only.

    :raises DataError: there is no text.
    :raises InputError: the first element is not a string, or the corpus is one.
    """
    if next(iter(_Texts(corpus, Run())), None) is None:
        raise _no_texts()


def _no_texts() -> DataError:
    return DataError("the corpus holds no texts", "give at least one")


class _Texts:
    """The corpus on its way through: checked, counted, reported, and the first texts remembered."""

    def __init__(self, corpus: Corpus, run: Run) -> None:
        check_list(corpus, "corpus")
        self._corpus = corpus
        self._run = run
        self.read = 0
        self.finished = False
        self.sample: list[str] = []
        self._blocks: Callable[[], Iterator[bytes | list[str]]] | None = getattr(corpus, "blocks", None)

    @property
    def has_blocks(self) -> bool:
        """Whether the corpus gives texts together, as :class:`lexarium.corpora.FileCorpus` does."""
        return self._blocks is not None

    def blocks(self) -> Iterator[bytes | list[str]]:
        """Yield blocks of texts: UTF-8 lines, or a list."""
        for block in self._blocks() if self._blocks is not None else ():
            if isinstance(block, bytes):
                count = block.count(b"\n") + (not block.endswith(b"\n"))
                if self.read < _SAMPLED:
                    head = block[: _SAMPLED * _SAMPLE_LENGTH].decode("utf-8", "ignore").split("\n")
                    self.sample += [text[:_SAMPLE_LENGTH] for text in head[: _SAMPLED - self.read]]
            else:
                count = len(block)
                self.sample += [text[:_SAMPLE_LENGTH] for text in block[: max(0, _SAMPLED - self.read)]]
            yield block
            self.read += count
            self._run.progress("counting terms", self.read, None)
        self.finished = True

    @property
    def in_memory(self) -> bool:
        """Whether the corpus is a list or tuple of nothing but strings."""
        return isinstance(self._corpus, list | tuple) and set(map(type, self._corpus)) == {str}

    def batches(self) -> Iterator[Sequence[str]]:
        """Yield the texts of a corpus that is in memory, many at a time; each is reported all the same."""
        corpus = self._corpus if isinstance(self._corpus, list | tuple) else list(self._corpus)
        self.sample += [text[:_SAMPLE_LENGTH] for text in corpus[:_SAMPLED]]
        listening = self._run.progress is not silent
        size = _REPORTED_TOGETHER if listening else len(corpus)
        for begin in range(0, len(corpus), size):
            batch = corpus[begin : begin + size]
            yield batch
            for read in range(begin + 1, begin + len(batch) + 1) if listening else ():
                self._run.progress("counting terms", read, len(corpus))
            self.read = begin + len(batch)
        self.finished = True

    def __iter__(self) -> Iterator[str]:
        total = len(self._corpus) if isinstance(self._corpus, Sized) else None
        for text in self._corpus:
            if not isinstance(text, str):
                problem = f"element {self.read} is {type(text).__name__}, not text"
                raise InputError("corpus", problem, "pass strings")
            if self.read < _SAMPLED:
                self.sample.append(text[:_SAMPLE_LENGTH])
            yield text
            self.read += 1
            self._run.progress("counting terms", self.read, total)
        self.finished = True


def explain_empty(problem: str, read: int, config: CountConfig) -> LexariumError | None:
    """Say in the user's terms what scikit-learn found wrong, or None where it is something else."""
    if not read:
        return _no_texts()
    if "empty vocabulary" in problem:
        return _no_terms(read, config)
    fewest, most = (_texts_of(value, read) for value in (config.min_df, config.max_df))
    if fewest > read:
        return ConfigError("min_df", f"{config.min_df}, and there are {read} texts; lower it")
    if most < fewest:
        what = f"{config.max_df} of {read} texts is below min_df={config.min_df}"
        return ConfigError("max_df", f"{what}; lower min_df or raise max_df")
    if "no terms remain" in problem:
        limits = f"min_df={config.min_df} and max_df={config.max_df}"
        return DataError(f"no term is left with {limits} (texts: {read})", "lower min_df or raise max_df")
    return None


def _texts_of(value: float, total: int) -> float:
    return value * total if isinstance(value, float) else value


def _no_terms(read: int, config: CountConfig) -> LexariumError:
    n, m = config.ngram_range
    how = f"analyzer={config.analyzer}, ngram_range=({n}, {m})"
    larger = "" if config.prune_at is None else ", or a larger prune_at"
    if config.analyzer != "word":
        remedy = f"give texts that are not empty, or shorter n-grams{larger}"
        return DataError(f"no term in the corpus (texts: {read}; {how})", remedy)
    how += f", tokenizer={config.tokenizer}" + (", without stop words" if config.stop_words else "")
    remedy = f"try tokenizer=characters, tokenizer=jieba (Chinese) or fewer stop_words{larger}"
    return DataError(f"no term in the corpus (texts: {read}; {how})", remedy)


def _notice_unsegmented(texts: _Texts, config: CountConfig) -> None:
    by_spaces = config.analyzer == "word" and config.tokenizer in {"unicode", "words"}
    # Most texts are not, and that takes a tenth of the time to see.
    chinese = [text for text in texts.sample if not text.isascii() and max(text) >= _FIRST_CHINESE]
    if texts.finished and by_spaces and chinese and is_mostly_chinese(texts.sample):
        _log.warning(
            "the texts are mostly Chinese, which tokenizer=%s does not cut into words; a model "
            "fitted with --set tokenizer=jieba, or tokenizer=characters, does",
            config.tokenizer,
        )
