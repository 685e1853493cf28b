"""Vectors on disk say of which space they are, and are refused by any other."""

from __future__ import annotations

import contextlib
import json
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
from scipy import sparse
from spelling_plugin.embedder import SpellingConfig, spelling

from lexarium.errors import InputError, UnsupportedError
from lexarium.output import write_matrix
from lexarium.vector_files import describe_npy, read_vectors, sidecar

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


def put(path, matrix):
    """Write a matrix as `lexarium embed` writes it."""
    write_matrix(path, matrix, ["a"] * matrix.shape[0], SPACE)
    return path


@pytest.mark.parametrize("name", ["v.npy", "v.npz", "v.jsonl", "v.parquet"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(tmp_path, name, number):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    matrix = np.array([[1, 2, 3], [4, number, 6]], np.float32)
    path = put(tmp_path / name, sparse.csr_array(matrix) if name.endswith(".npz") else matrix)
    with pytest.raises(InputError, match="finite"):
        read_vectors(path, SPACE, 3)


@pytest.mark.parametrize(
    "number", ["1" + "0" * 400, "1e400", "1e40", "-1e39", "NaN", '"x"', "null", "[1]", "{}"]
)
def test_a_number_that_is_none_of_float32_is_named_with_its_line(written, number):
    path = written("v.jsonl")
    line = f'{{"text": "a", "vector": [1, {number}, 3], "space_id": "{SPACE}"}}'
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(InputError, match="line 4: the vector is not a list of numbers"):
        read_vectors(path, SPACE, 3)


def test_numbers_of_another_kind_are_refused(tmp_path):
    for name, matrix in (("v.npy", np.ones((2, 3))), ("v.npz", sparse.csr_array(np.ones((2, 3))))):
        with pytest.raises(InputError, match="numbers of float64, not float32"):
            read_vectors(put(tmp_path / name, matrix), SPACE, 3)


def test_a_line_is_not_read_without_end(tmp_path):
    path = tmp_path / "v.jsonl"
    path.write_bytes(b'{"text": "' + b"a" * (65 * 2**20))
    with pytest.raises(InputError, match="line 1: the line is longer than 64 MiB"):
        read_vectors(path, SPACE, 3)


def header(shape, dtype="<f4"):
    """Return the head of a ``.npy`` that promises an array of this shape."""
    said = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said)) + said


def test_a_npy_that_promises_more_than_it_holds_is_refused_before_there_is_room_made_for_it(tmp_path):
    path = tmp_path / "v.npy"
    path.write_bytes(header((10**13, 3)))
    sidecar(path).write_text(describe_npy(path, SPACE))
    with pytest.raises(InputError, match="an array of 120000000000000 bytes takes 0"):
        read_vectors(path, SPACE, 3)


def packed(path, method=zipfile.ZIP_DEFLATED, **changes):
    """Write the five arrays of a sparse matrix, some of them changed, into an archive."""
    matrix = sparse.csr_array(np.ones((2, 3), np.float32))
    arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}
    arrays |= {"shape": np.array((2, 3)), "format": np.array(b"csr"), "space_id": np.array(SPACE)}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, array in {**arrays, **changes}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                if isinstance(array, np.ndarray):
                    np.lib.format.write_array(member, array)
                else:
                    for piece in array:
                        member.write(piece)
    return path


def test_an_archive_that_swells_is_refused_before_it_is_unpacked(tmp_path):
    pieces = [header((3 * 2**23,), "<i4"), *[bytes(2**20)] * 96]
    path = packed(tmp_path / "v.npz", indices=pieces)
    assert path.stat().st_size < 2**22
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="unpacks to more than 200 times its size"):
            read_vectors(path, SPACE, 3)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"data": [header((10**12,))]}, "an array of 4000000000000 bytes takes 0"),
        ({"data": [b"no array"]}, "cannot be read"),
        ({"data": [b"\x93NUMPY\x03\x00"]}, "cannot be read"),
        ({"format": np.array(b"csc")}, "not in the format csr"),
        ({"format": np.array(["csr", "csr"])}, "cannot be read"),
        ({"shape": np.array([-2, -3])}, "cannot be read"),
        ({"shape": np.array(["2", "3"])}, "cannot be read"),
        ({"shape": np.array(2)}, "cannot be read"),
        ({"indptr": np.array([0, 3])}, "cannot be read"),
        ({"indices": np.array([[0, 1, 2]])}, "cannot be read"),
    ],
)
def test_an_archive_whose_arrays_are_no_sparse_matrix_is_refused(tmp_path, changes, says):
    with pytest.raises(InputError, match=says):
        read_vectors(packed(tmp_path / "v.npz", **changes), SPACE, 3)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_archive_is_deflated_as_numpy_deflates_it_or_refused(tmp_path, method):
    assert read_vectors(packed(tmp_path / "v.npz", zipfile.ZIP_STORED), SPACE, 3).matrix.nnz == 6
    with pytest.raises(InputError, match=r"'data\.npy' is encrypted, or not deflated"):
        read_vectors(packed(tmp_path / "v.npz", method), SPACE, 3)


def test_a_damaged_byte_anywhere_in_an_archive_is_an_error_of_ours_or_none(tmp_path):
    path = packed(tmp_path / "v.npz")
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with contextlib.suppress(InputError, UnsupportedError):
            read_vectors(path, SPACE, 3)
