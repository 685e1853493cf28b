"""The verbs ``predict`` and ``evaluate``: a stored pipeline on new texts, with or without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lexarium.compose import Pipeline
from lexarium.errors import InputError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium.roles import Progress, silent
from lexarium.tables import Data, labelled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from lexarium.zoo import Zoo

__all__ = ["Evaluation", "Predictions", "evaluate", "predict"]

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """A label for each of n texts, and the probability of each of K classes.

    *Shapes:* probabilities (n, K), columns in the order of ``classes``.
    """

    model: str
    labels: list[str]
    classes: tuple[str, ...]
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Scores on the rows given: ``before`` of the majority class of the training, ``after`` of the model."""

    model: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def predict(zoo: Zoo, model: str, texts: Sequence[str], *, progress: Progress = silent) -> Predictions:
    """Apply the stored pipeline ``model`` to each text.

    :raises ModelNotFoundError: nothing of that name is stored.
    :raises UnsupportedError: it is an embedder without a head.
    """
    reference, pipeline = _open(zoo, model)
    return _apply(reference, pipeline, check_texts(texts), progress)


def evaluate(
    zoo: Zoo, model: str, data: Data, *, text: str, label: str, progress: Progress = silent
) -> Evaluation:
    """Score the stored pipeline ``model`` on labelled rows.

    :raises ModelNotFoundError: nothing of that name is stored.
    :raises UnsupportedError: it is an embedder without a head.
    :raises InputError: the data cannot be read, or has a label that the model was not trained on.
    """
    reference, pipeline = _open(zoo, model)
    rows = labelled(data, text=text, label=label)
    known = set(pipeline.labels)
    for line, name in zip(rows.lines, rows.labels, strict=True):
        if name not in known:
            problem = f"{reference} was not trained on the label {name!r}"
            raise InputError(rows.path, problem, _knows(pipeline.labels), line=line, field=label)
    head = pipeline.head
    predicted = _apply(reference, pipeline, rows.texts, progress).labels
    before = head.metrics(rows.labels, [head.majority] * len(rows))
    return Evaluation(model=reference, before=before, after=head.metrics(rows.labels, predicted))


def _open(zoo: Zoo, model: str) -> tuple[str, Pipeline]:
    opened = zoo.open(model)
    if not isinstance(opened.model, Pipeline):
        raise UnsupportedError(
            f"{opened.reference} is an embedder, which predicts nothing",
            f"put a head on it: lexarium train --embedder {opened.reference} ...",
        )
    return opened.reference, opened.model


def _apply(reference: str, pipeline: Pipeline, texts: Sequence[str], progress: Progress) -> Predictions:
    """Score each text once: a head predicts the class of the highest probability."""
    classes = tuple(pipeline.labels)
    probabilities = pipeline.predict_proba(texts, progress)
    labels = [classes[place] for place in probabilities.argmax(axis=1)]
    return Predictions(model=reference, labels=labels, classes=classes, probabilities=probabilities)


def _knows(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
    return f"it knows {', '.join(labels[:_SHOWN])}{more}; mend or delete the row"
