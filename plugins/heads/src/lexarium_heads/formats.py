"""Predictions as files: .csv for spreadsheets, .jsonl for programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.errors import UnsupportedError
from lexarium.output import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lexarium_heads.evaluation import Predictions

__all__ = ["check_ending", "prediction_rows", "write_predictions"]

_ENDINGS = (".csv", ".jsonl")


def prediction_rows(predictions: Predictions, *, proba: bool) -> Iterator[dict[str, Any]]:
    """Yield one JSON object per text: ``label`` and, if asked for, ``probabilities`` by class."""
    for label, row in zip(predictions.labels, predictions.probabilities, strict=True):
        probabilities = dict(zip(predictions.classes, row.tolist(), strict=True))
        yield {"label": label, "probabilities": probabilities} if proba else {"label": label}


def check_ending(path: str | Path) -> None:
    """Refuse a file that :func:`write_predictions` cannot write.

    :raises UnsupportedError: it ends neither in .csv nor in .jsonl.
    """
    if Path(path).suffix.lower() not in _ENDINGS:
        raise UnsupportedError(f"{path}: predictions are not written in this format", "use .csv or .jsonl")


def write_predictions(path: str | Path, predictions: Predictions, *, proba: bool) -> None:
    """Write one row per text: a column ``label``, and with ``proba`` a column ``p(CLASS)`` per class.

    The file appears whole or not at all; lone surrogates become escapes.

    :raises UnsupportedError: the file ends neither in .csv nor in .jsonl.
    :raises OSError: it cannot be written.
    """
    check_ending(path)
    rows = prediction_rows(predictions, proba=proba)
    options: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    with atomic(Path(path)) as aside, aside.open("w", **options) as file:
        if Path(path).suffix.lower() == ".jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            return
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["label", *(f"p({name})" for name in predictions.classes if proba)])
        writer.writerows([row["label"], *row.get("probabilities", {}).values()] for row in rows)
