"""Pieces of texts through an encoder, without gradients: their vectors, or the states of their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
import torch

from lexarium.backend import processors
from lexarium_transformer.packed import pack
from lexarium_transformer.pooling import mix, pool
from lexarium_transformer.running import bucket, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn

    from lexarium.roles import Floats
    from lexarium_transformer.config import Pooling
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.tokens import Piece

    #: Ids and mask to hidden states.
    Forward: TypeAlias = Callable[[Tensor, Tensor | None], Tensor]

__all__ = ["Engine", "Inference", "TorchEngine", "padded"]

#: Tokens of a batch, padding among them: few, so that they stay in a processor's cache; a GPU wants more.
_ON_CPU, _ON_GPU = 512, 65536


class Engine(Protocol):
    """What computes hidden states: torch, or a graph for another program."""

    device: torch.device

    def ready(self, batches: int) -> Forward:
        """Prepare for so many batches; return what gives their states (B, T, H).

        It takes ids (B, T) int64 and a mask as :func:`padded` gives it, and several threads may call it.
        """
        ...


class TorchEngine:
    """An encoder that torch computes; on a processor its weights are packed where several batches come."""

    def __init__(self, loaded: Loaded, device: torch.device, layers: Sequence[int]) -> None:
        """Move the encoder to ``device``; ``layers`` are the states to average."""
        self._encoder: nn.Module = loaded.encoder.to(device).eval()
        self._fast: nn.Module | None = None
        self.device = device
        self._layers = tuple(layers)

    def ready(self, batches: int) -> Forward:
        """Pack the weights where that is worth its time and memory.

        A single batch is never computed from them, so that what one call gives does not depend on others.
        """
        encoder = self._encoder
        if batches > 1:
            encoder = self._fast = self._fast or pack(encoder)
        every = self._layers != (-1,)
        return lambda ids, mask: mix(encoder(ids, mask, every=every), self._layers)


class Inference:
    """An encoder at work: pieces in, numbers out, whatever stands beside them in a batch."""

    def __init__(self, engine: Engine, hidden: int, padding: int) -> None:
        """Join the parts; ``hidden`` is H, ``padding`` the id that fills up a batch."""
        self._engine = engine
        self._hidden = hidden
        self._padding = padding

    def vectors(self, pieces: Sequence[Piece], pooling: Pooling) -> Floats:
        """Return one vector per piece, (n, H) float32; zeros for a piece without a token."""
        rows = np.zeros((len(pieces), self._hidden), np.float32)
        done = list(self._run(pieces, lambda states, mask: pool(states, mask, pooling)))
        for batch, found in done:  # read after the last batch is under way: a GPU is not waited for between
            rows[batch] = found.cpu().numpy()
        return rows

    def states(self, pieces: Sequence[Piece]) -> list[Floats]:
        """Return the hidden states of each piece's tokens, (t, H) float32."""
        found: list[Floats] = [np.empty((0, self._hidden), np.float32)] * len(pieces)
        for batch, states in self._run(pieces, lambda states, _: states.float()):
            for number, state in zip(batch, states.cpu().numpy(), strict=True):
                found[number] = state[: len(pieces[number].ids)]
        return found

    def _run(
        self, pieces: Sequence[Piece], finish: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Iterator[tuple[list[int], Tensor]]:
        device = self._engine.device
        on_gpu = device.type != "cpu"
        full = [number for number, piece in enumerate(pieces) if piece.ids]
        buckets = bucket([len(pieces[number].ids) for number in full], _ON_GPU if on_gpu else _ON_CPU)
        batches = [[full[i] for i in batch] for batch in buckets]
        forward = self._engine.ready(len(batches))

        @torch.inference_mode()
        def _work(batch: list[int]) -> Tensor:
            ids, mask = padded([pieces[number].ids for number in batch], self._padding)
            ids, mask = ids.to(device), None if mask is None else mask.to(device)
            return finish(forward(ids, mask), mask)

        return each(_work, batches, 1 if on_gpu else processors())


def padded(lists: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor | None]:
    """Return ids (B, T) int64 and their mask (B, T) bool; None for a mask that would be all True."""
    lengths = [len(ids) for ids in lists]
    longest = max(lengths)
    ids = np.full((len(lists), longest), padding, np.int64)
    for row, given in zip(ids, lists, strict=True):
        row[: len(given)] = given
    if min(lengths) == longest:
        return torch.from_numpy(ids), None
    return torch.from_numpy(ids), torch.from_numpy(np.arange(longest) < np.array(lengths)[:, None])
