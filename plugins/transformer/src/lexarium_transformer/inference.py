"""Pieces of texts through an encoder, without gradients: their vectors, or the states of their tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lexarium.backend import processors
from lexarium_transformer.pooling import mix, pool
from lexarium_transformer.running import bucket, each

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from lexarium.roles import Floats
    from lexarium_transformer.config import Pooling
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.tokens import Piece

__all__ = ["Inference", "padded"]

#: Tokens of a batch, padding among them: few, so that they stay in a processor's cache; a GPU wants more.
_ON_CPU, _ON_GPU = 512, 65536


class Inference:
    """An encoder at work on a device: pieces in, numbers out, whatever stands beside them in a batch."""

    def __init__(self, loaded: Loaded, device: torch.device, padding: int, layers: Sequence[int]) -> None:
        """Join the parts; ``padding`` is the id that fills up a batch, ``layers`` the states to average."""
        self._loaded = loaded
        self._encoder = loaded.encoder.to(device).eval()
        self._device = device
        self._padding = padding
        self._layers = layers

    def vectors(self, pieces: Sequence[Piece], pooling: Pooling) -> Floats:
        """Return one vector per piece, (n, H) float32; zeros for a piece without a token."""
        rows = np.zeros((len(pieces), self._loaded.hidden), np.float32)
        done = list(self._run(pieces, lambda states, mask: pool(states, mask, pooling)))
        for batch, found in done:  # read after the last batch is under way: a GPU is not waited for between
            rows[batch] = found.cpu().numpy()
        return rows

    def states(self, pieces: Sequence[Piece]) -> list[Floats]:
        """Return the hidden states of each piece's tokens, (t, H) float32."""
        found: list[Floats] = [np.empty((0, self._loaded.hidden), np.float32)] * len(pieces)
        for batch, states in self._run(pieces, lambda states, _: states.float()):
            for number, state in zip(batch, states.cpu().numpy(), strict=True):
                found[number] = state[: len(pieces[number].ids)]
        return found

    def _run(
        self, pieces: Sequence[Piece], finish: Callable[[Tensor, Tensor | None], Tensor]
    ) -> Iterator[tuple[list[int], Tensor]]:
        on_gpu = self._device.type != "cpu"
        full = [number for number, piece in enumerate(pieces) if piece.ids]
        buckets = bucket([len(pieces[number].ids) for number in full], _ON_GPU if on_gpu else _ON_CPU)
        batches = [[full[i] for i in batch] for batch in buckets]

        @torch.inference_mode()
        def _work(batch: list[int]) -> Tensor:
            ids, mask = padded([pieces[number].ids for number in batch], self._padding)
            ids, mask = ids.to(self._device), None if mask is None else mask.to(self._device)
            every = tuple(self._layers) != (-1,)
            return finish(mix(self._encoder(ids, mask, every=every), self._layers), mask)

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
