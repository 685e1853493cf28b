"""The zoo: a store and the plugins, and every verb about models. No global state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lexarium.checkpoint.folder import read_golden, read_nodes, verify_files, write_folder
from lexarium.checkpoint.golden import check_golden, make_golden
from lexarium.checkpoint.manifest import About, Manifest
from lexarium.compose import Pipeline, put_together, take_apart
from lexarium.config import from_mapping
from lexarium.errors import (
    AmbiguousError,
    CheckpointError,
    MethodNotFoundError,
    ModelNotFoundError,
    StoreError,
    UnsupportedError,
)
from lexarium.host import Host
from lexarium.method import Method
from lexarium.roles import (
    Leaderboard,
    Progress,
    Run,
    Store,
    StoredEmbedder,
    StoredVersion,
    Training,
    silent,
)
from lexarium.tables import Data, Source, corpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Model", "Opened", "Zoo", "load"]

Model: TypeAlias = StoredEmbedder | Pipeline
_METHOD = "method:"


@dataclass(frozen=True)
class Opened:
    """A stored model, opened: what was asked for, what is known of it, and the model itself."""

    reference: str
    manifest: Manifest
    model: Any


class Zoo:
    """A store of models and the plugins that make and open them.

    ``home`` is the store's folder (default: ``LEXARIUM_HOME``, or the user's data folder); ``host``
    knows the plugins (default: all that are installed).
    """

    def __init__(self, home: Path | str | None = None, host: Host | None = None) -> None:
        self._home = None if home is None else Path(home)
        self._given = host

    @cached_property
    def host(self) -> Host:
        """The plugins."""
        return self._given or Host.discover()

    @cached_property
    def store(self) -> Store:
        """Where models are kept."""
        return self.host.store("local").load()(self._home)

    @property
    def home(self) -> Path:
        """The store's folder."""
        return self.store.home

    def fit(
        self,
        method: str,
        source: Source,
        *,
        config: Mapping[str, Any] | None = None,
        name: str | None = None,
        threads: int = 1,
        seed: int = 0,
        progress: Progress = silent,
    ) -> StoredEmbedder:
        """Train a representation from raw text (texts, or one or several ``Path``); store it if named.

        :raises MethodNotFoundError: no plugin offers ``method``.
        :raises UnsupportedError: the method is not trained here.
        :raises ConfigError: a setting is unknown or out of range.
        :raises DataError: the corpus has nothing to learn from.
        """
        descriptor = self.host.method(method)
        trainer = descriptor.load_trainer()
        if trainer is None:
            can = [offer.descriptor.name for offer in self.host.methods() if _trains(offer.descriptor)]
            raise UnsupportedError(
                f"{method} is not trained here", f"import vectors instead, or fit {' or '.join(can)}"
            )
        settings = from_mapping(descriptor.load_config(), config or {})
        self._check_name(name)
        texts = corpus(source)
        model = trainer(texts, settings, Run(threads=threads, seed=seed, progress=progress))
        if name is not None:
            data = ", ".join(Path(part).name for part in texts.path.split(", "))
            self.save(model, name=name, lineage={"data": data, "texts": len(texts), "seed": seed})
        return model

    def import_from(
        self,
        method: str,
        path: Path | str,
        *,
        config: Mapping[str, Any] | None = None,
        source: Source | None = None,
        name: str | None = None,
        license: str | None = None,  # noqa: A002  the manifest's word
        progress: Progress = silent,
    ) -> StoredEmbedder:
        """Read a foreign file or folder of ``method``; store it if named.

        ``source``, where given, is text that the method may estimate word weights from.

        :raises UnsupportedError: the method reads no foreign files.
        :raises FormatError: the file breaks its format; names file and line.
        """
        descriptor = self.host.method(method)
        reader = descriptor.load_reader()
        if reader is None:
            raise UnsupportedError(f"{method} reads no foreign files", f"type: lexarium fit {method} --help")
        settings = from_mapping(descriptor.load_config(), config or {})
        self._check_name(name)
        texts = None if source is None else corpus(source)
        model = reader(Path(path), settings, texts, Run(progress=progress))
        if name is not None:
            self.save(model, name=name, license=license, lineage={"imported_from": Path(path).name})
        return model

    def list(self) -> Sequence[StoredVersion]:
        """Return every version of every stored model, by name, oldest first.

        :raises CheckpointError: a stored manifest is damaged.
        """
        store = self.store
        return [store.find(name, version) for name in store.names() for version in store.versions(name)]

    def remove(self, reference: str) -> Sequence[str]:
        """Remove ``name@version``, or all versions of ``name``; return the versions removed.

        :raises ModelNotFoundError: nothing of that name is stored.
        """
        name, _, version = reference.partition("@")
        return self.store.remove(name, version or None)

    def open(self, reference: str) -> Opened:
        """Open a stored model (``name``, ``name@version``) or a folder (``./folder`` or absolute).

        :raises ModelNotFoundError: nothing of that name is stored.
        :raises CheckpointError: what is stored is damaged.
        """
        stored = self.store.resolve(reference)
        where = f"{stored.name}@{stored.version}"
        model = put_together(read_nodes(stored.manifest, stored.locate), self.host, where)
        return Opened(where, stored.manifest, model)

    def load(self, reference: str) -> Any:  # noqa: ANN401  an embedder or a Pipeline, with the abilities of its method
        """Return the model alone; errors as in :meth:`open`."""
        return self.open(reference).model

    def save(
        self,
        model: Model,
        *,
        name: str,
        license: str | None = None,  # noqa: A002  the manifest's word
        lineage: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
    ) -> StoredVersion:
        """Store a model as the next version of ``name``: all of it, or nothing.

        :raises StoreError: the name cannot be one, or the disk refuses.
        """
        about = About(license=license, lineage=lineage or {}, metrics=metrics or {})
        self._check_name(name)
        return self.store.publish(name, lambda folder: self.write(model, folder, about, name=name))

    def write(
        self, model: Model, folder: Path, about: About | None = None, *, name: str = "model"
    ) -> Manifest:
        """Write the model folder (manifest, safetensors, golden rows) into a new folder.

        :raises CheckpointError: the folder is not empty.
        """
        node = take_apart(model, self.host)
        return write_folder(folder, name, node, make_golden(model, node), about or About())

    def verify(self, reference: str, *, golden: bool = False) -> Iterator[str]:
        """Re-hash every file of a model; yield one sentence per thing that is wrong.

        With ``golden`` an intact model is also run on its golden inputs.
        """
        try:
            stored = self.store.resolve(reference)
            problems = list(verify_files(stored.manifest, stored.locate))
            if golden and not problems:
                problems = check_golden(self.load(reference), read_golden(stored.manifest, stored.locate))
        except CheckpointError as error:
            problems = [str(error)]
        yield from problems

    def find_embedder(self, asked: str) -> Method | StoredVersion:
        """Return what ``asked`` names, unopened: ``method:tfidf`` is always the method, ``tfidf@1`` never.

        :raises AmbiguousError: both a stored model and a method have this name.
        :raises NotFoundError: neither has.
        :raises StoreError: it is a path, and not of a model folder.
        """
        bare = asked.removeprefix(_METHOD)
        if bare != asked:
            return self.host.method(bare)
        methods = [offer.descriptor.name for offer in self.host.methods()]
        stored = self._stored(asked)
        if stored is not None and asked in methods:
            raise AmbiguousError(asked, [f"{asked}@{stored.version}", _METHOD + asked])
        if stored is not None:
            return stored
        if asked not in methods:
            raise MethodNotFoundError("stored model or method", asked, [*self.store.names(), *methods])
        return self.host.method(asked)

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
        chosen = {**(options or {}), "models": None if models is None else list(models)}
        result: Leaderboard = self.host.verb("compare")(self, data, text=text, label=label, options=chosen)
        return result

    def _stored(self, asked: str) -> StoredVersion | None:
        try:
            return self.store.resolve(asked)
        except ModelNotFoundError:
            return None
        except StoreError:  # no reference at all: a path, or the slip of one who meant a method
            if "/" in asked or "\\" in asked or (Path(asked) / "lexarium.json").is_file():
                raise
            return None

    def _check_name(self, name: str | None) -> None:
        """Refuse a name before the work and not after it."""
        if name is not None:
            self.store.versions(name)


def load(reference: str) -> Any:  # noqa: ANN401  an embedder or a Pipeline, with the abilities of its method
    """Open a model of the default zoo; errors as in :meth:`Zoo.open`."""
    return Zoo().load(reference)


def _trains(descriptor: Any) -> bool:  # noqa: ANN401
    return getattr(descriptor, "trainer", None) is not None
