"""The compiled counting gives what scikit-learn gives, on any text and any number of threads."""

from __future__ import annotations

import re
from collections import Counter as Occurrences
from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer

counting = pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")

TEXTS = st.lists(
    st.one_of(st.text("abAB_9 é的 .,\n\x01İΣ\U00020000", max_size=60), st.text(max_size=30)), max_size=12
)
PATTERNS = {"unicode": r"(?u)\b\w\w+\b", "words": r"\w+|[^\w\s]", "whitespace": r"\S+", "characters": r"\S"}
CUTS = st.one_of(
    st.tuples(st.just("word"), st.sampled_from(sorted(PATTERNS))),
    st.tuples(st.sampled_from(["char", "char_wb"]), st.just("unicode")),
)
RANGES = st.tuples(st.integers(1, 4), st.integers(0, 3)).map(lambda pair: (pair[0], sum(pair)))


def setup(cut=("word", "unicode"), ngram_range=(1, 1), threads=1, stop_words=(), *, lowercase=True):
    return (*cut, lowercase, *ngram_range, threads, list(stop_words))


def learn(texts, arguments, batch=5, *, rows=True, prune_at=0):
    learner = counting.Learner(*arguments, rows, prune_at)
    for start in range(0, len(texts), batch):
        learner.add(texts[start : start + batch])
    return learner.finish()


def words(raw, offsets):
    whole = raw.tobytes()
    return [whole[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(offsets.tolist())]


def options(cut, ngram_range, *, lowercase=True):
    analyzer, rule = cut
    pattern = {"token_pattern": PATTERNS[rule]} if analyzer == "word" else {}
    return {"analyzer": analyzer, "ngram_range": ngram_range, "lowercase": lowercase, **pattern}


@settings(deadline=None, max_examples=300)
@given(TEXTS, CUTS, RANGES, st.integers(1, 4), st.booleans())
def test_terms_and_counts_are_scikit_learns(texts, cut, ngram_range, threads, lowercase):
    arguments = setup(cut, ngram_range, threads, lowercase=lowercase)
    raw, offsets, document, term, entropy, rows = learn(texts, arguments)
    vectorizer = CountVectorizer(**options(cut, ngram_range, lowercase=lowercase))
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError:
        assert len(offsets) == 1
        return
    matrix.sort_indices()
    assert words(raw, offsets) == vectorizer.get_feature_names_out().tolist()
    assert all(
        np.array_equal(a, b) for a, b in zip(rows, (matrix.indptr, matrix.indices, matrix.data), strict=True)
    )
    assert np.array_equal(term, np.asarray(matrix.sum(axis=0)).ravel())
    assert np.array_equal(document, np.asarray((matrix > 0).sum(axis=0)).ravel())
    logs = matrix.multiply(np.log(matrix.toarray().clip(1)))
    assert entropy == pytest.approx(np.asarray(logs.sum(axis=0)).ravel())
    again = counting.Counter(*arguments, raw, offsets).count(texts)
    assert all(np.array_equal(a, b) for a, b in zip(again, rows, strict=True))
    alone = learn(texts, arguments, batch=2, rows=False)
    assert all(np.array_equal(a, b) for a, b in zip(alone[:4], (raw, offsets, document, term), strict=True))


@settings(deadline=None, max_examples=150)
@given(TEXTS, CUTS, RANGES, st.integers(1, 20), st.booleans())
def test_hashed_counts_are_those_of_hashing_vectorizer(texts, cut, ngram_range, columns, signs):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]  # it cannot encode lone surrogates
    found = counting.Hasher(*setup(cut, ngram_range, 2), columns, signs).count(texts)
    reference = HashingVectorizer(
        n_features=columns, norm=None, alternate_sign=signs, **options(cut, ngram_range)
    )
    if not texts:
        assert len(found[1]) == 0
        return
    matrix = reference.transform(texts)
    matrix.sort_indices()
    assert all(
        np.array_equal(a, b) for a, b in zip(found, (matrix.indptr, matrix.indices, matrix.data), strict=True)
    )


