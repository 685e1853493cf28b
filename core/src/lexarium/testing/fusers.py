"""What every fuser must keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lexarium.host import Host
from lexarium.roles import Space, State
from lexarium.testing.embedders import dense

if TYPE_CHECKING:
    from lexarium.roles import Floats, StoredFuser

__all__ = ["FuserContract"]

_SPACES = {"text": Space(dim=3), "image": Space(dim=5, modalities=("image",))}


class FuserContract:
    """Inherit, and set ``method`` to the name that an installed plugin offers."""

    method: str

    @pytest.fixture
    def fuser(self) -> StoredFuser:
        """Give the fuser under test."""
        return Host.discover().fuser(self.method).load().tiny()

    @pytest.fixture
    def parts(self) -> dict[str, Floats]:
        """Give four rows for each of two parts."""
        rng = np.random.default_rng(0)
        return {name: rng.normal(size=(4, space.dim)).astype(np.float32) for name, space in _SPACES.items()}

    def test_the_space_is_known_before_and_kept(self, fuser: StoredFuser, parts: dict[str, Floats]) -> None:
        space = fuser.space(_SPACES)
        rows = fuser.fuse(parts)
        assert rows.shape == (4, space.dim)
        assert rows.dtype == np.float32
        assert np.isfinite(dense(rows)).all()
        assert set(space.modalities) == {"text", "image"}

    def test_every_part_matters(self, fuser: StoredFuser, parts: dict[str, Floats]) -> None:
        for name, rows in parts.items():
            changed = {**parts, name: rows + 1}
            assert not np.array_equal(dense(fuser.fuse(parts)), dense(fuser.fuse(changed)))

    def test_a_row_does_not_depend_on_its_neighbours(
        self, fuser: StoredFuser, parts: dict[str, Floats]
    ) -> None:
        alone = dense(fuser.fuse({name: rows[1:2] for name, rows in parts.items()}))
        np.testing.assert_allclose(dense(fuser.fuse(parts))[1:2], alone, atol=1e-6)

    def test_restored_from_its_state_it_fuses_the_same(
        self, fuser: StoredFuser, parts: dict[str, Floats]
    ) -> None:
        state = fuser.state()
        config = json.loads(json.dumps(dict(state.config)))
        again = type(fuser).restore(State(config=config, tensors=state.tensors, files=state.files))
        assert np.array_equal(dense(again.fuse(parts)), dense(fuser.fuse(parts)))
