"""Vectors out: any number of texts, every format, and a file that is whole or not there."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from spelling_plugin.embedder import Spelling, SpellingConfig

from lexarium.errors import InputError, PluginError, UnsupportedError
from lexarium.output import atomic, check_target, embed_all, nearest_texts, word_vectors, write_matrix

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


def test_an_embedder_that_gives_one_row_for_many_texts_is_refused_and_not_stretched():
    class Lazy(Spelling):
        def embed(self, inputs):
            return super().embed(inputs[:1])

    with pytest.raises(PluginError, match=r"\(1, 26\) where \(3, 26\)"):
        embed_all(Lazy(SpellingConfig(), Spelling.tiny().words), ["a", "b", "c"])


def test_progress_is_reported_under_the_name_asked_for():
    seen = []
    embed_all(embedder(), ["a"], lambda *said: seen.append(said), what="reading")
    assert seen == [("reading", 1, 1)]


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
    assert {document["space_id"] for document in documents} == {"id"}


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


def test_a_path_that_cannot_be_written_is_refused_before_any_vector_is_there(tmp_path):
    (tmp_path / "folder.npy").mkdir()
    for path, says in (("no/v.npy", "there is no folder"), ("folder.npy", "is a folder or a device")):
        with pytest.raises(InputError, match=says):
            check_target(tmp_path / path, is_sparse=False)
        with pytest.raises(InputError, match=says):
            write_matrix(tmp_path / path, embedder().embed(["a"]), ["a"], "id")


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


posix = pytest.mark.skipif(os.name != "posix", reason="POSIX links and modes")


@posix
@pytest.mark.parametrize("existing", [True, False])
def test_a_link_stays_and_the_file_that_it_names_is_written(tmp_path, existing):
    (tmp_path / "far").mkdir()
    if existing:
        (tmp_path / "far" / "real.txt").write_text("old")
    link = tmp_path / "link.txt"
    link.symlink_to("far/real.txt")
    with atomic(link) as aside:
        aside.write_text("new")
    assert link.is_symlink()
    assert (tmp_path / "far" / "real.txt").read_text() == "new"
    assert os.listdir(tmp_path / "far") == ["real.txt"]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_a_file_keeps_its_mode_and_is_no_more_readable_while_it_is_written(tmp_path, mode):
    path = tmp_path / "out.txt"
    path.write_text("old")
    path.chmod(mode)
    with atomic(path) as aside:
        aside.write_text("new")
        assert stat.S_IMODE(aside.stat().st_mode) & ~mode == 0
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic(tmp_path / "out.txt") as aside:
            aside.write_text("new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.txt").stat().st_mode) == 0o640


def test_what_goes_wrong_is_said_of_the_file_asked_for(tmp_path):
    missing = tmp_path / "no" / "out.txt"
    with pytest.raises(FileNotFoundError) as caught, atomic(missing) as aside:
        aside.write_text("new")
    assert caught.value.filename == str(missing)
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "out.txt") as aside:
        aside.unlink()
    assert caught.value.filename == str(tmp_path / "out.txt")
    with pytest.raises(FileNotFoundError) as caught, atomic(tmp_path / "out.txt"):
        (tmp_path / "other").read_text()
    assert caught.value.filename == str(tmp_path / "other")


@pytest.fixture
def full():
    """Give a file on a device that is always full."""
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("no such device here")
    with device.open("wb") as file:
        yield file


def test_a_full_disk_is_said_of_the_file_asked_for(tmp_path, full):
    with pytest.raises(OSError, match="No space left") as caught, atomic(tmp_path / "out.txt"):
        os.write(full.fileno(), b"x")
    assert caught.value.filename == str(tmp_path / "out.txt")


@pytest.fixture
def little_room():
    """Let no file of this process grow beyond 16 KiB."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("name", ["out.npy", "out.jsonl"])
def test_a_disk_that_refuses_the_rest_says_why_and_of_which_file(name, tmp_path, little_room):
    with pytest.raises(OSError, match="File too large") as caught:
        write_matrix(tmp_path / name, np.ones((4096, 8), np.float32), ["a"] * 4096, "space")
    assert caught.value.errno == errno.EFBIG
    assert caught.value.filename == str(tmp_path / name)
    assert not os.listdir(tmp_path)


@posix
def test_a_folder_or_a_device_is_refused_before_anything_is_written(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="not a regular file") as caught, atomic(path):
            pytest.fail("the block must not run")
        assert caught.value.filename == str(path)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_name_as_long_as_names_can_be_is_written(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    with atomic(path) as aside:
        aside.write_text("new")
    assert path.read_text() == "new"


def test_words_of_any_dense_model_are_its_vectors_of_texts():
    words = word_vectors(embedder(), ["tab", "bat", "tab", "苹果"])
    assert list(words) == ["tab", "bat", "苹果"]
    np.testing.assert_array_equal(words.vectors, embedder().embed(["tab", "bat", "苹果"]))
    with pytest.raises(UnsupportedError, match=r"m@1 has no vectors of single words; .* dense"):
        word_vectors(embedder(sparse=True), ["tab"], where="m@1")
