"""The compiled Word2Vec does the steps that its formulas say, whatever the instruction set."""

from __future__ import annotations

import numpy as np
import pytest

word2vec = pytest.importorskip("lexarium_kernels._word2vec", reason="the kernels are not built")

SETS = ["baseline", "avx2", "avx512"]
# A tree over 26 words that is as deep as it can be, so that a step has more outputs than registers hold.
N = 26
DEEP = np.full((N, 2), -1, np.int32)
DEEP[:, 0] = [0, 1, *(2 * i + 1 for i in range(1, N - 1))]
DEEP[: N - 2, 1] = [2 * i + 2 for i in range(N - 2)]


def options(**changes):
    made = word2vec.Options()
    for name, value in {"sample": 0.0, "shrink_windows": False, "epochs": 1, "seed": 1, **changes}.items():
        setattr(made, name, value)
    return made


def arrays(n, dim, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, dim)).astype(np.float32) for _ in range(3)]


def packed(texts):
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return np.array([i for text in texts for i in text], np.int32), offsets


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def path(word):
    nodes, bits, link = [], [], DEEP[word, 0]
    while link >= 0:
        nodes.append(link >> 1)
        bits.append(link & 1)
        link = DEEP[link >> 1, 1]
    return nodes[::-1], 1.0 - np.array(bits[::-1])


def reference_step(inputs, rows, outputs, table, labels, o):
    """One centre word in numpy, float64: all errors first, then both sides."""
    if o.skip_gram:
        hidden = inputs[rows]
    else:
        hidden = (inputs[rows].mean(axis=0) if o.mean else inputs[rows].sum(axis=0))[None]
    errors = o.alpha * (labels - sigmoid(hidden @ table[outputs].T))
    change = errors @ table[outputs]
    gain = errors.T @ hidden
    np.add.at(table, outputs, gain)
    if o.skip_gram:
        inputs[rows] += change
    else:
        inputs[rows] += change[0] if o.mean else change[0] / len(rows)


def reference(texts, o, vectors, context, nodes):
    """All texts in numpy. Every negative is word 0, which has all the weight, or word 1 for word 0."""
    vectors, context, nodes = (array.astype(np.float64) for array in (vectors, context, nodes))
    for text in texts:
        for at, word in enumerate(text):
            rows = [*text[max(0, at - o.window) : at], *text[at + 1 : at + o.window + 1]]
            if not rows:
                continue
            if o.hierarchical:
                outputs, labels = path(word)
                reference_step(vectors, rows, outputs, nodes, labels, o)
            if o.negative:
                outputs = [word] + [0 if word else 1] * o.negative
                reference_step(vectors, rows, outputs, context, np.eye(1, len(outputs))[0], o)
    return vectors, context, nodes


