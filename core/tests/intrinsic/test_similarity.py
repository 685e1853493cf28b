from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr

from lexarium.errors import CheckpointError, ConfigError, DataError, NotFoundError
from lexarium.intrinsic import Options, evaluate
from lexarium.intrinsic.similarity import interval, pearson, spearman
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors

FEW = st.integers(-3, 3).map(float)


@given(st.lists(st.tuples(FEW, FEW), min_size=2, max_size=40))
def test_both_correlations_equal_scipys_with_and_without_ties(pairs):
    x, y = np.array(pairs).T
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert spearman(x, y) is None
        assert pearson(x, y) is None
    else:
        assert spearman(x, y) == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
        assert pearson(x, y) == pytest.approx(pearsonr(x, y).statistic, abs=1e-12)


def test_scores_of_any_size_are_correlated():
    x = np.array([1e300, 2e300, -1e300, 0.0])
    assert pearson(x, x * 1e-300) == pytest.approx(1)
    assert pearson(x * 1e-307 * 1e-300, -x) == pytest.approx(-1)


def test_the_interval_of_spearman_is_that_of_bonett_and_wright():
    # ci.spear of the R package statpsych, whose author is Bonett, on the example of its reference page
    y = np.array([21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19], float)
    x = np.array([67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51], float)
    rho = spearman(x, y)
    assert rho == pytest.approx(0.8699639, abs=1e-7)
    assert interval(rho, 15, ranks=True) == pytest.approx((0.5840951, 0.9638297), abs=1e-7)


def test_the_interval_of_pearson_is_that_of_fisher():
    rng = np.random.default_rng(0)
    x = rng.standard_normal(50)
    y = x + rng.standard_normal(50)
    expected = pearsonr(x, y).confidence_interval(0.95)
    assert interval(pearson(x, y), 50, ranks=False) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_there_is_no_interval_of_three_pairs_and_none_wider_than_certain():
    assert interval(0.5, 3, ranks=True) is None
    assert interval(None, 30, ranks=True) is None
    assert interval(1.0, 30, ranks=True) == (1.0, 1.0)


FILE = "king queen 9\nman woman 8\nthe paris 1\nof unheard 2\nboy girl 7\nthe the 10\n"


def test_pairs_with_unknown_words_are_left_out_counted_and_named(model, write):
    found = evaluate(model, write(FILE), task="similarity")
    assert (found.total, found.used, found.oov, found.unknown) == (6, 5, 1, ("unheard",))
    without = evaluate(model, write(FILE.replace("of unheard 2\n", "")), task="similarity")
    assert found.spearman == without.spearman


def test_unknown_words_may_count_as_cosine_zero(model, write):
    found = evaluate(model, write(FILE), task="similarity", options=Options(oov="zero"))
    pairs = [line.split() for line in FILE.splitlines()]
    unit = {w: model[w] / np.linalg.norm(model[w]) for a, b, _ in pairs for w in (a, b) if w in model}
    cosines = [float(unit[a] @ unit[b]) if b in unit else 0.0 for a, b, _ in pairs]
    scores = [float(score) for *_, score in pairs]
    assert (found.used, found.oov) == (6, 1)
    assert found.spearman.value == pytest.approx(spearmanr(scores, cosines).statistic)
    assert found.pearson.value == pytest.approx(pearsonr(scores, cosines).statistic, abs=1e-6)


class Spelled(WordVectors):
    """Word vectors that make one of any word that holds an ``a``, in small letters, of its letters."""

    def unknown(self, words, threads=1):
        rows = [[word.count(c) for c in "abcd"] if "a" in word else [0] * 4 for word in words]
        return np.array(rows, np.float32).reshape(-1, 4)

    def __getitem__(self, word):
        return super().__getitem__(word) if word in self else self.unknown([word])[0]


@pytest.fixture
def spelled():
    vectors = np.random.default_rng(3).standard_normal((4, 4)).astype(np.float32)
    return Spelled(Vocabulary.build(["ab", "bcd", "dd", "ca"]), vectors)


MADE = "ab bcd 1\ndd abba 2\nAca ca 5\nbcd xyz 3\nab dd 9\nabcda add 4\n"


@pytest.mark.parametrize("case", ["auto", "ignore"])
def test_words_that_the_model_makes_vectors_of_are_used_and_counted_as_unknown(spelled, write, case):
    found = evaluate(spelled, write(MADE), task="similarity", options=Options(case=case))
    lines = [line.lower().split() for line in MADE.splitlines() if "xyz" not in line]
    cosines = [spelled.similarity(a, b) for a, b, _ in lines]
    assert found.pearson.value == pytest.approx(np.corrcoef(cosines, [int(s) for *_, s in lines])[0, 1])
    assert (found.total, found.used, found.oov, found.made) == (6, 5, 4, 3)
    assert found.unknown == ("abba", "Aca", "xyz", "abcda", "add")