@settings(deadline=None)
@given(st.lists(st.lists(st.text(max_size=5), max_size=6), max_size=6), st.integers(1, 3))
def test_given_terms_are_counted_as_they_are(texts, threads):
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    arguments = setup(("given", "unicode"), threads=threads)
    learner = counting.Learner(*arguments, True, 0)
    learner.add([term for text in texts for term in text], offsets)
    raw, ends, *_, rows = learner.finish()
    assert words(raw, ends) == sorted({term for text in texts for term in text})
    again = counting.Counter(*arguments, raw, ends).count([t for text in texts for t in text], offsets)
    assert all(np.array_equal(a, b) for a, b in zip(again, rows, strict=True))
    assert np.diff(rows[0]).tolist() == [len(set(text)) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"])), max_size=8))
def test_lines_are_texts(texts):
    listed, lines = (counting.Learner(*setup(), True, 0) for _ in range(2))
    listed.add(texts)
    assert lines.add_lines("".join(text + "\r\n" for text in texts).encode()) == len(texts)
    a, b = listed.finish(), lines.finish()
    assert all(np.array_equal(x, y) for x, y in zip([*a[:5], *a[5]], [*b[:5], *b[5]], strict=True))


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_any_bytes_are_lines_or_refused(block):
    learner = counting.Learner(*setup(("char", "unicode"), (1, 3)), True, 0)
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        with pytest.raises(ValueError, match=f"byte {error.start} "):
            learner.add_lines(block)
    else:
        learner.add_lines(block)
        learner.finish()


@settings(deadline=None)
@given(
    st.binary(max_size=20),
    st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=6),
    st.lists(st.text("ab 的", max_size=6), max_size=4),
    RANGES,
)
def test_any_bytes_are_a_vocabulary_or_refused(raw, offsets, texts, ngram_range):
    packed = np.frombuffer(raw, np.uint8), np.array(offsets, np.int64)
    try:
        counter = counting.Counter(*setup(("word", "words"), ngram_range, 2), *packed)
    except ValueError as error:
        assert "offsets" in str(error) or "twice" in str(error)  # noqa: PT017  either answer is right
        return
    indptr, columns, counts = counter.count(texts)
    assert len(indptr) == len(texts) + 1
    assert ((columns >= 0) & (columns < len(offsets) - 1)).all()
    assert (counts > 0).all()


def test_many_terms_make_the_table_grow_and_long_ones_are_told_apart():
    texts = [
        " ".join(f"word{i} {'long' * 9}{i}" for i in range(start, start + 500))
        for start in range(0, 20_000, 250)
    ]
    raw, offsets, *_, rows = learn(texts, setup(ngram_range=(1, 2), threads=3))
    vectorizer = CountVectorizer(ngram_range=(1, 2))
    matrix = vectorizer.fit_transform(texts)
    matrix.sort_indices()
    assert words(raw, offsets) == vectorizer.get_feature_names_out().tolist()
    assert np.array_equal(rows[1], matrix.indices)


def test_words_are_found_at_any_place_of_a_long_text():
    # Words are looked for 64 bytes at a time: they begin, end and go on at every place of such a block.
    random = Random(0)
    texts = ["".join(random.choices("abZ_9é的\U00020000 .\n", k=length)) for length in range(50, 450)]
    texts += ["é" * length + " bc" for length in range(140)] + ["a" * length for length in range(140)]
    for text in texts:
        raw, offsets, _, term, _, _ = learn([text], setup())
        expected = Occurrences(re.findall(PATTERNS["unicode"], text.lower()))
        assert dict(zip(words(raw, offsets), term.tolist(), strict=True)) == expected


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_are_equal_however_many_texts_are_counted_together(threads):
    random = Random(0)
    texts = [" ".join(f"w{random.randrange(1_000_000)}" for _ in range(1000)) for _ in range(400)]
    hasher = counting.Hasher(*setup(threads=threads), 1 << 20, True)
    indptr, indices, counts = hasher.count(texts)
    each = [hasher.count([text]) for text in texts]
    assert np.diff(indptr).tolist() == [len(columns) for _, columns, _ in each]
    assert np.array_equal(indices, np.concatenate([columns for _, columns, _ in each]))
    assert np.array_equal(counts, np.concatenate([values for _, _, values in each]))


