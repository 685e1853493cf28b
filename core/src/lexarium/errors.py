"""What can go wrong, as a tree.

A class takes the facts and builds the sentence: what was asked, what there is, what to type.

    LexariumError
    ├── ConfigError             a configuration key or value that the method does not take
    ├── InputError              a row, line or file of the user's that cannot be used
    │   └── FormatError         a foreign model file that breaks its own format
    ├── DataError               data that is readable but cannot be learned from
    ├── NotFoundError           a name that nothing answers to
    │   ├── MethodNotFoundError     ... no installed plugin offers it
    │   └── ModelNotFoundError      ... no stored model has it
    ├── AmbiguousError          a reference with two readings
    ├── UnsupportedError        the model or method has no such ability
    ├── CheckpointError         a stored model that is damaged or not understood
    ├── StoreError              the store cannot do it (taken, read-only, bad name)
    ├── HubError                a model hub cannot give or take what was asked
    │   ├── HubNotFoundError        ... no such repository, revision or file, or none that may be seen
    │   ├── HubAccessError          ... private, gated, or the token does not do
    │   ├── HubOfflineError         ... nothing may be asked of the network
    │   ├── HubNetworkError         ... not reached, or it breaks off again and again
    │   ├── HubCorruptedError       ... what came is not what was announced
    │   └── HubConflictError        ... it has moved: another commit, or another content of a tag
    └── PluginError             a plugin that cannot be used
        ├── NameTakenError          two plugins offer one name
        └── MissingExtraError       an optional dependency is not installed
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from os import PathLike

__all__ = [
    "AmbiguousError",
    "CheckpointError",
    "ConfigError",
    "DataError",
    "FormatError",
    "HubAccessError",
    "HubConflictError",
    "HubCorruptedError",
    "HubError",
    "HubNetworkError",
    "HubNotFoundError",
    "HubOfflineError",
    "InputError",
    "LexariumError",
    "MethodNotFoundError",
    "MissingExtraError",
    "ModelNotFoundError",
    "NameTakenError",
    "NotFoundError",
    "PluginError",
    "StoreError",
    "TrainingInterrupted",
    "UnsupportedError",
    "did_you_mean",
]

_SHOWN = 12


def did_you_mean(asked: object, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?``, else what there is, else that there is nothing.

    >>> did_you_mean("tfidff", ["bow", "tfidf"])
    "did you mean 'tfidf'?"
    """
    names = sorted(set(known))
    if not names:
        return "there are none"
    folded = {name.casefold(): name for name in names}
    near = str(asked).casefold()
    begins = [name for name in folded if near and name.startswith(near)]
    close = begins or get_close_matches(near, folded, n=1, cutoff=0.6)
    if close:
        return f"did you mean {folded[close[0]]!r}?"
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"there are: {', '.join(names[:_SHOWN])}{more}"


class LexariumError(Exception):
    """The root: every error that Lexarium raises on purpose."""


class ConfigError(LexariumError):
    """A configuration key that does not exist or a value that is out of range."""

    def __init__(self, key: str, problem: str, *, known: Iterable[str] = ()) -> None:
        self.key = key
        self.problem = problem
        names = list(known)
        hint = f"; {did_you_mean(key, names)}" if names else ""
        super().__init__(f"{key}: {problem}{hint}")


class InputError(LexariumError):
    """A file, line or field that cannot be used: where it is, what is wrong, what to do."""

    def __init__(
        self,
        path: str | PathLike[str],
        problem: str,
        remedy: str = "",
        *,
        line: int | None = None,
        field: str | None = None,
    ) -> None:
        self.path = str(path)
        self.line = line
        self.field = field
        self.problem = problem
        self.remedy = remedy
        where = self.path
        if line is not None:
            where += f", line {line}"
        if field is not None:
            where += f", field {field!r}"
        super().__init__(f"{where}: {problem}" + (f"; {remedy}" if remedy else ""))


class FormatError(InputError):
    """A foreign model file (GloVe text, ``.npy`` ...) that breaks its own format."""


class DataError(LexariumError):
    """Data that can be read but not learned from: no rows, one class, an empty vocabulary."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")


class NotFoundError(LexariumError):
    """A name that nothing answers to; ``hint``, where given, is said instead of what there is.

    ``remedy`` begins with an ordinary word: after a question it is a sentence of its own.
    """

    def __init__(
        self, kind: str, asked: str, known: Iterable[str], remedy: str = "", *, hint: str = ""
    ) -> None:
        self.asked = asked
        self.known = sorted(set(known))
        hint = hint or did_you_mean(asked, self.known)
        if remedy:
            hint += f" {remedy[0].upper()}{remedy[1:]}" if hint.endswith("?") else f"; {remedy}"
        super().__init__(f"no {kind} named {asked!r}; {hint}")


class MethodNotFoundError(NotFoundError):
    """No installed, enabled plugin offers a method (embedder, head, fuser) of this name."""


class ModelNotFoundError(NotFoundError):
    """No stored model, or no such version of it."""


class AmbiguousError(LexariumError):
    """A reference with more than one reading; says what to type for each."""

    def __init__(self, asked: str, readings: Iterable[str]) -> None:
        super().__init__(f"{asked!r} can mean more than one thing; type {' or '.join(readings)}")


class UnsupportedError(LexariumError):
    """The model or method has no such ability."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")


class CheckpointError(LexariumError):
    """A stored model that is damaged, incomplete or of an unknown format."""

    def __init__(self, where: str | PathLike[str], problem: str, remedy: str = "") -> None:
        self.where = str(where)
        super().__init__(f"{self.where}: {problem}" + (f"; {remedy}" if remedy else ""))


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C in training, with the model as far as it has come; outside the tree: nothing is wrong."""

    def __init__(self, model: Any, done: float) -> None:  # noqa: ANN401  an embedder: roles need numpy
        self.model = model
        self.done = done
        #: What the zoo knows of the model, to be stored with it.
        self.license: str | None = None
        self.lineage: dict[str, Any] = {}
        super().__init__(f"training was interrupted when {done:.0%} of it was done")


class StoreError(LexariumError):
    """The store cannot do what was asked."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")


class HubError(LexariumError):
    """A model hub cannot give or take what was asked: what is wrong, and what to type."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}; {remedy}")


class HubNotFoundError(HubError):
    """There is no such repository, revision or file, or none that this token may see."""


class HubAccessError(HubError):
    """The repository is private or gated, or the token is missing, expired or may not do this."""


class HubOfflineError(HubError):
    """Nothing may be asked of the network, and what was asked is not here."""


class HubNetworkError(HubError):
    """The hub is not reached, or breaks off again and again; it asks to wait for ``retry_after`` seconds."""

    def __init__(self, problem: str, remedy: str, *, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(problem, remedy)


class HubCorruptedError(HubError):
    """What came is not what was announced: another size, hash or commit, or no answer of a hub at all."""


class HubConflictError(HubError):
    """Something has moved: another commit came first, or a tag names another content than before."""


class PluginError(LexariumError):
    """A plugin that cannot be used."""


class NameTakenError(PluginError):
    """Two plugins offer one name and nothing says which one to use."""

    def __init__(self, kind: str, name: str, claimants: Iterable[str]) -> None:
        self.claimants = sorted(claimants)
        super().__init__(
            f"{kind} {name!r} is offered by {' and '.join(self.claimants)}; "
            f"choose one with LEXARIUM_PREFER={name}={self.claimants[0]}, or uninstall the other"
        )


class MissingExtraError(PluginError):
    """An optional dependency is not installed; names the extra that brings it."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(f"{what} needs the package {package!r}; type: pip install '{extra}'")
