"""Putting parts together: an embedder and a head make a pipeline; a model comes apart into its states."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from lexarium.checkpoint.folder import Node
from lexarium.checkpoint.manifest import PluginEntry
from lexarium.config import fit_only_settings
from lexarium.errors import CheckpointError, ConfigError, InputError, MethodNotFoundError, PluginError
from lexarium.inputs import batches, check_texts
from lexarium.method import Method
from lexarium.roles import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lexarium.host import Host
    from lexarium.roles import Embedder, Head, Space, StoredEmbedder

__all__ = ["Pipeline", "TextHead", "put_together", "take_apart"]

_RELEASE = re.compile(r"\d+(?:\.\d+)*")
_BATCH, _TEXTS = 512, 1 << 16  # texts embedded at a time, and given to a head that takes texts
_EMBEDDER = "embedder"
_PREDICTING = "predicting"
_PARTS = {_EMBEDDER: [], "head": [_EMBEDDER]}


@runtime_checkable
class TextHead(Protocol):
    """A head that can do without the vectors of texts, of some embedders."""

    def text_probabilities(self, embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float64] | None:
        """Return the probability of each label, (n, K), or None: then the texts are embedded.

        The label with the greatest, and of equal ones the first, is what ``predict`` returns.
        """
        ...


class Pipeline:
    """Text to labels: an embedder under a head."""

    def __init__(self, embedder: StoredEmbedder, head: Head) -> None:
        self.embedder = embedder
        self.head = head
        self._text_head = head if isinstance(head, TextHead) else None

    @property
    def space(self) -> Space:
        """The space of the embedder."""
        return self.embedder.space

    @property
    def labels(self) -> Sequence[str]:
        """The K classes, in the order of the columns of :meth:`predict_proba`."""
        return self.head.labels

    def predict(self, inputs: Sequence[str]) -> list[str]:
        """Return the label of each input."""
        texts = check_texts(inputs)
        found = self._straight(texts)
        if found is not None:
            labels = self.labels
            return [labels[i] for i in found.argmax(axis=1).tolist()]
        return [
            label for part in batches(texts, _BATCH) for label in self.head.predict(self.embedder.embed(part))
        ]

    def predict_proba(self, inputs: Sequence[str], progress: Progress = silent) -> NDArray[np.float64]:
        """Return the probability of each label for each input, (n, K); ``progress`` counts the inputs."""
        texts = check_texts(inputs)
        found = self._straight(texts, progress)
        if found is not None:
            return found
        parts, done = [np.zeros((0, len(self.labels)))], 0
        for part in batches(texts, _BATCH):
            parts.append(self.head.predict_proba(self.embedder.embed(part)))
            done += len(part)
            progress(_PREDICTING, done, len(texts))
        return np.concatenate(parts)

    def _straight(self, texts: Sequence[str], progress: Progress = silent) -> NDArray[np.float64] | None:
        """Return the probabilities, (n, K), where the head needs no vectors for them."""
        if self._text_head is None:
            return None
        parts, done = [np.zeros((0, len(self.labels)))], 0
        for part in batches(texts, _TEXTS):
            found = self._text_head.text_probabilities(self.embedder, part)
            if found is None:
                return None
            parts.append(found)
            done += len(part)
            progress(_PREDICTING, done, len(texts))
        return np.concatenate(parts)


def take_apart(model: StoredEmbedder | Pipeline, host: Host) -> Node:
    """Return the states of a model's parts, each with the method and plugin that answers to it.

    :raises PluginError: no enabled plugin offers the class of a part.
    :raises InputError: it is no model.
    """
    if isinstance(model, Pipeline):
        return _node(model.head, host, None, {_EMBEDDER: take_apart(model.embedder, host)})
    if not hasattr(model, "space"):
        problem = f"{type(model).__name__} where a model belongs"
        raise InputError("model", problem, "give what fit, train or load returned")
    return _node(model, host, model.space, {})


def put_together(node: Node, host: Host, where: str) -> StoredEmbedder | Pipeline:
    """Build a model from its states: the way back of :func:`take_apart`.

    :raises MethodNotFoundError: no installed, enabled plugin answers to a method; says which to install.
    :raises PluginError: the plugin that does is older than the one that wrote the model.
    :raises CheckpointError: a state is damaged.
    """
    _check_installed(node, host, where)
    if list(node.parts) != _PARTS.get(node.kind):
        what = "an embedder" if node.kind == _EMBEDDER else f"a {node.kind}"
        raise CheckpointError(where, f"{what} with the parts {sorted(node.parts)}", "upgrade Lexarium")
    try:
        if node.kind == _EMBEDDER:
            return _same_space(host.method(node.method).load().restore(node.state), node, where)
        head = host.head(node.method).load().restore(node.state)
    except ConfigError as error:
        raise CheckpointError(where, f"its configuration is not one of {node.method}: {error}") from error
    except CheckpointError as error:
        raise CheckpointError(where, str(error)) from error
    embedder = put_together(node.parts[_EMBEDDER], host, where)
    if isinstance(embedder, Pipeline):
        raise CheckpointError(where, "a pipeline where an embedder belongs")
    return Pipeline(embedder, head)


def _same_space(model: StoredEmbedder, node: Node, where: str) -> StoredEmbedder:
    """Refuse a model whose vectors are not what its manifest says that they are."""
    if model.space != node.space:
        raise CheckpointError(where, f"the manifest says {node.space}, the model is {model.space}")
    return model


def _node(model: Head | StoredEmbedder, host: Host, space: Space | None, parts: dict[str, Node]) -> Node:
    offer = host.offer_of(model)
    descriptor = offer.descriptor
    return Node(
        kind=descriptor.kind,
        method=descriptor.name,
        plugin=PluginEntry(offer.plugin.distribution, f">={offer.plugin.version}"),
        state=model.state(),
        fit_only=fit_only_settings(descriptor.load_config()) if isinstance(descriptor, Method) else (),
        space=space,
        parts=parts,
    )


def _check_installed(node: Node, host: Host, where: str) -> None:
    """Refuse a model whose plugin is not installed, or older than the one that wrote it."""
    kind = node.kind
    wanted, required = node.plugin.distribution, node.plugin.requires.removeprefix(">=")
    known = [offer.descriptor.name for offer in host.offers(kind)]
    plugin = next((p for p in host.plugins if p.distribution == wanted), None)
    if plugin is None and node.method not in known:
        raise MethodNotFoundError(kind, node.method, known, f"type: pip install {wanted} (for {where})")
    if plugin is not None and _numbers(plugin.version) < _numbers(required):
        raise PluginError(
            f"{where}: written by {wanted} {required}, installed is {plugin.version}; "
            f"type: pip install -U {wanted}"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, without zeros at the end: 0.2 is 0.2.0, 0.1.1rc1 is 0.1.1."""
    found = _RELEASE.match(version)
    numbers = [int(part) for part in found.group().split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