def test_stop_words_are_left_out_before_n_grams_are_made():
    raw, *_ = learn(["see the film"], setup(ngram_range=(2, 2), stop_words=["the"]))
    assert raw.tobytes() == b"see film"


def pruned(texts, ngram_range, prune_at):
    """Return term to (texts, count): after each text, where there are more, those of the fewest texts go."""
    held = {}
    for text in texts:
        tokens = text.split()
        for n in range(ngram_range[0], ngram_range[1] + 1):
            for term, count in Occurrences(map(" ".join, zip(*(tokens[i:] for i in range(n))))).items():  # noqa: B905
                before = held.get(term, (0, 0))
                held[term] = before[0] + 1, before[1] + count
        least, left = 0, len(held) if len(held) <= prune_at else prune_at - prune_at // 4
        while len(held) > left:
            least += 1
            held = {term: sums for term, sums in held.items() if sums[0] > least}
    return held


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abcdefghij"), max_size=6).map(" ".join), max_size=40),
    st.sampled_from([(1, 1), (1, 2), (2, 2), (2, 4)]),
    st.integers(1, 20),
    st.integers(1, 3),
    st.integers(1, 9),
)
def test_terms_of_the_fewest_texts_are_pruned_on_any_threads_and_in_any_batches(
    texts, ngram_range, prune_at, threads, batch
):
    arguments = setup(("word", "words"), ngram_range, threads)
    raw, offsets, document, term, *_ = learn(texts, arguments, batch, rows=False, prune_at=prune_at)
    sums = zip(document.tolist(), term.tolist(), strict=True)
    expected = pruned(texts, ngram_range, prune_at)
    assert dict(zip(words(raw, offsets), sums, strict=True)) == expected
    assert len(expected) <= prune_at


def test_words_that_make_no_term_push_none_out():
    texts = ["a b", *(f"w{i}" for i in range(1000)), "a b", *(f"w{i} x" for i in range(3)), "a b"]
    raw, offsets, document, *_ = learn(texts, setup(("word", "words"), (2, 2)), rows=False, prune_at=2)
    assert (words(raw, offsets), document.tolist()) == (["a b", "w2 x"], [3, 1])


@pytest.mark.parametrize("ngram_range", [(1, 1), (1, 2), (2, 3)])
def test_pruned_terms_are_rare_and_counts_are_lower_bounds(ngram_range):
    texts = [f"often again rare{i} x{i % 7}y" for i in range(500)]
    arguments = setup(ngram_range=ngram_range, threads=2)
    raw, offsets, document, term, *_ = learn(texts, arguments, rows=False, prune_at=100)
    whole = learn(texts, arguments, rows=False)
    exact = dict(zip(words(*whole[:2]), zip(whole[2].tolist(), whole[3].tolist(), strict=True), strict=True))
    found = words(raw, offsets)
    assert len(found) <= 100 < len(exact)
    assert "often again" in found if ngram_range[1] > 1 else "often" in found
    for word, texts_with, count in zip(found, document, term, strict=True):
        assert 1 <= texts_with <= exact[word][0]
        assert texts_with <= count <= exact[word][1]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (([1, 0], [0, 1]), "begin with 0"),
        (([0, 2, 1], [0, 1]), "rise"),
        (([0, 9], [0, 1]), "beyond"),
        (([], [0, 1]), "begin with 0"),
    ],
)
def test_a_vocabulary_that_points_outside_its_bytes_is_refused(bad, says):
    offsets, raw = bad
    with pytest.raises(ValueError, match=says):
        counting.Counter(*setup(), np.array(raw, np.uint8), np.array(offsets, np.int64))
    with pytest.raises(ValueError, match=says):
        counting.Learner(*setup(("given", "unicode")), True, 0).add(["a", "b"], np.array(offsets, np.int64))


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, "words"), (1, "none"), (3, 0), (4, 101), (5, 0), (5, 2000), (8, -1)],
)
def test_settings_out_of_range_are_refused(place, value):
    arguments = [*setup(ngram_range=(1, 2)), True, 0]
    arguments[place] = value
    with pytest.raises(ValueError, match=r"out of range|none of|negative"):
        counting.Learner(*arguments)


