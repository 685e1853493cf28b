"""The verb: one split for all, one process for each, one table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import TYPE_CHECKING, Any

from lexarium.splits import stratified_sample, stratified_split
from lexarium.tables import Labelled, labelled
from lexarium_compare.advice import MAJORITY, NOISE, advise
from lexarium_compare.board import Board, Facts
from lexarium_compare.candidates import choose
from lexarium_compare.options import command_line, read_options
from lexarium_compare.runner import Outcome, run_task
from lexarium_compare.scoring import better_than, rank
from lexarium_compare.task import Task, write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.splits import Split
    from lexarium.tables import Data
    from lexarium.zoo import Zoo
    from lexarium_compare.candidates import Candidate
    from lexarium_compare.options import CompareOptions

__all__ = ["compare"]


def compare(
    zoo: Zoo,
    data: Data,
    *,
    text: str,
    label: str,
    options: CompareOptions | Mapping[str, Any] | None = None,
) -> Board:
    """Measure every candidate on the user's own rows.

    Each candidate is trained and timed in a fresh process that sees the installed plugins; what
    fails there is a row with its reason.

    :raises InputError: the data cannot be read: names file, line and field.
    :raises DataError: there is nothing to learn or to test on, for instance one label only.
    :raises ConfigError: an option is unknown or out of range.
    :raises NotFoundError: the head, or a model that ``options`` names, does not exist.
    """
    begun = monotonic()
    options = read_options(options)
    zoo.host.head(options.head)
    whole = labelled(data, text=text, label=label)
    path = whole.path if isinstance(data, str | Path | Labelled) else None
    rows = _sample(whole, options)
    split = stratified_split(rows, test_size=options.test_size, seed=options.seed)
    candidates = choose(zoo, options.models, [rows.texts[i] for i in split.train])
    deadline = None if options.budget_seconds is None else begun + options.budget_seconds
    classes = sorted(set(rows.labels))
    with TemporaryDirectory(prefix="lexarium-compare-") as folder:
        outcomes = _Race(zoo.home, options, classes, Path(folder), rows, split).run(candidates, deadline)
    place = {name: index for index, name in enumerate(classes)}
    truth = [place[rows.labels[i]] for i in split.test]
    table = rank(outcomes, truth, classes=len(classes), seed=options.seed)
    above = better_than(MAJORITY, outcomes, truth, noise=NOISE)
    advice = advise(table, beat_majority=above, test_rows=len(truth))
    return Board(
        data={
            "path": path,
            "rows": len(rows),
            "train": len(split.train),
            "test": len(split.test),
            "labels": classes,
            "duplicates_removed": split.duplicates_removed,
        },
        rows=table,
        advice=advice.sentence,
        recommended=advice.recommended,
        facts=Facts(
            text=text,
            label=label,
            label_rows=dict(sorted(Counter(rows.labels).items())),
            file_rows=len(whole),
            head=options.head,
            seed=options.seed,
            threads=options.threads,
            command=None if path is None else command_line(path, text, label, options),
        ),
    )


class _Race:
    """The shared split on disk, and the candidates run over it one after another."""

    def __init__(
        self,
        home: Path,
        options: CompareOptions,
        classes: Sequence[str],
        folder: Path,
        rows: Labelled,
        split: Split,
    ) -> None:
        self._home, self._options, self._classes, self._folder = home, options, classes, folder
        self._tests = len(split.test)
        place = {name: index for index, name in enumerate(classes)}
        write_rows(folder / "train.jsonl", [[rows.texts[i], place[rows.labels[i]]] for i in split.train])
        write_rows(folder / "test.jsonl", [rows.texts[i] for i in split.test])

    def run(self, candidates: Sequence[Candidate], deadline: float | None) -> list[tuple[str, Outcome]]:
        outcomes = []
        report = self._options.progress
        waiting = sum(candidate.reason is None for candidate in candidates)
        for done, candidate in enumerate(candidates):
            report("candidates", done, len(candidates))
            report(candidate.name, 0, None)
            outcomes.append((candidate.name, self._run_one(candidate, _share(deadline, waiting))))
            waiting -= candidate.reason is None
            report(candidate.name, 1, 1)
        report("candidates", len(candidates), len(candidates))
        return outcomes

    def _run_one(self, candidate: Candidate, deadline: float | None) -> Outcome:
        if candidate.reason is not None:
            return Outcome(status="skipped", error=candidate.reason)
        if deadline is not None and monotonic() >= deadline:
            budget = f"{self._options.budget_seconds:g} s"
            return Outcome(status="skipped", error=f"not started: the budget of {budget} was used up")
        task = Task(
            kind=candidate.kind,
            reference=candidate.reference,
            config=candidate.config,
            head=self._options.head,
            home=str(self._home),
            train=str(self._folder / "train.jsonl"),
            test=str(self._folder / "test.jsonl"),
            labels=self._classes,
            threads=self._options.threads,
            seed=self._options.seed,
        )
        with TemporaryDirectory(dir=self._folder) as private:
            return run_task(task, Path(private), rows=self._tests, deadline=deadline)


def _share(deadline: float | None, waiting: int) -> float | None:
    """Return when the next of ``waiting`` candidates has to end: a slow one leaves time to the others."""
    now = monotonic()
    return None if deadline is None else now + (deadline - now) / max(1, waiting)


def _sample(rows: Labelled, options: CompareOptions) -> Labelled:
    if options.sample is None:
        return rows
    kept = stratified_sample(rows, options.sample, options.seed)
    return Labelled(
        rows.path,
        [rows.texts[i] for i in kept],
        [rows.labels[i] for i in kept],
        [rows.lines[i] for i in kept],
    )
