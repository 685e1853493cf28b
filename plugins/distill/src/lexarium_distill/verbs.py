"""Distillation: each token through the encoder alone, principal components, weights by rank.

Tulkens, van Dongen, "Model2Vec: fast state-of-the-art static embeddings", 2024.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import DataError, UnsupportedError, did_you_mean
from lexarium.inputs import batches, check_texts
from lexarium.roles import Progress, silent
from lexarium_distill.config import DistillConfig, StaticModelConfig
from lexarium_distill.embedder import Static
from lexarium_distill.vocabulary import Tokens
from lexarium_distill.weighting import rank_weights, reduce_dimensions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.roles import Floats
    from lexarium.zoo import Zoo

__all__ = ["Encoder", "distill", "distilled"]

_BATCH = 2048  # tokens between two reports
_TOKENIZER = "tokenizer.json"


@runtime_checkable
class Encoder(Protocol):
    """What is distilled: a pretrained transformer as bert and gpt open it."""

    config: Any
    files: Mapping[str, bytes]

    def pool_ids(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Return one vector per list of token ids, special ones among them, (n, dim) float32."""
        ...


def distill(
    zoo: Zoo,
    model: str,
    *,
    to: Literal["static"] = "static",
    vocabulary: Sequence[str] = (),
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    progress: Progress = silent,
) -> Static:
    """Make a static model out of a stored encoder; store it, under the encoder's licence, if named.

    ``model`` may begin with the method that it must be of, as in ``bert:minilm``. ``vocabulary`` are words
    that get vectors of their own beside the tokens of the encoder.

    :raises ModelNotFoundError: nothing is stored under ``model``.
    :raises UnsupportedError: it is no pretrained transformer, or not of that method, or ``to`` is no method
        to distil into.
    :raises ConfigError: a setting is unknown or out of range.
    :raises DataError: no token is left to get a vector, or the encoder gives one that is not finite.
    """
    if to != Static.name:
        raise UnsupportedError(f"nothing is distilled into {to!r}", did_you_mean(to, [Static.name]))
    settings = from_mapping(DistillConfig, config or {})
    if name is not None:
        zoo.store.versions(name)  # refuses what cannot be a name before the work
    method, colon, reference = model.partition(":")
    said = bool(colon) and any(method == offer.descriptor.name for offer in zoo.host.methods())
    opened = zoo.open(reference if said else model)
    own = opened.manifest.root.method
    if said and own != method:
        raise UnsupportedError(
            f"{opened.reference} is a model of {own}, and not of {method}", f"write {own}:{reference}"
        )
    if not isinstance(opened.model, Encoder):
        problem = f"{opened.reference} is no pretrained transformer"
        raise UnsupportedError(problem, "name a model that was imported as bert")
    result = distilled(opened.model, settings, check_texts(vocabulary), progress)
    if name is not None:
        base = {"model": opened.reference, "relation": "distilled"}
        lineage = {"base": base, "settings": to_mapping(settings), "words": len(vocabulary)}
        zoo.save(result, name=name, license=opened.manifest.about.license, lineage=lineage)
    return result


def distilled(
    encoder: Encoder, config: DistillConfig, vocabulary: Sequence[str] = (), progress: Progress = silent
) -> Static:
    """Return the static model of an encoder, whose pooling, layers and length are used; its prompt is not.

    Tokens without a vector (special ones, those that ``token_remove_pattern`` names) keep a zero row, so
    that the ids stay those of the encoder. Rank is the order of the ids, added words last.

    :raises DataError: no token is left, or a vector is not finite.
    """
    lowercase = bool(encoder.config.do_lower_case)
    tokens = Tokens(encoder.files[_TOKENIZER], lowercase=lowercase, remove=config.token_remove_pattern)
    if vocabulary:
        tokens.add(vocabulary, encoder.config.max_length)
    found = _vectors(encoder, tokens.pieces, progress)
    found = reduce_dimensions(found, config.pca_dims)
    weights = rank_weights(len(found), config.weighting, config.sif_coefficient)
    rows = np.zeros((tokens.rows, found.shape[1]), np.float32)
    rows[tokens.ids] = found * weights[:, None]
    settings = StaticModelConfig(normalize=config.normalize, max_length=config.max_length, skip_unknown=True)
    return Static(settings, rows, tokens.tokenizer.to_str().encode())


def _vectors(encoder: Encoder, pieces: Sequence[Sequence[int]], progress: Progress) -> Floats:
    parts: list[Floats] = []
    done = 0
    for batch in batches(pieces, _BATCH):
        parts.append(encoder.pool_ids(batch))
        done += len(batch)
        progress("embed tokens", done, len(pieces))
    found = np.concatenate(parts)
    if not np.isfinite(found).all():
        raise DataError("the encoder gives a token a vector that is NaN or infinite", "import it again")
    return found
