"""Word vectors transformed, restricted, mixed and aligned."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import ConfigError, DataError, FormatError, InputError
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium.words.dictionary import read_pairs


def random(words=200, dim=12, seed=0, prefix="w"):
    rng = np.random.default_rng(seed)
    vectors = (rng.standard_normal((words, dim)) * np.linspace(3, 0.1, dim) + 0.5).astype(np.float32)
    return WordVectors(Vocabulary.build([f"{prefix}{i}" for i in range(words)]), vectors)


def orthogonal(dim=12, seed=5):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0]


def test_normalized_vectors_have_length_one_and_the_old_ones_stay():
    kv = random()
    before = kv.vectors.copy()
    made = kv.normalized()
    np.testing.assert_allclose(np.linalg.norm(made.vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(kv.vectors, before)
    assert made.vocabulary is kv.vocabulary
    zero = WordVectors(Vocabulary.build(["a"]), np.zeros((1, 3), np.float32))
    assert not zero.normalized().vectors.any()


def test_reduced_vectors_are_scikit_learns_principal_components():
    decomposition = pytest.importorskip("sklearn.decomposition")
    kv = random()
    ours = kv.reduced(4).vectors
    theirs = decomposition.PCA(4, svd_solver="full").fit_transform(kv.vectors)
    np.testing.assert_allclose(ours, theirs * np.sign((ours * theirs).sum(axis=0)), atol=1e-4)
    kept = kv.reduced(4, center=False).vectors
    raw = decomposition.TruncatedSVD(4, algorithm="arpack").fit_transform(kv.vectors.astype(float))
    np.testing.assert_allclose(kept, raw * np.sign((kept * raw).sum(axis=0)), atol=1e-4)


def test_all_dimensions_without_the_mean_keep_every_cosine():
    kv = random()
    for i in (1, 50):
        assert kv.reduced(12, center=False).similarity("w0", f"w{i}") == pytest.approx(
            kv.similarity("w0", f"w{i}"), abs=1e-6
        )


def test_all_but_the_top_leaves_nothing_of_the_mean_and_of_the_top():
    kv = random()
    made = kv.all_but_the_top(2).vectors.astype(float)
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-5)
    centered = kv.vectors.astype(float) - kv.vectors.astype(float).mean(axis=0)
    top = np.linalg.svd(centered, full_matrices=False)[2][:2]
    np.testing.assert_allclose(made @ top.T, 0, atol=1e-5)
    np.testing.assert_allclose(made, centered - centered @ top.T @ top, atol=1e-5)
    assert np.linalg.matrix_rank(kv.all_but_the_top().vectors.astype(float), tol=1e-3) == 11


def test_the_first_words_are_a_view_and_chosen_words_keep_their_order():
    kv = random()
    first = kv.restricted(5)
    assert list(first) == ["w0", "w1", "w2", "w3", "w4"]
    assert np.shares_memory(first.vectors, kv.vectors)
    chosen = kv.restricted(["w9", "nothing", "w3", "w9"])
    assert list(chosen) == ["w3", "w9"]
    np.testing.assert_array_equal(chosen["w9"], kv["w9"])
    assert len(kv.restricted(10**9)) == 200


def test_two_models_are_mixed_over_the_words_that_both_have():
    left, right = random(30), random(40, 5, seed=2).restricted(["w3", "w1", "w39"])
    both = left.mixed(right)
    assert list(both) == ["w1", "w3"]
    assert both.vectors.shape == (2, 17)
    np.testing.assert_allclose(both["w3"][:12], left.normalized()["w3"], atol=1e-6)
    np.testing.assert_allclose(both["w3"][12:], right.normalized()["w3"], atol=1e-6)
    mean = left.mixed(right, "mean")
    padded = np.pad(right.normalized()["w1"], (0, 7))
    np.testing.assert_allclose(mean["w1"], (left.normalized()["w1"] + padded) / 2, atol=1e-6)


def test_a_rotated_space_is_turned_back_whole():
    kv, turn = random(), orthogonal()
    other = WordVectors(kv.vocabulary, (kv.vectors @ turn).astype(np.float32))
    found = kv.aligned(other)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-5)
    np.testing.assert_allclose(found.words.vectors, other.vectors, atol=1e-4)
    assert found.score == pytest.approx(1, abs=1e-6)
    assert found.pairs == 200
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(12), atol=1e-9)


def test_the_rotation_is_scipys_orthogonal_procrustes():
    from scipy.linalg import orthogonal_procrustes

    left, right = random(), random(seed=9)
    expected, _ = orthogonal_procrustes(
        left.normalized().vectors.astype(float), right.normalized().vectors.astype(float)
    )
    np.testing.assert_allclose(left.aligned(right).rotation, expected, atol=1e-6)


def test_a_dictionary_aligns_two_languages_and_translates_words_outside_it():
    english, turn = random(60), orthogonal()
    chinese = WordVectors(
        Vocabulary.build([f"词{i}" for i in range(60)]), (english.vectors @ turn).astype(np.float32)
    )
    pairs = [(f"w{i}", f"词{i}") for i in range(40)]
    found = english.aligned(chinese, [*pairs, ("w1", "missing"), ("missing", "词1")])
    assert found.pairs == 40
    assert chinese.similar(found.words["w55"], n=1)[0][0] == "词55"


def test_the_word_that_moved_comes_first():
    kv = random()
    moved = (kv.vectors @ orthogonal()).astype(np.float32)
    moved[17] = -moved[17]
    drifted = kv.drift(WordVectors(kv.vocabulary, moved), 3)
    assert drifted[0][0] == "w17"
    assert drifted[0][1] > 1.9
    assert drifted[1][1] < 0.1
    assert len(drifted) == 3


def test_a_word_without_a_direction_has_not_moved():
    kv = random()
    moved = (kv.vectors @ orthogonal()).astype(np.float32)
    moved[17], moved[3] = -moved[17], 0
    drifted = kv.drift(WordVectors(kv.vocabulary, moved), len(kv))
    assert drifted[0][0] == "w17"
    assert dict(drifted)["w3"] == 0


@pytest.mark.parametrize(
    ("act", "error", "says"),
    [
        (lambda a, _: a.reduced(0), ConfigError, "dim"),
        (lambda a, _: a.reduced(13), ConfigError, "between 1 and 12"),
        (lambda a, _: a.all_but_the_top(13), ConfigError, "components"),
        (lambda a, _: a.restricted(0), ConfigError, "below 1"),
        (lambda a, _: a.restricted(["x"]), DataError, "none of the words"),
        (lambda a, b: a.mixed(b), DataError, "no word in common"),
        (lambda a, _: a.mixed(a, "sum"), ConfigError, "concat, mean"),
        (lambda a, b: a.aligned(b), DataError, "no word in common"),
        (lambda a, b: a.aligned(b, [("w1", "w1")]), DataError, "none of the 1 pairs"),
        (lambda a, _: a.aligned(random(dim=3)), InputError, "12 dimensions here, 3 there"),
        (lambda a, _: a.drift(random(dim=3)), InputError, "lexarium words reduce MODEL 3 --name NAME"),
        (lambda a, _: a.drift(a, 0), ConfigError, "below 1"),
    ],
)
def test_what_cannot_be_done_says_why(act, error, says):
    with pytest.raises(error, match=says):
        act(random(), random(prefix="v"))


def test_a_dictionary_is_read_with_tabs_or_spaces(tmp_path):
    path = tmp_path / "d.txt"
    path.write_bytes("\ufeffcat 猫\r\n\nnew york\t纽约\n".encode())
    assert read_pairs(path) == [("cat", "猫"), ("new york", "纽约")]


@pytest.mark.parametrize(
    ("raw", "error", "says"),
    [
        (b"a b\nc\n", FormatError, "line 2: 1 fields"),
        (b"a b c\n", FormatError, "line 1: 3 fields"),
        (b"a\t\n", FormatError, "line 1"),
        (b"a \xff\n", FormatError, "not UTF-8"),
        (b"a" * 70000, FormatError, "longer than"),
        (b"\n\n", InputError, "no pair"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path, raw, error, says):
    path = tmp_path / "d.txt"
    path.write_bytes(raw)
    with pytest.raises(error, match=says):
        read_pairs(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_pairs(tmp_path / "nowhere")