def test_where_the_model_makes_no_vector_the_cosine_may_count_as_zero(spelled, write):
    found = evaluate(spelled, write(MADE), task="similarity", options=Options(oov="zero"))
    pairs = [line.lower().split() for line in MADE.splitlines()]
    cosines = [0 if b == "xyz" else spelled.similarity(a, b) for a, b, _ in pairs]
    assert found.pearson.value == pytest.approx(np.corrcoef(cosines, [int(s) for *_, s in pairs])[0, 1])
    assert (found.used, found.oov, found.made) == (6, 4, 3)


def test_a_word_beyond_the_restricted_vocabulary_is_made_as_any_other(spelled, write):
    path = write("ab bcd 1\nab ca 3\nbcd dd 2\n")
    found = evaluate(spelled, path, task="similarity", options=Options(restrict=2))
    assert (found.used, found.oov, found.made, found.unknown) == (2, 2, 1, ("ca", "dd"))


def test_a_model_of_its_vocabulary_alone_makes_no_vectors(model, write):
    assert evaluate(model, write(FILE), task="similarity").made == 0
    assert not model.unknown(["king", "unheard"]).any()


def test_only_ten_unknown_words_are_named(model, write):
    path = write("the of 1\nof to 2\nking man 3\n" + "".join(f"the no{i} 1\n" for i in range(20)))
    found = evaluate(model, path, task="similarity")
    assert found.oov == 20
    assert found.unknown == tuple(f"no{i}" for i in range(10))


def test_case_is_exact_else_lower_where_the_model_is_lower_cased(make_model, write):
    path = write("King queen 1\nMAN woman 2\nboy girl 3\nthe of 4\n")
    words = ["king", "queen", "man", "woman", "boy", "girl", "the", "of"]
    assert evaluate(make_model(words), path, task="similarity").oov == 0
    mixed = make_model([*words, "Berlin"])
    assert evaluate(mixed, path, task="similarity").oov == 2
    assert evaluate(mixed, path, task="similarity", options=Options(case="ignore")).oov == 0


def test_ignoring_case_takes_the_first_word_of_the_vocabulary(make_model, write):
    words = ["Apple", "apple", "pear", "fig", "plum"]
    path = write("apple pear 1\nfig plum 2\npear fig 3\n")
    first = evaluate(make_model(words), path, task="similarity", options=Options(case="ignore"))
    exact = evaluate(make_model(words), path.with_name("set.txt"), task="similarity")
    capital = evaluate(make_model(words), write("Apple pear 1\nfig plum 2\npear fig 3\n"), task="similarity")
    assert first == capital
    assert first.pearson != exact.pearson


def test_a_restricted_vocabulary_knows_its_first_words_only(model, write):
    path = write("the of 1\nking queen 2\nthe king 3\n国王 王后 4\n")
    assert evaluate(model, path, task="similarity", options=Options(restrict=5)).oov == 1


def test_equal_scores_have_no_correlation_and_no_traceback(model, write):
    found = evaluate(model, write("the of 1\nking queen 1\nman woman 1\n"), task="similarity")
    assert found.spearman.value is None
    assert found.row()[4:] == [None, "-", None, "-"]


def test_nothing_known_is_a_data_error_that_names_words(model, write):
    with pytest.raises(DataError, match="not all words of any pair; of 2 words the first are 'x', 'y'"):
        evaluate(model, write("x y 1\n"), task="similarity", options=Options(oov="zero"))


def test_vectors_that_are_not_finite_are_named(make_model, write):
    bad = make_model(["a", "b"], [[1, np.nan], [1, 2]])
    with pytest.raises(CheckpointError, match="not finite"):
        evaluate(bad, write("a b 1\n"), task="similarity")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"oov": "drop"}, "oov: 'drop' is not 'skip' or 'zero'"),
        ({"case": "lower"}, "case: 'lower' is not"),
        ({"method": "add"}, "method: 'add' is not"),
        ({"restrict": 0}, "restrict: 0 is below 1"),
    ],
)
def test_a_wrong_option_is_named(options, says):
    with pytest.raises(ConfigError, match=says):
        Options(**options)


def test_an_unknown_task_is_named(model, write):
    with pytest.raises(NotFoundError, match="no task named 'analogies'; did you mean 'analogy'"):
        evaluate(model, write("a b 1\n"), task="analogies")


def test_the_document_has_the_agreed_keys(model, write):
    document = evaluate(model, write(FILE), task="similarity").document()
    assert list(document) == ["path", "pairs", "used", "oov", "made", "unknown", "spearman", "pearson"]
    assert list(document["spearman"]) == ["value", "interval"]
    assert len(document["spearman"]["interval"]) == 2
