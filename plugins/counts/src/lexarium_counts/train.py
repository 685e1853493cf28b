"""Learning a vocabulary from a corpus."""

from __future__ import annotations

import logging
from collections.abc import Sized
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import CountVectorizer

from lexarium.errors import ConfigError, DataError, InputError, LexariumError
from lexarium.tokens import is_mostly_chinese
from lexarium.vocabulary import Vocabulary
from lexarium_counts.analysis import analyzer
from lexarium_counts.counter import TermCounter
from lexarium_counts.kernel import covers, learn_terms
from lexarium_counts.pruning import choose_terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium.roles import Corpus, Run
    from lexarium_counts.config import CountConfig

__all__ = ["EXAMPLE_CORPUS", "learn"]

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
_log = logging.getLogger("lexarium")


def learn(corpus: Corpus, config: CountConfig, run: Run) -> tuple[TermCounter, csr_array]:
    """Learn the vocabulary of ``corpus``, reading it once; return a counter and the corpus' own counts.

    ``run.threads`` count where the kernels do, with the same result; ``run.seed`` changes nothing.

    *Shape:* counts (texts, terms) int64.

    :raises DataError: there is no text, no term in the texts, or none left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    :raises InputError: an element of the corpus is not a string.
    """
    _, remarks = analyzer(config)
    for remark in remarks:
        _log.warning("%s", remark)
    texts = _Texts(corpus, run)
    count = _by_kernel if covers(config) else _by_reference
    try:
        terms, counts = count(texts, config, run)
    except ValueError as error:
        explained = _explained(str(error), texts, config) if texts.finished else None
        if explained is None:
            raise
        raise explained from error
    finally:
        _notice_unsegmented(texts, config)
    return TermCounter(config, Vocabulary.build(terms)), counts


def _by_kernel(texts: _Texts, config: CountConfig, run: Run) -> tuple[list[str], csr_array]:
    terms, counts = learn_terms(texts, config, run)
    kept = choose_terms(counts, config)
    return [terms[i] for i in kept], counts if len(kept) == len(terms) else csr_array(counts[:, kept])


def _by_reference(texts: _Texts, config: CountConfig, run: Run) -> tuple[list[str], csr_array]:
    del run  # scikit-learn counts in one thread
    analyze, _ = analyzer(config)
    vectorizer = CountVectorizer(
        analyzer=analyze,
        min_df=config.min_df,
        max_df=config.max_df,
        max_features=config.max_features,
        binary=config.binary,
        dtype=np.int64,  # exact: float32 sums would let max_features keep other terms
    )
    counts = csr_array(vectorizer.fit_transform(texts))
    return vectorizer.get_feature_names_out().tolist(), counts


class _Texts:
    """The corpus on its way through: checked, counted, reported, and the first texts remembered."""

    def __init__(self, corpus: Corpus, run: Run) -> None:
        if isinstance(corpus, str | bytes):
            raise InputError("corpus", "a single text where a list of texts belongs", "write [text]")
        self._corpus = corpus
        self._run = run
        self.read = 0
        self.finished = False
        self.sample: list[str] = []

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


def _explained(problem: str, texts: _Texts, config: CountConfig) -> LexariumError | None:
    """Say in the user's terms what scikit-learn found wrong, or None where it is something else."""
    if not texts.read:
        return DataError("the corpus holds no texts", "give at least one")
    if "empty vocabulary" in problem:
        return _no_terms(texts.read, config)
    fewest, most = (_texts_of(value, texts.read) for value in (config.min_df, config.max_df))
    if most < fewest:
        what = f"{config.max_df} of {texts.read} texts is below min_df={config.min_df}"
        return ConfigError("max_df", f"{what}; lower min_df or raise max_df")
    if "no terms remain" in problem:
        limits = f"min_df={config.min_df} and max_df={config.max_df}"
        return DataError(
            f"no term of the {texts.read} texts is left with {limits}", "lower min_df or raise max_df"
        )
    return None


def _texts_of(value: float, total: int) -> float:
    return value * total if isinstance(value, float) else value


def _no_terms(read: int, config: CountConfig) -> LexariumError:
    n, m = config.ngram_range
    how = f"analyzer={config.analyzer}, ngram_range=({n}, {m})"
    if config.analyzer != "word":
        return DataError(
            f"no term in {read} texts ({how})", "give texts that are not empty, or shorter n-grams"
        )
    how += f", tokenizer={config.tokenizer}" + (", without stop words" if config.stop_words else "")
    remedy = "try tokenizer=characters, tokenizer=jieba (Chinese) or fewer stop_words"
    return DataError(f"no term in {read} texts ({how})", remedy)


def _notice_unsegmented(texts: _Texts, config: CountConfig) -> None:
    by_spaces = config.analyzer == "word" and config.tokenizer in {"unicode", "words"}
    if texts.finished and by_spaces and is_mostly_chinese(texts.sample):
        _log.warning(
            "the texts are mostly Chinese, which tokenizer=%s does not cut into words: type "
            "--set tokenizer=jieba or --set tokenizer=characters",
            config.tokenizer,
        )
