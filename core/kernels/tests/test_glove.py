"""The compiled GloVe: the same pairs and the same steps as in numpy, on every instruction set."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

glove = pytest.importorskip("lexarium_kernels._glove", reason="the kernels are not built")

SETS = ["baseline", "avx2", "avx512"]
CORPORA = st.lists(st.lists(st.integers(0, 39), max_size=25), max_size=8)


def packed(texts):
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    return np.array([word for text in texts for word in text], np.int32), offsets


def counted(texts, words, window, symmetric, weighted):
    matrix = np.zeros((words, words))
    for text in texts:
        for j, later in enumerate(text):
            for i in range(max(0, j - window), j):
                count = 1 / (j - i) if weighted else 1
                matrix[text[i], later] += count
                if symmetric:
                    matrix[later, text[i]] += count
    return matrix


def zipfian(count, words=300, texts=40, seed=0):
    rng = np.random.default_rng(seed)
    p = 1 / np.arange(1, words + 1)
    return packed([rng.choice(words, count // texts, p=p / p.sum()).tolist() for _ in range(texts)])


def make(corpus, words, **changed):
    given = {
        "window": 5,
        "symmetric": True,
        "weighted": True,
        "x_max": 10.0,
        "alpha": 0.75,
        "tile": 16,
        "seed": 1,
        "memory": 1 << 30,
        "folder": "/tmp",  # noqa: S108  nothing is written below its memory
        "threads": 1,
    }
    return glove.Entries(*corpus, words, **(given | changed))


def start(words, dim, seed=0):
    rng = np.random.default_rng(seed)
    values = [
        rng.standard_normal((words, dim + 1)).astype(np.float32) / np.float32(dim + 3) ** 0.5
        for _ in range(2)
    ]
    return [*values, *(1 + rng.random((words, dim + 1)).astype(np.float32) for _ in range(2))]


def trained(entries, arrays, iterations=1, threads=1, eta=0.05, clip=100.0):
    table = glove.Parameters(*arrays)
    losses = [table.train(entries, eta, clip, number, threads, 7) for number in range(iterations)]
    found = [np.empty_like(array) for array in arrays]
    table.read(*found)
    return found, losses


def adagrad(order, arrays, eta, clip):
    """One entry after another, as the paper and Stanford's programs have it, in float64."""
    words, contexts, word_squares, context_squares = (array.astype(np.float64) for array in arrays)
    loss = 0.0
    for i, j, log, weight in zip(*(column.tolist() for column in order), strict=True):
        difference = words[i, :-1] @ contexts[j, :-1] + words[i, -1] + contexts[j, -1] - log
        force = weight * difference
        loss += 0.5 * force * difference
        first = eta * np.clip(force * np.append(contexts[j, :-1], 1), -clip, clip)
        second = eta * np.clip(force * np.append(words[i, :-1], 1), -clip, clip)
        words[i] -= first / np.sqrt(word_squares[i])
        contexts[j] -= second / np.sqrt(context_squares[j])
        word_squares[i] += first**2
        context_squares[j] += second**2
    return [words, contexts, word_squares, context_squares], loss / len(order[0])


@settings(deadline=None)
@given(CORPORA, st.integers(1, 30), st.booleans(), st.booleans(), st.integers(1, 4))
def test_pairs_are_those_counted_one_by_one(texts, window, symmetric, weighted, threads):
    ids, offsets = packed(texts)
    indptr, indices, values = glove.cooccurrence(ids, offsets, 40, window, symmetric, weighted, threads)
    found = np.zeros((40, 40))
    for row in range(40):
        cells = slice(indptr[row], indptr[row + 1])
        assert (np.diff(indices[cells]) > 0).all()
        found[row, indices[cells]] = values[cells]
    np.testing.assert_allclose(found, counted(texts, 40, window, symmetric, weighted), rtol=1e-6)