def counted(kind, cut, texts, most, offsets=None):
    """Count some texts of at most so many bytes and terms, in the way of one of the three classes."""
    ngram_range = (1, 1) if cut[0] == "given" else (1, 2)
    arguments = setup(cut, ngram_range, 2, lowercase=False)
    if kind == "learner":
        learner = counting.Learner(*arguments, True, 0, most=most)
        learner.add(texts, offsets)
        return learner.finish()[5][2].sum()
    if kind == "counter":
        terms = np.frombuffer(b"aa", np.uint8), np.array([0, 2], np.int64)
        return counting.Counter(*arguments, *terms, most=most).count(texts, offsets)[2].sum()
    return counting.Hasher(*arguments, 1, False, most=most).count(texts, offsets)[2].sum()


@pytest.mark.parametrize("kind", ["learner", "counter", "hasher"])
@pytest.mark.parametrize("cut", [("word", "words"), ("char", "unicode"), ("char_wb", "unicode")])
def test_a_text_whose_counts_could_pass_32_bits_is_refused(kind, cut):
    text = "aa aa aa aa"  # 11 bytes
    allowed = 100 if kind == "hasher" else 11  # hashed terms of all lengths may share a column
    assert counted(kind, cut, ["x", text], allowed) > 0
    for longer in (text + "a", "电影电影"):  # bytes, not characters
        with pytest.raises(OverflowError, match="a text has more than 11 bytes"):
            counted(kind, cut, ["x", longer], 11)


@pytest.mark.parametrize("kind", ["learner", "counter", "hasher"])
def test_given_terms_that_are_too_many_are_refused(kind):
    cut = "given", "unicode"
    assert counted(kind, cut, ["aa"] * 5, 10, np.array([0, 5])) == 5
    with pytest.raises(OverflowError, match="more than 9 bytes"):
        counted(kind, cut, ["aa"] * 5, 9, np.array([0, 5]))
    with pytest.raises(OverflowError, match="more than 10 terms"):
        counted(kind, cut, [""] * 11, 10, np.array([0, 11]))


def test_hashed_terms_that_are_too_many_are_refused():
    hasher = counting.Hasher(*setup(("char", "unicode"), (1, 3), 2), 1, False, most=27)
    assert hasher.count(["x" * 10])[2].tolist() == [10 + 9 + 8]
    with pytest.raises(OverflowError, match="more than 27 terms"):
        hasher.count(["x" * 11])
    assert hasher.count(["x"])[2].tolist() == [1]  # it can be used again


@pytest.mark.parametrize("most", [0, -1, 2**31 - 1])
def test_no_more_than_32_bits_hold_may_be_asked_for(most):
    with pytest.raises(ValueError, match="most is out of range"):
        counting.Hasher(*setup(), 8, True, most=most)


def test_few_long_texts_are_counted_by_several_threads_as_by_one():
    random = Random(1)
    texts = [" ".join(f"w{random.randrange(5000)}" for _ in range(50_000)) for _ in range(3)]
    one, many = (counting.Hasher(*setup(threads=t), 1 << 16, True).count(texts) for t in (1, 1024))
    assert all(np.array_equal(a, b) for a, b in zip(one, many, strict=True))


def test_rows_and_pruning_exclude_each_other_and_offsets_belong_to_given_terms():
    with pytest.raises(ValueError, match="rows cannot"):
        counting.Learner(*setup(), True, 10)
    with pytest.raises(ValueError, match="offsets belong"):
        counting.Learner(*setup(), True, 0).add(["a"], np.array([0, 1], np.int64))
    with pytest.raises(ValueError, match="number of columns"):
        counting.Hasher(*setup(), 2**31, False)


def test_what_is_not_a_text_is_refused_and_nothing_breaks():
    learner = counting.Learner(*setup(threads=2), True, 0)
    with pytest.raises(TypeError, match="not a str"):
        learner.add(["fine", 3])
    learner.add(["fine"])
    assert learner.finish()[0].tobytes() == b"fine"
    with pytest.raises(ValueError, match="finished"):
        learner.finish()
