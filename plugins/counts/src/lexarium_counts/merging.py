"""Counts of several corpora as those of one: from several processes or machines, or old and new text."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from lexarium.backend import kernel
from lexarium.config import fit_only_settings, from_mapping, to_mapping
from lexarium.errors import ConfigError, DataError, UnsupportedError
from lexarium.vocabulary import Vocabulary
from lexarium_counts.config import CountConfig
from lexarium_counts.counter import HashCounter, TermCounter
from lexarium_counts.pruning import choose_terms
from lexarium_counts.train import Learned, explain_empty, learn_terms, select

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Run
    from lexarium_counts.statistics import Statistics

    _Part: TypeAlias = tuple[TermCounter | HashCounter, Statistics | None]
    _Packed: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]

__all__ = ["check_same_terms", "go_on", "join", "joint_config"]

_C = TypeVar("_C", bound=CountConfig)
_TERMS_LEFT_OUT = (
    "fit the parts without min_df, max_df, max_features and prune_at, and give them when merging"
)


def joint_config(configs: Sequence[_C], settings: Mapping[str, Any]) -> _C:
    """Return the settings of models that are to be one; ``settings`` choose among the joint terms.

    :raises ConfigError: two models differ, one has left terms out, or ``settings`` do more than choose.
    """
    if not configs:
        raise DataError("there is nothing to merge", "name two models or more")
    first = configs[0]
    chosen = fit_only_settings(type(first))
    for config in configs:
        for key, value in to_mapping(config).items():
            if key in chosen and value != to_mapping(type(first)())[key]:
                problem = f"{value} has left terms out of a part, and what the others say of them is lost"
                raise ConfigError(key, f"{problem}; {_TERMS_LEFT_OUT}")
            if value != to_mapping(first)[key]:
                raise ConfigError(
                    key, f"{to_mapping(first)[key]} in one model is {value} in another; fit them alike"
                )
    for key in settings:
        if key not in chosen:
            raise ConfigError(key, "cannot be chosen when merging", known=chosen)
    return from_mapping(type(first), {**to_mapping(first), **settings})


def join(parts: Sequence[_Part], config: CountConfig) -> Learned:
    """Return what fitting on all texts of all parts gives: the same terms and the same statistics.

    :raises UnsupportedError: a part was stored without its statistics.
    :raises DataError: no term is left after ``min_df`` and ``max_df``.
    :raises ConfigError: for so many texts ``max_df`` is below ``min_df``.
    """
    statistics = [_present(part) for _, part in parts]
    if config.n_features is not None:
        return Learned(HashCounter(config), reduce(add, statistics))
    packed = [counter.packed() for counter, _ in parts if isinstance(counter, TermCounter)]
    raw, offsets, places = _union(packed)
    n = len(offsets) - 1
    total = reduce(add, (one.spread(place, n) for one, place in zip(statistics, places, strict=True)))
    try:
        kept = choose_terms(total, config)
    except ValueError as error:
        explained = explain_empty(str(error), total.texts, config)
        if explained is None:
            raise
        raise explained from error
    vocabulary = Vocabulary.from_bytes(*select(raw, offsets, kept))
    return Learned(TermCounter(config, vocabulary), total.kept(kept))


def go_on(part: _Part, corpus: Corpus, config: CountConfig, run: Run) -> Learned:
    """Count new text in addition to what a model has counted.

    Of terms that the model had left out (``min_df``, ``max_df``, ``max_features``, ``prune_at``) the earlier
    texts' counts are lost: they begin with the new text, as lower bounds.

    :raises UnsupportedError: the model was stored without its statistics.
    :raises DataError: the corpus has no texts or no terms, or none is left.
    """
    _present(part[1])
    everything = replace(config, min_df=1, max_df=1.0, max_features=None)
    new = learn_terms(corpus, everything, run)
    return join([part, (new.counter, new.statistics)], config)


def check_same_terms(old: CountConfig, new: CountConfig) -> None:
    """Refuse settings that would change what a term is.

    :raises ConfigError: names the first that would.
    """
    chosen = fit_only_settings(CountConfig)
    for key, value in to_mapping(old).items():
        changed = getattr(new, key, value)
        changed = list(changed) if isinstance(changed, tuple) else changed
        if key in CountConfig.__dataclass_fields__ and key not in chosen and changed != value:
            raise ConfigError(key, f"the model counts with {value}, which cannot change any more")


def _present(statistics: Statistics | None) -> Statistics:
    if statistics is None:
        raise UnsupportedError(
            "a model that was stored without its statistics cannot count on", "fit it again on its texts"
        )
    return statistics


def _union(packed: Sequence[_Packed]) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[NDArray[np.int64]]]:
    """Return the distinct terms of all vocabularies in order, and the places of each one's among them."""
    compiled = kernel("_vocabulary")
    if compiled is not None:
        whole: tuple[NDArray[np.uint8], NDArray[np.int64], list[NDArray[np.int64]]] = compiled.merge(
            [tuple(np.require(part, requirements=["C", "A"]) for part in one) for one in packed]
        )
        return whole
    cut = []
    for raw, offsets in packed:
        whole_bytes = raw.tobytes()
        cut.append([whole_bytes[start:end] for start, end in pairwise(offsets.tolist())])
    terms = sorted({term for one in cut for term in one})
    place = {term: index for index, term in enumerate(terms)}
    ends = np.zeros(len(terms) + 1, np.int64)
    np.cumsum([len(term) for term in terms], out=ends[1:])
    places = [np.array([place[term] for term in one], np.int64) for one in cut]
    return np.frombuffer(b"".join(terms), np.uint8), ends, places
