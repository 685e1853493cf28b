"""A method's settings: a frozen, keyword-only dataclass, built from what a user typed or a file says.

An unknown key, a value of another type, or one out of range is a :class:`ConfigError` that says
what there is. Types that a field may have: bool, int, float, str, None, ``Literal``, unions of
these, and tuples of them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, field, fields
from functools import lru_cache
from operator import index
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from lexarium.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "fit_only",
    "fit_only_settings",
    "from_mapping",
    "parse_settings",
    "placement",
    "require",
    "to_mapping",
    "training_settings",
    "whole",
]

_C = TypeVar("_C")
_SHOWN = 80
_PLAIN = {"bool": bool, "float": float, "int": int, "int | None": int | None, "str": str}
_SIMPLE = {bool, int, float, str, NoneType}
_PAIRS = tuple[tuple[str, str], ...]


def from_mapping(cls: type[_C], values: Mapping[str, Any], *, trained: bool = False) -> _C:
    """Build ``cls`` from plain values; JSON lists become tuples, and a mapping the pairs of its items.

    ``trained``: they are for a model that is there, and an unknown key is not answered with what only
    training reads.

    :raises ConfigError: unknown key, wrong type, or a range check of the class itself.
    """
    if not isinstance(values, Mapping):
        raise ConfigError("config", f"{values!r:.80} is not a mapping of settings to values")
    settings = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in settings:
            hidden = training_settings(cls) if trained else ()
            listed = [name for name in settings if name not in hidden]
            raise ConfigError(key, "no such setting", known=listed)
    for f in settings.values():
        if f.name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise ConfigError(f.name, "is missing and has no default")
    fitted = {}
    for key, value in values.items():
        same = _is_same(value, settings[key])
        fitted[key] = value if same else _fit(key, value, _hint(cls, key))  # type: ignore[arg-type]
    return cls(**fitted)


def _is_same(value: object, of: Field[Any]) -> bool:
    """Tell whether a value is its field's default: most are, and then their types need no look."""
    kind = type(value)
    same = kind is type(of.default) and kind in _SIMPLE and value == of.default
    return same and not (kind is int and "float" in str(of.type))  # that is made one


@lru_cache(maxsize=1024)
def _hint(cls: type[Any], key: str) -> Any:  # noqa: ANN401
    """Return the type of one field; ``get_type_hints`` looks at all, and opening a model waits for it."""
    try:
        base = next(base for base in cls.__mro__ if key in vars(base).get("__annotations__", {}))
        said = vars(base)["__annotations__"][key]
        hint = _PLAIN.get(said) or eval(said, vars(sys.modules[base.__module__]))  # noqa: S307  its own words
        if _is_plain(hint):
            return hint
    except Exception:  # noqa: BLE001, S110  whatever it is, get_type_hints says it, or knows better
        pass
    return get_type_hints(cls)[key]


def _is_plain(hint: Any) -> bool:  # noqa: ANN401
    if hint in {bool, float, int, str} or get_origin(hint) is Literal:
        return True
    inner = get_origin(hint) in {Union, UnionType, tuple}
    return inner and all(part in {NoneType, Ellipsis} or _is_plain(part) for part in get_args(hint))


def to_mapping(config: Any) -> dict[str, Any]:  # noqa: ANN401  any config dataclass
    """Return the settings as JSON values, in the order of the fields."""
    return {key: _plain(value) for key, value in asdict(config).items()}


def fit_only(default: _C) -> _C:
    """Give a field of a config its default, and mark it as read by training only: no vector changes with it.

    Two models that differ in such a setting and in nothing else have the same space.
    """
    marked: _C = field(default=default, metadata={"fit_only": True})
    return marked


