"""Training by the compiled loops of ``lexarium-kernels``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from lexarium.roles import Run
    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.weights import Weights

__all__ = ["train"]

_SAME = ("negative", "ns_exponent", "window", "shrink_windows", "sample", "alpha", "min_alpha", "epochs")
_log = logging.getLogger("lexarium")


def train(
    module: Any,  # noqa: ANN401  a compiled module
    encoded: Encoded,
    weights: Weights,
    config: Word2VecConfig,
    run: Run,
    progress: Callable[[int], None],
) -> None:
    """Train ``weights`` in place; ``progress`` is told the words done, of all epochs."""
    options = module.Options()
    for name in _SAME:
        setattr(options, name, getattr(config, name))
    options.skip_gram, options.hierarchical = bool(config.sg), bool(config.hs)
    options.mean = bool(config.cbow_mean)
    options.threads, options.seed = run.threads, run.seed % (1 << 64)
    texts = encoded.ids, encoded.offsets, weights.counts
    outputs = weights.context, weights.nodes, weights.tree
    losses = module.train(*texts, options, weights.vectors, *outputs, progress)
    _log.info("mean loss of a word and a neighbour by epoch: %s", " ".join(f"{loss:.4f}" for loss in losses))
