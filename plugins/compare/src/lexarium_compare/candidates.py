"""Who takes part, in which order, and who cannot and why."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from lexarium.errors import (
    AmbiguousError,
    MethodNotFoundError,
    ModelNotFoundError,
    NotFoundError,
    StoreError,
)
from lexarium.tokens import is_mostly_chinese
from lexarium_compare.advice import MAJORITY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.method import Method
    from lexarium.roles import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["Candidate", "choose"]

_METHOD = "method:"  # how a reference says that it means the method and not a stored model
_UNKNOWN_COST = 9


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One row to be: ``reason`` says why it cannot run; ``cost`` and ``size`` order the runs."""

    name: str
    kind: Literal["majority", "method", "stored"]
    reference: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    cost: int = 0
    size: int = 0
    reason: str | None = None


def choose(zoo: Zoo, models: Sequence[str] | None, texts: Sequence[str]) -> list[Candidate]:
    """Return the candidates, the cheapest to run first: the majority class, then by expected cost.

    ``models`` None stands for every installed method at its default. ``texts`` (the training part)
    tell whether a method needs a tokenizer for Chinese.

    :raises NotFoundError: a name is neither a method nor a stored model.
    :raises AmbiguousError: a name is both.
    """
    methods = {offer.descriptor.name: zoo.host.method(offer.descriptor.name) for offer in zoo.host.methods()}
    chinese = is_mostly_chinese(texts)
    if models is None:
        chosen = [_of_method(method, chinese=chinese) for method in methods.values()]
    else:
        named = dict.fromkeys(name.strip() for name in models)
        wanted = [name for name in named if name not in {"majority", MAJORITY}]
        chosen = [_named(name, zoo, methods, chinese=chinese) for name in wanted]
    chosen.sort(key=lambda candidate: (candidate.cost, candidate.size))
    return [Candidate(name=MAJORITY, kind="majority"), *chosen]


def _named(name: str, zoo: Zoo, methods: Mapping[str, Method], *, chinese: bool) -> Candidate:
    bare = name.removeprefix(_METHOD)
    try:
        stored = None if name.startswith(_METHOD) else zoo.store.resolve(name)
    except ModelNotFoundError:
        stored = None
    except StoreError:  # no reference at all: then it is a method, a path, or a slip
        if "/" in name or "\\" in name:
            raise
        stored = None
    if stored is not None and bare in methods:
        raise AmbiguousError(name, [f"{name}@{stored.version}", _METHOD + name])
    if stored is not None:
        return _of_stored(name, stored, methods)
    if bare in methods:
        return _of_method(methods[bare], chinese=chinese)
    raise _unknown(name, zoo, methods)


def _unknown(name: str, zoo: Zoo, methods: Mapping[str, Method]) -> NotFoundError:
    return MethodNotFoundError("method or stored model", name, [*methods, *zoo.store.names()])


def _of_method(method: Method, *, chinese: bool) -> Candidate:
    config = _settings(method) if chinese else {}
    told = ", ".join(f"{key}={value}" for key, value in config.items())
    reason = None
    if method.trainer is None:
        reason = f"{method.name} is not trained here"
        if method.reader is not None:
            how = f"lexarium import {method.name} PATH --name NAME"
            reason += f"; import vectors ({how}) and name them: --models NAME,..."
    return Candidate(
        name=f"{method.name} ({told})" if told else method.name,
        kind="method",
        reference=_METHOD + method.name,
        config=config,
        cost=method.cost,
        reason=reason,
    )


def _of_stored(name: str, stored: StoredVersion, methods: Mapping[str, Method]) -> Candidate:
    method = methods.get(stored.manifest.root.method)
    reason = None
    if stored.manifest.kind == "pipeline":
        reason = (
            "it is already trained, perhaps on these test rows; name its embedder instead, "
            f"or type: lexarium evaluate {name} DATA"
        )
    return Candidate(
        name=name,
        kind="stored",
        reference=name,
        cost=_UNKNOWN_COST if method is None else method.cost,
        size=sum(entry.size for entry in stored.manifest.files),
        reason=reason,
    )


def _settings(method: Method) -> dict[str, Any]:
    """Return what a method that splits on word boundaries needs for Chinese, which has none."""
    try:
        known = fields(method.load_config())
    except (Exception, SystemExit):  # noqa: BLE001  a broken plugin: its own process will say how
        return {}
    if any(setting.name == "tokenizer" and setting.default == "unicode" for setting in known):
        return {"tokenizer": "characters" if find_spec("jieba") is None else "jieba"}
    return {}
