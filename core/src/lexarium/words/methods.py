"""Which of the installed methods have vectors of single words."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lexarium.errors import PluginError

if TYPE_CHECKING:
    from lexarium.host import Host

__all__ = ["with_words"]

_NAMES = ("words", "with_words")


def with_words(host: Host) -> str:
    """Say what to name: a model of a method whose embedders have ``words``. It imports every method.

    A class has them where it, or one that it inherits from, defines ``words`` or ``with_words``, or says the
    type of ``words``.
    """
    found = []
    for offer in host.methods():
        with suppress(PluginError):
            bases = host.method(offer.descriptor.name).load().__mro__
            said = {name for base in bases for name in (*vars(base), *vars(base).get("__annotations__", ()))}
            if said.intersection(_NAMES):
                found.append(offer.descriptor.name)
    return f"name a model of {' or '.join(found)}" if found else "no installed method has such vectors"
