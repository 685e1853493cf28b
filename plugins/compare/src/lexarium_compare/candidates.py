"""Who takes part, in which order, and who cannot and why."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from lexarium.method import Method
from lexarium.tokens import is_mostly_chinese
from lexarium_compare.advice import MAJORITY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.stores import StoredVersion
    from lexarium.zoo import Zoo

__all__ = ["Candidate", "choose"]

_UNKNOWN_COST = 9
_SPACED = {"unicode", "words"}  # the tokenizers that find words by the spaces between them


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
    tell whether a method needs a tokenizer for Chinese. What several names stand for takes part once.

    :raises NotFoundError: a name is neither a method nor a stored model.
    :raises AmbiguousError: a name is both.
    :raises StoreError: a name is a path, and not of a model folder.
    """
    methods = {offer.descriptor.name: zoo.host.method(offer.descriptor.name) for offer in zoo.host.methods()}
    names = [name.strip() for name in models or ()]
    wanted = [name for name in names if name not in {"majority", MAJORITY}]
    found: dict[str, Method | StoredVersion] = {**methods} if models is None else {}
    for name in wanted:
        entry = zoo.find_embedder(name)
        if not any(_same(entry, other) for other in found.values()):
            found[name] = entry
    chinese = is_mostly_chinese(texts)
    chosen = [
        _of_method(entry, chinese=chinese) if isinstance(entry, Method) else _of_stored(name, entry, methods)
        for name, entry in found.items()
    ]
    chosen.sort(key=lambda candidate: (candidate.cost, candidate.size))
    return [Candidate(name=MAJORITY, kind="majority"), *chosen]


def _same(one: Method | StoredVersion, other: Method | StoredVersion) -> bool:
    """Tell whether two names stand for one candidate: bow and method:bow, mine and mine@2."""
    if isinstance(one, Method) or isinstance(other, Method):
        return one == other
    if (one.name, one.version) != (other.name, other.version):
        return False
    files = [entry.path for entry in one.manifest.files]
    return one.manifest == other.manifest and all(one.locate(f) == other.locate(f) for f in files)


def _of_method(method: Method, *, chinese: bool) -> Candidate:
    config = _settings(method) if chinese and method.trainer is not None else {}
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
        reference=f"method:{method.name}",
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
    """Return what a method that finds words by their spaces needs for Chinese, which has none."""
    try:
        known = fields(method.load_config())
    except (Exception, SystemExit):  # noqa: BLE001  a broken plugin: its own process will say how
        return {}
    if any(setting.name == "tokenizer" and setting.default in _SPACED for setting in known):
        return {"tokenizer": "characters" if find_spec("jieba") is None else "jieba"}
    return {}
