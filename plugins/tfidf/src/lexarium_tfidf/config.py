"""The settings of TF-IDF, under scikit-learn's names and with its defaults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lexarium_counts.config import CountConfig

__all__ = ["TfidfConfig"]


@dataclass(frozen=True, kw_only=True)
class TfidfConfig(CountConfig):
    """What counting takes (:class:`~lexarium_counts.config.CountConfig`), and how counts are weighted.

    ``use_idf``       multiply by inverse document frequency
    ``smooth_idf``    as if one more text had every term once
    ``sublinear_tf``  1 + ln(count) in place of the count
    ``norm``          length of a row: 1 in the Euclidean norm, 1 in the sum, or as it comes
    """

    use_idf: bool = True
    smooth_idf: bool = True
    sublinear_tf: bool = False
    norm: Literal["l1", "l2"] | None = "l2"
