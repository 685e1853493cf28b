"""The verb ``train``: labelled rows and an embedder in, a stored pipeline and its scores out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.compose import Pipeline
from lexarium.config import from_mapping, require
from lexarium.errors import ConfigError, DataError, InputError
from lexarium.output import embed_all
from lexarium.roles import Run, silent
from lexarium.splits import same_text, stratified_split
from lexarium.tables import Data, Labelled, labelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.zoo import Zoo

__all__ = ["TrainOptions", "Training", "train"]

_PARTS = ("embedder", "head")
_AVERAGES = ("accuracy", "macro_f1", "micro_f1", "weighted_f1")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How to train, apart from what.

    ``name`` stores the pipeline; ``settings`` are ``embedder.KEY`` and ``head.KEY``; ``test`` is
    labelled data of its own to test on, else ``test_size`` of the rows is drawn; ``tune`` says what
    learns: ``frozen`` is the head alone. A plain mapping of these, ``run`` a mapping of its own, does
    as well.
    """

    name: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    test: Data | None = None
    test_size: float = 0.2
    tune: str = "frozen"
    license: str | None = None
    run: Run = field(default_factory=Run)

    def __post_init__(self) -> None:
        require("tune", self.tune == "frozen", f"{self.tune!r} is not possible yet; there is: frozen")
        require("test_size", 0 < self.test_size < 1, f"{self.test_size} is not between 0 and 1")
        require("settings", isinstance(self.settings, Mapping), "is not a mapping")
        for key in self.settings:
            part, dot, _ = key.partition(".")
            if not dot or part not in _PARTS:
                raise ConfigError(key, f"say whose setting it is: embedder.{key} or head.{key}")

    def of(self, part: str) -> dict[str, Any]:
        """Return the settings of ``embedder`` or ``head``."""
        prefix = f"{part}."
        return {k.removeprefix(prefix): v for k, v in self.settings.items() if k.startswith(prefix)}


@dataclass(frozen=True, kw_only=True)
class Training:
    """What came of it.

    ``model`` is the stored reference; ``before`` scores the majority class of the training rows,
    ``after`` the trained pipeline, both on the test rows.
    """

    model: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    pipeline: Pipeline
    duplicates_removed: int
    train_rows: int
    test_rows: int


def train(
    zoo: Zoo,
    data: Data,
    *,
    text: str,
    label: str,
    embedder: str,
    head: str = "classifier",
    options: TrainOptions | Mapping[str, Any] | None = None,
) -> Training:
    """Split the rows, embed them, fit the head, score it on the test rows, store the pipeline if named.

    :raises InputError: the data cannot be read, or a label occurs in the test data only.
    :raises DataError: the training rows have one label only.
    :raises ConfigError: an option or setting that does not exist or is out of range.
    :raises NotFoundError: no embedder or head of that name.
    """
    options = _options(options)
    method = zoo.host.head(head)
    config = from_mapping(method.load_config(), options.of("head"))
    if options.name is not None:
        zoo.store.versions(options.name)  # refuses what cannot be a name, before the work
    rows, test, removed = _parts(labelled(data, text=text, label=label), options, text, label)
    reference, model = zoo.embedder(embedder, rows.texts, config=options.of("embedder"), run=options.run)
    licence = options.license or _inherited(zoo, embedder, reference)
    report = options.run.progress
    vectors = embed_all(model, rows.texts, report, what="embedding the training rows")
    learned = method.load().fit(vectors, rows.labels, config, options.run)
    del vectors
    predicted = learned.predict(embed_all(model, test.texts, report, what="embedding the test rows"))
    result = Training(
        model=None,
        before=learned.metrics(test.labels, [learned.majority] * len(test)),
        after=learned.metrics(test.labels, predicted),
        pipeline=Pipeline(model, learned),
        duplicates_removed=removed,
        train_rows=len(rows),
        test_rows=len(test),
    )
    if options.name is None:
        return result
    lineage = {
        "data": {"path": Path(rows.path).name, "text": text, "label": label},
        "test": Path(test.path).name if options.test is not None else {"size": options.test_size},
        "embedder": reference,
        "seed": options.run.seed,
    }
    return _stored(zoo, result, options.name, lineage, licence)


def _inherited(zoo: Zoo, asked: str, reference: str) -> str | None:
    """Return the licence of a stored embedder; ``reference`` of a fresh one is its method, unversioned."""
    if "@" not in reference:
        return None
    return zoo.store.resolve(reference if "://" in asked else asked).manifest.about.license


def _stored(zoo: Zoo, result: Training, name: str, lineage: Mapping[str, Any], terms: str | None) -> Training:
    """Store the pipeline; a manifest keeps averages only, since a confusion matrix has K * K numbers."""
    metrics = {
        "before": {key: result.before[key] for key in _AVERAGES},
        "after": {key: result.after[key] for key in _AVERAGES},
        "train_rows": result.train_rows,
        "test_rows": result.test_rows,
        "duplicates_removed": result.duplicates_removed,
    }
    version = zoo.save(result.pipeline, name=name, license=terms, lineage=lineage, metrics=metrics)
    return replace(result, model=f"{version.name}@{version.version}")


def _options(options: TrainOptions | Mapping[str, Any] | None) -> TrainOptions:
    if isinstance(options, TrainOptions):
        return options
    plain = dict(options or {})
    rich = {key: plain.pop(key) for key in ("settings", "test", "run") if key in plain}
    chosen = from_mapping(TrainOptions, plain)
    if "run" in rich:
        rich["run"] = _run(rich["run"])
    return replace(chosen, **rich)


def _run(given: Run | Mapping[str, Any]) -> Run:
    if isinstance(given, Run):
        return given
    require("run", isinstance(given, Mapping), "is neither a Run nor a mapping of threads, seed, progress")
    progress = given.get("progress", silent)
    require("run.progress", callable(progress), "is not a function of (what, done, total)")
    plain = from_mapping(Run, {key: value for key, value in given.items() if key != "progress"})
    return replace(plain, progress=progress)


def _parts(data: Labelled, options: TrainOptions, text: str, label: str) -> tuple[Labelled, Labelled, int]:
    """Return training rows, test rows, and how many training rows went because the test has their text."""
    if options.test is None:
        split = stratified_split(data, test_size=options.test_size, seed=options.run.seed)
        return _take(data, split.train), _take(data, split.test), split.duplicates_removed
    test = labelled(options.test, text=text, label=label)
    seen = {same_text(t) for t in test.texts}
    rows = _take(data, [i for i, t in enumerate(data.texts) if same_text(t) not in seen])
    known, removed = set(rows.labels), len(data) - len(rows)
    for line, name in zip(test.lines, test.labels, strict=True):
        if name not in known:
            without = f" ({removed} of them removed, since the test data has their text)" if removed else ""
            problem = f"no training row of {data.path}{without} has the label {name!r}"
            raise InputError(test.path, problem, "add some, or delete the row", line=line, field=label)
    if len(known) == 1:
        raise DataError(f"{data.path}: every row has the label {known.pop()!r}", "give at least two labels")
    return rows, test, removed


def _take(data: Labelled, indices: Sequence[int]) -> Labelled:
    texts, labels = [data.texts[i] for i in indices], [data.labels[i] for i in indices]
    return Labelled(data.path, texts, labels, [data.lines[i] for i in indices])
