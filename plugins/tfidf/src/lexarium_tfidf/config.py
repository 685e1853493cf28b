"""The settings of TF-IDF, under scikit-learn's names and with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from lexarium.config import require
from lexarium_counts.config import CountConfig

__all__ = ["TfidfConfig", "Weighting"]

Weighting: TypeAlias = Literal["tfidf", "bm25", "log-entropy"]


@dataclass(frozen=True, kw_only=True)
class TfidfConfig(CountConfig):
    """What counting takes (:class:`~lexarium_counts.config.CountConfig`), and how counts are weighted.

    ``weighting``     ``tfidf``; ``bm25`` (Robertson and Zaragoza, 2009, with Lucene's idf, which is never
                      negative); ``log-entropy`` (Dumais, 1991, as gensim's ``LogEntropyModel``)
    ``use_idf``       multiply by inverse document frequency
    ``smooth_idf``    as if one more text had every term once
    ``sublinear_tf``  1 + ln(count) in place of the count
    ``k1``            of ``bm25``: how soon a count saturates
    ``b``             of ``bm25``: how much of the length of a text is made good
    ``norm``          length of a row: 1 in the Euclidean norm, 1 in the sum, or as it comes; plain BM25
                      scores and log-entropy weights are those with none
    """

    weighting: Weighting = "tfidf"
    use_idf: bool = True
    smooth_idf: bool = True
    sublinear_tf: bool = False
    k1: float = 1.5
    b: float = 0.75
    norm: Literal["l1", "l2"] | None = "l2"

    def __post_init__(self) -> None:
        CountConfig.__post_init__(self)
        require("k1", 0.0 <= self.k1 <= _MOST, f"{self.k1} is not from 0 to {_MOST:g}")
        require("b", 0.0 <= self.b <= 1.0, f"{self.b} is not from 0 to 1")
        for key, default, owners in _BELONGS:
            used = self.weighting in owners or getattr(self, key) == default
            require(key, used, f"has no effect with weighting={self.weighting}; leave one of them out")
        if self.n_features is not None:
            require("alternate_sign", not self.alternate_sign, "a negative count has no weight; leave it out")
            require("smooth_idf", self.smooth_idf, "must be true with n_features: a column may be empty")


_MOST = 1000.0
_BELONGS = (
    ("use_idf", True, ("tfidf", "bm25")),
    ("smooth_idf", True, ("tfidf",)),
    ("sublinear_tf", False, ("tfidf",)),
    ("k1", 1.5, ("bm25",)),
    ("b", 0.75, ("bm25",)),
)
