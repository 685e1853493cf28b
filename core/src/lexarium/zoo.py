"""The zoo: a store and the plugins, and every verb about models. No global state."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexarium.compose import Pipeline
from lexarium.config import from_mapping, require, training_settings
from lexarium.errors import InputError, TrainingInterrupted, UnsupportedError
from lexarium.inputs import check_list, check_path, check_texts
from lexarium.method import Method
from lexarium.roles import Progress, Run, StoredEmbedder, silent
from lexarium.shelf import Model, Opened, Shelf
from lexarium.tables import Data, Labelled, Source, corpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lexarium.corpora import FileCorpus
    from lexarium.results import Leaderboard, Training
    from lexarium.tables import Texts

__all__ = ["Model", "Opened", "Zoo", "load"]

_TWO = 2


class Zoo(Shelf):
    """A store of models and the plugins that make and open them.

    ``home`` is the store's folder (default: ``LEXARIUM_HOME``, or the user's data folder); ``host``
    knows the plugins (default: all that are installed).
    """

    def fit(
        self,
        method: str,
        source: Source | Labelled,
        *,
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        threads: int = 1,
        seed: int = 0,
        progress: Progress = silent,
    ) -> Model:
        """Train a representation from raw text (texts, or one or several ``Path``); store it if named.

        What a method learns from labels (:func:`lexarium.tables.labelled`, or texts that hold their own,
        where it takes them so) is a pipeline.

        :raises MethodNotFoundError: no plugin offers ``method``.
        :raises UnsupportedError: the method is not trained here, or does not learn from labels.
        :raises ConfigError: a setting is unknown or out of range.
        :raises DataError: the corpus has nothing to learn from.
        :raises TrainingInterrupted: Ctrl-C; carries the model as far as it has come. Nothing is stored.
        """
        descriptor = self.host.method(method)
        learn: Any = descriptor.load_labelled() if isinstance(source, Labelled) else descriptor.load_trainer()
        if learn is None:
            raise self._untaught(method, labels=isinstance(source, Labelled))
        settings = from_mapping(descriptor.load_config(), {} if config is None else config)
        self._check_name(name)
        texts = source if isinstance(source, Labelled) else corpus(source)
        run = Run(threads=threads, seed=seed, progress=progress)
        with _told({}, texts, run):
            model: Model = learn(texts, settings, run)
        if name is not None:
            self.save(model, name=name, lineage=_lineage(texts, run))
        return model

    def _untaught(self, method: str, *, labels: bool) -> UnsupportedError:
        """Return the error that a method is not trained here, or does not learn from labels."""
        kind = "labelled" if labels else "trainer"
        can = [o.descriptor.name for o in self.host.methods() if getattr(o.descriptor, kind, None)]
        if not labels:
            remedy = f"import vectors instead, or fit {' or '.join(can)}"
            return UnsupportedError(f"{method} is not trained here", remedy)
        remedy = "leave the labels out, or put a head on it with lexarium train"
        return UnsupportedError(
            f"{method} does not learn from labels", f"{remedy}, or fit {' or '.join(can)}" if can else remedy
        )

    def import_from(
        self,
        method: str,
        path: Path | str,
        *,
        config: Mapping[str, Any] | None = None,
        source: Source | None = None,
        name: str | None = None,
        license: str | None = None,  # noqa: A002  the manifest's word
        run: Run | None = None,
    ) -> Model:
        """Read a foreign file or folder of ``method``; store it if named.

        ``source``, where given, is text that the method may estimate word weights from; ``run`` says how to
        work.

        :raises UnsupportedError: the method reads no foreign files.
        :raises ConfigError: a setting is unknown, out of range, for training alone, or not as the file says.
        :raises FormatError: the file breaks its format; names file and line.
        """
        check_path(path)
        descriptor = self.host.method(method)
        reader = descriptor.load_reader()
        if reader is None:
            raise UnsupportedError(f"{method} reads no foreign files", f"type: lexarium fit {method} --help")
        given = {} if config is None else config
        settings = from_mapping(descriptor.load_config(), given, trained=True)
        for key in sorted(set(training_settings(type(settings))) - set(descriptor.reader_settings.split())):
            problem = "is for training, and what is imported is trained already; leave it out"
            require(key, key not in given, problem)
        self._check_name(name)
        texts = None if source is None else corpus(source)
        model = reader(Path(path), settings, texts, run or Run())
        made: Any = model.embedder if isinstance(model, Pipeline) else model
        for key in filter(given.__contains__, descriptor.file_settings.split()):
            asked, said = getattr(settings, key), getattr(made.config, key)
            require(
                key,
                asked is None or asked == said,
                f"{asked!r} is not what the file says, {said!r}; leave it out",
            )
        if name is not None:
            self.save(model, name=name, license=license, lineage={"imported_from": Path(path).name})
        return model

    def update(
        self,
        reference: str,
        source: Source,
        *,
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        threads: int = 1,
        seed: int = 0,
        progress: Progress = silent,
    ) -> StoredEmbedder:
        """Train a stored model on with new text; store the result if named. What is stored stays as it is.

        ``config`` changes settings of training, ``epochs`` for instance; the others stay.

        :raises ModelNotFoundError: nothing of that name is stored.
        :raises UnsupportedError: the method, or this model of it, cannot go on.
        :raises ConfigError: a setting is unknown, out of range, or cannot change any more.
        :raises DataError: the corpus has nothing to learn from.
        """
        opened = self.open(reference)
        if isinstance(opened.model, Pipeline):
            root = opened.manifest.root
            as_one = any(part.method == root.method for part in root.parts.values())
            if as_one and "embedder" not in opened.manifest.about.lineage:  # which `train` tells
                remedy = "it was trained as one: fit a new one, on the old texts and the new"
            else:
                remedy = "update its embedder, then train it again"
            raise UnsupportedError(f"{reference} is a pipeline", remedy)
        descriptor = self.host.method(opened.manifest.root.method)
        updater = descriptor.load_updater()
        if updater is None:
            can = [offer.descriptor.name for offer in self.host.methods() if _updates(offer.descriptor)]
            remedy = f"fit a new model, or take one of {', '.join(can) or 'another plugin'}"
            raise UnsupportedError(f"{descriptor.name} cannot be trained on", remedy)
        kept = opened.manifest.root.config
        settings = from_mapping(descriptor.load_config(), {**kept, **(config or {})})
        self._check_name(name)
        texts = corpus(source)
        base = {"base": {"model": opened.reference, "relation": "trained on"}}
        license_ = opened.manifest.about.license
        run = Run(threads=threads, seed=seed, progress=progress)
        with _told(base, texts, run, license_):
            model = updater(opened.model, texts, settings, run)
        if name is not None:
            self.save(model, name=name, license=license_, lineage={**base, **_lineage(texts, run)})
        return model

    def merge(
        self, references: Sequence[str], *, config: Mapping[str, Any] | None = None, name: str | None = None
    ) -> StoredEmbedder:
        """Join stored models, each fitted on a part of a corpus, into that of the whole; store it if named.

        ``config`` changes what is chosen from the joint counts: ``min_df``, for instance.

        :raises ModelNotFoundError: nothing of a name is stored.
        :raises UnsupportedError: they are not of one method, or it cannot join them.
        :raises ConfigError: their settings do not go together.
        """
        check_list(references, "models", "write [model, model]")
        opened = [self.open(reference) for reference in references]
        if len({each.reference for each in opened}) < len(opened):
            problem = f"one is named twice: {', '.join(each.reference for each in opened)}"
            raise InputError("models", problem, "its texts would count twice; name each once")
        methods = sorted({each.manifest.root.method for each in opened})
        if len(opened) < _TWO or len(methods) > 1:
            what = " and ".join(methods) if len(methods) > 1 else f"{len(opened)} models"
            raise UnsupportedError(f"{what} cannot be merged", "name two models or more of one method")
        self._check_name(name)
        merger = None if isinstance(opened[0].model, Pipeline) else self.host.method(methods[0]).load_merger()
        if merger is None:
            can = [o.descriptor.name for o in self.host.methods() if getattr(o.descriptor, "merger", None)]
            raise UnsupportedError(
                f"models of {methods[0]} cannot be merged", f"these can: {', '.join(can) or 'none'}"
            )
        model = merger([each.model for each in opened], config or {})
        if name is not None:
            base = [{"model": each.reference, "relation": "merged"} for each in opened]
            licences = {each.manifest.about.license for each in opened}
            one = licences.pop() if len(licences) == 1 else None  # of several, nobody says which holds
            self.save(model, name=name, license=one, lineage={"base": base})
        return model

    def embedder(
        self,
        asked: str,
        texts: Sequence[str],
        *,
        config: Mapping[str, Any] | None = None,
        run: Run | None = None,
    ) -> tuple[str, StoredEmbedder]:
        """Return a stored embedder, or a method trained on ``texts``, with the name that says which.

        ``method:tfidf`` is always the method, ``tfidf@1`` always the stored model.

        :raises AmbiguousError: both a stored model and a method have this name.
        :raises NotFoundError: neither has.
        """
        found = self.find_embedder(asked)
        if isinstance(found, Method):
            run = run or Run()
            fitted = self.fit(
                found.name,
                list(texts),
                config=config,
                threads=run.threads,
                seed=run.seed,
                progress=run.progress,
            )
            if isinstance(fitted, Pipeline):
                raise UnsupportedError(f"{found.name}, set like this, is a classifier", "use lexarium fit")
            return found.name, fitted
        if config:
            raise UnsupportedError(
                f"{asked} is stored, so its settings are fixed", "name a method to set them"
            )
        opened = self.open(asked)
        if isinstance(opened.model, Pipeline):
            raise UnsupportedError(f"{asked} is a pipeline", "name an embedder")
        return opened.reference, opened.model

    def train(
        self,
        data: Data,
        *,
        text: str,
        label: str,
        embedder: str,
        head: str = "classifier",
        tune: str = "frozen",
        name: str | None = None,
    ) -> Training:
        """Put a head on an embedder and train it on labelled rows; store the pipeline if named.

        The verb of the installed ``train`` command. Its further options (settings of head and embedder,
        a test file, seed, licence) are those of ``lexarium_heads.training.TrainOptions``.

        :raises MethodNotFoundError: no installed plugin offers ``train`` (lexarium-heads does).
        """
        options = {"tune": tune, "name": name}
        verb = self.host.verb("train")
        result: Training = verb(
            self, data, text=text, label=label, embedder=embedder, head=head, options=options
        )
        return result

    def predict(self, model: str, texts: Sequence[str]) -> Any:  # noqa: ANN401  the verb's own record
        """Return labels and probabilities of texts; the verb of the installed ``predict`` command."""
        return self.host.verb("predict")(self, model, texts)

    def evaluate(self, model: str, data: Data, *, text: str, label: str) -> Training:
        """Score a stored pipeline on labelled rows; the verb of the installed ``evaluate`` command."""
        result: Training = self.host.verb("evaluate")(self, model, data, text=text, label=label)
        return result

    def pull(self, reference: str, *, name: str | None = None, offline: bool = False) -> Any:  # noqa: ANN401  the verb's own record
        """Fetch ``hf://org/repo[@revision]``, or a model of the catalogue, into the store.

        The verb of the installed ``pull`` command.
        """
        return self.host.verb("pull")(self, reference, name=name, offline=offline)

    def push(
        self,
        model: str,
        reference: str,
        *,
        license: str | None = None,  # noqa: A002  as above
        private: bool = False,
        tag: str | None = None,
    ) -> Any:  # noqa: ANN401  the verb's own record
        """Put a stored model on the Hub; the verb of the installed ``push`` command."""
        verb = self.host.verb("push")
        return verb(self, model, reference, license=license, private=private, tag=tag)

    def search(self, text: str = "", *, method: str | None = None, language: str | None = None) -> Any:  # noqa: ANN401  as above
        """Return published models of the catalogue; the verb of the installed ``search`` command."""
        return self.host.verb("search")(self, text, method=method, language=language)

    def compare(
        self,
        data: Data,
        *,
        text: str,
        label: str,
        models: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Leaderboard:
        """Measure representations on labelled rows, each in a fresh process.

        The verb of the installed ``compare`` command; ``options`` are that verb's.

        :raises MethodNotFoundError: no installed plugin offers ``compare`` (lexarium-compare does).
        """
        if models is not None:
            check_texts(models, "models")
        chosen = {**(options or {}), "models": None if models is None else list(models)}
        result: Leaderboard = self.host.verb("compare")(self, data, text=text, label=label, options=chosen)
        return result


def load(reference: str) -> Any:  # noqa: ANN401  an embedder or a Pipeline, with the abilities of its method
    """Open a model of the default zoo; errors as in :meth:`Zoo.open`."""
    return Zoo().load(reference)


@contextmanager
def _told(
    base: Mapping[str, Any], texts: Texts | FileCorpus | Labelled, run: Run, license_: str | None = None
) -> Iterator[None]:
    """Tell an interrupt of training what to store its model with."""
    try:
        yield
    except TrainingInterrupted as stop:
        stop.license = license_
        stop.lineage = {**base, **_lineage(texts, run)}
        raise


def _lineage(texts: Texts | FileCorpus | Labelled, run: Run) -> dict[str, Any]:
    data = ", ".join(Path(part).name for part in texts.paths)
    return {"data": data, "texts": texts.read, "seed": run.seed, "threads": run.threads}


def _updates(descriptor: Any) -> bool:  # noqa: ANN401
    return getattr(descriptor, "updater", None) is not None
