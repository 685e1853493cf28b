"""The classifier's settings, under scikit-learn's names, and what became of ``C``."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from lexarium.config import require

__all__ = ["Choice", "ClassifierConfig"]

_MIN_FOLDS = 2


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig:
    """Settings of ``sklearn.linear_model.LogisticRegression`` that matter here.

    ``C`` is the inverse strength of the L2 penalty; None chooses it among ``Cs`` by the accuracy in
    a stratified cross-validation with ``cv`` folds on the training part. ``standardize`` (dense
    vectors only) trains on components of mean 0 and variance 1; the stored weights apply to the
    vectors as they come.
    """

    C: float | None = None
    Cs: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0, 100.0)
    cv: int = 3
    class_weight: Literal["balanced"] | None = None
    max_iter: int = 1000
    tol: float = 1e-4
    standardize: bool = True

    def __post_init__(self) -> None:
        require("C", self.C is None or _positive(self.C), f"{self.C} is not a number above 0")
        require("Cs", self.Cs and all(map(_positive, self.Cs)), "give one or more numbers above 0")
        require("cv", self.cv >= _MIN_FOLDS, f"{self.cv} folds are too few; give 2 or more")
        require("max_iter", self.max_iter >= 1, f"{self.max_iter} is below 1")
        require("tol", _positive(self.tol), f"{self.tol} is not a number above 0")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The C that was used and, where cross-validation chose it, each candidate with its mean accuracy."""

    C: float
    folds: int = 0
    candidates: tuple[tuple[float, float], ...] = ()

    def __str__(self) -> str:
        used = f"C={self.C:g}"
        if not self.candidates:
            return used
        best = max(accuracy for _, accuracy in self.candidates)
        among = f"the best of {len(self.candidates)} in {self.folds}-fold cross-validation"
        return f"{used}, {among} (accuracy {best:.4f})"


def _positive(value: float) -> bool:
    return isfinite(value) and value > 0
