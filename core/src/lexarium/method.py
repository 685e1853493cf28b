"""Descriptors: what a plugin says it offers, before anything heavy is imported.

A descriptor names its code as ``"module:attribute"``; ``load_...`` imports on first use. A frozen
descriptor can be listed, completed and shown in ``--help`` without importing numpy or torch.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from lexarium.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lexarium.roles import Head, StoredEmbedder, StoredFuser
    from lexarium.stores import Store
    from lexarium.training import Adopt, Fit, FitLabelled, Merge, Reader, Update, Writer

__all__ = ["Command", "FuserMethod", "HeadMethod", "Method", "ModelEntry", "StoreKind", "resolve"]


def resolve(target: str) -> Any:  # noqa: ANN401  what a name points at is known to its caller alone
    """Import what ``"module:attribute"`` names. What its modules print goes to stderr: stdout is for results.

    :raises PluginError: it cannot be imported, for whatever reason, or has no such attribute.
    """
    module, colon, attribute = target.partition(":")
    if not (module and colon and attribute):
        raise PluginError(f"{target!r} is not of the form 'module:attribute'")
    try:
        with redirect_stdout(sys.stderr):
            return getattr(import_module(module), attribute)
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PluginError(
            f"{target} cannot be imported ({text}); mend or reinstall its plugin: lexarium plugins doctor"
        ) from error


@dataclass(frozen=True, kw_only=True)
class Method:
    """An embedder: a way of turning inputs into vectors.

    ``embedder`` names a :class:`~lexarium.roles.StoredEmbedder` class, ``config`` its frozen
    dataclass, ``trainer`` a function ``fit(corpus, config, run)`` (absent: the method cannot be
    trained here), ``labelled`` a function ``fit(rows, config, run)`` that learns from texts with labels
    (absent: the method does not), ``reader`` a function ``read(path, config, corpus, run)`` for foreign files
    (absent: nothing to import), ``reader_settings`` the settings of training that it reads, ``"one two"``,
    ``file_settings`` those that a file may say of itself (the ``config`` of the model has what it says),
    ``updater`` a function ``update(model, corpus, config, run)`` that goes on
    training (absent: it cannot), ``exports`` the foreign formats that it writes: the name of each and a
    function ``write(model, path, run)``, ``merger`` a function ``merge(models, settings)`` that joins what
    was learned from parts of a corpus, ``adopter`` a function ``adopt(listing, config)`` that says which
    files of a foreign repository the reader needs (absent: none is recognised). ``cost`` orders methods
    from cheap to dear where no measurement exists yet: 0 counts, 1 static vectors, 2 small and 3 large
    neural networks.
    """

    kind: ClassVar[str] = "embedder"
    name: str
    summary: str
    embedder: str
    config: str
    trainer: str | None = None
    labelled: str | None = None
    reader: str | None = None
    reader_settings: str = ""
    file_settings: str = ""
    updater: str | None = None
    merger: str | None = None
    adopter: str | None = None
    exports: Mapping[str, str] = field(default_factory=dict)
    cost: int = 1

    def load(self) -> type[StoredEmbedder]:
        """Import the embedder class."""
        return cast("type[StoredEmbedder]", resolve(self.embedder))

    def load_config(self) -> type[Any]:
        """Import the config dataclass."""
        return cast("type[Any]", resolve(self.config))

    def load_trainer(self) -> Fit | None:
        """Import the training function, if the method has one."""
        return cast("Fit", resolve(self.trainer)) if self.trainer else None

    def load_labelled(self) -> FitLabelled | None:
        """Import the function that learns from labels, if the method has one."""
        return cast("FitLabelled", resolve(self.labelled)) if self.labelled else None

    def load_reader(self) -> Reader | None:
        """Import the reader of foreign files, if the method has one."""
        return cast("Reader", resolve(self.reader)) if self.reader else None

    def load_updater(self) -> Update | None:
        """Import the function that goes on training, if the method has one."""
        return cast("Update", resolve(self.updater)) if self.updater else None

    def load_merger(self) -> Merge | None:
        """Import the function that joins models, if the method has one."""
        return cast("Merge", resolve(self.merger)) if self.merger else None

    def load_adopter(self) -> Adopt | None:
        """Import the function that recognises foreign repositories, if the method has one."""
        return cast("Adopt", resolve(self.adopter)) if self.adopter else None

    def load_writer(self, form: str) -> Writer | None:
        """Import the writer of a foreign format, if the method has it."""
        return cast("Writer", resolve(self.exports[form])) if form in self.exports else None


@dataclass(frozen=True, kw_only=True)
class HeadMethod:
    """A task head: what learns a task on top of vectors. ``head`` names a ``Head`` class.

    ``exports``: the foreign formats of pipelines under it, as a :class:`Method`'s.
    """

    kind: ClassVar[str] = "head"
    name: str
    summary: str
    head: str
    config: str
    exports: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> type[Head]:
        """Import the head class."""
        return cast("type[Head]", resolve(self.head))

    def load_writer(self, form: str) -> Writer | None:
        """Import the writer of a foreign format, if pipelines under this head have it."""
        return cast("Writer", resolve(self.exports[form])) if form in self.exports else None

    def load_config(self) -> type[Any]:
        """Import the config dataclass."""
        return cast("type[Any]", resolve(self.config))


@dataclass(frozen=True, kw_only=True)
class FuserMethod:
    """A multimodal fuser: one vector from the vectors of several parts."""

    kind: ClassVar[str] = "fuser"
    name: str
    summary: str
    fuser: str
    config: str

    def load(self) -> type[StoredFuser]:
        """Import the fuser class."""
        return cast("type[StoredFuser]", resolve(self.fuser))

    def load_config(self) -> type[Any]:
        """Import the config dataclass."""
        return cast("type[Any]", resolve(self.config))


@dataclass(frozen=True, kw_only=True)
class Command:
    """One verb: ``command`` names a click command, ``verb`` the same work for Python callers.

    A verb is a function whose first parameter is the :class:`~lexarium.zoo.Zoo`.
    """

    kind: ClassVar[str] = "command"
    name: str
    summary: str
    command: str
    verb: str | None = None

    def load(self) -> Any:  # noqa: ANN401  click is imported in cli modules only, so not named here
        """Import the click command."""
        return resolve(self.command)


@dataclass(frozen=True, kw_only=True)
class StoreKind:
    """A place where models are kept. ``store`` names a class built as ``store(home)``."""

    kind: ClassVar[str] = "store"
    name: str
    summary: str
    store: str

    def load(self) -> type[Store]:
        """Import the store class."""
        return cast("type[Store]", resolve(self.store))


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A published model, as the catalogue lists it: what a plugin knows of it, and no more.

    ``reference`` names a repository that ``pull`` reads (``hf://org/repo``). Where there is none,
    ``homepage`` is the page with its files and ``obtain`` the command that reads them. ``license`` is an SPDX
    expression, or ``other: NAME LINK``; ``paper`` an address; ``parameters`` the count that its authors
    state, rounded. What is not known is left out.
    """

    kind: ClassVar[str] = "model"
    name: str
    summary: str
    method: str
    reference: str | None = None
    homepage: str | None = None
    obtain: str | None = None
    license: str | None = None
    paper: str | None = None
    dim: int | None = None
    languages: tuple[str, ...] = ()
    parameters: int | None = None
