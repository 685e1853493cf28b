"""The approximate index: close to exact, and nothing but our own file is opened."""

from __future__ import annotations

import json
import signal
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from lexarium.errors import CheckpointError, ConfigError, InputError, UnsupportedError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium.words.index import IndexSettings, WordIndex, index_folder

faiss = pytest.importorskip("faiss")

SPACE, OTHER = "a" * 64, "b" * 64


def random_words(count, dim):
    vectors = np.random.default_rng(1).standard_normal((count, dim)).astype(np.float32)
    return WordVectors(Vocabulary.build([f"w{i}" for i in range(count)]), vectors)


def found_of(words, index, queries):
    pairs = zip(words.similar_many(queries), words.similar_many(queries, index=index), strict=True)
    return np.mean([len(dict(a).keys() & dict(b).keys()) / 10 for a, b in pairs])


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


def test_ctrl_c_while_an_index_is_built_is_an_interrupt():
    def interrupt(*_):
        raise KeyboardInterrupt

    words = random_words(100_000, 64)
    before, handler = faiss.omp_get_max_threads(), signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)  # while faiss learns cells
        with pytest.raises(KeyboardInterrupt):
            WordIndex.build(words, IndexSettings(nlist=5000), threads=before + 1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert faiss.omp_get_max_threads() == before


def test_nearly_all_neighbours_are_found_with_their_exact_scores(kv, built):
    queries = [f"w{i}" for i in range(0, 3000, 30)]
    exact, found = kv.similar_many(queries), kv.similar_many(queries, index=built)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(exact, found, strict=True)])
    assert recall >= 0.98
    assert built.recall >= built.settings.recall
    assert built.settings.nlist == 82
    assert 1 <= built.settings.nprobe < 82
    assert all(len(answer) == 10 for answer in found)
    assert kv.similar("w5", index=built) == kv.similar_many(["w5"], index=built)[0]


def test_the_words_asked_for_are_left_out(kv, built):
    found = dict(kv.similar(["w1", "w2"], 50, negative=["w3"], index=built))
    assert not {"w1", "w2", "w3"} & found.keys()
    assert kv.similar(kv["w1"], 1, index=built)[0][0] == "w1"


@pytest.mark.parametrize("query", ["zero word", "zero vector", "across"])
def test_a_query_that_is_as_near_to_all_words_has_neighbours_all_the_same(kv, built, query):
    across = WordVectors(kv.vocabulary, np.hstack([kv.vectors[:, :15], np.zeros((3000, 1), np.float32)]))
    words = across if query == "across" else kv
    index = WordIndex.build(across) if query == "across" else built
    asked = {"zero word": "w7", "zero vector": np.zeros(16), "across": np.eye(16)[15]}[query]
    assert words.similar(asked, 3, index=index) == words.similar(asked, 3)
    assert [score for _, score in words.similar(asked, 3)] == [0, 0, 0]


def test_equal_vectors_by_the_thousand_leave_no_query_short(kv):
    vectors = kv.vectors.copy()
    vectors[:2700] = vectors[0]
    words = WordVectors(kv.vocabulary, vectors)
    index = WordIndex.build(words)
    answers = words.similar_many([f"w{i}" for i in range(0, 3000, 10)], index=index)
    assert {len(answer) for answer in answers} == {10}


def test_frequent_words_are_found_as_well_where_they_are_harder_to_find():
    random = np.random.default_rng(3)
    easy = np.repeat(random.standard_normal((2000, 16)), 25, axis=0)
    easy += 0.05 * random.standard_normal(easy.shape)
    vectors = np.vstack([random.standard_normal((10_000, 16)), easy]).astype(np.float32)
    words = WordVectors(Vocabulary.build([f"w{i}" for i in range(60_000)]), vectors)
    index = WordIndex.build(words)
    assert found_of(words, index, [f"w{i}" for i in range(5, 10_000, 10)]) >= 0.98
    assert found_of(words, index, [f"w{i}" for i in range(10_005, 60_000, 50)]) >= 0.99