@pytest.mark.parametrize("tile", [0, 16, 64, 1000])
@pytest.mark.parametrize("memory", [1 << 30, 4096, 0])
def test_entries_are_the_matrix_in_another_order_wherever_they_are_kept(tmp_path, tile, memory):
    corpus = zipfian(6000)
    entries = make(corpus, 300, tile=tile, memory=memory, folder=str(tmp_path), threads=3)
    assert (entries.spilled > 0) == (memory < 1 << 30)
    assert not list(tmp_path.iterdir())
    rows, columns, logs, weights = entries.order(5, 0)
    indptr, indices, values = glove.cooccurrence(*corpus, 300, 5, True, True, 1)
    assert len(entries) == len(rows) == len(values)
    sorted_ = np.lexsort((columns, rows))
    assert not np.array_equal(sorted_, np.arange(len(rows)))
    np.testing.assert_array_equal(rows[sorted_], np.repeat(np.arange(300), np.diff(indptr)))
    np.testing.assert_array_equal(columns[sorted_], indices)
    np.testing.assert_allclose(logs[sorted_], np.log(values.astype(np.float64)), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(weights[sorted_], np.minimum(1, (values / 10) ** 0.75), rtol=1e-5)


@pytest.mark.parametrize("tile", [0, 16])
def test_the_order_is_random_and_depends_on_seed_and_iteration_but_not_on_threads_and_memory(tile):
    corpus = zipfian(6000)
    first = make(corpus, 300, tile=tile).order(5, 0)
    same = make(corpus, 300, tile=tile, threads=4, memory=9999).order(5, 0)
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    others = [make(corpus, 300, tile=tile, seed=2).order(5, 0)]
    if tile:
        others += [make(corpus, 300, tile=tile).order(6, 0), make(corpus, 300, tile=tile).order(5, 1)]
    for other in others:
        assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("simd", SETS)
@pytest.mark.parametrize("dim", [1, 3, 14, 15, 50, 100])
@pytest.mark.parametrize(("eta", "clip"), [(0.05, 100.0), (0.3, 100.0), (0.05, 0.02)])
def test_a_pass_is_adagrad_one_entry_after_another(monkeypatch, simd, dim, eta, clip):
    monkeypatch.setenv("LEXARIUM_SIMD", simd)
    entries, arrays = make(zipfian(1200, 60), 60), start(60, dim)
    found, losses = trained(entries, arrays, eta=eta, clip=clip)
    expected, loss = adagrad(entries.order(7, 0), arrays, eta, clip)
    assert losses[0] == pytest.approx(loss, rel=1e-4)
    assert np.abs(found[0] - arrays[0]).max() > 1e-3  # so that standing still would be seen
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)


def test_one_thread_gives_the_same_bits_and_losses_fall():
    entries, arrays = make(zipfian(20000), 300), start(300, 20)
    (first, losses), (second, again) = (trained(entries, arrays, iterations=5) for _ in range(2))
    assert losses == again
    assert losses == sorted(losses, reverse=True)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    _, hogwild = trained(entries, arrays, iterations=5, threads=3)
    np.testing.assert_allclose(hogwild, losses, rtol=0.05)


def test_entries_in_a_file_train_to_the_same_bits(tmp_path):
    corpus, arrays = zipfian(20000), start(300, 20)
    here = trained(make(corpus, 300), arrays, 2)
    there = trained(make(corpus, 300, memory=10_000, folder=str(tmp_path)), arrays, 2)
    assert here[1] == there[1]
    assert all(np.array_equal(a, b) for a, b in zip(here[0], there[0], strict=True))


def test_parameters_come_back_as_they_were_given():
    arrays = start(30, 7)
    table, found = glove.Parameters(*arrays), [np.empty_like(array) for array in arrays]
    table.read(*found)
    for ours, given_ in zip(found, arrays, strict=True):
        np.testing.assert_allclose(ours, given_, rtol=1e-6)


def test_a_corpus_without_pairs_has_no_entries_and_trains_nothing():
    entries, arrays = make(packed([[0], [], [1]]), 2), start(2, 3)
    assert len(entries) == 0
    found, losses = trained(entries, arrays)
    assert losses == [0]
    np.testing.assert_array_equal(found[0], arrays[0])


