"""The host: finds plugins, loads each one alone, and knows which plugin offers which name.

A plugin that raises, exits, misspells a hook or takes a name is kept with its status and traceback;
every other plugin goes on working. There is no module-level host: build one with
:meth:`Host.discover`, or ``Host([...])`` from modules in a test.
"""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar

from pluggy import PluginManager
from pluggy import PluginValidationError as HookError

from lexarium import hookspecs
from lexarium.entrypoints import EntryPoint, scan
from lexarium.errors import InputError, MethodNotFoundError, NameTakenError, PluginError, did_you_mean
from lexarium.method import Command, FuserMethod, HeadMethod, Method, ModelEntry, StoreKind, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

__all__ = ["CORE_COMMANDS", "HOUSE", "Descriptor", "Host", "Offer", "Plugin", "Settings", "Status"]

_METHODS = ("bow", "tfidf", "word2vec", "glove", "fasttext", "bert", "gpt", "t5")

_STORED = (
    *("list", "show", "remove", "tag", "alias", "set", "verify", "repair", "gc"),
    *("diff", "lock", "bundle", "unbundle", "pull", "push", "search"),
)

#: What the distributions of this repository offer: a stranger never displaces it.
HOUSE: Mapping[tuple[str, str], str] = {
    **{("embedder", name): f"lexarium-{name}" for name in _METHODS},
    **{("command", name): "lexarium-registry" for name in _STORED},
    **{("command", name): "lexarium-heads" for name in ("train", "predict", "evaluate")},
    ("command", "compare"): "lexarium-compare",
    ("command", "fill-mask"): "lexarium-bert",
    ("embedder", "static"): "lexarium-distill",
    ("command", "distill"): "lexarium-distill",
    **{("command", name): "lexarium-gpt" for name in ("generate", "perplexity")},
    **{("command", name): "lexarium-bert" for name in ("losses", "quantize")},
    **{("command", name): "lexarium-t5" for name in ("translate", "summarize", "text2text")},
    ("head", "classifier"): "lexarium-heads",
    ("head", "fasttext"): "lexarium-fasttext",
    ("store", "local"): "lexarium-registry",
}

#: The commands that core itself has; no plugin takes their names.
CORE_COMMANDS = frozenset(
    {
        "methods",
        "plugins",
        "fit",
        "update",
        "merge",
        "import",
        "export",
        "embed",
        "similar",
        "analogy",
        "odd-one-out",
        "distance",
        "index",
        "words",
    }
)

# What each module offered when it was asked: it does not change while that module is imported, and to ask
# a dozen plugins costs more than to open a stored model.
_examined: dict[EntryPoint, tuple[ModuleType, Plugin]] = {}

Status: TypeAlias = Literal["ok", "disabled", "incompatible", "invalid", "broken"]
Descriptor: TypeAlias = Method | HeadMethod | FuserMethod | Command | StoreKind | ModelEntry

_D = TypeVar("_D", Method, HeadMethod, FuserMethod, Command, StoreKind)
_HOOKS: Mapping[str, type[Descriptor]] = {
    "lexarium_methods": Method,
    "lexarium_heads": HeadMethod,
    "lexarium_fusers": FuserMethod,
    "lexarium_commands": Command,
    "lexarium_stores": StoreKind,
    "lexarium_models": ModelEntry,
}


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """One entry point: what became of it, and what it offers."""

    name: str
    distribution: str
    version: str
    status: Status = "ok"
    error: str = ""
    trace: str = ""
    offers: tuple[Descriptor, ...] = ()

    @property
    def provides(self) -> list[str]:
        """The names that it offers."""
        return [offer.name for offer in self.offers]