def test_words_that_were_not_asked_when_it_was_built_are_found_as_well():
    words = random_words(12_000, 16)
    index = WordIndex.build(words)
    assert found_of(words, index, [f"w{i}" for i in range(0, 12_000, 6)]) >= index.settings.recall - 0.004


def test_many_queries_take_no_more_memory_than_some(kv, built):
    queries = np.random.default_rng(2).standard_normal((30_000, 16))
    index = WordIndex(kv, built._cells, replace(built.settings, k_factor=160), built.recall)
    tracemalloc.start()
    try:
        kv.similar_many(queries, 1, index=index)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 45e6  # of which candidates of all queries at once would take 62


def test_many_queries_are_answered_as_each_by_itself(kv, built):
    queries = [f"w{i}" for i in range(7, 2107, 7)]  # 300, more than are scored together
    found = kv.similar_many(queries, 5, index=built)
    assert found == [kv.similar(query, 5, index=built) for query in queries]
    assert all(query not in dict(answer) for query, answer in zip(queries, found, strict=True))


def test_many_queries_are_searched_with_the_threads_asked_for_and_one_with_one(kv, built, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    index = WordIndex(kv, built._cells, built.settings, built.recall)
    threads, search = [], built._cells.search

    def recording(*given, **named):
        threads.append(faiss.omp_get_max_threads())
        return search(*given, **named)

    monkeypatch.setattr(built._cells, "search", recording, raising=False)
    before = faiss.omp_get_max_threads()
    kv.similar_many(["w1", "w2"], index=index)
    kv.similar("w1", index=index)
    index.threads = 1
    kv.similar_many(["w1", "w2"], index=index)
    assert threads == [3, 1, 1]
    assert (
        faiss.omp_get_max_threads() == before
    )  # what else faiss is used for in this process keeps its number


def test_the_fewest_cells_are_searched_that_find_what_is_asked_for(kv):
    few = WordIndex.build(kv, IndexSettings(k_factor=10, recall=0.9))
    many = WordIndex.build(kv, IndexSettings(k_factor=10, recall=0.99))
    assert 0.9 <= few.recall < 0.99 <= many.recall
    assert 1 < few.settings.nprobe < many.settings.nprobe
    fewer = WordIndex.build(kv, IndexSettings(k_factor=10, nprobe=few.settings.nprobe - 1))
    assert fewer.recall < 0.9
    assert WordIndex.build(kv, IndexSettings(nlist=9, nprobe=9)).settings.nlist == 9
    with pytest.raises(ConfigError, match="nprobe: 10 cells are more than the 9 that there are"):
        WordIndex.build(kv, IndexSettings(nlist=9, nprobe=10))
    with pytest.raises(ConfigError, match="nlist: 3001 cells are more than the 3000 words"):
        WordIndex.build(kv, IndexSettings(nlist=3001))


def test_what_cannot_be_reached_is_said_and_not_hidden(kv):
    index = WordIndex.build(kv, IndexSettings(k_factor=1, recall=1))
    assert 0.5 < index.recall < 0.99
    assert index.recall == WordIndex.build(kv, IndexSettings(k_factor=1, nprobe=82)).recall


def test_more_candidates_are_scored_where_codes_tell_too_little(kv):
    random = np.random.default_rng(1)
    near = random.standard_normal((6000, 64)) + np.repeat(4 * random.standard_normal((6, 64)), 1000, axis=0)
    words = WordVectors(Vocabulary.build([f"w{i}" for i in range(6000)]), near.astype(np.float32))
    assert WordIndex.build(words, IndexSettings(nlist=1, k_factor=5)).recall < 0.985
    index = WordIndex.build(words, IndexSettings(nlist=1))
    assert index.recall >= 0.985
    assert index.settings.k_factor > 5
    assert WordIndex.build(words).settings.k_factor <= 10  # in more cells, words of one are told apart


def test_vectors_that_are_not_finite_are_refused():
    vectors = np.ones((300, 4), np.float32)
    vectors[200] = np.nan
    with pytest.raises(CheckpointError, match="not finite"):
        WordIndex.build(WordVectors(Vocabulary.build([f"w{i}" for i in range(300)]), vectors))


@pytest.mark.parametrize("scale", [1e-25, 1, 1e25])
def test_scores_are_exact_whatever_the_lengths_of_vectors(kv, scale):
    words = WordVectors(kv.vocabulary, kv.vectors * np.float32(scale))
    index = WordIndex.build(words, IndexSettings(recall=1))
    queries = [f"w{i}" for i in range(0, 3000, 30)]
    exact, found = words.similar_many(queries, 5), words.similar_many(queries, 5, index=index)
    assert np.mean([a == b for a, b in zip(exact, found, strict=True)]) > 0.95
    for query, answer in zip(queries, found, strict=True):
        assert all(words.similarity(query, word) == pytest.approx(score, abs=1e-9) for word, score in answer)


@pytest.mark.parametrize("count", [600, 970, 3000])
def test_fewer_neighbours_than_ten_are_found_as_well(count):
    words = random_words(count, 32)
    index = WordIndex.build(words)
    assert index.recall >= 0.985
    queries = [f"w{i}" for i in range(0, count, 3)]
    for n in (1, 5):
        for asked in (queries, words.vectors[::3]):
            pairs = zip(words.similar_many(asked, n), words.similar_many(asked, n, index=index), strict=True)
            assert np.mean([len(dict(a).keys() & dict(b).keys()) / n for a, b in pairs]) >= 0.98


def test_short_vectors_among_others_lose_nothing():
    words = random_words(6000, 16)
    words.vectors[::3] *= np.float32(1e-25)  # whose squares float32 does not hold
    words.vectors[1::300] = 0
    index = WordIndex.build(words, IndexSettings(nlist=60, nprobe=60, k_factor=20))
    queries = [f"w{i}" for i in range(0, 6000, 20)]
    assert words.similar_many(queries, 5, index=index) == words.similar_many(queries, 5)


def test_zero_vectors_neither_flatter_nor_slow_an_index():
    words = random_words(12_000, 16)
    words.vectors[::2] = 0
    index = WordIndex.build(words)
    assert index.recall < 1
    assert found_of(words, index, [f"w{i}" for i in range(1, 12_000, 12)]) >= index.settings.recall - 0.005


def test_a_faiss_that_searches_the_wrong_cells_is_refused(kv, monkeypatch):
    monkeypatch.setattr(faiss, "__version__", "1.12.0")
    with pytest.raises(UnsupportedError, match=r"faiss 1\.12\.0 is too old; type: pip install -U faiss-cpu"):
        WordIndex.build(kv)


@pytest.mark.parametrize("count", [1, 2, 6, 40])
def test_a_few_words_are_all_looked_at(kv, count):
    words = kv.restricted(count)
    index = WordIndex.build(words)
    assert words.similar_many(list(words), index=index) == words.similar_many(list(words))
    assert index.recall == 1


def test_an_opened_index_answers_as_the_one_that_was_saved(kv, built, folder):
    opened = WordIndex.open(folder, kv, SPACE)
    queries = ["w0", "w7", "w9"]
    assert kv.similar_many(queries, index=opened) == kv.similar_many(queries, index=built)
    assert opened.settings == built.settings


def test_more_neighbours_than_words_are_all_that_are_found(built, kv):
    assert kv.similar("w5", 10**6, index=built) == kv.similar("w5", 10**6)


def test_settings_are_kept_and_progress_is_told(kv, tmp_path):
    told = []
    settings = IndexSettings(nlist=8, nprobe=4, k_factor=3, recall=0.5)
    index = WordIndex.build(kv.restricted(100), settings, progress=lambda *step: told.append(step))
    assert told[-1] == ("index words", 100, 100)
    index.save(tmp_path / "i", SPACE)
    assert WordIndex.open(tmp_path / "i", kv.restricted(100), SPACE).settings == settings


def test_every_damaged_file_is_refused_before_it_is_opened(kv, folder):
    graph = folder / "words.faiss"
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
        {"settings": {"nlist": 0}},
        {"settings": {"nlist": 9}},
        {"settings": {"nlist": 82, "nprobe": 500, "k_factor": 10}},
        {"settings": {"nlist": 82, "k_factor": 10}},
        {"recall": None},
        {"recall": 7.5},
        {"settings": []},
        {"settings": None},
        {"settings": {"speed": 1}},
    ],
)
def test_a_description_that_is_not_ours_is_refused(kv, folder, change):
    about = folder / "words.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), **change}))
    with pytest.raises(CheckpointError, match="lexarium index"):
        WordIndex.open(folder, kv, SPACE)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 60000])
