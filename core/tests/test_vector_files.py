"""Vectors on disk say of which space they are, and are refused by any other."""

from __future__ import annotations

import json

import numpy as np
import pytest
from spelling_plugin.embedder import SpellingConfig, spelling

from lexarium.errors import InputError, UnsupportedError
from lexarium.output import write_matrix
from lexarium.vector_files import read_vectors, sidecar

TEXTS = ["cab", "好 \u2028b", ""]
SPACE = "ab" * 32


@pytest.fixture
def written(tmp_path):
    """Give a function that writes vectors of a dense or a sparse embedder."""

    def write(name, space_id=SPACE):
        config = SpellingConfig(letters=3, sparse=name.endswith(".npz"))
        write_matrix(tmp_path / name, spelling(["cab"], config).embed(TEXTS), TEXTS, space_id)
        return tmp_path / name

    return write


def dense(matrix):
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


@pytest.mark.parametrize("name", ["v.npy", "v.npz", "v.jsonl", "v.parquet"])
def test_what_was_written_is_read_and_another_space_is_refused(written, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = written(name)
    found = read_vectors(path, SPACE, 3)
    assert dense(found.matrix).tolist() == [[1, 1, 1], [0, 1, 0], [0, 0, 0]]
    assert found.texts == (TEXTS if name in {"v.jsonl", "v.parquet"} else None)
    with pytest.raises(UnsupportedError, match=f"of the space '{SPACE}', not of the model's, cdcd"):
        read_vectors(path, "cd" * 32, 3)
    with pytest.raises(InputError, match="not of 4 dimensions"):
        read_vectors(path, SPACE, 4)


def test_a_npy_without_its_description_or_with_that_of_others_is_refused(written, tmp_path):
    path = written("v.npy")
    said = sidecar(path).read_text()
    np.save(path, np.zeros((2, 3), np.float32))
    with pytest.raises(UnsupportedError, match=r"v\.npy\.json is of other vectors; write it again"):
        read_vectors(path, SPACE, 3)
    sidecar(path).unlink()
    with pytest.raises(UnsupportedError, match="nothing says of which space"):
        read_vectors(path, SPACE, 3)
    sidecar(path).write_text(said[:10])
    with pytest.raises(UnsupportedError, match="missing or damaged"):
        read_vectors(path, SPACE, 3)


def test_a_npz_of_another_tool_says_no_space_and_is_refused(written, tmp_path):
    from scipy import sparse

    sparse.save_npz(tmp_path / "v.npz", sparse.csr_array((2, 3), dtype=np.float32))
    with pytest.raises(UnsupportedError, match="does not say of which space"):
        read_vectors(tmp_path / "v.npz", SPACE, 3)


def test_indices_that_lead_out_of_a_sparse_matrix_are_refused(written, tmp_path):
    path = written("v.npz")
    with np.load(path) as arrays:
        found = {name: arrays[name] for name in arrays}
    found["indices"] = found["indices"] + 1_000_000
    np.savez(path, **found)
    with pytest.raises(InputError, match="cannot be read"):
        read_vectors(path, SPACE, 3)


def test_lines_of_two_spaces_are_refused(written):
    path = written("v.jsonl")
    other = written("w.jsonl", "cd" * 32)
    path.write_text(path.read_text() + other.read_text())
    with pytest.raises(UnsupportedError, match="mixes vectors of 2 spaces"):
        read_vectors(path, SPACE, 3)


@pytest.mark.parametrize("line", ["no JSON", '{"text": "a"}', "[1]"])
def test_a_line_that_is_no_vector_is_named(written, line):
    path = written("v.jsonl")
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match="line 4: the fields text, vector and space_id belong here"):
        read_vectors(path, SPACE, 3)


def test_vectors_of_unequal_length_are_refused(written):
    path = written("v.jsonl")
    path.write_text(path.read_text() + json.dumps({"text": "a", "vector": [1], "space_id": SPACE}))
    with pytest.raises(InputError, match="line 4: the vector is of another length"):
        read_vectors(path, SPACE, 3)


@pytest.mark.parametrize("name", ["v.npy", "v.npz", "v.parquet"])
def test_a_damaged_file_is_an_error_of_ours(written, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    path = written(name)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises((InputError, UnsupportedError)):
        read_vectors(path, SPACE, 3)


@pytest.mark.parametrize(
    ("name", "text"), [("t.txt", "a\n"), ("t.jsonl", '{"text": "a"}\n'), ("t.jsonl", "\n"), ("t.csv", "a\n")]
)
def test_a_table_of_texts_holds_no_vectors(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_vectors(tmp_path / name, SPACE, 3) is None
    assert read_vectors(tmp_path / "nowhere.npy", SPACE, 3) is None
