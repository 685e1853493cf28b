"""Training by gensim: the reference, and what works where the kernels are not built."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.errors import MissingExtraError
from lexarium_static.sentences import Sentences
from lexarium_word2vec.tree import paths

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.roles import Run
    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.weights import Weights

__all__ = ["check", "train"]


def check() -> None:
    """Import gensim.

    :raises MissingExtraError: it is not installed.
    """
    try:
        import_module("gensim.models")
    except ImportError as error:
        raise MissingExtraError("backend=reference", "gensim", "lexarium-word2vec[reference]") from error


def train(
    encoded: Encoded, weights: Weights, config: Word2VecConfig, run: Run, progress: Callable[[int], None]
) -> None:
    """Train ``weights`` in place with the same words, options and first values as the kernels.

    :raises MissingExtraError: gensim is not installed.
    """
    check()
    from gensim.models import Word2Vec  # noqa: PLC0415  an extra, and slow to import
    from gensim.models.callbacks import CallbackAny2Vec  # noqa: PLC0415  as above

    class Told(CallbackAny2Vec):  # type: ignore[misc]
        """Counts epochs."""

        def __init__(self) -> None:
            self.epochs = 0

        def on_epoch_end(self, model: object) -> None:
            del model
            self.epochs += 1
            progress(self.epochs * len(encoded.ids))

    model = Word2Vec(
        vector_size=config.vector_size,
        window=config.window,
        min_count=1,
        sorted_vocab=0,
        sg=config.sg,
        hs=config.hs,
        negative=config.negative,
        ns_exponent=config.ns_exponent,
        cbow_mean=config.cbow_mean,
        sample=config.sample,
        alpha=config.alpha,
        min_alpha=config.min_alpha,
        shrink_windows=config.shrink_windows,
        workers=run.threads,
        seed=run.seed % (1 << 32),
    )
    names = [str(number) for number in range(len(weights.counts))]
    model.build_vocab_from_freq(dict(zip(names, weights.counts.tolist(), strict=True)))
    _give(model, weights)
    texts = Sentences(encoded.ids, encoded.offsets, names)
    try:
        model.train(
            texts,
            total_examples=len(texts),
            total_words=len(encoded.ids),
            epochs=config.epochs,
            callbacks=[Told()],
        )
    finally:
        _take(model, weights)


def _give(model: Any, weights: Weights) -> None:  # noqa: ANN401
    model.wv.vectors[:] = weights.vectors
    if weights.context is not None:
        model.syn1neg[:] = weights.context
    if weights.nodes is not None and weights.tree is not None:
        model.syn1[:] = weights.nodes
        for number, (points, codes) in enumerate(paths(weights.tree)):
            model.wv.expandos["point"][number] = np.array(points, np.uint32)
            model.wv.expandos["code"][number] = np.array(codes, np.uint8)


def _take(model: Any, weights: Weights) -> None:  # noqa: ANN401
    weights.vectors[:] = model.wv.vectors
    if weights.context is not None:
        weights.context[:] = model.syn1neg
    if weights.nodes is not None:
        weights.nodes[:] = model.syn1
