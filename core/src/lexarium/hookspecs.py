"""Every hook, on one page.

A plugin is a module named by an entry point in group ``lexarium``. Its hooks take no arguments and
return what the plugin offers; nothing heavy may be imported to answer them. A hook that raises, or
returns something else, marks its own plugin and leaves the others working.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium.method import Command, FuserMethod, HeadMethod, Method, ModelEntry, StoreKind

__all__ = [
    "API",
    "PROJECT",
    "hookimpl",
    "lexarium_commands",
    "lexarium_fusers",
    "lexarium_heads",
    "lexarium_methods",
    "lexarium_models",
    "lexarium_stores",
]

PROJECT = "lexarium"

#: The version of this page. A plugin may say ``LEXARIUM_API = 1``; another number is "incompatible".
API = 1

_F = TypeVar("_F", bound="Callable[..., object]")
_spec = pluggy.HookspecMarker(PROJECT)
_impl = pluggy.HookimplMarker(PROJECT)


def hookimpl(function: _F) -> _F:
    """Mark a function of a plugin module as the hook that it is named after."""
    return _impl(function)


@_spec
def lexarium_methods() -> Sequence[Method]:  # type: ignore[empty-body]
    """Return the embedders that this plugin offers."""


@_spec
def lexarium_heads() -> Sequence[HeadMethod]:  # type: ignore[empty-body]
    """Return the task heads that this plugin offers."""


@_spec
def lexarium_fusers() -> Sequence[FuserMethod]:  # type: ignore[empty-body]
    """Return the multimodal fusers that this plugin offers."""


@_spec
def lexarium_commands() -> Sequence[Command]:  # type: ignore[empty-body]
    """Return the commands (and their Python verbs) that this plugin adds to ``lexarium``."""


@_spec
def lexarium_stores() -> Sequence[StoreKind]:  # type: ignore[empty-body]
    """Return the stores (places where models are kept) that this plugin offers."""


@_spec
def lexarium_models() -> Sequence[ModelEntry]:  # type: ignore[empty-body]
    """Return the published models that this plugin adds to the catalogue."""