def test_a_description_that_is_no_json_is_refused(kv, folder, raw):
    (folder / "words.json").write_bytes(raw)
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


@pytest.mark.parametrize("space", ["../../etc", None, 5, "A" * 64])
def test_a_space_that_is_no_hash_is_no_folder(kv, built, tmp_path, space):
    with pytest.raises(CheckpointError, match="hexadecimal"):
        index_folder(tmp_path, space)
    with pytest.raises(CheckpointError, match="hexadecimal"):
        built.save(tmp_path / "new", space)
    assert not (tmp_path / "new").exists()
    assert index_folder(str(tmp_path), SPACE) == index_folder(tmp_path, SPACE)


@pytest.mark.parametrize("wrong", [None, 5, "x", {}, np.ones((3, 2))])
def test_arguments_that_are_none_are_named(kv, built, folder, wrong):
    for call in (lambda: WordIndex.build(wrong), lambda: WordIndex.open(folder, wrong, SPACE)):
        with pytest.raises(InputError, match=f"words: {type(wrong).__name__} where word vectors belong"):
            call()
    if wrong is not None:
        with pytest.raises(InputError, match=f"settings: {type(wrong).__name__} where IndexSettings belong"):
            WordIndex.build(kv, wrong)
    if not isinstance(wrong, str):
        for call in (lambda: built.save(wrong, SPACE), lambda: index_folder(wrong, SPACE)):
            with pytest.raises(InputError, match="not a path"):
                call()
    index = WordIndex(kv, built._cells, built.settings, built.recall)
    index.threads = 0
    with pytest.raises(ConfigError, match="threads: 0 is not from 1 to 1024"):
        kv.similar_many(["w1", "w2"], index=index)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nlist": 0},
        {"nprobe": 10**6},
        {"k_factor": 0},
        {"k_factor": "9"},
        {"recall": 0},
        {"recall": "1"},
        {"recall": True},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        IndexSettings(**wrong)
    assert IndexSettings(nlist=np.int64(8), recall=np.float32(0.5)) == IndexSettings(nlist=8, recall=0.5)
    with pytest.raises(InputError, match="no components"):
        WordIndex.build(random_words(3, 0))
    for threads in (0, 1025):
        with pytest.raises(ConfigError, match="threads"):
            WordIndex.build(None, threads=threads)


def test_a_disk_that_refuses_is_named_and_leaves_no_litter(built, tmp_path):
    import resource

    place = index_folder(tmp_path, SPACE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as refused:
            built.save(place, SPACE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert refused.value.filename == str(place / "words.faiss")
    assert list(place.iterdir()) == []


def test_words_are_not_searched_with_the_index_of_others(kv, built):
    others = np.random.default_rng(2).standard_normal((3000, 16)).astype(np.float32)
    for words in (WordVectors(kv.vocabulary, others), kv.restricted(500), kv.reduced(4)):
        with pytest.raises(InputError, match="index: it is of other vectors"):
            words.similar("w3", index=built)
    same = WordVectors(kv.vocabulary, kv.vectors.copy())
    assert same.similar("w3", index=built) == kv.similar("w3", index=built)