@dataclass(frozen=True)
class Offer:
    """A descriptor and the plugin that offers it."""

    descriptor: Descriptor
    plugin: Plugin


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says about plugins."""

    disabled: frozenset[str] = frozenset()
    none: bool = False
    strict: bool = False
    prefer: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> Self:
        """Read ``LEXARIUM_DISABLE``, ``_NO_PLUGINS``, ``_STRICT`` and ``_PREFER=name=distribution,...``."""
        prefer = (pair.partition("=") for pair in _listed("LEXARIUM_PREFER"))
        return cls(
            disabled=frozenset(_listed("LEXARIUM_DISABLE")),
            none=os.environ.get("LEXARIUM_NO_PLUGINS", "") not in {"", "0"},
            strict=os.environ.get("LEXARIUM_STRICT", "") not in {"", "0"},
            prefer={name.strip(): choice.strip() for name, _, choice in prefer},
        )


class Host:
    """The plugins, and who offers what."""

    def __init__(self, plugins: Iterable[Any], settings: Settings | None = None) -> None:
        """Build a host from plugin modules, or from :class:`Plugin` records that are already loaded."""
        self._settings = settings or Settings()
        records = [p if isinstance(p, Plugin) else _examine(p, _in_memory(p), _specified()) for p in plugins]
        self._offers = self._index(records)
        self.plugins: list[Plugin] = [self._judge(plugin) for plugin in records]
        bad = [p for p in self.plugins if p.status not in {"ok", "disabled"}]
        if self._settings.strict and bad:
            raise PluginError("; ".join(f"plugin {p.name!r} is {p.status}: {p.error}" for p in bad))

    @classmethod
    def discover(cls, settings: Settings | None = None) -> Self:
        """Load every installed plugin.

        :raises PluginError: ``LEXARIUM_STRICT`` is set and a plugin is not ok.
        """
        settings = settings or Settings.from_environment()
        entries = [] if settings.none else scan()
        manager = lru_cache(1)(_specified)  # made for the first plugin that has not been examined
        return cls([_load(entry, settings.disabled, manager) for entry in entries], settings)

    def offers(self, kind: str) -> list[Offer]:
        """Return what is offered of a kind (embedder, head, fuser, command, store, model), by name.

        A contested name that no rule decides is left out; asking for it by name says why.
        """
        chosen = (self._choose(k, name) for k, name in sorted(self._offers) if k == kind)
        return [offer for offer in chosen if offer is not None]

    def methods(self) -> list[Offer]:
        """Return the embedders on offer."""
        return self.offers("embedder")

    def method(self, name: str) -> Method:
        """Return the embedder of that name.

        :raises MethodNotFoundError: no plugin offers it.
        :raises NameTakenError: two do, and nothing says which one to use.
        """
        return self._named("embedder", name, Method)

    def head(self, name: str) -> HeadMethod:
        """Return the head of that name; errors as in :meth:`method`."""
        return self._named("head", name, HeadMethod)

    def fuser(self, name: str) -> FuserMethod:
        """Return the fuser of that name; errors as in :meth:`method`."""
        return self._named("fuser", name, FuserMethod)

    def command(self, name: str) -> Command:
        """Return the command of that name; errors as in :meth:`method`."""
        return self._named("command", name, Command)

    def store(self, name: str) -> StoreKind:
        """Return the store of that name; errors as in :meth:`method`."""
        return self._named("store", name, StoreKind)

    def verb(self, name: str) -> Any:  # noqa: ANN401  each verb has its own signature
        """Import the Python function behind a command; errors as in :meth:`method`."""
        verb = self.command(name).verb
        if verb is None:
            raise PluginError(f"the command {name!r} has no Python verb; use it on the command line")
        return resolve(verb)

    def offer_of(self, model: object) -> Offer:
        """Return the offer whose class ``model`` is an instance of.

        :raises PluginError: no enabled plugin offers that class.
        """
        cls = type(model)
        for kind, attribute in (("embedder", "embedder"), ("head", "head"), ("fuser", "fuser")):
            for offer in self.offers(kind):
                target: str = getattr(offer.descriptor, attribute)
                module, _, name = target.partition(":")
                # Only a module that is imported already can have made the model; it may re-export the class.
                if getattr(sys.modules.get(module), name, None) is cls:
                    return offer
        raise PluginError(
            f"no enabled plugin offers the class {cls.__module__}:{cls.__qualname__}; "
            "type: lexarium plugins doctor"
        )

    def _named(self, kind: str, name: str, of: type[_D]) -> _D:
        if not isinstance(name, str):
            raise InputError(kind, f"{name!r:.80} is {type(name).__name__}, not a name", "give text")
        claims = self._offers.get((kind, name), [])
        if not claims:
            house, known = HOUSE.get((kind, name)), [n for k, n in self._offers if k == kind]
            near = did_you_mean(name, known).endswith("?")
            unknown = "" if near else "is the plugin that offers it installed?"
            remedy = f"type: pip install {house}" if house else unknown
            lame = next((p for p in self.plugins if p.name == name and p.status != "ok"), None)
            if lame is not None:
                remedy = f"the plugin {lame.distribution} is {lame.status}: {lame.error}"
            raise MethodNotFoundError(kind, name, known, remedy)
        offer = self._choose(kind, name)
        if offer is None:
            raise NameTakenError(kind, name, [claim.plugin.distribution for claim in claims])
        if not isinstance(offer.descriptor, of):  # the index is keyed by the descriptor's own kind
            raise TypeError(name)
        return offer.descriptor

    def _index(self, records: list[Plugin]) -> dict[tuple[str, str], list[Offer]]:
        index: dict[tuple[str, str], list[Offer]] = {}
        for plugin in records:
            for descriptor in plugin.offers:
                index.setdefault((descriptor.kind, descriptor.name), []).append(Offer(descriptor, plugin))
        return index

    def _choose(self, kind: str, name: str) -> Offer | None:
        claims = self._offers[kind, name]
        if kind == Command.kind and name in CORE_COMMANDS:
            return None
        if len(claims) == 1:
            return claims[0]
        by_distribution = {claim.plugin.distribution: claim for claim in claims}
        if name in self._settings.prefer:
            return by_distribution.get(self._settings.prefer[name])
        return by_distribution.get(HOUSE.get((kind, name), ""))

    def _judge(self, plugin: Plugin) -> Plugin:
        """Mark a plugin that claims names which others have."""
        lost = [f"{d.kind} {d.name!r} ({owner})" for d in plugin.offers if (owner := self._owner(plugin, d))]
        if not lost:
            return plugin
        remedy = "name them otherwise, or choose with LEXARIUM_PREFER=NAME=DISTRIBUTION"
        return replace(plugin, status="invalid", error=f"others offer {', '.join(lost)} too; {remedy}")

    def _owner(self, plugin: Plugin, descriptor: Descriptor) -> str | None:
        """Return who else claims a plugin's name, unless the name is the plugin's all the same."""
        if descriptor.kind == Command.kind and descriptor.name in CORE_COMMANDS:
            return "lexarium-core"
        claims = self._offers[descriptor.kind, descriptor.name]
        winner = self._choose(descriptor.kind, descriptor.name)
        if len(claims) == 1 or (winner is not None and winner.plugin is plugin):
            return None
        return " and ".join(sorted(c.plugin.distribution for c in claims if c.plugin is not plugin))


def _listed(variable: str) -> list[str]:
    return [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]


def _in_memory(module: object) -> Plugin:
    name = str(getattr(module, "__name__", type(module).__name__))
    return Plugin(name=name.rpartition(".")[2], distribution=name, version="0")


def _load(entry: EntryPoint, disabled: frozenset[str], manager: Callable[[], PluginManager]) -> Plugin:
    """Import one plugin, alone. What it prints goes to stderr: stdout is for results."""
    record = Plugin(name=entry.name, distribution=entry.distribution, version=entry.version)
    if {entry.name, entry.distribution} & disabled:
        return replace(record, status="disabled", error="LEXARIUM_DISABLE names it")
    if not entry.module:
        return replace(record, status="invalid", error="its entry_points.txt cannot be read")
    known = _examined.get(entry)
    if known is not None and sys.modules.get(entry.module) is known[0]:
        return known[1]
    specs = manager()
    try:
        with redirect_stdout(sys.stderr):
            module = import_module(entry.module)
            plugin = _examine(module, record, specs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  a plugin may raise anything, SystemExit too
        return _broken(record, error)
    if plugin.status == "ok":
        _examined[entry] = module, plugin
    return plugin


def _broken(record: Plugin, error: BaseException) -> Plugin:
    says = traceback.TracebackException.from_exception(error)  # as text: str(error) might raise, too
    text = f"{type(error).__name__}: {says}".splitlines()[0]
    return replace(record, status="broken", error=text, trace="".join(traceback.format_exception(error)))


def _examine(module: Any, record: Plugin, manager: PluginManager) -> Plugin:  # noqa: ANN401  whatever an entry point names
    """Check a plugin's hooks against the specs and ask it what it offers."""
    api = getattr(module, "LEXARIUM_API", hookspecs.API)
    if api != hookspecs.API:
        says = f"it is written for hook version {api}, this is version {hookspecs.API}"
        return replace(record, status="incompatible", error=says)
    for name in vars(module):
        function = getattr(module, name)
        marked = hasattr(function, f"{hookspecs.PROJECT}_impl")
        if name.startswith("lexarium_") and callable(function) and not (marked and name in _HOOKS):
            hint = "lacks @hookimpl" if name in _HOOKS else f"is no hook; {did_you_mean(name, _HOOKS)}"
            return replace(record, status="invalid", error=f"{name} {hint}")
    try:
        manager.register(module)
        manager.check_pending()
        return replace(record, offers=tuple(_ask(manager, module)))
    except KeyboardInterrupt:
        raise
    except HookError as error:
        return replace(record, status="invalid", error=str(error).replace("\n", " "))
    except _BadOfferError as error:
        return replace(record, status="invalid", error=str(error))
    except BaseException as error:  # noqa: BLE001  hooks of strangers are isolated
        return _broken(record, error)
    finally:
        if manager.is_registered(module):
            manager.unregister(module)  # each plugin stands alone


def _specified() -> PluginManager:
    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


class _BadOfferError(Exception):
    pass


def _ask(manager: PluginManager, module: object) -> list[Descriptor]:
    offers: list[Descriptor] = []
    for caller in manager.get_hookcallers(module) or []:
        hook, kind = caller.name, _HOOKS[caller.name]
        for implementation in caller.get_hookimpls():  # called here, as pluggy would drop a None
            result = implementation.function()
            if not isinstance(result, list | tuple):
                raise _BadOfferError(
                    f"{hook} returned {type(result).__name__}, not a list of {kind.__name__}"
                )
            for item in result:
                if not isinstance(item, kind):
                    raise _BadOfferError(f"{hook} returned a {type(item).__name__}, not a {kind.__name__}")
                if not (isinstance(item.name, str) and item.name.strip() and isinstance(item.summary, str)):
                    raise _BadOfferError(f"{hook} returned a {kind.__name__} without a name or a summary")
                offers.append(item)
    return offers