@pytest.mark.parametrize("instructions", SETS)
@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
@pytest.mark.parametrize("objective", ["ns", "hs", "both"])
@pytest.mark.parametrize(
    ("dim", "window", "mean"),
    [
        (1, 1, True),
        (16, 3, False),
        (37, 2, True),
        (100, 4, True),
        (20, 5, False),
        (50, 7, True),
        (33, 12, True),
    ],
)
def test_steps_are_those_of_the_formulas(monkeypatch, instructions, skip_gram, objective, dim, window, mean):
    monkeypatch.setenv("LEXARIUM_SIMD", instructions)
    o = options(
        skip_gram=skip_gram,
        hierarchical=objective != "ns",
        negative=0 if objective == "hs" else 5,
        ns_exponent=10.0,
        window=window,
        mean=mean,
        alpha=0.1,
    )
    rng = np.random.default_rng(dim)
    texts = [rng.permutation(N)[:length].tolist() for length in (N, 1, 7, 0, 2, 9)]
    counts = np.array([1 << 30, *range(1, N)], np.int64)
    vectors, context, nodes = (array / np.float32(np.sqrt(dim)) for array in arrays(N, dim))
    expected = reference(texts, o, vectors, context, nodes)
    word2vec.train(*packed(texts), counts, o, vectors, context, nodes, DEEP, None)
    for ours, theirs in zip((vectors, context, nodes), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
@pytest.mark.parametrize(("words", "window", "negative", "dim"), [(4200, 5, 1, 4), (200, 150, 20, 1000)])
def test_a_window_is_whole_however_wide_it_is_and_long_the_text(words, window, negative, dim, skip_gram):
    # Words are trained on in batches: 4,096, and in the second case, where a step takes long, 79.
    o = options(skip_gram=skip_gram, negative=negative, ns_exponent=10.0, window=window)
    o.alpha = o.min_alpha = 1e-5
    texts = [np.random.default_rng(0).permutation(words).tolist(), [1, 0], list(range(words // 2))]
    counts = np.ones(words, np.int64)
    counts[0] = 1 << 30
    start = [array * np.float32(0.01) for array in arrays(words, dim)]
    expected = reference(texts, o, *start)
    vectors, context, _ = (array.copy() for array in start)
    word2vec.train(*packed(texts), counts, o, vectors, context, None, None, None)
    for before, ours, theirs in zip(start, (vectors, context), expected, strict=False):
        change = theirs - before
        np.testing.assert_allclose(ours - before, change, atol=0.05 * np.abs(change).max())


@pytest.mark.parametrize("negative", [1, 2, 3, 4, 5, 6, 11, 20])
@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
def test_every_number_of_negatives_gives_the_same_on_every_instruction_set(monkeypatch, negative, skip_gram):
    rng = np.random.default_rng(1)
    texts = [rng.integers(0, 50, 30).tolist() for _ in range(20)]
    counts = np.bincount(packed(texts)[0], minlength=50).astype(np.int64) + 1
    found = []
    for instructions in SETS:
        monkeypatch.setenv("LEXARIUM_SIMD", instructions)
        vectors, context, _ = arrays(50, 20)
        o = options(negative=negative, skip_gram=skip_gram, shrink_windows=True)
        word2vec.train(*packed(texts), counts, o, vectors, context, None, None, None)
        found.append(np.concatenate([vectors, context]))
    np.testing.assert_allclose(found[1], found[0], atol=1e-3)
    np.testing.assert_allclose(found[2], found[0], atol=1e-3)
    assert np.abs(found[0] - np.concatenate(arrays(50, 20)[:2])).max() > 0.01


@pytest.mark.parametrize("threads", [2, 5])
def test_what_each_thread_learned_about_a_frequent_word_is_kept(threads):
    # Each thread has a text and words of its own; every negative is the last word, which has all the weight.
    texts = [[2 * t, 2 * t + 1] * 100 for t in range(threads)]
    n = 2 * threads + 1
    counts = np.array([200] * (n - 1) + [1 << 30], np.int64)
    found = []
    for count in (threads, 1):
        vectors, context, _ = arrays(n, 8)
        o = options(threads=count, epochs=20, negative=1, ns_exponent=10.0, alpha=1e-6, min_alpha=1e-6)
        o.shared_words = 0
        word2vec.train(*packed(texts), counts, o, vectors, context, None, None, None)
        found.append(np.concatenate([vectors, context]))
    start = np.concatenate(arrays(n, 8)[:2])
    assert np.abs(found[1] - start).max() > 1e-3
    np.testing.assert_allclose(found[0] - start, found[1] - start, atol=0.1 * np.abs(found[1] - start).max())


def two_topics(length=40, texts=60):
    rng = np.random.default_rng(0)
    return [(rng.integers(0, 10, length) + 10 * (i % 2)).tolist() for i in range(texts)]


def trained(texts, threads=1, **changes):
    ids, offsets = packed(texts)
    n = int(ids.max()) + 1
    vectors = ((np.random.default_rng(5).random((n, 24)) - 0.5) / 24).astype(np.float32)
    context = np.zeros((n, 24), np.float32)
    o = options(threads=threads, **changes)
    losses = word2vec.train(
        ids, offsets, np.bincount(ids).astype(np.int64), o, vectors, context, None, None, None
    )
    return vectors, losses


@pytest.mark.parametrize(("threads", "shared_words"), [(1, 0), (2, 0), (4, 0), (4, 1 << 20)])
@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
def test_words_of_one_topic_become_neighbours_and_the_loss_falls(threads, shared_words, skip_gram):
    changes = {"shared_words": shared_words, "skip_gram": skip_gram}
    vectors, losses = trained(two_topics(), threads, epochs=10, alpha=0.05, **changes)
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = unit @ unit.T
    others = ~np.eye(10, dtype=np.bool_)
    assert cosines[:10, :10][others].mean() > cosines[:10, 10:].mean() + 0.8  # untrained: 0.07 at most
    assert losses[-1] < losses[0]


def balanced(words):
    """Return a tree whose nodes are joined two and two, leaves first: its root stands last."""
    parents = np.append(words + np.arange(words - 2), [-1, -1])
    return np.stack([np.arange(words), parents], axis=1, dtype=np.int32)


def length_of_four_threads(ids, words, text, **changes):
    """Return how long vectors of four threads are beside those of one, on average."""
    offsets, counts = np.arange(0, len(ids) + 1, text), np.maximum(np.bincount(ids, minlength=words), 1)
    start = np.random.default_rng(1).uniform(-1 / 64, 1 / 64, (words, 32)).astype(np.float32)
    tree, lengths = balanced(words) if changes.get("hierarchical") else None, {}
    for threads in (1, 4):
        vectors, context = start.copy(), np.zeros_like(start)
        outputs = (context, None) if tree is None else (None, context)
        o = options(threads=threads, **changes)
        word2vec.train(
            ids.astype(np.int32), offsets, counts.astype(np.int64), o, vectors, *outputs, tree, None
        )
        lengths[threads] = float(np.linalg.norm(vectors, axis=1).mean())
    return lengths[4] / lengths[1]


@pytest.mark.parametrize(("window", "negative", "epochs"), [(5, 5, 5), (12, 20, 2)])
def test_threads_do_not_go_too_far_where_no_word_is_more_frequent_than_another(window, negative, epochs):
    rng, shape = np.random.default_rng(0), (25_000, 20)
    topic, near = rng.integers(0, 200, (shape[0], 1)) * 20, rng.integers(0, 20, shape)
    ids = np.where(rng.random(shape) < 0.3, rng.integers(0, 4000, shape), topic + near).ravel()
    changes = {"window": window, "negative": negative, "epochs": epochs, "shared_words": 0}
    assert length_of_four_threads(ids, 4000, 20, alpha=0.05, min_alpha=0.0, **changes) < 1.6


def test_threads_do_not_go_too_far_where_steps_are_long():
    shares = 1 / np.arange(10, 6010)
    ids = np.random.default_rng(0).choice(6000, 500_000, p=shares / shares.sum())
    changes = {"alpha": 0.2, "min_alpha": 0.0, "epochs": 5, "shared_words": 0}
    assert length_of_four_threads(ids, 6000, 20, **changes) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("skip_gram", [True, False], ids=["skip-gram", "cbow"])
@pytest.mark.parametrize("changes", [{}, {"shared_words": 100_000}], ids=["shared", "copied on the way"])
def test_many_threads_learn_what_one_learns_also_where_they_take_copies_on_the_way(skip_gram, changes):
    shares = 1 / np.arange(1, 6001)
    ids = np.random.default_rng(0).choice(6000, 100_000, p=shares / shares.sum())
    ratio = length_of_four_threads(ids, 6000, 25, epochs=5, skip_gram=skip_gram, **changes)
    assert ratio == pytest.approx(1, abs=0.2 if changes else 0.03 if skip_gram else 0.1)


@pytest.mark.parametrize("shared_words", [0, 100_000])
@pytest.mark.parametrize("words", [300, 6000], ids=["all are copied", "some are copied"])
def test_many_threads_learn_a_tree_whenever_they_take_copies_of_its_last_nodes(words, shared_words):
    shares = 1 / np.arange(1, words + 1)
    ids = np.random.default_rng(0).choice(words, 100_000, p=shares / shares.sum())
    changes = {"hierarchical": True, "negative": 0, "shared_words": shared_words, "epochs": 5, "alpha": 0.1}
    assert length_of_four_threads(ids, words, 25, **changes) == pytest.approx(1, abs=0.1)


def test_one_thread_and_a_seed_give_the_same_bits_and_another_seed_others():
    first, again, other = (trained(two_topics(), seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_subsampling_leaves_out_frequent_words_and_keeps_rare_ones():
    texts = [[0] * 50 + [1] for _ in range(200)]  # word 1 makes up 2 in 100
    start = trained(texts, alpha=1e-12, min_alpha=0.0)[0]
    for sample, moved in ((1e-12, False), (0.0, True)):
        vectors, _ = trained(texts, sample=sample)
        assert (np.abs(vectors - start).max() > 1e-3) == moved


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupt_stops_training_and_leaves_what_was_learned(threads):
    def progress(done):
        if done:
            raise KeyboardInterrupt

    ids, offsets = packed(two_topics())
    vectors, context, _ = arrays(20, 24)
    before = vectors.copy()
    counts = np.bincount(ids).astype(np.int64)
    o = options(epochs=1_000_000, threads=threads)
    with pytest.raises(KeyboardInterrupt):
        word2vec.train(ids, offsets, counts, o, vectors, context, None, None, progress)
    assert np.isfinite(vectors).all()
    assert not np.array_equal(vectors, before)


IDS, OFFSETS, COUNTS = np.array([0, 1, 2], np.int32), np.array([0, 3], np.int64), np.ones(3, np.int64)
ROWS = np.ones((3, 4), np.float32)
TREE = np.array([[0, 2], [1, -1], [3, -1]], np.int32)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ids": np.array([0, 1, 3], np.int32)}, "not in the vocabulary"),
        ({"ids": np.array([0, -1, 2], np.int32)}, "not in the vocabulary"),
        ({"offsets": np.array([1, 3], np.int64)}, "begin with 0"),
        ({"offsets": np.array([], np.int64)}, "begin with 0"),
        ({"offsets": np.array([0, 2, 1, 3], np.int64)}, "do not rise"),
        ({"offsets": np.array([0, 4], np.int64)}, "do not end"),
        ({"counts": np.array([1, 0, 1], np.int64)}, "counts"),
        ({"counts": np.array([], np.int64)}, "counts"),
        ({"vectors": np.ones((2, 4), np.float32)}, "vectors"),
        ({"vectors": np.ones((3, 0), np.float32)}, "vectors"),
        ({"context": None}, "context"),
        ({"context": np.ones((3, 5), np.float32)}, "context"),
        ({"context": np.ones((3, 4), np.float64)}, "context"),
        ({"nodes": np.ones((2, 4), np.float32)}, "nodes"),
        ({"tree": None}, "tree"),
        ({"tree": np.array([[0, 2], [1, -1], [4, -1]], np.int32)}, "root"),
        ({"tree": np.array([[0, 0], [1, -1], [3, -1]], np.int32)}, "root"),
        ({"tree": np.array([[0, 2], [1, 2], [3, -1]], np.int32)}, "root"),
        ({"tree": np.array([[0, 2], [-1, -1], [3, -1]], np.int32)}, "root"),
        ({"tree": np.array([[0, 2], [0, -1], [3, -1]], np.int32)}, "way of its own"),
        ({"tree": np.array([[0, 2], [1, -1], [2, -1]], np.int32)}, "way of its own"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(changed, says):
    given = {"ids": IDS, "offsets": OFFSETS, "counts": COUNTS, "options": options(hierarchical=True)}
    given |= {
        "vectors": ROWS.copy(),
        "context": ROWS.copy(),
        "nodes": ROWS.copy(),
        "tree": TREE,
        "progress": None,
    }
    word2vec.train(**given)
    with pytest.raises(ValueError, match=says):
        word2vec.train(**{**given, **changed})


def chain(words):
    """As deep a tree as there is: each inner node has a word and the next inner node below it."""
    links = np.full((words, 2), -1, np.int32)
    links[0, 0] = 0
    links[1:, 0] = 2 * np.arange(words - 1) + 1
    links[: words - 2, 1] = 2 * np.arange(1, words - 1)
    return links


@pytest.mark.parametrize(("words", "fits"), [(1000, True), (1500, False), (40_000, False)])
def test_a_tree_whose_ways_would_fill_the_memory_is_refused(words, fits):
    o = options(hierarchical=True, negative=0)
    rows, nodes = np.ones((words, 1), np.float32), np.zeros((words, 1), np.float32)
    given = IDS, OFFSETS, np.ones(words, np.int64), o, rows, None, nodes, chain(words), None
    if fits:
        word2vec.train(*given)
        assert nodes.any()
        return
    with pytest.raises(ValueError, match="too long"):
        word2vec.train(*given)


def spoiling(array, value):
    """Return a callable for ``progress`` that overwrites an array, then, two calls later, ends the work."""
    calls = []

    def progress(_done):
        array[:] = value
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("spoilt", ["ids", "offsets", "counts", "tree"])
@pytest.mark.parametrize("value", [-1, 1 << 30])
def test_what_is_overwritten_during_training_does_no_harm(spoilt, value):
    rng = np.random.default_rng(0)
    given = {"ids": rng.integers(0, N, 30_000).astype(np.int32), "offsets": np.arange(0, 30_001, 100)}
    given |= {"counts": np.full(N, 9), "tree": DEEP.copy()}
    vectors, context, nodes = arrays(N, 8)
    o = options(hierarchical=True, epochs=1_000_000, threads=2)
    corpus = given["ids"], given["offsets"], given["counts"]
    with pytest.raises(KeyboardInterrupt):
        word2vec.train(*corpus, o, vectors, context, nodes, given["tree"], spoiling(given[spoilt], value))
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize(
    "spoil", [lambda a: a.astype(np.float64), lambda a: np.repeat(a, 2)[::2]], ids=["type", "strides"]
)
def test_arrays_of_another_type_or_layout_are_not_converted_unseen(which, spoil):
    given = [IDS, OFFSETS, COUNTS]
    given[which] = spoil(given[which])
    with pytest.raises(TypeError):
        word2vec.train(*given, options(), ROWS.copy(), ROWS.copy(), None, None, None)


def test_threads_share_the_words_of_one_long_text():
    """One half of a text is words 0 to 9, the other is words 10 to 19: two threads learn both at once."""
    rng = np.random.default_rng(0)
    half = 1_000_000
    ids = np.concatenate([rng.integers(0, 10, half), rng.integers(10, 20, half)]).astype(np.int32)
    vectors, context, _ = arrays(20, 100)
    before = vectors.copy()

    def progress(done):
        if done:
            raise KeyboardInterrupt

    o = options(threads=2, epochs=1000)
    text = ids, np.array([0, 2 * half], np.int64), np.bincount(ids).astype(np.int64)
    # By the first look, a tenth of a second after the start, one thread alone is not through the first half.
    with pytest.raises(KeyboardInterrupt):
        word2vec.train(*text, o, vectors, context, None, None, progress)
    moved = np.abs(vectors - before).max(axis=1)
    assert (moved[:10] > 0).all()
    assert (moved[10:] > 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 0},
        {"window": 1001},
        {"negative": -1},
        {"negative": 1001},
        {"negative": 0},
        {"ns_exponent": float("nan")},
        {"sample": -1.0},
        {"alpha": 0.0},
        {"alpha": float("inf")},
        {"min_alpha": -1.0},
        {"epochs": 0},
        {"threads": 0},
        {"threads": 1025},
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        word2vec.train(IDS, OFFSETS, COUNTS, options(**wrong), ROWS.copy(), ROWS.copy(), None, None, None)


def test_what_may_not_be_written_is_not_written():
    frozen = ROWS.copy()
    frozen.flags.writeable = False
    with pytest.raises(TypeError):
        word2vec.train(IDS, OFFSETS, COUNTS, options(), frozen, ROWS.copy(), None, None, None)
    with pytest.raises(ValueError, match="context"):
        word2vec.train(IDS, OFFSETS, COUNTS, options(), ROWS.copy(), frozen, None, None, None)


def test_vectors_and_context_of_no_words_at_all_in_the_texts_stay_as_they_are():
    vectors = ROWS.copy()
    empty = np.array([], np.int32), np.array([0, 0], np.int64)
    losses = word2vec.train(*empty, COUNTS, options(), vectors, ROWS.copy(), None, None, None)
    assert np.isnan(losses).all()
    assert np.array_equal(vectors, ROWS)
