from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import DataError
from lexarium.intrinsic import Options, evaluate


@pytest.fixture
def three(make_model):
    words = ["a", "b", "c", "far", "near"]
    return make_model(words, [[1, 0], [1, 0.1], [1, 0.2], [-1, 0.3], [1, 0.1]])


def test_the_word_farthest_from_the_mean_is_the_odd_one(three, write):
    found = evaluate(
        three, write("# x\na b far\na *far c\na far b\n# y\nb a c near far\n"), task="odd-one-out"
    )
    assert [(c.name, c.total, c.correct) for c in found.categories] == [("x", 3, 2), ("y", 1, 1)]
    assert (found.total.total, found.total.used, found.total.correct) == (4, 4, 3)


def test_each_odd_word_of_a_cluster_makes_a_group(three, write):
    found = evaluate(three, write("a\nb\nc\n\nfar\nnear\nunheard\n"), task="odd-one-out")
    assert (found.total.total, found.total.used, found.total.oov, found.total.correct) == (3, 2, 1, 1)
    assert found.total.accuracy == 0.5


def test_unknown_words_are_ignored_and_groups_too_small_are_left_out(three, write):
    path = write("a b unheard far\na unheard far\na b unheard\n")
    found = evaluate(three, path, task="odd-one-out")
    assert (found.total.used, found.total.oov, found.total.correct, found.ignored) == (1, 2, 1, 1)
    zero = evaluate(three, path, task="odd-one-out", options=Options(oov="zero"))
    assert (zero.total.used, zero.total.accuracy) == (3, 1 / 3)


def test_of_equal_words_the_first_by_code_points_is_the_odd_one(make_model, write):
    model = make_model(["a", "b", "c"], [[1, 0], [-1, 0], [0, 0]])
    assert evaluate(model, write("b c a\n"), task="odd-one-out").total.correct == 1
    assert evaluate(model, write("a c b\n"), task="odd-one-out").total.correct == 0


def test_the_rule_is_gensims(model, write):
    models = pytest.importorskip("gensim.models")
    vectors = models.KeyedVectors(model.vectors.shape[1])
    vectors.add_vectors(list(model), model.vectors)
    rng = np.random.default_rng(3)
    groups = [[f"w{i}" for i in rng.choice(300, 5, replace=False)] for _ in range(400)]
    expected = sum(vectors.doesnt_match(group) == group[-1] for group in groups)
    found = evaluate(model, write("\n".join(map(" ".join, groups))), task="odd-one-out")
    assert 40 < found.total.correct == expected


def test_nothing_known_is_a_data_error(three, write):
    with pytest.raises(DataError, match="not all words of any group"):
        evaluate(three, write("a x y\n"), task="odd-one-out")


def test_the_document_has_the_agreed_keys(three, write):
    document = evaluate(three, write("a b far\n"), task="odd-one-out").document()
    assert list(document) == ["path", "unknown", "ignored", "total", "categories"]
    keys = ["category", "groups", "used", "oov", "correct", "accuracy", "accuracy_of_all"]
    assert list(document["total"]) == list(document["categories"][0]) == keys