IDS, OFFSETS = packed([[0, 1, 2, 0], [1, 2]])


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"ids": IDS - 1}, "ids"),
        ({"words": 2}, "ids"),
        ({"words": 0}, "words"),
        ({"words": 1 << 31}, "words"),
        ({"offsets": OFFSETS[:-1]}, "end where"),
        ({"offsets": OFFSETS[:0]}, "begin"),
        ({"offsets": OFFSETS + 1}, "begin"),
        ({"offsets": np.array([0, 7, 6], np.int64)}, "rise"),
        ({"offsets": np.array([0, 4, 2, 6], np.int64)}, "rise"),
        ({"window": 0}, "window"),
        ({"window": 1001}, "window"),
        ({"threads": 0}, "threads"),
        ({"x_max": 0.0}, "x_max"),
        ({"x_max": float("nan")}, "x_max"),
        ({"alpha": -1.0}, "alpha"),
        ({"tile": 1}, "tile"),
        ({"tile": -16}, "tile"),
        ({"memory": -1}, "memory"),
    ],
)
def test_values_out_of_range_are_refused(changed, says):
    corpus = (changed.pop("ids", IDS), changed.pop("offsets", OFFSETS))
    with pytest.raises(ValueError, match=says):
        make(corpus, changed.pop("words", 3), **changed)


@pytest.mark.parametrize(
    "bad", [IDS.astype(np.int64), IDS.astype(np.float32), IDS[None], [0, 1], None, b"ab"]
)
def test_other_types_are_refused(bad):
    for call in (glove.cooccurrence, glove.Entries):
        with pytest.raises(TypeError):
            call(bad, OFFSETS, 3, 5, True, True, 1)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda a: [a[0][:, :1], a[1], a[2], a[3]], "words"),
        (lambda a: [a[0], a[1][1:], a[2], a[3]], "one shape"),
        (lambda a: [a[0], a[1], a[2][:, 1:].copy(), a[3]], "one shape"),
        (lambda a: [a[0], a[1], a[2], a[3] * 0], "squares"),
        (lambda a: [a[0], a[1], a[2] * np.float32("nan"), a[3]], "squares"),
        (lambda a: [array[:0] for array in a], "rows"),
    ],
)
def test_parameters_that_cannot_be_are_refused(spoil, says):
    with pytest.raises(ValueError, match=says):
        glove.Parameters(*map(np.ascontiguousarray, spoil(start(4, 3))))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ((0.0, 1.0, 0, 1), "eta"),
        ((0.1, 0.0, 0, 1), "clip"),
        ((0.1, 1.0, -1, 1), "iteration"),
        ((0.1, 1.0, 0, 0), "threads"),
    ],
)
def test_rates_out_of_range_are_refused(values, says):
    with pytest.raises(ValueError, match=says):
        glove.Parameters(*start(3, 2)).train(make((IDS, OFFSETS), 3), *values, 0)


