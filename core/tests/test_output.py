"""Vectors out: any number of texts, every format, and a file that is whole or not there."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from scipy import sparse
from spelling_plugin.embedder import Spelling, SpellingConfig

from lexarium.errors import UnsupportedError
from lexarium.output import atomic, embed_all, nearest_texts, write_matrix

TEXTS = ["bad cab", "", "好 \ud800\x00", "a" * 300]


def embedder(**config):
    return Spelling(SpellingConfig(**config), Spelling.tiny().words)


def dense(rows):
    return rows.toarray() if sparse.issparse(rows) else rows


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("count", [0, 1, 512, 1300])
def test_many_texts_give_the_rows_of_one_call_and_progress_reaches_the_end(packed, count):
    texts = [chr(97 + i % 26) * (i % 7) for i in range(count)]
    seen = []
    rows = embed_all(embedder(sparse=packed), texts, lambda *said: seen.append(said))
    assert sparse.issparse(rows) == packed
    assert rows.shape == (count, 26)
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(dense(rows), dense(embedder(sparse=packed).embed(texts)))
    assert [done for _, done, _ in seen] == [*range(512, count, 512), *([count] if count else [])]


@pytest.mark.parametrize("packed", [False, True])
def test_the_nearest_texts_come_first_and_ties_keep_their_order(packed):
    texts = ["xyz", "bat", "tab", "", "bbat", "bat"]
    found = nearest_texts(embedder(sparse=packed), "tab", texts, 4)
    assert [text for text, _ in found] == ["bat", "tab", "bat", "bbat"]
    np.testing.assert_allclose([score for _, score in found], [1, 1, 1, 4 / np.sqrt(18)], atol=1e-6)


def test_many_texts_of_one_cosine_keep_their_order():
    texts = [f"{'ab' if i % 3 else 'b'}{i}" for i in range(1000)]
    found = [text for text, _ in nearest_texts(embedder(), "b", texts, 1000)]
    assert found == [*texts[::3], *(text for text in texts if text.startswith("a"))]


def test_a_text_without_direction_has_cosine_zero_and_no_more_come_back_than_there_are():
    assert nearest_texts(embedder(), "", ["a", ""], 10) == [("a", 0.0), ("", 0.0)]


def test_npy_holds_dense_vectors_and_npz_sparse_ones(tmp_path):
    write_matrix(tmp_path / "v.npy", embedder().embed(TEXTS), TEXTS, "id")
    write_matrix(tmp_path / "v.npz", embedder(sparse=True).embed(TEXTS), TEXTS, "id")
    expected = embedder().embed(TEXTS)
    loaded = np.load(tmp_path / "v.npy", allow_pickle=False)
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, expected)
    np.testing.assert_array_equal(sparse.load_npz(tmp_path / "v.npz").toarray(), expected)


@pytest.mark.parametrize("packed", [False, True])
def test_jsonl_holds_a_text_and_its_vector_a_line_even_odd_text(tmp_path, packed):
    write_matrix(tmp_path / "v.jsonl", embedder(sparse=packed).embed(TEXTS), TEXTS, "id")
    lines = (tmp_path / "v.jsonl").read_text(encoding="utf-8").splitlines()
    documents = [json.loads(line) for line in lines]
    assert [document["text"] for document in documents] == TEXTS
    assert [document["vector"] for document in documents] == embedder().embed(TEXTS).tolist()


@pytest.mark.parametrize("packed", [False, True])
def test_parquet_holds_texts_and_vectors_and_the_space_they_belong_to(tmp_path, packed):
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = [f"text {i}" for i in range(1100)] + ["好 \ud800"]
    write_matrix(tmp_path / "v.parquet", embedder(sparse=packed).embed(texts), texts, "the id")
    table = parquet.read_table(tmp_path / "v.parquet")
    assert table.column("text").to_pylist() == [*texts[:-1], "好 \\ud800"]
    np.testing.assert_array_equal(table.column("vector").to_pylist(), embedder().embed(texts))
    assert table.schema.metadata[b"space_id"] == b"the id"


@pytest.mark.parametrize(
    ("name", "packed", "says"),
    [
        ("v.npz", False, "are dense; use .npy, .parquet or .jsonl"),
        ("v.npy", True, "are sparse; use .npz, .parquet or .jsonl"),
        ("v.csv", False, "use .npy"),
        ("v", True, "use .npz"),
        (".npy", False, "use .npy"),
    ],
)
def test_an_ending_that_does_not_suit_the_vectors_is_answered_with_those_that_do(
    tmp_path, name, packed, says
):
    with pytest.raises(UnsupportedError) as caught:
        write_matrix(tmp_path / name, embedder(sparse=packed).embed(["a"]), ["a"], "id")
    assert says in str(caught.value)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ending", ["npy", "jsonl"])
def test_writing_that_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, ending):
    path = tmp_path / f"v.{ending}"
    path.write_text("old")
    objects = np.array([[object()]])
    with pytest.raises((TypeError, ValueError)):
        write_matrix(path, objects, ["a"], "id")
    assert os.listdir(tmp_path) == [path.name]
    assert path.read_text() == "old"


def test_a_file_takes_its_place_when_the_block_succeeds_and_not_before(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with atomic(path) as aside:
        aside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    with pytest.raises(TypeError), atomic(path) as aside:
        aside.write_text(None)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_matrix(tmp_path / "no" / "v.npy", embedder().embed(["a"]), ["a"], "id")
