"""Training fastText: single steps against numpy, repeats, instruction sets, arrays that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

K = pytest.importorskip("lexarium_kernels._fasttext_train")
RATE, DIM, STRIDE = 0.3, 20, 32
COUNTS = np.array([5, 2, 1], np.int64)
#: Huffman's tree of those counts: for each leaf the inner nodes on its way up and what each should say.
PATHS = {0: [(1, 1.0)], 1: [(0, 1.0), (1, 0.0)], 2: [(0, 0.0), (1, 0.0)]}
#: Rows of three words: each its own, and 3 to 5 for n-grams; 4 stands twice in word 2.
STARTS, ROWS = np.array([0, 2, 5, 8], np.int64), np.array([0, 3, 1, 4, 5, 2, 4, 4], np.int32)


def matrix(rows: int, seed: int) -> NDArray[np.float32]:
    wide = np.zeros((rows, STRIDE), np.float32)
    wide[:, :DIM] = np.random.default_rng(seed).normal(0, 0.4, (rows, DIM))
    return wide


def texts(ids: list[int], end: int = -1) -> Any:
    return K.Texts(np.array(ids, np.int32), np.array([0, len(ids)], np.int64), STARTS, ROWS, end)


def rows_of(word: int) -> NDArray[np.int32]:
    return ROWS[STARTS[word] : STARTS[word + 1]]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def logistic(output: Any, hidden: Any, wanted: list[tuple[int, float]]) -> Any:
    """Change the output rows; return what the hidden vector should change by."""
    before = output[[row for row, _ in wanted]].copy()
    gradient = np.zeros_like(hidden)
    for old, (row, label) in zip(before, wanted, strict=True):
        g = RATE * (label - sigmoid(old @ hidden))
        gradient += g * old
        output[row] += g * hidden
    return gradient


def softmax(output: Any, hidden: Any, target: int) -> Any:
    scores = np.exp(output @ hidden)
    g = RATE * (np.eye(len(output))[target] - scores / scores.sum())
    gradient = g @ output
    output += np.outer(g, hidden)
    return gradient


def learn(output: Any, hidden: Any, target: int, loss: str) -> Any:
    if loss == "hs":
        return logistic(output, hidden, PATHS[target])
    if loss == "softmax":
        return softmax(output, hidden, target)
    others = [k for k in range(len(output)) if k != target]
    return logistic(output, hidden, [(target, 1.0), *((k, 0.0) for k in others)])


def add_to(inputs: Any, rows: Any, change: Any) -> None:
    for row in rows:
        inputs[row] += change


def train(
    loss: str, *, cbow: bool, ids: list[int], epochs: int = 1, counts: NDArray[np.int64] = COUNTS
) -> Any:
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    schedule = (RATE, RATE, epochs, 1, 7)
    keep = np.ones(3, np.float32)
    K.learn_words(texts(ids), keep, K.Loss(loss, counts, 1, 0.5), inputs, outputs, cbow, 1, schedule, None)
    return inputs, outputs


def close(found: Any, expected: Any) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)


@pytest.mark.parametrize("loss", ["hs", "softmax"])
@pytest.mark.parametrize(
    "ids", [[0, 1, 2], [0, 2, 1]]
)  # in the middle a word with distinct rows, or one row twice
def test_one_pass_of_skip_gram(loss: str, ids: list[int]) -> None:
    """Each target is learned from what the one before has left, as in the original program."""
    inputs, outputs = matrix(6, 1).astype(float), matrix(3, 2).astype(float)
    for middle, around in ((ids[0], [ids[1]]), (ids[1], [ids[0], ids[2]]), (ids[2], [ids[1]])):
        rows = rows_of(middle)
        for target in around:
            add_to(inputs, rows, learn(outputs, inputs[rows].mean(axis=0), target, loss))
    close(train(loss, cbow=False, ids=ids), (inputs, outputs))


def test_one_pass_of_skip_gram_with_negative_samples() -> None:
    counts = np.array([4, 4, 0], np.int64)  # so that the other one of two words is the one sample to draw
    inputs, outputs = matrix(6, 1).astype(float), matrix(3, 2).astype(float)
    for middle, around in ((0, [1]), (1, [0, 0]), (0, [1])):
        rows = rows_of(middle)
        for target in around:
            wanted = [(target, 1.0), (1 - target, 0.0)]  # samples of its own for each
            add_to(inputs, rows, logistic(outputs, inputs[rows].mean(axis=0), wanted))
    close(train("ns", cbow=False, ids=[0, 1, 0], counts=counts), (inputs, outputs))


def steps_of(counts: list[int]) -> list[set[int]]:
    """Return the rows of the output matrix that each label of a classifier changes: the nodes above it."""
    found = []
    for label in range(len(counts)):
        outputs = np.zeros((len(counts), STRIDE), np.float32)
        loss = K.Loss("hs", np.array(counts, np.int64), 1, 0.5)
        labels = np.array([label], np.int32), np.array([0, 1], np.int64)
        runs = K.Runs(1, np.empty(0, np.uint32), np.empty(0, np.int32))
        K.learn_labels(texts([0]), runs, *labels, loss, matrix(6, 1), outputs, (RATE, RATE, 1, 1, 7), None)
        found.append(set(np.flatnonzero(outputs.any(axis=1)).tolist()))
    return found


def test_the_tree_of_counts_of_0_is_fasttexts() -> None:
    # The program takes an inner node before a leaf of the same count: what has a count of 0 makes a chain.
    assert steps_of([5, 3, 0, 0, 0]) == [{3}, {2, 3}, {1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}]
    assert steps_of([0, 0, 0, 0]) == [{2}, {1, 2}, {0, 1, 2}, {0, 1, 2}]
    assert steps_of([4, 4, 4, 4]) == [{1, 2}, {1, 2}, {0, 2}, {0, 2}]


def test_so_many_counts_of_0_that_their_tree_would_fill_the_memory_are_refused() -> None:
    K.Loss("hs", np.zeros(1400, np.int64), 5, 0.5)  # 10^6 turns
    K.Loss("hs", np.ones(300_000, np.int64), 5, 0.5)
    for counts in (np.zeros(1500, np.int64), np.array([1] * 300_000 + [0] * 10_000, np.int64)):
        with pytest.raises(ValueError, match="too deep"):
            K.Loss("hs", counts, 5, 0.5)


@pytest.mark.parametrize("loss", ["hs", "softmax"])
def test_one_pass_of_cbow(loss: str) -> None:
    inputs, outputs = matrix(6, 1).astype(float), matrix(3, 2).astype(float)
    for middle, around in ((0, [1]), (1, [0])):
        rows = np.concatenate([rows_of(word) for word in around])
        hidden = inputs[rows].mean(axis=0)
        add_to(inputs, rows, learn(outputs, hidden, middle, loss))
    close(train(loss, cbow=True, ids=[0, 1]), (inputs, outputs))


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova"])
@pytest.mark.parametrize("longest", [1, 2])
def test_one_step_of_a_classifier(loss: str, longest: int) -> None:
    hashes = np.array([11, 22, 0x90000001], np.uint32)  # the last one is sign-extended
    runs = [(11 * 116049371 + 22) % 2**64, (22 * 116049371 + 0xFFFFFFFF90000001) % 2**64]
    buckets = np.array([(6 + b) for b in range(3)], np.int32) if longest > 1 else np.empty(0, np.int32)
    features = [*ROWS, *(6 + run % 3 for run in runs)] if longest > 1 else [*ROWS]
    inputs, outputs = matrix(9, 1), matrix(3, 2)
    expected_in, expected_out = inputs.astype(float), outputs.astype(float)
    hidden = expected_in[features].mean(axis=0)
    add_to(expected_in, features, learn(expected_out, hidden, 1, loss) / len(features))
    K.learn_labels(
        texts([0, 1], end=2),
        K.Runs(longest, hashes, buckets),
        np.array([1], np.int32),
        np.array([0, 1], np.int64),
        K.Loss(loss, COUNTS, 5, 0.5),
        inputs,
        outputs,
        (RATE, RATE, 1, 1, 0),
        None,
    )
    close((inputs, outputs), (expected_in, expected_out))


def test_one_versus_all_takes_every_label_of_a_text() -> None:
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    expected = outputs.astype(float)
    hidden = inputs[ROWS].mean(axis=0)
    logistic(expected, hidden, [(0, 1.0), (1, 0.0), (2, 1.0)])
    nothing = K.Runs(1, np.empty(0, np.uint32), np.empty(0, np.int32))
    labels, offsets = np.array([0, 2], np.int32), np.array([0, 2], np.int64)
    loss = K.Loss("ova", COUNTS, 5, 0.5)
    K.learn_labels(
        texts([0, 1, 2]), nothing, labels, offsets, loss, inputs, outputs, (RATE, RATE, 1, 1, 0), None
    )
    close((outputs,), (expected,))


def moved(first: float, last: float, epochs: int = 1) -> float:
    """Return how far ten rounds of 1000 tokens move one word's vector, which is far from what it should say.

    So small a rate leaves the gradient as it is: the way is the sum of the rates.
    """
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    before, loss = inputs.copy(), K.Loss("softmax", COUNTS, 1, 0.5)
    lines = np.arange(0, 10_001, 1000, dtype=np.int64)
    corpus = K.Texts(np.tile(np.array([0, 1], np.int32), 5000), lines, STARTS, ROWS, -1)
    K.learn_words(
        corpus, np.ones(3, np.float32), loss, inputs, outputs, False, 1, (first, last, epochs, 1, 0), None
    )
    return float(np.abs(inputs - before).sum())


def test_the_learning_rate_falls_to_its_last_value() -> None:
    # A line is learned with the rate that the lines before it have left: in tenths, 10 + 9 + ... + 1 of 10.
    constant = moved(1e-6, 1e-6)
    assert constant > 0
    assert moved(1e-6, 0.0) == pytest.approx(0.55 * constant, rel=0.01)
    assert moved(1e-6, 5e-7) == pytest.approx(0.775 * constant, rel=0.01)
    # Over two epochs it falls half as fast: 20 + ... + 1 of 20, of twice the way.
    assert moved(1e-6, 0.0, epochs=2) == pytest.approx(0.525 * moved(1e-6, 1e-6, epochs=2), rel=0.01)


@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("cbow", [False, True])
def test_one_thread_and_a_seed_repeat_to_the_bit(loss: str, *, cbow: bool) -> None:
    ids = np.random.default_rng(3).integers(0, 3, 500).tolist()
    first, second = (train(loss, cbow=cbow, ids=ids, epochs=2) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert np.isfinite(one).all()
        assert one.tobytes() == other.tobytes()
        assert not one[:, DIM:].any()


@pytest.mark.parametrize("narrow", ["baseline", "avx2"])
@pytest.mark.parametrize("loss", ["ns", "hs", "softmax"])
@pytest.mark.parametrize("cbow", [False, True])
def test_each_instruction_set_gives_the_same(
    narrow: str, loss: str, monkeypatch: pytest.MonkeyPatch, *, cbow: bool
) -> None:
    ids = np.random.default_rng(3).integers(0, 3, 100).tolist()
    widest = train(loss, cbow=cbow, ids=ids)
    monkeypatch.setenv("LEXARIUM_SIMD", narrow)
    for one, other in zip(train(loss, cbow=cbow, ids=ids), widest, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_frequent_words_are_left_out_as_asked() -> None:
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    keep = np.array([0, 1, 0], np.float32)  # one word is left in each sentence, and nothing is around it
    loss = K.Loss("hs", COUNTS, 1, 0.5)
    K.learn_words(texts([0, 1, 2, 0]), keep, loss, inputs, outputs, False, 1, (RATE, 0, 3, 1, 0), None)
    close((inputs, outputs), (matrix(6, 1), matrix(3, 2)))


def length_of_four_threads(
    ids: Any,
    words: int,
    text: int,
    shared: tuple[int, ...],
    *,
    cbow: bool,
    name: str = "ns",
    rate: float = 0.05,
) -> float:
    """Return how long vectors of four threads are beside those of one, on average, after five epochs."""
    starts, rows = np.arange(words + 1, dtype=np.int64), np.arange(words, dtype=np.int32)
    corpus = K.Texts(ids.astype(np.int32), np.arange(0, len(ids) + 1, text), starts, rows, -1)
    counts = np.bincount(ids, minlength=words).astype(np.int64)
    loss = K.Loss(name, -np.sort(-counts) if name == "hs" else counts, 5, 0.5)
    start = np.random.default_rng(1).uniform(-1 / STRIDE, 1 / STRIDE, (words, STRIDE)).astype(np.float32)
    lengths = []
    for threads in (1, 4):
        inputs, outputs = start.copy(), np.zeros_like(start)
        schedule = (rate, 0.0, 5, threads, 1, *shared)
        K.learn_words(corpus, np.ones(words, np.float32), loss, inputs, outputs, cbow, 5, schedule, None)
        lengths.append(float(np.linalg.norm(inputs, axis=1).mean()))
    return lengths[1] / lengths[0]


def test_threads_do_not_go_too_far_where_no_word_is_more_frequent_than_another() -> None:
    rng, shape = np.random.default_rng(0), (25_000, 20)
    topic, near = rng.integers(0, 200, (shape[0], 1)) * 20, rng.integers(0, 20, shape)
    ids = np.where(rng.random(shape) < 0.3, rng.integers(0, 4000, shape), topic + near).ravel()
    assert length_of_four_threads(ids, 4000, 20, (0,), cbow=False) < 1.6


def test_threads_do_not_go_too_far_where_steps_are_long() -> None:
    shares = 1 / np.arange(10, 6010)
    ids = np.random.default_rng(0).choice(6000, 400_000, p=shares / shares.sum())
    assert length_of_four_threads(ids, 6000, 20, (0,), cbow=False, rate=0.25) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("cbow", [False, True])
@pytest.mark.parametrize(("shared", "least", "most"), [((), 0.97, 1.03), ((100_000,), 0.8, 1.2)])
def test_many_threads_learn_what_one_learns_also_where_they_take_copies_on_the_way(
    shared: tuple[int, ...], least: float, most: float, *, cbow: bool
) -> None:
    shares = 1 / np.arange(1, 2001)
    ids = np.random.default_rng(0).choice(2000, 60_000, p=shares / shares.sum())
    assert least < length_of_four_threads(ids, 2000, 25, shared, cbow=cbow) < most


@pytest.mark.parametrize("shared_words", [0, 100_000])
@pytest.mark.parametrize("words", [300, 4000], ids=["all are copied", "some are copied"])
def test_many_threads_learn_a_tree_whenever_they_take_copies_of_its_last_nodes(
    words: int, shared_words: int
) -> None:
    shares = 1 / np.arange(1, words + 1)
    ids = np.random.default_rng(0).choice(words, 60_000, p=shares / shares.sum())
    ratio = length_of_four_threads(ids, words, 25, (shared_words,), cbow=False, name="hs")
    assert ratio == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["ns", "hs", "softmax", "ova"])
@pytest.mark.parametrize("shared_words", [0, 20_000, 1 << 20])
def test_many_threads_learn_labels_whenever_they_take_copies(name: str, shared_words: int) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 2000).astype(np.int32)  # texts are of 10 words, mostly of their label's 20
    own, any_word = rng.integers(0, 20, (2000, 10)), rng.integers(0, 60, (2000, 10))
    ids = np.where(rng.random((2000, 10)) < 0.3, any_word, labels[:, None] * 20 + own).astype(np.int32)
    starts, rows = np.arange(61, dtype=np.int64), np.arange(60, dtype=np.int32)
    corpus = K.Texts(ids.ravel(), np.arange(0, ids.size + 1, 10), starts, rows, -1)
    inputs, outputs = matrix(60, 1) / 4, np.zeros((3, STRIDE), np.float32)
    K.learn_labels(
        corpus,
        K.Runs(1, np.zeros(60, np.uint32), np.empty(0, np.int32)),
        labels,
        np.arange(2001),
        K.Loss(name, COUNTS, 2, 0.5),
        inputs,
        outputs,
        (0.5, 0.0, 3, 4, 1, shared_words),
        None,
    )
    scores = inputs[ids].mean(axis=1) @ outputs.T
    if name == "hs":  # the leaf that the tree leads to
        inner = 1 / (1 + np.exp(-scores))
        chances = [
            np.prod([inner[:, node] if label else 1 - inner[:, node] for node, label in PATHS[leaf]], axis=0)
            for leaf in range(3)
        ]
        scores = np.stack(chances, axis=1)
    assert (scores.argmax(axis=1) == labels).mean() > 0.95


def test_ngrams_and_hash_values_are_fasttexts() -> None:
    raw = "ab</s>é".encode()
    offsets = np.array([0, 2, 6, 8], np.int64)
    starts, found = K.ngrams(np.frombuffer(raw, np.uint8), offsets, 2, 3, 1000)

    def value(text: str) -> int:
        h = 2166136261
        for byte in text.encode():
            h = ((h ^ (byte | 0xFFFFFF00 if byte > 127 else byte)) * 16777619) % 2**32
        return h

    expected = [["<a", "<ab", "ab", "ab>", "b>"], [], ["<é", "<é>", "é>"]]
    assert starts.tolist() == [0, 5, 5, 8]
    assert found.tolist() == [value(gram) % 1000 for word in expected for gram in word]
    hashes = K.hashes(np.frombuffer(raw, np.uint8), offsets)
    assert hashes.tolist() == [value("ab"), value("</s>"), value("é")]


@settings(deadline=None)
@drawn(
    st.binary(max_size=20),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=6),
    st.integers(-1, 4),
    st.integers(-1, 1001),
    st.integers(0, 2**32 - 1),
)
def test_any_bytes_are_hashed_or_refused(
    raw: bytes, offsets: list[int], shortest: int, longest: int, buckets: int
) -> None:
    packed = np.frombuffer(raw, np.uint8), np.array(offsets, np.int64)
    try:
        values = K.hashes(*packed)
    except ValueError as error:
        assert "offsets" in str(error)  # noqa: PT017  either answer is right
        with pytest.raises(ValueError, match=" "):
            K.ngrams(*packed, shortest, longest, buckets)
        return
    assert len(values) == len(offsets) - 1
    try:
        ends, found = K.ngrams(*packed, shortest, longest, buckets)
    except ValueError:
        assert not 1 <= shortest <= longest <= 1000 or buckets < 1
    else:
        assert len(ends) == len(offsets)
        assert ends[-1] == len(found)
        assert (found < buckets).all()


def test_progress_is_told_and_an_error_in_it_ends_the_work() -> None:
    seen: list[int] = []

    def stop(done: int) -> None:
        seen.append(done)
        raise KeyboardInterrupt

    ids = np.random.default_rng(3).integers(0, 3, 100_000).tolist()
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    loss = K.Loss("ns", COUNTS, 5, 0.5)
    with pytest.raises(KeyboardInterrupt):
        K.learn_words(
            texts(ids), np.ones(3, np.float32), loss, inputs, outputs, False, 5, (0.01, 0, 10**6, 2, 0), stop
        )
    assert 0 <= seen[-1] < 10**9


def bad_texts(**changes: Any) -> Any:
    good = {
        "ids": np.array([0, 1, 2], np.int32),
        "offsets": np.array([0, 3], np.int64),
        "starts": STARTS,
        "rows": ROWS,
        "end": -1,
    }
    return K.Texts(**(good | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"ids": np.array([0, 1, 3], np.int32)},
        {"ids": np.array([0, 1, -1], np.int32)},
        {"offsets": np.array([0, 4], np.int64)},
        {"offsets": np.array([1, 3], np.int64)},
        {"offsets": np.array([0, 3, 2, 3], np.int64)},
        {"offsets": np.empty(0, np.int64)},
        {"starts": np.array([0, 2, 5, 9], np.int64)},
        {"starts": np.array([0, 6, 5, 8], np.int64)},
        {"rows": np.array([0, 3, 1, 4, 5, 2, 4, -4], np.int32)},
        {"end": 3},
        {"end": -2},
    ],
)
def test_a_corpus_that_does_not_fit_together_is_refused(changes: dict[str, Any]) -> None:
    bad_texts()
    with pytest.raises(ValueError, match=r"range|offsets"):
        bad_texts(**changes)


@pytest.mark.parametrize(
    "given",
    [
        ("no", COUNTS, 5, 0.5),
        ("ns", np.zeros(3, np.int64), 5, 0.5),
        ("ns", np.empty(0, np.int64), 5, 0.5),
        ("ns", COUNTS, -1, 0.5),
        ("ns", COUNTS, 5, float("nan")),
        ("ns", COUNTS, 5, 1000.0),  # infinite shares
        ("ns", np.full(3, 5), 5, -1000.0),  # and such as are 0
        ("ns", -COUNTS, 5, 0.5),
        ("hs", COUNTS[::-1].copy(), 5, 0.5),
        ("hs", np.full(1 << 17, (1 << 48) - 1), 5, 0.5),  # 2^65 together
        ("hs", np.full(1 << 14, 1 << 48), 5, 0.5),
    ],
)
def test_a_loss_out_of_range_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        K.Loss(*given)


@pytest.mark.parametrize(
    "changes",
    [
        {"keep": np.ones(2, np.float32)},
        {"inputs": matrix(5, 1)},
        {"outputs": matrix(2, 1)},
        {"inputs": np.zeros((6, 20), np.float32)},
        {"inputs": np.zeros((6, 16), np.float32)},
        {"window": 0},
        {"schedule": (0.1, 0, 1, 0, 0)},
        {"schedule": (0.1, 0, -1, 1, 0)},
        {"schedule": (float("nan"), 0, 1, 1, 0)},
        {"schedule": (0.1, 0, 1, 1)},
        {"schedule": (0.1, 0, 1, 1, 0, 0, 0)},
        {"schedule": (0.1, 0, 1, 1, 0, -1)},
        {"schedule": (0.1, 0, "one", 1, 0)},
        {"schedule": (0.1, 0, 1, 1, -1)},
        {"loss": K.Loss("ns", COUNTS[:2].copy(), 5, 0.5)},
    ],
)
def test_matrices_and_settings_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    given = {"keep": np.ones(3, np.float32), "loss": K.Loss("ns", COUNTS, 5, 0.5), "inputs": matrix(6, 1)}
    given |= {"outputs": matrix(3, 1), "cbow": False, "window": 1, "schedule": (0.1, 0, 1, 1, 0)}
    K.learn_words(texts([0, 1]), *given.values(), None)
    with pytest.raises(ValueError, match=r"."):
        K.learn_words(texts([0, 1]), *(given | changes).values(), None)


@pytest.mark.parametrize(
    ("labels", "offsets", "longest", "buckets"),
    [
        ([3], [0, 1], 1, []),
        ([-1], [0, 1], 1, []),
        ([0], [0, 2], 1, []),
        ([0], [0, 0, 1], 1, []),
        ([0], [0, 1], 2, [6]),
        ([0], [0, 1], 2, []),
        ([0], [0, 1], 0, []),
        ([0], [0, 1], 2, [-2]),
    ],
)
def test_labels_and_runs_that_do_not_fit_are_refused(
    labels: list[int], offsets: list[int], longest: int, buckets: list[int]
) -> None:
    hashes = np.zeros(3, np.uint32)
    with pytest.raises(ValueError, match=r"."):
        K.learn_labels(
            texts([0, 1]),
            K.Runs(longest, hashes, np.array(buckets, np.int32)),
            np.array(labels, np.int32),
            np.array(offsets, np.int64),
            K.Loss("softmax", COUNTS, 5, 0.5),
            matrix(6, 1),
            matrix(3, 2),
            (0.1, 0, 1, 1, 0),
            None,
        )


def spoil(array: NDArray[Any], value: int) -> Any:
    """Return a ``progress`` that overwrites an array and, the third time, ends the work."""
    calls: list[int] = []

    def progress(_done: int) -> None:
        array[:] = value
        calls.append(1)
        if len(calls) > 2:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("value", [-1, 1 << 30])
@pytest.mark.parametrize("name", ["ids", "offsets", "starts", "rows"])
@pytest.mark.parametrize("cbow", [False, True])
def test_a_corpus_that_is_overwritten_does_no_harm(name: str, value: int, *, cbow: bool) -> None:
    ids = np.random.default_rng(3).integers(0, 3, 20_000).astype(np.int32)
    given = {"ids": ids, "offsets": np.array([0, 20_000]), "starts": STARTS.copy(), "rows": ROWS.copy()}
    corpus, loss, keep = K.Texts(*given.values(), 1), K.Loss("ns", COUNTS, 5, 0.5), np.ones(3, np.float32)
    inputs, outputs = matrix(6, 1), matrix(3, 2)
    schedule = (0.01, 0.0, 10**6, 2, 0)
    with pytest.raises(KeyboardInterrupt):
        K.learn_words(corpus, keep, loss, inputs, outputs, cbow, 5, schedule, spoil(given[name], value))
    hashes, buckets = np.arange(3, dtype=np.uint32), np.array([0, 1, 2], np.int32)
    runs = K.Runs(3, hashes, buckets)
    buckets[:] = hashes[:] = 1 << 30
    K.used_buckets(corpus, np.arange(3, dtype=np.uint32), 3, 7)
    labels, ends = np.array([1, 2], np.int32), np.array([0, 2])
    for array in (labels, ends):
        with pytest.raises(KeyboardInterrupt):
            K.learn_labels(corpus, runs, labels, ends, loss, inputs, outputs, schedule, spoil(array, value))
        labels, ends = np.array([1, 2], np.int32), np.array([0, 2])
    assert np.isfinite(inputs).all()


@pytest.mark.parametrize("wrong", [lambda a: a.astype(np.float64), lambda a: np.repeat(a, 2, axis=0)[::2]])
def test_matrices_of_another_type_or_layout_are_not_trained_as_copies(wrong: Any) -> None:
    keep, loss = np.ones(3, np.float32), K.Loss("ns", COUNTS, 5, 0.5)
    for place in (0, 1):
        given = [matrix(6, 1), matrix(3, 1)]
        given[place] = wrong(given[place])
        with pytest.raises(TypeError):
            K.learn_words(texts([0, 1]), keep, loss, *given, False, 1, (0.1, 0, 1, 1, 0), None)


def test_other_arrays_are_not_converted_unseen() -> None:
    for changes in (
        {"ids": np.array([2**32, 1, 2])},  # as int32 it would be word 0
        {"offsets": np.array([0, 3], np.int32)},
        {"starts": STARTS.astype(np.float64)},
        {"rows": ROWS.astype(np.int64)},
    ):
        with pytest.raises(TypeError):
            bad_texts(**changes)
    hashes, buckets = np.zeros(3, np.uint32), np.array([6], np.int32)
    for call in (
        lambda: K.Loss("ns", COUNTS.astype(np.float64), 5, 0.5),
        lambda: K.Runs(2, hashes.astype(np.int64), buckets),
        lambda: K.Runs(2, hashes, buckets.astype(np.int64)),
        lambda: K.ngrams(np.zeros(3, np.int64), np.array([0, 3]), 1, 2, 10),
        lambda: K.hashes(np.zeros(3, np.uint8), np.array([0, 3], np.int32)),
        lambda: K.used_buckets(texts([0]), hashes.astype(np.int64), 2, 10),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("longest", [-1, 0, 1001])
def test_runs_of_any_length_are_refused(longest: int) -> None:
    hashes, buckets = np.zeros(3, np.uint32), np.array([6], np.int32)
    with pytest.raises(ValueError, match="1 to 1000"):
        K.Runs(longest, hashes, buckets)
    with pytest.raises(ValueError, match="1 to 1000"):
        K.used_buckets(texts([0, 1]), hashes, longest, 10)
