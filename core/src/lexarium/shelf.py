"""Models where they are kept: list, open, save, verify, remove. A store and the plugins, no global state."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeAlias

from lexarium.checkpoint.folder import read_golden, read_nodes, verify_files, write_folder
from lexarium.checkpoint.golden import check_golden, make_golden
from lexarium.checkpoint.manifest import MANIFEST, About, Manifest
from lexarium.compose import Pipeline, put_together, take_apart
from lexarium.errors import (
    AmbiguousError,
    CheckpointError,
    InputError,
    LexariumError,
    MethodNotFoundError,
    ModelNotFoundError,
    StoreError,
    UnsupportedError,
    did_you_mean,
)
from lexarium.host import Host
from lexarium.inputs import check_path
from lexarium.roles import Run, StoredEmbedder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lexarium.method import Method
    from lexarium.stores import Store, StoredVersion

__all__ = ["Model", "Opened", "Shelf"]

Model: TypeAlias = StoredEmbedder | Pipeline
_METHOD = "method:"
_FOLDER = "folder"
_HUB = "hf://"
_NAMED = ("embedder", "with")  # of a lineage: what a pipeline stands on, what words were mixed with


@dataclass(frozen=True)
class Opened:
    """A stored model, opened: what was asked for, what is known of it, and the model itself."""

    reference: str
    manifest: Manifest
    model: Any


class Shelf:
    """A store of models and the plugins that open them.

    ``home`` is the store's folder (default: ``LEXARIUM_HOME``, or the user's data folder); ``host``
    knows the plugins (default: all that are installed).
    """

    def __init__(self, home: Path | str | None = None, host: Host | None = None) -> None:
        if home is not None:
            check_path(home, "home")
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

    def list(self) -> Sequence[StoredVersion]:
        """Return every version of every stored model, by name, oldest first.

        :raises CheckpointError: a stored manifest is damaged.
        """
        store = self.store
        return [store.find(name, version) for name in store.names() for version in store.versions(name)]

    def remove(self, reference: str) -> Sequence[str]:
        """Remove ``name@version``, or all versions of ``name``, with their tags; return the versions removed.

        :raises ModelNotFoundError: nothing of that name is stored; an alias or a tag is no such name.
        """
        if not isinstance(reference, str):
            raise StoreError(f"{reference!r} is not a reference", "give text: name, or name@version")
        name, at, version = reference.partition("@")
        return self.store.remove(name, version if at else None)

    def open(self, reference: str) -> Opened:
        """Open a stored model (``name``, ``name@version``) or a folder (``./folder`` or absolute).

        What is on a hub (``hf://org/repo``) is pulled, unless a version from there is stored.

        :raises ModelNotFoundError: nothing of that name is stored.
        :raises HubError: it is not stored, and the hub cannot give it.
        :raises CheckpointError: what is stored is damaged.
        """
        if isinstance(reference, str) and reference.startswith(_HUB):
            reference = self.host.verb("pull")(self, reference, keep=True).model
        while True:
            stored = self.store.resolve(reference)
            where = f"{stored.name}@{stored.version}"
            try:
                self.store.prove(stored)
                node = read_nodes(stored.manifest, stored.locate)
            except (CheckpointError, FileNotFoundError):
                if self.store.holds(stored):
                    raise
                continue  # removed meanwhile: resolving finds another version, or says that it is gone
            return Opened(where, stored.manifest, put_together(node, self.host, where))

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

        Stored models that ``lineage`` names (``base``, ``embedder``, ``with``) are named there so that others
        know them: one that was pulled by repository and commit, and each with the licence that it states.

        :raises StoreError: the name cannot be one, or the disk refuses.
        """
        about = About(license=license, lineage=self._traced(lineage or {}), metrics=metrics or {})
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

        With ``golden``, and of a folder, the ids of the spaces are computed again as well; with ``golden`` an
        intact model is also run on its golden inputs.
        """
        try:
            stored = self.store.resolve(reference)
            spaces = golden or stored.digest is None
            problems = list(verify_files(stored.manifest, stored.locate, spaces=spaces))
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
        if not isinstance(asked, str):
            remedy = "give text: the name of a stored model, or of a method"
            raise StoreError(f"{asked!r:.80} names no embedder", remedy)
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

    def export(self, reference: str, form: str, path: Path | str, run: Run | None = None) -> Path:
        """Write a stored model in a foreign format, or as a model folder (``folder``); return the path.

        Nothing that exists is replaced, and nothing half-written stays behind.

        :raises UnsupportedError: the model's method does not write this format.
        :raises InputError: ``path`` exists already, or the folder that it is to lie in does not.
        """
        check_path(path)
        path = Path(path)
        if os.path.lexists(path):
            raise InputError(path, "it exists already", "give a new path, or remove it first")
        if not path.parent.is_dir():
            raise InputError(path.parent, "there is no such folder", "make it first")
        stored = self.store.resolve(reference)
        if form == _FOLDER:
            _copy(stored, path)
            return path
        root = stored.manifest.root
        of = self.host.method if root.kind == "embedder" else self.host.head
        offered = of(root.method)
        if form not in offered.exports:
            known = [_FOLDER, *offered.exports]
            raise UnsupportedError(
                f"{root.method} does not write the format {form!r}", f"{did_you_mean(form, known)}"
            )
        writer = offered.load_writer(form)
        assert writer is not None  # noqa: S101  it is one of the method's formats
        writer(self.load(reference), path, run or Run())
        return path

    def tag(self, reference: str, tag: str) -> None:
        """Put a tag on a stored version, moving it from another: ``name@tag`` then stands for it."""
        stored = self.store.resolve(reference)
        self.store.tag(stored.name, tag, stored.version)

    def alias(self, alias: str, reference: str) -> None:
        """Let a second name stand for ``name``, ``name@version`` or ``name@tag``."""
        self.store.alias(alias, reference)

    def edit(
        self,
        reference: str,
        *,
        license: str | None = None,  # noqa: A002  the manifest's word
        languages: Sequence[str] = (),
        limits: Mapping[str, Any] | None = None,
    ) -> StoredVersion:
        """State licence, languages or limits; the model is stored as its next version, sharing all files.

        The verb of the installed ``set`` command.
        """
        edit = self.host.verb("set")
        edited: StoredVersion = edit(self, reference, license=license, languages=languages, limits=limits)
        return edited

    def diff(self, a: str, b: str) -> Any:  # noqa: ANN401  the verb's own record
        """Return what two models differ in; the verb of the installed ``diff`` command."""
        return self.host.verb("diff")(self, a, b)

    def lock(self, references: Sequence[str] = ()) -> Any:  # noqa: ANN401  as above
        """Return what a lock file says of models; the verb of the installed ``lock`` command."""
        return self.host.verb("lock")(self, references)

    def bundle(self, references: Sequence[str], path: Path) -> Any:  # noqa: ANN401  as above
        """Put models into one file; the verb of the installed ``bundle`` command."""
        return self.host.verb("bundle")(self, references, path)

    def unbundle(self, path: Path) -> Any:  # noqa: ANN401  as above
        """Store the models of a bundle; the verb of the installed ``unbundle`` command."""
        return self.host.verb("unbundle")(self, path)

    def repair(self, *, dry_run: bool = False) -> Any:  # noqa: ANN401  as above
        """Mend the store; the verb of the installed ``repair`` command."""
        return self.host.verb("repair")(self, dry_run=dry_run)

    def gc(self, *, dry_run: bool = False) -> Any:  # noqa: ANN401  as above
        """Free what no stored version needs; the verb of the installed ``gc`` command."""
        return self.host.verb("gc")(self, dry_run=dry_run)

    def _stored(self, asked: str) -> StoredVersion | None:
        try:
            return self.store.resolve(asked)
        except ModelNotFoundError:
            return None
        except StoreError:  # no reference at all: a path, or the slip of one who meant a method
            if "/" in asked or "\\" in asked or (Path(asked) / "lexarium.json").is_file():
                raise
            return None

    def _traced(self, lineage: Mapping[str, Any]) -> dict[str, Any]:
        said = dict(lineage)
        base = said.get("base")
        bases = [self._known(entry) for entry in (base if isinstance(base, list) else [base]) if entry]
        for key in _NAMED:
            entry = {"model": said.get(key), "relation": key}
            known = self._known(entry)
            if known != entry:
                bases.append(known)
                said[key] = "@".join(filter(None, (known["model"], known.get("revision"))))
        if bases:
            said["base"] = bases if isinstance(base, list) or len(bases) > 1 else bases[0]
        return said

    def _known(self, entry: Any) -> Any:  # noqa: ANN401  of a lineage: any JSON
        """Return an entry of a lineage with what the store knows of the version that it names."""
        named = entry.get("model") if isinstance(entry, dict) else None
        if not isinstance(named, str) or "@" not in named or "://" in named:
            return entry
        try:
            stored = self.store.resolve(named)
        except LexariumError:
            return entry
        about, origin = stored.manifest.about, stored.origin
        source = f"{origin.reference}@{origin.commit}" if origin else str(about.lineage.get("edited_from"))
        repository, at, commit = source.rpartition("@")
        pulled = {"model": repository, "revision": commit} if at and repository.startswith(_HUB) else {}
        terms = about.lineage.get("terms")  # what it came under, where it was put under another licence
        licence = (isinstance(terms, dict) and terms.get(repository)) or about.license
        return {**entry, **pulled, **({"license": licence} if licence else {})}

    def _check_name(self, name: str | None) -> None:
        """Refuse a name before the work and not after it."""
        if name is not None:
            self.store.versions(name)


def _copy(stored: StoredVersion, folder: Path) -> None:
    aside = Path(mkdtemp(dir=folder.parent, prefix=".lexarium-"))
    try:
        for entry in stored.manifest.files:
            target = aside / entry.path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(stored.locate(entry.path), target)
        (aside / MANIFEST).write_bytes(stored.manifest.to_bytes())
        problems = list(verify_files(stored.manifest, lambda path: aside / path))
        if problems:
            raise CheckpointError(f"{stored.name}@{stored.version}", "; ".join(problems))
        aside.chmod(0o755)
        aside.rename(folder)
    except OSError as error:  # of what is written, it names the file that is read, or the folder beside
        named = [name for name in (error.filename2, error.filename) if name is not None]
        if error.errno is None or not named or not os.fspath(named[0]).startswith(os.fspath(aside)):
            raise
        raise OSError(error.errno, error.strerror, os.fspath(folder)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
