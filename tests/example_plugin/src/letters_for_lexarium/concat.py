"""Concatenation: x = [x_1; x_2; ...], parts in the order of their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from lexarium.roles import Floats, Matrix, Space, State

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class ConcatConfig:
    """Settings of ``concat``: none."""


class Concat:
    """The fuser."""

    def space(self, parts: Mapping[str, Space]) -> Space:
        """Add the dimensions."""
        modalities = sorted({m for space in parts.values() for m in space.modalities})
        return Space(dim=sum(space.dim for space in parts.values()), modalities=tuple(modalities))

    def fuse(self, parts: Mapping[str, Matrix]) -> Floats:
        """Put the parts side by side."""
        return np.concatenate([np.asarray(parts[name], np.float32) for name in sorted(parts)], axis=1)

    def state(self) -> State:
        """Return nothing but the name."""
        return State(config={}, tensors={})

    @classmethod
    def restore(cls, state: State) -> Self:
        """Build the fuser."""
        del state
        return cls()

    @classmethod
    def tiny(cls) -> Self:
        """Return the fuser: it has no size."""
        return cls()
