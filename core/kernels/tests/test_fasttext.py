"""The compiled look-up of fastText's vectors: what it refuses, and sums of every width."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

fasttext = pytest.importorskip("lexarium_kernels._fasttext")


def vocabulary(words=("a", "bc")):
    from lexarium.vocabulary import Vocabulary

    tensors = Vocabulary.build(list(words)).tensors()
    return [tensors[f"vocabulary.{part}"] for part in ("bytes", "offsets", "slots")]


def buckets(**changes):
    given = {
        "rows": np.ones((3, 2), np.float32),
        "codes": None,
        "first": 0,
        "ids": None,
        "count": 3,
        "pruned": False,
    }
    return fasttext.Buckets(**{**given, **changes})


def codes(**changes):
    given = {
        "codes": np.zeros((4, 1), np.uint8),
        "centroids": np.ones(512, np.float32),
        "norm_codes": None,
        "norms": None,
        "dim": 2,
        "per_part": 2,
    }
    return fasttext.Codes(**{**given, **changes})


def model(**changes):
    given = {
        "words": fasttext.Words(*vocabulary()),
        "vectors": np.ones((2, 2), np.float32),
        "sizes": np.ones(2, np.int32),
        "buckets": buckets(),
        "shortest": 1,
        "longest": 2,
        "run": 1,
    }
    return fasttext.Model(**{**given, **changes})


def pool(texts, made=None, **changes):
    given = {
        "pooling": "weighted",
        "split": "fasttext",
        "lowercase": False,
        "label_prefix": "",
        "weights": None,
        "unknown": 1.0,
        "per_token": False,
        "threads": 2,
    }
    return (made or model()).pool(texts, **{**given, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"rows": None},
        {"codes": codes()},
        {"count": -1},
        {"count": 2},
        {"count": 4},
        {"count": 2**31},
        {"ids": np.array([0, 1])},
        {"ids": np.array([0, 1, 1])},
        {"ids": np.array([-1, 1, 2])},
        {"ids": np.array([0, 1, 3])},
        {"first": 1},
        {"rows": None, "codes": codes(), "first": 5},
    ],
    ids=",".join,
)
def test_rows_that_do_not_belong_to_buckets_are_refused(changes):
    with pytest.raises(ValueError, match=" "):
        buckets(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"per_part": 0},
        {"per_part": 1},
        {"dim": 0},
        {"dim": 3},
        {"centroids": np.ones(511, np.float32)},
        {"norms": np.ones(256, np.float32)},
        {"norm_codes": np.zeros(4, np.uint8)},
        {"norm_codes": np.zeros(3, np.uint8), "norms": np.ones(256, np.float32)},
    ],
    ids=",".join,
)
def test_codes_that_do_not_belong_together_are_refused(changes):
    with pytest.raises(ValueError, match=" "):
        codes(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"vectors": np.ones((3, 2), np.float32)},
        {"vectors": np.ones((2, 3), np.float32)},
        {"sizes": np.ones(3, np.int32)},
        {"longest": -1},
        {"shortest": -1},
        {"run": -1},
        {"buckets": buckets(rows=None, codes=codes(), first=1)},
    ],
    ids=",".join,
)
def test_parts_of_a_model_that_do_not_belong_together_are_refused(changes):
    with pytest.raises(ValueError, match=" "):
        model(**changes)


def test_other_types_are_refused():
    for wrong in (np.ones(2, np.float32), np.ones((2, 2, 1), np.float32), "rows", None):
        with pytest.raises(TypeError):
            model(vectors=wrong)
    with pytest.raises(TypeError):
        pool(["a", 1])


@pytest.mark.parametrize(
    "changes",
    [{"pooling": "x"}, {"split": "x"}, {"threads": 0}, {"weights": np.ones(3, np.float32)}],
    ids=",".join,
)
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(ValueError, match=" "):
        pool(["a"], **changes)


@pytest.mark.parametrize("value", [10**13, -1])
def test_bucket_numbers_that_are_overwritten_do_no_harm(value):
    for count, kept in ((700, 400), (2_000_000_000, 3)):
        ids = np.arange(kept)
        rows = np.arange(2 * kept, dtype=np.float32).reshape(-1, 2)
        given = buckets(rows=rows, ids=ids, count=count, pruned=True)
        expected = model(buckets=given).from_grams(["abc"], 1)
        ids[:] = value
        assert np.array_equal(model(buckets=given).from_grams(["abc"], 1), expected)
        assert expected.any() == (count == 700)


def test_arrays_of_another_type_or_layout_are_not_converted_unseen():
    raw, offsets, slots = vocabulary()
    wide, ids = np.ones((3, 4), np.float32)[:, ::2], np.arange(3, dtype=np.int32)
    for call in (
        lambda: fasttext.Words(raw.astype(np.int64), offsets, slots),
        lambda: fasttext.Words(raw, offsets.astype(np.int32), slots),
        lambda: fasttext.Words(raw, offsets, slots.astype(np.int64)),
        lambda: buckets(rows=np.ones((3, 2))),
        lambda: buckets(rows=wide),
        lambda: buckets(ids=ids),
        lambda: codes(codes=np.zeros((4, 1), np.int64)),
        lambda: codes(centroids=np.ones(512)),
        lambda: codes(norm_codes=np.zeros(4, np.int64), norms=np.ones(256, np.float32)),
        lambda: codes(norm_codes=np.zeros(4, np.uint8), norms=np.ones(256)),
        lambda: model(vectors=np.ones((2, 2))),
        lambda: model(sizes=np.ones(2)),
        lambda: pool(["a"], weights=np.ones(2)),
        lambda: fasttext.word_means(fasttext.Words(raw, offsets, slots), np.ones((2, 2)), buckets(), 1, 2, 1),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("given", [{"longest": 1001}, {"run": 1001}])
def test_n_grams_without_a_limit_are_refused(given):
    model(longest=1000, run=1000)
    with pytest.raises(ValueError, match="range"):
        model(**given)
    with pytest.raises(ValueError, match="range"):
        fasttext.ngrams("word", 1, 1001, 10)


def test_a_damaged_vocabulary_is_an_error_and_nothing_worse():
    raw, offsets, slots = vocabulary()
    for damaged in (
        (raw, np.array([0, 100, 200]), slots),
        (raw, np.array([0, -5, 3]), slots),
        (raw[:1], offsets, slots),
        (raw, offsets, np.full(len(slots), 77, np.uint32)),
    ):
        words = fasttext.Words(*damaged)
        with pytest.raises((ValueError, IndexError)):
            pool(["bc a x"], model(words=words))
    with pytest.raises(ValueError, match=" "):
        fasttext.Words(raw, offsets[:0], slots)
    full = fasttext.Words(
        raw, offsets, np.full(len(slots), 1, np.uint32)
    )  # no free slot: the search still ends
    sums, totals = pool(["bc"], model(words=full), unknown=0.0)
    assert (sums.tolist(), totals.tolist()) == ([[0.0, 0.0]], [0.0])


@settings(max_examples=200, deadline=None)
@drawn(
    raw=st.binary(max_size=20),
    offsets=st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=4),
    slots=st.lists(st.integers(0, 2**32 - 1) | st.integers(0, 4), max_size=8),
    texts=st.lists(st.text("ab \n\0好", max_size=20), max_size=4),
)
def test_no_vocabulary_of_a_stranger_breaks_it(raw, offsets, slots, texts):
    def use():
        words = fasttext.Words(
            np.frombuffer(raw, np.uint8), np.array(offsets, np.int64), np.array(slots, np.uint32)
        )
        count = len(offsets) - 1
        given = np.ones((count, 2), np.float32), np.ones(count, np.int32)
        made = model(words=words, vectors=given[0], sizes=given[1])
        return (
            pool([*texts, raw.decode("latin-1")], made)[0],
            made.scores([*texts, raw.decode("latin-1")], "", 2),
            fasttext.word_means(words, given[0], buckets(), 1, 2, 1)[0],
        )

    try:
        found = use()
    except (ValueError, IndexError) as error:
        assert str(error)  # noqa: PT017  either answer is right
    else:
        assert all(np.isfinite(part).all() for part in found)


@pytest.mark.parametrize("kept", [[0, 63, 64, 127, 128, 699], list(range(0, 700, 2))])
@pytest.mark.parametrize("count", [700, 2_000_000_000])
def test_the_rows_of_kept_buckets_are_found_and_no_others(kept, count):
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((len(kept), 2)).astype(np.float32)
    made = model(buckets=buckets(rows=rows, ids=np.array(kept), count=count, pruned=True), longest=3)
    for word in ("abcdefgh", "电影院", "x"):
        found = [kept.index(n) for n in fasttext.ngrams(word, 1, 3, count).tolist() if n in kept]
        expected = rows[found].mean(axis=0) if found else np.zeros(2)
        np.testing.assert_allclose(made.from_grams([word], 1)[0], expected, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 3, 8, 15, 16, 17, 31, 100, 128, 130, 300])
@pytest.mark.parametrize("narrow", ["baseline", "avx2", ""])
def test_sums_of_every_width(dim, narrow, monkeypatch):
    monkeypatch.setenv("LEXARIUM_SIMD", narrow)
    vectors = np.random.default_rng(0).standard_normal((2, dim)).astype(np.float32)
    made = model(vectors=vectors, buckets=buckets(rows=np.ones((3, dim), np.float32)))
    sums, totals = pool(["a bc a", "bc"] * 50, made, weights=np.array([0.5, 2], np.float32), unknown=0.0)
    np.testing.assert_allclose(sums[::2], np.tile(vectors[0] + 2 * vectors[1], (50, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sums[1], 2 * vectors[1], rtol=1e-6)
    assert totals[:2].tolist() == [3.0, 2.0]


#: Spaces, what only Unicode takes for one, a surrogate; words around the 15 bytes that an entry holds.
CHARACTERS = "ab \t\n\v\f\r\0\x1c\xa0é好\ud800"
PIECES = st.one_of(
    st.text(CHARACTERS, max_size=8),
    st.text("ab", min_size=13, max_size=19),
    st.sampled_from(["</s>", "__l__a", "好看好看好", "a" * 40, " " * 70]),
)
TEXTS = st.lists(st.lists(PIECES, max_size=60).map(" ".join), max_size=5)


def classifier(words, dim, ngrams=(1, 0), run=1, sizes=None):
    """Whole numbers, whose sums are exact in any order."""
    rng = np.random.default_rng(len(words))
    vectors = rng.integers(-9, 9, (len(words), dim)).astype(np.float32)
    rows = buckets(rows=rng.integers(-9, 9, (3, dim)).astype(np.float32))
    if sizes is None:
        sizes = rng.integers(1, 4, len(words)).astype(np.int32)
    made = fasttext.Words(*vocabulary(words))
    return model(
        words=made, vectors=vectors, sizes=sizes, buckets=rows, shortest=ngrams[0], longest=ngrams[1], run=run
    )


def means(texts, made, prefix=""):
    sums, totals = pool(texts, made, pooling="features", label_prefix=prefix)
    return sums / np.maximum(totals, 1)[:, None]


@settings(max_examples=300, deadline=None)
@drawn(
    texts=TEXTS,
    words=st.lists(PIECES.filter(bool), unique=True, max_size=30),
    dim=st.sampled_from([1, 2, 3, 9]),
    longest=st.sampled_from([0, 2]),
    run=st.sampled_from([1, 2]),
    prefix=st.sampled_from(["", "__l__"]),
)
def test_scores_are_the_means_of_the_features(texts, words, dim, longest, run, prefix):
    made = classifier(words, dim, (1, longest), run)
    for threads in (1, 2):
        assert np.array_equal(made.scores(texts, prefix, threads), means(texts, made, prefix))


@pytest.mark.parametrize("dim", [2, 3])
def test_scores_find_each_of_many_words_and_no_other(dim):
    words = [f"{'x' * (i % 14)}{i}" for i in range(20_000)]
    made = classifier(words, dim)
    others = [f"{word}y" for word in words] + [word[1:] or "-" for word in words]
    texts = [*words, *others, " ".join(words + others)]
    assert np.array_equal(made.scores(texts, "", 2), means(texts, made))


def test_scores_of_words_that_a_stranger_left_out_of_the_table_are_those_of_unknown_words():
    raw, offsets, slots = vocabulary()
    left_out = fasttext.Words(raw, offsets, np.where(slots == 1, 0, slots).astype(np.uint32))
    made = model(words=left_out, vectors=np.array([[1, 2], [3, 4]], np.float32), longest=0)
    assert made.scores(["a bc", "a", "bc"], "", 1).tolist() == [[3, 4], [0, 0], [3, 4]]


def test_scores_of_a_damaged_vocabulary_are_an_error_and_nothing_worse():
    raw, offsets, slots = vocabulary()
    for damaged in (
        (raw, np.array([0, 100, 200]), slots),
        (raw[:1], offsets, slots),
        (raw, offsets, np.full(len(slots), 77, np.uint32)),
    ):
        with pytest.raises((ValueError, IndexError)):
            model(words=fasttext.Words(*damaged)).scores(["bc a x"], "", 1)
    with pytest.raises(TypeError):
        model().scores(["a", 1], "", 1)
    with pytest.raises(ValueError, match="threads"):
        model().scores(["a"], "", 0)


def test_scores_of_long_texts_stay_exact():
    made = classifier(["a", "b"], 2, sizes=np.array([7, 5], np.int32))
    first, second = made.scores(["a", "b"], "", 1)
    assert np.array_equal(made.scores(["a b a " * 5_000_000], "", 1)[0], (14 * first + 5 * second) / 19)


def test_scores_end_with_the_line_in_the_middle_of_a_long_text():
    made = classifier(["a", "b"], 2)
    for before in (0, 1, 63, 64, 65, 200):
        text = "a " * before
        assert np.array_equal(made.scores([f"{text}</s> {'b ' * 500}"], "", 1), made.scores([text], "", 1))
    assert made.scores(["b"], "", 1).any()
