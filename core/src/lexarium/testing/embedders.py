"""What every embedder must keep, whatever its method."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.sparse import issparse

from lexarium.checkpoint.folder import read_folder
from lexarium.checkpoint.manifest import MANIFEST
from lexarium.errors import CheckpointError, InputError, LexariumError
from lexarium.host import Host
from lexarium.roles import State, StoredEmbedder
from lexarium.testing.texts import ODD, PLAIN, VERY_LONG
from lexarium.zoo import Zoo

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EmbedderContract"]

_REPLAY = """
import json, sys
import numpy as np
from lexarium.zoo import Zoo
rows = Zoo().load(sys.argv[1]).embed(json.load(open(sys.argv[2], encoding="utf-8")))
np.save(sys.argv[3], rows.toarray() if hasattr(rows, "toarray") else rows)
"""


def dense(rows: Any) -> np.ndarray:
    """Return the rows as a numpy array."""
    return np.asarray(rows.toarray() if issparse(rows) else rows)


class EmbedderContract:
    """Inherit, and set ``method`` to the name that an installed plugin offers.

    Override :meth:`make` to try another embedder than the method's ``tiny()``.
    """

    method: str

    def make(self) -> StoredEmbedder:
        """Return the embedder under test."""
        return Host.discover().method(self.method).load().tiny()

    @pytest.fixture
    def embedder(self) -> StoredEmbedder:
        """Give the embedder under test."""
        return self.make()

    @pytest.fixture
    def folder(self, embedder: StoredEmbedder, tmp_path: Path) -> Path:
        """Give the embedder under test as a model folder."""
        Zoo(tmp_path / "home").write(embedder, tmp_path / "model")
        return tmp_path / "model"

    def test_one_finite_float32_row_per_input(self, embedder: StoredEmbedder) -> None:
        rows = embedder.embed(PLAIN)
        assert issparse(rows) == embedder.space.sparse
        assert rows.shape == (len(PLAIN), embedder.space.dim)
        assert rows.dtype == np.float32
        assert np.isfinite(dense(rows)).all()
        assert dense(rows).any(), (
            "the plain texts, or tiny(), have nothing in common: the suite would test nothing"
        )

    def test_none_in_none_out(self, embedder: StoredEmbedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.space.dim)

    def test_a_row_does_not_depend_on_neighbours_place_or_batch_size(self, embedder: StoredEmbedder) -> None:
        texts = [*PLAIN, *ODD]
        together = dense(embedder.embed(texts))
        alone = np.concatenate([dense(embedder.embed([text])) for text in texts])
        backwards = dense(embedder.embed(texts[::-1]))[::-1]
        np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)
        np.testing.assert_allclose(together, backwards, rtol=0, atol=1e-6)

    def test_the_same_input_gives_the_same_row(self, embedder: StoredEmbedder) -> None:
        rows = dense(embedder.embed([PLAIN[0], PLAIN[1], PLAIN[0]]))
        assert np.array_equal(rows[0], rows[2])
        assert np.array_equal(rows, dense(embedder.embed([PLAIN[0], PLAIN[1], PLAIN[0]])))

    @pytest.mark.parametrize("text", [*ODD, VERY_LONG], ids=lambda text: ascii(text[:12]))
    def test_odd_texts_have_finite_rows(self, embedder: StoredEmbedder, text: str) -> None:
        rows = dense(embedder.embed([text]))
        assert rows.shape == (1, embedder.space.dim)
        assert np.isfinite(rows).all()

    def test_rows_have_length_one_where_the_space_says_so(self, embedder: StoredEmbedder) -> None:
        lengths = np.linalg.norm(dense(embedder.embed([*PLAIN, *ODD])), axis=1)
        if embedder.space.normalized:
            np.testing.assert_allclose(lengths[lengths > 0], 1, atol=1e-5)
        else:
            assert (np.abs(lengths - 1) > 1e-5).any(), "every row has length 1: say normalized=True"

    def test_the_input_stays_as_it_was(self, embedder: StoredEmbedder) -> None:
        given = [*PLAIN, *ODD]
        embedder.embed(given)
        assert given == [*PLAIN, *ODD]

    @pytest.mark.parametrize("wrong", ["a text", [1], [None], [b"bytes"], ["good", 2.0]], ids=repr)
    def test_what_is_not_a_list_of_texts_is_an_input_error(
        self, embedder: StoredEmbedder, wrong: Any
    ) -> None:
        with pytest.raises(InputError):
            embedder.embed(wrong)

    def test_the_state_survives_json_and_restores_to_the_same_state(self, embedder: StoredEmbedder) -> None:
        state = embedder.state()
        config = json.loads(json.dumps(dict(state.config)))
        again = type(embedder).restore(State(config=config, tensors=state.tensors, files=state.files)).state()
        assert dict(again.config) == config
        assert set(again.tensors) == set(state.tensors)
        assert all(np.array_equal(again.tensors[name], tensor) for name, tensor in state.tensors.items())
        assert dict(again.files) == dict(state.files)

    def test_saved_and_opened_in_a_fresh_process_it_gives_the_same_rows(
        self, embedder: StoredEmbedder, folder: Path, tmp_path: Path
    ) -> None:
        texts = [*PLAIN, *ODD]
        (tmp_path / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        paths = [str(folder), str(tmp_path / "texts.json"), str(tmp_path / "rows.npy")]
        done = subprocess.run(
            [sys.executable, "-P", "-c", _REPLAY, *paths], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert np.array_equal(np.load(tmp_path / "rows.npy"), dense(embedder.embed(texts)))

    def test_the_golden_rows_hold_after_opening(self, folder: Path, tmp_path: Path) -> None:
        assert list(Zoo(tmp_path / "home").verify(str(folder), golden=True)) == []

    def test_a_damaged_file_is_a_checkpoint_error_or_found_by_verify(
        self, folder: Path, tmp_path: Path
    ) -> None:
        zoo = Zoo(tmp_path / "home")
        for entry in read_folder(folder).files:
            path = folder / entry.path
            whole = path.read_bytes()
            for damaged in (whole[:-1], whole + b" ", b""):
                path.write_bytes(damaged)
                with pytest.raises(CheckpointError):
                    zoo.open(str(folder))
            path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
            assert any(entry.path in problem for problem in zoo.verify(str(folder)))
            path.unlink()
            with pytest.raises(CheckpointError):
                zoo.open(str(folder))
            path.write_bytes(whole)
        zoo.open(str(folder))

    def test_a_state_without_one_of_its_tensors_is_a_checkpoint_error(self, embedder: StoredEmbedder) -> None:
        state = embedder.state()
        for missing in state.tensors:
            rest = {name: tensor for name, tensor in state.tensors.items() if name != missing}
            with pytest.raises(CheckpointError):
                type(embedder).restore(State(config=state.config, tensors=rest, files=state.files))

    def test_a_state_with_an_unknown_setting_is_refused(self, embedder: StoredEmbedder) -> None:
        state = embedder.state()
        config = {**state.config, "no_such_setting": 1}
        with pytest.raises(LexariumError, match="no_such_setting"):
            type(embedder).restore(State(config=config, tensors=state.tensors, files=state.files))

    def test_the_manifest_states_the_space_and_a_changed_one_does_not_open(
        self, embedder: StoredEmbedder, folder: Path, tmp_path: Path
    ) -> None:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        assert manifest["space"]["dim"] == embedder.space.dim
        for key, value in (("dim", embedder.space.dim + 1), ("sparse", not embedder.space.sparse)):
            space = {**manifest["space"], key: value}
            (folder / MANIFEST).write_text(json.dumps({**manifest, "space": space}), encoding="utf-8")
            with pytest.raises(CheckpointError):
                Zoo(tmp_path / "home").open(str(folder))
            assert any("space" in problem for problem in Zoo(tmp_path / "home").verify(str(folder)))

    def test_a_manifest_of_another_method_does_not_open_as_this_one(
        self, folder: Path, tmp_path: Path
    ) -> None:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        manifest["method"] = "no-such-method"
        (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        with pytest.raises(LexariumError, match="no-such-method"):
            Zoo(tmp_path / "home").open(str(folder))
        shutil.rmtree(folder)
