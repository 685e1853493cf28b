"""From the parts of a model to an embedder or a classifier, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.compose import Pipeline
from lexarium.errors import CheckpointError, UnsupportedError
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.head import FastTextHead, HeadConfig
from lexarium_fasttext.lookup import SubwordVectors
from lexarium_fasttext.model import MOST_TOKENS, FastTextParts, Quantised, is_finite
from lexarium_fasttext.subwords import Subwords, word_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium_fasttext.config import FastTextConfig

__all__ = ["assemble", "disassemble"]

_WHOLE = "import a .bin, which holds the rest"


def assemble(parts: FastTextParts, config: FastTextConfig, threads: int = 1) -> FastText | Pipeline:
    """Return the embedder and, of a classifier, the pipeline of its text side and its output layer.

    The text side of a classifier has ``pooling=fasttext``, whatever ``config`` says. Labels lose their prefix
    where all of them have it.
    """
    count = len(parts.vocabulary)
    tensors: dict[str, NDArray[Any]] = {"counts": parts.counts}
    rows = parts.input if isinstance(parts.input, Quantised) else parts.input[count:]
    own = None if isinstance(parts.input, Quantised) else parts.input[:count]
    subwords = Subwords(
        parameters=parts.parameters,
        sizes=np.ones(count, np.int32),
        rows=rows,
        ids=parts.buckets,
        pruned=parts.pruned,
        tokens=parts.tokens,
    )
    vectors, sizes = word_means(parts.vocabulary, own, subwords, threads)
    subwords = replace(subwords, sizes=sizes)
    if own is not None and (sizes != 1).any():
        tensors["input"] = own
    words = SubwordVectors(parts.vocabulary, vectors, subwords, FastText.name)
    if not parts.supervised:
        if not isinstance(parts.output, Quantised):
            tensors["output"] = parts.output
        return FastText(config, words, tensors=tensors)
    embedder = FastText(replace(config, pooling="fasttext"), words, tensors=tensors)
    return Pipeline(embedder, _head(parts))


def disassemble(model: FastText | Pipeline, instead: str = _WHOLE) -> FastTextParts:
    """Return the parts of a model: the way back of :func:`assemble`.

    ``instead`` is what to do with a model that holds word vectors alone.

    :raises UnsupportedError: it is no such model, or lacks what training and export need.
    :raises CheckpointError: what it holds for them is damaged.
    """
    embedder = model.embedder if isinstance(model, Pipeline) else model
    if not isinstance(embedder, FastText):
        raise UnsupportedError("this is not a fastText model", "take one that is")
    subwords, vocabulary = embedder.words.subwords, embedder.words.vocabulary
    parameters = subwords.parameters
    if (parameters.model == "supervised") != isinstance(model, Pipeline):
        raise UnsupportedError("an embedder and a head of different models", "export the embedder alone")
    needed = {"counts"} if isinstance(model, Pipeline) else {"counts", "output"}
    if not needed <= embedder.tensors.keys():
        raise UnsupportedError("this model holds word vectors alone", instead)
    matrix: Floats | Quantised = (
        subwords.rows
        if isinstance(subwords.rows, Quantised)
        else np.concatenate([embedder.tensors.get("input", embedder.words.vectors), subwords.rows])
    )
    common: dict[str, Any] = {
        "parameters": parameters,
        "vocabulary": vocabulary,
        "counts": embedder.tensors["counts"],
        "tokens": subwords.tokens,
        "input": matrix,
        "buckets": subwords.ids,
        "pruned": subwords.pruned,
    }
    if not isinstance(model, Pipeline):
        return _sound(FastTextParts(output=embedder.tensors["output"], **common))
    head = model.head
    if not isinstance(head, FastTextHead):
        raise UnsupportedError("the head is not fastText's", "fastText holds no other")
    labels = tuple(head.prefix + label for label in head.labels)
    return _sound(FastTextParts(output=head.output, labels=labels, label_counts=head.counts, **common))


def _sound(parts: FastTextParts) -> FastTextParts:
    """Return the parts, of which opening a model reads no number.

    :raises CheckpointError: one is not what it should be.
    """
    remedy = "the model is damaged: fetch or import it again"
    for name, matrix in (("input", parts.input), ("output", parts.output)):
        if not is_finite(matrix):
            raise CheckpointError(FastText.name, f"a number of the {name} matrix is not finite", remedy)
    counts = parts.counts
    if counts.min(initial=0) < 0 or counts.sum(dtype=np.float64) >= MOST_TOKENS:
        raise CheckpointError(FastText.name, "how often the words occur is not from 0 to 2^62", remedy)
    ids = parts.buckets
    if ids is not None and len(ids):
        inside = ids[0] >= 0 and ids[-1] < max(1, parts.parameters.bucket)
        if not inside or (np.diff(ids) <= 0).any():
            raise CheckpointError(FastText.name, "the numbers of the buckets do not rise", remedy)
    return parts


def _head(parts: FastTextParts) -> FastTextHead:
    settings = parts.parameters
    prefix = settings.label_prefix
    if not all(label.startswith(prefix) and label != prefix for label in parts.labels):
        prefix = ""
    counts = parts.label_counts
    assert counts is not None  # noqa: S101  a classifier's parts have them
    return FastTextHead(
        config=HeadConfig(loss=settings.loss, lr=settings.lr, epoch=max(1, settings.epoch)),
        labels=[label.removeprefix(prefix) for label in parts.labels],
        counts=counts,
        output=parts.output,
        prefix=prefix,
    )
