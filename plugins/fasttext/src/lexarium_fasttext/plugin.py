"""What this distribution offers: the method ``fasttext``, and the output layer of classifiers as a head."""

from __future__ import annotations

from dataclasses import replace

from lexarium.hookspecs import hookimpl
from lexarium.method import HeadMethod, Method

__all__ = ["lexarium_heads", "lexarium_methods"]

_AT = "lexarium_fasttext"
_NAME, _OUT = "fasttext", {"fasttext": f"{_AT}.formats:write", "vec": f"{_AT}.formats:write_vec"}


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    what = "vectors of words and of their parts, also for words never seen; a classifier's text side"
    e, c, r = f"{_AT}.embedder:FastText", f"{_AT}.config:FastTextConfig", f"{_AT}.formats:read"
    t, s, u = f"{_AT}.train:fit", f"{_AT}.train:fit_labelled", f"{_AT}.train:update"
    own = Method(name=_NAME, summary=what, embedder=e, config=c, trainer=t, labelled=s, updater=u, reader=r)
    return [replace(own, exports=_OUT)]


@hookimpl
def lexarium_heads() -> list[HeadMethod]:
    """Return the head."""
    what, h, c = "fastText's output layer", f"{_AT}.head:FastTextHead", f"{_AT}.head:HeadConfig"
    return [HeadMethod(name=_NAME, summary=what, head=h, config=c, exports=_OUT)]