def test_entries_of_another_vocabulary_are_refused():
    with pytest.raises(ValueError, match="number of words"):
        glove.Parameters(*start(2, 2)).train(make((IDS, OFFSETS), 3), 0.1, 1.0, 0, 1, 0)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-3, 45), max_size=30),
    st.lists(st.integers(-2, 40), max_size=6),
    st.integers(-1, 50),
    st.integers(-1, 1100),
    st.sampled_from([-1, 0, 15, 16, 40]),
    st.integers(0, 3),
)
def test_any_numbers_give_entries_or_a_value_error(ids, offsets, words, window, tile, threads):
    corpus = np.array(ids, np.int32), np.array(offsets, np.int64)
    try:
        entries = make(corpus, words, window=window, tile=tile, threads=threads, memory=100)
    except ValueError:
        return
    trained(entries, start(words, 2))


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    code = f"""
        import resource, numpy as np
        from lexarium_kernels import _glove
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        ids = np.random.default_rng(0).integers(0, 300, 20_000).astype(np.int32)
        offsets = np.array([0, len(ids)], np.int64)
        for tile in (16, 0):
            try:
                _glove.Entries(ids, offsets, 300, 5, True, True, 10, 0.75, tile, 1, 0, {str(tmp_path)!r}, 2)
            except OSError as error:
                print(error.errno)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "27\n27\n", done.stderr  # EFBIG
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        make(zipfian(2000), 300, memory=0, folder=str(tmp_path / "no"))


def test_parameters_keep_the_instruction_set_that_they_were_made_for(monkeypatch):
    entries, arrays = make(zipfian(1200, 60), 60), start(60, 3)
    found = []
    for before, after in (("baseline", "avx512"), ("avx512", "baseline"), ("avx2", "avx2")):
        monkeypatch.setenv("LEXARIUM_SIMD", before)
        table = glove.Parameters(*arrays)
        monkeypatch.setenv("LEXARIUM_SIMD", after)
        table.train(entries, 0.05, 100.0, 0, 1, 7)
        found.append([np.empty_like(array) for array in arrays])
        table.read(*found[-1])
    for other in found[1:]:
        for ours, theirs in zip(found[0], other, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("value", [-1, 1 << 30])
@pytest.mark.parametrize("spoilt", ["ids", "offsets"])
@pytest.mark.parametrize("call", ["cooccurrence", "tiles", "global"])
def test_what_is_overwritten_during_counting_does_no_harm(call, spoilt, value):
    ids = np.random.default_rng(0).integers(0, 3000, 1_500_000).astype(np.int32)
    offsets = np.arange(0, len(ids) + 1, 1000)
    calls = []

    def progress(_done):
        calls.append(1)
        {"ids": ids, "offsets": offsets}[spoilt][:] = value

    if call == "cooccurrence":
        found = glove.cooccurrence(ids, offsets, 3000, 20, True, True, 2, progress)[1]
    else:
        entries = make((ids, offsets), 3000, window=20, tile=0 if call == "global" else 64, progress=progress)
        found = np.concatenate(entries.order(0, 0)[:2])
    assert calls
    assert ((found >= 0) & (found < 3000)).all()


@pytest.mark.parametrize("tile", [0, 1000])
def test_few_pairs_are_cut_for_the_threads(tile):
    """What one thread takes is moved as a whole from one iteration to the next."""
    entries = make(zipfian(60_000), 300, tile=tile)
    assert len(entries) > 20_000
    cells = [order[0].astype(np.int64) * 300 + order[1] for order in (entries.order(5, i) for i in range(10))]
    assert len({each.tobytes() for each in cells}) > 1
    assert len({np.sort(each).tobytes() for each in cells}) == 1


def timed_interrupts(setup, job, shares):
    """Run a job, then the same again with Ctrl-C after each share of its time; return the seconds.

    The first is that of the whole job; the others are from the signal until the job returned.
    """
    code = f"""
import os, signal, threading, time
import numpy as np
from lexarium_kernels import _glove
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell started all this with &
{textwrap.dedent(setup)}
def seconds():
    begin = time.perf_counter()
    job()
    return time.perf_counter() - begin
{textwrap.dedent(job)}
whole = seconds()
print(whole)
for share in {shares}:
    sent = []
    def send():
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)
    timer = threading.Timer(share * whole, send)
    try:
        timer.start()
        job()
        timer.join()
    except KeyboardInterrupt:
        print(time.perf_counter() - sent[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return [float(line) for line in done.stdout.split()]


CORPUS = """
    ids = np.random.default_rng(0).integers(0, 3000, {many}).astype(np.int32)
    corpus = ids, np.array([0, len(ids)], np.int64), 3000
    how = (*corpus, {window}, True, True, 10.0, 0.75, {tile}, 1, 1 << 33, "/tmp", 2)
"""
COUNTING = "def job(): _glove.Entries(*how)"
TRAINING = """
    entries = _glove.Entries(*how)
    table = _glove.Parameters(*(np.full((3000, 301), v, np.float32) for v in (0.1, 0.1, 1, 1)))
    def job(): table.train(entries, 0.05, 100.0, 0, 2, 1)
"""


@pytest.mark.parametrize(
    ("many", "window", "tile", "job"),
    [(40_000_000, 1, 64, COUNTING), (10_000_000, 20, 0, COUNTING), (1_500_000, 20, 64, TRAINING)],
    ids=["gathering", "counting", "training"],
)
def test_ctrl_c_ends_it_long_before_the_end(many, window, tile, job):
    shares = [0.02, 0.1, 0.3]
    setup = CORPUS.format(many=many, window=window, tile=tile)
    whole, *late = timed_interrupts(setup, job, shares)
    assert len(late) == len(shares)
    assert all(seconds < 0.5 * (1 - share) * whole for share, seconds in zip(shares, late, strict=True)), (
        whole,
        late,
    )
