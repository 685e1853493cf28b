"""What this distribution offers: the method ``fasttext``, and the output layer of classifiers as a head."""

from __future__ import annotations

from lexarium.hookspecs import hookimpl
from lexarium.method import HeadMethod, Method

__all__ = ["lexarium_heads", "lexarium_methods"]
_AT, _NAME = "lexarium_fasttext", "fasttext"
_TEXT, _BINARY = (f"lexarium_static.exports:write_{form}" for form in ("text", "binary"))
_SAID = "model min_n max_n bucket loss word_ngrams pooling tokenizer token_pattern lowercase"
_OUT = {"fasttext": f"{_AT}.formats:write", "vec": _TEXT, "word2vec": _TEXT, "word2vec-binary": _BINARY}


@hookimpl
def lexarium_methods() -> list[Method]:
    """Return the method."""
    what = "vectors of words and of their parts, also for words never seen; a classifier's text side"
    e, c, r = f"{_AT}.embedder:FastText", f"{_AT}.config:FastTextConfig", f"{_AT}.formats:read"
    t, s, u = f"{_AT}.train:fit", f"{_AT}.train:fit_labelled", f"{_AT}.train:update"
    parts = {"embedder": e, "config": c, "trainer": t, "labelled": s, "updater": u, "reader": r}
    parts |= {"reader_settings": "sif_a", "file_settings": _SAID}
    return [Method(name=_NAME, summary=what, exports=_OUT, cost=1, **parts)]


@hookimpl
def lexarium_heads() -> list[HeadMethod]:
    """Return the head."""
    what, h, c = "fastText's output layer", f"{_AT}.head:FastTextHead", f"{_AT}.head:HeadConfig"
    return [HeadMethod(name=_NAME, summary=what, head=h, config=c, exports=_OUT)]
