"""One split for all: stratified by label, and no text on both sides."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lexarium.config import require
from lexarium.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.tables import Labelled

__all__ = ["Split", "same_text", "stratified_sample", "stratified_split"]


@dataclass(frozen=True)
class Split:
    """Row indices of the two parts, in the order of the file."""

    train: list[int]
    test: list[int]
    duplicates_removed: int


def same_text(text: str) -> str:
    """Return a key equal for texts that differ in case, white space or Unicode form only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def stratified_split(data: Labelled, *, test_size: float, seed: int) -> Split:
    """Draw ``test_size`` of each label's rows for the test part; the rest is for training.

    A label with one row stays in training. Training rows whose text (see :func:`same_text`) also
    stands in the test part are removed and counted: the test part stays as drawn.

    :raises DataError: one label only, or a part would be left without rows or lose a label.
    """
    require("test_size", 0 < test_size < 1, f"{test_size} is not between 0 and 1")
    rows = _by_label(data.labels)
    if len(rows) == 1:
        raise DataError(
            f"{data.path}: every row has the label {next(iter(rows))!r}", "give at least two labels"
        )
    rng = np.random.default_rng(seed)
    test: set[int] = set()
    for label in sorted(rows):
        members = rows[label]
        count = min(len(members) - 1, max(1, round(len(members) * test_size)))
        test.update(int(i) for i in rng.permutation(members)[:count])
    if not test:
        raise DataError(
            f"{data.path}: each label has one row, so nothing is left to test on", "give more rows"
        )
    keys = {same_text(data.texts[i]) for i in test}
    drawn = [i for i in range(len(data)) if i not in test]
    train = [i for i in drawn if same_text(data.texts[i]) not in keys]
    lost = set(data.labels) - {data.labels[i] for i in train}
    if lost:
        raise DataError(
            f"{data.path}: all training rows of the label {min(lost)!r} repeat texts of the test part",
            "give more distinct texts of that label",
        )
    return Split(train, sorted(test), len(drawn) - len(train))


def stratified_sample(data: Labelled, count: int, seed: int) -> list[int]:
    """Return about ``count`` row indices with the labels in proportion, at least one of each."""
    if count >= len(data):
        return list(range(len(data)))
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for _, members in sorted(_by_label(data.labels).items()):
        share = max(1, round(len(members) * count / len(data)))
        chosen.extend(int(i) for i in rng.permutation(members)[:share])
    return sorted(chosen)


def _by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        rows[label].append(index)
    return rows
