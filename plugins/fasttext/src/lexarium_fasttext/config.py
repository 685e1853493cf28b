"""FastText's settings: gensim's names for words, fastText's for what only classification has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, Self

from lexarium.backend import Backend  # noqa: TC001  from_mapping reads the annotations
from lexarium.config import fit_only, require
from lexarium_fasttext.model import LABEL_PREFIX
from lexarium_fasttext.reading import TextConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lexarium_fasttext.model import Loss

__all__ = ["MAX_WINDOW", "NS_EXPONENT", "FastTextConfig"]

#: The power that fastText draws its negative samples with.
NS_EXPONENT = 0.5
MAX_WINDOW = 1000

_LARGEST = 2**31 - 1  # of an int32, which fastText's own files have for numbers, and for those of rows
_MAX_NGRAM = 1000  # the kernels look at no longer ones, of characters or of words
_RANGES: Iterable[tuple[str, float, float]] = (
    ("vector_size", 1, 2**20),
    ("min_count", 1, _LARGEST),
    ("max_final_vocab", 1, _LARGEST),
    ("min_n", 0, _MAX_NGRAM),
    ("max_n", 0, _MAX_NGRAM),
    ("bucket", 0, _LARGEST),
    ("epochs", 1, _LARGEST),
    ("negative", 0, 1_000_000),
    ("ns_exponent", -10, 10),
    ("window", 1, MAX_WINDOW),
    ("sample", 0, 1),
    ("word_ngrams", 1, _MAX_NGRAM),
    ("min_count_label", 0, _LARGEST),
)
#: What None stands for: for words, and for a classifier.
_DEFAULTS: dict[str, tuple[float, float]] = {
    "min_count": (5, 1),
    "min_n": (3, 0),
    "max_n": (6, 0),
    "alpha": (0.05, 0.1),
}


@dataclass(frozen=True, kw_only=True)
class FastTextConfig(TextConfig):
    """What is trained, and what turns a text into the mean of word vectors.

    ``None`` is the default of the original program for the ``model`` in question.

    ``model``       ``words``: vectors of words from plain text; ``supervised``: a classifier of texts
    ``vector_size``  components of a vector (fastText's ``dim``)
    ``min_count``   a word that occurs less often has no row of its own; None: 5, of a classifier 1
    ``max_final_vocab``  only so many words have one, the most frequent; None: no limit. Training that goes on
                    keeps the words it has, and adds others up to this number
    ``min_n``, ``max_n``  lengths of the character n-grams that are parts of a word; None: 3 and 6, of a
                    classifier 0 and 0, which is none
    ``bucket``      numbers that n-grams of characters and of words are hashed to; rows exist for those in use
    ``alpha``, ``min_alpha``  the learning rate falls linearly from one to the other; alpha None: 0.05, of
                    a classifier 0.1
    ``epochs``      passes over the corpus
    ``negative``    negative samples for each target
    ``backend``     the kernels, or gensim and fastText as the reference
    ``ns_exponent``  a negative sample is drawn by count to this power: 0.5 in fastText, 0.75 in gensim

    For ``model=words`` alone:

    ``sg``          1: skip-gram; 0: CBOW
    ``hs``          1: hierarchical softmax; 0: negative sampling
    ``window``      most words to either side; each occurrence draws 1 to ``window``
    ``sample``      an occurrence of a word with share f of the tokens is kept with probability
                    sqrt(sample / f) + sample / f (fastText's ``t``); 0 keeps all

    For ``model=supervised`` alone:

    ``loss``        ``softmax``, ``hs``, ``ns``, or ``ova``: one logistic regression for each
                    label; None: ``softmax``
    ``word_ngrams``  runs of up to so many words are features
    ``label_prefix``  what begins with it is a label, where labels stand in the text
    ``min_count_label``  a label that occurs less often is left out
    ``autotune_duration``  seconds to search for better settings with, on a tenth of the texts; 0: none

    :raises ConfigError: a value is out of range, or of no effect beside the others.
    """

    model: Literal["words", "supervised"] = "words"
    vector_size: int = fit_only(100)
    min_count: int | None = fit_only(None)
    max_final_vocab: int | None = fit_only(None)
    min_n: int | None = None
    max_n: int | None = None
    bucket: int = 2_000_000
    alpha: float | None = fit_only(None)
    min_alpha: float = fit_only(0.0)
    epochs: int = fit_only(5)
    negative: int = fit_only(5)
    ns_exponent: float = fit_only(NS_EXPONENT)
    sg: Literal[0, 1] = fit_only(1)
    hs: Literal[0, 1] = fit_only(0)
    window: int = fit_only(5)
    sample: float = fit_only(1e-4)
    loss: Literal["softmax", "hs", "ns", "ova"] | None = None
    word_ngrams: int = 1
    label_prefix: str = fit_only(LABEL_PREFIX)
    min_count_label: int = fit_only(0)
    autotune_duration: float = fit_only(0.0)
    backend: Backend = fit_only("auto")  # noqa: RUF009  a field, not a shared value

    def __post_init__(self) -> None:
        super().__post_init__()
        for key, least, most in _RANGES:
            value = getattr(self, key)
            held = value is None or (isfinite(value) and least <= value <= most)
            require(key, held, f"{value} is not from {least} to {most}")
        self._check_numbers()
        self._check_ngrams()
        self._check_model()

    @property
    def supervised(self) -> bool:
        """Whether a classifier is trained."""
        return self.model == "supervised"

    @property
    def chosen_loss(self) -> Loss:
        """The loss, under fastText's name."""
        if self.supervised:
            return self.loss or "softmax"
        return "hs" if self.hs else "ns"

    @property
    def cuts_as_fasttext(self) -> bool:
        """Whether texts are cut as fastText cuts them, in training and afterwards.

        That is so with ``pooling=fasttext``, which a classifier always has, ``tokenizer=whitespace`` and
        ``lowercase=false``.
        """
        pooled = self.supervised or self.pooling == "fasttext"
        return pooled and self.tokenizer == "whitespace" and not self.lowercase

    def filled(self) -> Self:
        """Return the settings with a number in the place of each None that stands for one."""
        return replace(self, **{key: self.number(key) for key in _DEFAULTS})

    def number(self, key: str) -> Any:  # noqa: ANN401  int or float
        """Return a setting, or its default for this ``model`` where it is None."""
        value = getattr(self, key)
        return _DEFAULTS[key][self.supervised] if value is None else value

    def _check_numbers(self) -> None:
        alpha = self.alpha
        require("alpha", alpha is None or (isfinite(alpha) and alpha > 0), f"{alpha} is not above 0")
        least = self.min_alpha
        require("min_alpha", isfinite(least) and least >= 0, f"{least} is below 0")
        require("min_alpha", alpha is None or least <= alpha, f"{least} is above alpha={alpha}")
        seconds = self.autotune_duration
        require("autotune_duration", isfinite(seconds) and seconds >= 0, f"{seconds} is below 0")

    def _check_ngrams(self) -> None:
        shortest, longest = self.number("min_n"), self.number("max_n")
        hashed = longest > 0 or self.word_ngrams > 1
        require("bucket", self.bucket > 0 or not hashed, "is 0, and n-grams need some; or set max_n=0")
        holds = longest == 0 or 1 <= shortest <= longest
        require("min_n", holds, f"{shortest} is not from 1 to max_n={longest}")

    def _check_model(self) -> None:
        only_words = {"sg": 1, "hs": 0, "window": 5, "sample": 1e-4}
        only_labels = {
            "loss": None,
            "word_ngrams": 1,
            "label_prefix": LABEL_PREFIX,
            "min_count_label": 0,
            "autotune_duration": 0.0,
        }
        for key, default in (only_words if self.supervised else only_labels).items():
            other = "words" if self.supervised else "supervised"
            require(key, getattr(self, key) == default, f"has no effect unless model={other}")
        require(
            "negative", self.negative > 0 or self.chosen_loss != "ns", "is 0; negative sampling needs some"
        )
        drawn = self.chosen_loss == "ns" or self.ns_exponent == NS_EXPONENT
        require("ns_exponent", drawn, "has no effect without negative sampling")
        require("label_prefix", self.label_prefix, "is empty, so every word would be a label")
