"""The approximate index: close to exact, and nothing but our own file is opened."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ConfigError, InputError, UnsupportedError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium.words.index import IndexSettings, WordIndex, index_folder

pytest.importorskip("usearch.index")

SPACE, OTHER = "a" * 64, "b" * 64


@pytest.fixture(scope="module")
def kv():
    vectors = np.random.default_rng(1).standard_normal((3000, 16)).astype(np.float32)
    vectors[7] = 0
    return WordVectors(Vocabulary.build([f"w{i}" for i in range(3000)]), vectors)


@pytest.fixture(scope="module")
def built(kv):
    return WordIndex.build(kv)


@pytest.fixture
def folder(built, tmp_path):
    return built.save(index_folder(tmp_path, SPACE), SPACE)


def test_ctrl_c_while_an_index_is_built_is_an_interrupt(monkeypatch):
    def interrupted(*_, **__):
        raise RuntimeError("Operation has been terminated")

    monkeypatch.setattr("usearch.index.Index.add", interrupted)
    words = WordVectors(Vocabulary.build(["a", "b"]), np.ones((2, 4), np.float32))
    with pytest.raises(KeyboardInterrupt):
        WordIndex.build(words)


def test_nearly_all_neighbours_are_found_with_their_exact_scores(kv, built):
    queries = [f"w{i}" for i in range(0, 3000, 30)]
    exact, found = kv.similar_many(queries), kv.similar_many(queries, index=built)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])
    assert recall >= 0.98
    assert all(len(answer) == 10 for answer in found)
    assert kv.similar("w5", index=built) == kv.similar_many(["w5"], index=built)[0]


def test_the_words_asked_for_are_left_out(kv, built):
    found = dict(kv.similar(["w1", "w2"], 50, negative=["w3"], index=built))
    assert not {"w1", "w2", "w3"} & found.keys()
    assert kv.similar(kv["w1"], 1, index=built)[0][0] == "w1"


def test_many_queries_are_answered_as_each_by_itself(kv, built):
    queries = [f"w{i}" for i in range(7, 2107, 7)]  # 300, more than are scored together
    found = kv.similar_many(queries, 5, index=built)
    assert found == [kv.similar(query, 5, index=built) for query in queries]
    assert all(query not in dict(answer) for query, answer in zip(queries, found, strict=True))


class Recording:
    """A graph that remembers with how many threads it was searched."""

    def __init__(self, graph):
        self.graph = graph
        self.threads = []

    def search(self, vectors, count, *, threads):
        self.threads.append(threads)
        return self.graph.search(vectors, count, threads=threads)


def test_many_queries_are_searched_with_the_threads_asked_for_and_one_with_one(kv, built, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    graph = Recording(built._graph)
    index = WordIndex(kv, graph, built.settings)
    kv.similar_many(["w1", "w2"], index=index)
    kv.similar("w1", index=index)
    index.threads = 1
    kv.similar_many(["w1", "w2"], index=index)
    assert graph.threads == [3, 1, 1]


def test_an_opened_index_answers_as_the_one_that_was_saved(kv, built, folder):
    opened = WordIndex.open(folder, kv, SPACE)
    queries = ["w0", "w7", "w9"]
    assert kv.similar_many(queries, index=opened) == kv.similar_many(queries, index=built)
    assert opened.settings == built.settings


def test_more_neighbours_than_words_are_all_that_are_found(built, kv):
    assert 2000 < len(kv.similar("w5", 10**6, index=built)) <= 2999


def test_settings_are_kept_and_progress_is_told(kv, tmp_path):
    told = []
    settings = IndexSettings(connectivity=8, expansion_add=32, expansion_search=16)
    index = WordIndex.build(kv.restricted(100), settings, progress=lambda *step: told.append(step))
    assert told[-1] == ("index words", 100, 100)
    index.save(tmp_path / "i", SPACE)
    assert WordIndex.open(tmp_path / "i", kv.restricted(100), SPACE).settings == settings


def test_every_damaged_file_is_refused_before_it_is_opened(kv, folder):
    graph = folder / "hnsw.usearch"
    whole = graph.read_bytes()
    for damaged in (
        b"",
        whole[:-1],
        whole[: len(whole) // 2],
        whole + b"x",
        b"y" + whole[1:],
        b"z" * len(whole),
    ):
        graph.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="damaged or unfinished; build it again"):
            WordIndex.open(folder, kv, SPACE)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 1},
        {"kind": "flat"},
        {"size": "1"},
        {"sha256": None},
        {"count": True},
        {"settings": {"connectivity": 0}},
        {"settings": []},
        {"settings": None},
        {"settings": {"speed": 1}},
    ],
)
def test_a_description_that_is_not_ours_is_refused(kv, folder, change):
    about = folder / "hnsw.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), **change}))
    with pytest.raises(CheckpointError, match="lexarium index"):
        WordIndex.open(folder, kv, SPACE)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 60000])
def test_a_description_that_is_no_json_is_refused(kv, folder, raw):
    (folder / "hnsw.json").write_bytes(raw)
    with pytest.raises(CheckpointError, match="lexarium index"):
        WordIndex.open(folder, kv, SPACE)


def test_an_index_of_other_vectors_is_refused(kv, folder):
    with pytest.raises(CheckpointError, match="other vectors"):
        WordIndex.open(folder, kv, OTHER)
    with pytest.raises(CheckpointError, match="other vectors"):
        WordIndex.open(folder, kv.restricted(2999), SPACE)
    with pytest.raises(CheckpointError, match="other vectors"):
        WordIndex.open(folder, kv.reduced(8), SPACE)


def test_where_there_is_no_index_it_says_how_to_make_one(kv, tmp_path):
    for folder in (tmp_path, str(tmp_path)):
        with pytest.raises(UnsupportedError, match="lexarium index MODEL"):
            WordIndex.open(folder, kv, SPACE)
    with pytest.raises(InputError, match="folder: 3 is int, not a path"):
        WordIndex.open(3, kv, SPACE)


def test_a_space_that_is_no_hash_is_no_folder(tmp_path):
    with pytest.raises(CheckpointError, match="hexadecimal"):
        index_folder(tmp_path, "../../etc")


@pytest.mark.parametrize(
    "wrong", [{"connectivity": 1}, {"expansion_add": 0}, {"expansion_search": 10**6}, {"expansion_add": "9"}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        IndexSettings(**wrong)
    for threads in (0, 1025):
        with pytest.raises(ConfigError, match="threads"):
            WordIndex.build(None, threads=threads)


def test_a_disk_that_refuses_is_named_and_leaves_no_litter(built, tmp_path):
    import resource
    import signal

    place = index_folder(tmp_path, SPACE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="the index cannot be written") as refused:
            built.save(place, SPACE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert refused.value.filename == str(place / "hnsw.usearch")
    assert list(place.iterdir()) == []


def test_words_are_not_searched_with_the_index_of_others(kv, built):
    others = np.random.default_rng(2).standard_normal((3000, 16)).astype(np.float32)
    for words in (WordVectors(kv.vocabulary, others), kv.restricted(500), kv.reduced(4)):
        with pytest.raises(InputError, match="index: it is of other vectors"):
            words.similar("w3", index=built)
    same = WordVectors(kv.vocabulary, kv.vectors.copy())
    assert same.similar("w3", index=built) == kv.similar("w3", index=built)