def fit_only_settings(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields that :func:`fit_only` marks."""
    return tuple(f.name for f in fields(cls) if f.metadata.get("fit_only"))


def placement(default: _C) -> _C:
    """Give a field its default, and mark it as where or how exactly a model computes.

    As with :func:`fit_only`, two models that differ in nothing else have the same space; but the setting is
    read whenever the model is used.
    """
    marked: _C = field(default=default, metadata={"fit_only": True, "placement": True})
    return marked


def training_settings(cls: type[Any]) -> tuple[str, ...]:
    """Return the names of the fields that only training reads: :func:`fit_only`, not :func:`placement`."""
    return tuple(
        f.name for f in fields(cls) if f.metadata.get("fit_only") and not f.metadata.get("placement")
    )


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Read ``key=value`` pairs as typed on a command line.

    What a value is, is decided by the field that it is for (:func:`from_mapping`): ``1`` is a number for
    one and text for another; ``1,2`` and ``[1, 2]`` are lists, ``{"name": "text"}`` pairs, ``true`` and
    ``none`` what they say.

    :raises ConfigError: a pair has no ``=``.
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(pair, "is not of the form key=value")
        settings[key.strip()] = _Typed(text.strip())
    return settings


def require(key: str, holds: object, problem: str) -> None:
    """Raise a :class:`ConfigError` about ``key`` unless the condition ``holds``."""
    if not holds:
        raise ConfigError(key, problem)


def whole(key: str, value: object) -> int:
    """Return a whole number that is given for ``key``.

    :raises ConfigError: it is none.
    """
    try:
        if not isinstance(value, bool):
            return index(value)  # type: ignore[arg-type]
    except TypeError:
        pass
    raise ConfigError(key, f"{value!r:.80} is not a whole number")


def _plain(value: Any) -> Any:  # noqa: ANN401  tuples in tuples are lists in lists
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


class _Typed(str):
    """Text as typed, whose meaning depends on the field that it is for."""

    __slots__ = ()

    def readings(self) -> list[Any]:
        """Return what it may mean, the likelier first; as text it may mean anything."""
        inner = self[1:-1] if self[:1] == "(" and self[-1:] == ")" else str(self)
        words = {"True": True, "False": False, "None": None, "none": None}
        found = [words[self]] if self in words else []
        for candidate in (inner, f"[{inner}]"):
            try:
                found.append(json.loads(candidate))
            except (ValueError, RecursionError):
                continue
        return [*found, str(self), [part.strip() for part in inner.split(",") if part.strip()]]


def _fit(key: str, value: Any, hint: Any) -> Any:  # noqa: ANN401  checks any value against any hint
    for reading in value.readings() if isinstance(value, _Typed) else [value]:
        try:
            return _either(reading, hint)
        except TypeError:
            continue
    shown = repr(str(value) if isinstance(value, _Typed) else value)
    raise ConfigError(key, f"{shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '...'} is not {_say(hint)}")


def _either(value: Any, hint: Any) -> Any:  # noqa: ANN401
    if type(value) is hint and hint is not float:  # as _convert finds after a longer look
        return value
    for option in _options(hint):
        try:
            return _convert(value, option)
        except (OverflowError, TypeError):  # an integer that no float holds overflows
            continue
    raise TypeError


def _options(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)


def _convert(value: Any, hint: Any) -> Any:  # noqa: ANN401
    origin = get_origin(hint)
    if origin is Literal:
        if any(type(value) is type(allowed) and value == allowed for allowed in get_args(hint)):
            return value
        raise TypeError
    if origin is tuple:
        return _convert_tuple(value, get_args(hint))
    if hint is NoneType and value is None:
        return None
    if hint is float and type(value) in {int, float}:
        if not math.isfinite(value):
            raise TypeError
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise TypeError


def _convert_tuple(value: Any, parts: tuple[Any, ...]) -> tuple[Any, ...]:  # noqa: ANN401
    if isinstance(value, dict) and parts == get_args(_PAIRS):
        value = list(value.items())
    if not isinstance(value, list | tuple):
        raise TypeError
    if len(parts) == 2 and parts[1] is Ellipsis:  # noqa: PLR2004  tuple[X, ...]
        parts = (parts[0],) * len(value)
    if len(parts) != len(value):
        raise TypeError
    return tuple(_either(v, p) for v, p in zip(value, parts, strict=True))


def _say(hint: Any) -> str:  # noqa: ANN401
    names = []
    for option in _options(hint):
        origin = get_origin(option)
        if origin is Literal:
            names.append(" or ".join(repr(a) for a in get_args(option)))
        elif option == _PAIRS:
            names.append('pairs, as in {"name": "text"}')
        elif origin is tuple:
            inner = ", ".join("..." if a is Ellipsis else _say(a) for a in get_args(option))
            names.append(f"a list ({inner})")
        else:
            names.append(
                "none" if option is NoneType else {"str": "text"}.get(option.__name__, option.__name__)
            )
    return " or ".join(names)
