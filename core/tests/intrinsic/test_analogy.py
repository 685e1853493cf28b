from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from lexarium.errors import CheckpointError, DataError
from lexarium.intrinsic import Options, analogy, evaluate


def plainly(model, question, method, limit):
    """Answer one question with a loop over the vocabulary, in float64."""
    unit = model.vectors.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    a, b, c = (model.vocabulary.find(word) for word in question)
    scores = {}
    for row in set(range(limit)) - {a, b, c}:
        near_a, near_b, near_c = (float(unit[row] @ unit[other]) for other in (a, b, c))
        if method == "3cosadd":
            scores[row] = near_b - near_a + near_c
        else:
            scores[row] = (1 + near_b) / 2 * (1 + near_c) / 2 / ((1 + near_a) / 2 + 0.001)
    return model.vocabulary.word(max(scores, key=scores.get))


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
@pytest.mark.parametrize("restrict", [None, 9])
def test_answers_are_those_of_a_plain_loop(model, write, method, restrict, monkeypatch):
    monkeypatch.setattr(analogy, "_COLUMNS", 64)  # several blocks and batches in a small model
    monkeypatch.setattr(analogy, "_DISTINCT", 5)
    words = [model.vocabulary.word(row) for row in range(9)]
    asked = list(permutations(words, 3))[::7]
    limit = restrict or len(model)
    answers = [plainly(model, question, method, limit) for question in asked]
    lines = [" ".join((*question, answer)) for question, answer in zip(asked, answers, strict=True)]
    path = write("\n".join(lines))
    found = evaluate(model, path, task="analogy", options=Options(method=method, restrict=restrict))
    assert found.total.correct == found.total.used == len(asked) == 72


def test_the_words_of_a_question_are_no_answers(make_model, write):
    model = make_model(["a", "b", "c", "d"], [[1, 0], [1, 0.1], [1, 0.2], [-1, 1]])
    assert evaluate(model, write("a b c d\n"), task="analogy").total.correct == 1
    assert evaluate(model, write("a b c c\n"), task="analogy").total.correct == 0


def test_other_cases_of_the_words_are_no_answers_where_case_is_ignored(make_model, write):
    vectors = [[1, 0.3], [1, 0.1], [1, 0.2], [1, 0.21], [-1, 1]]
    model = make_model(["a", "b", "c", "C", "D"], vectors)
    path = write("a b c d\n")
    assert evaluate(model, path, task="analogy", options=Options(case="ignore")).total.correct == 1
    assert evaluate(model, write("a b c C\n"), task="analogy").total.correct == 1


SETS = ": family\nboy girl man woman\nboy girl king unheard\n: gram1\nthe of to king\n: empty\n"


def test_sections_kinds_and_unknown_words_are_counted(model, write):
    found = evaluate(model, write(SETS), task="analogy")
    assert [(s.name, s.total, s.used, s.oov) for s in found.sections] == [
        ("family", 2, 1, 1),
        ("gram1", 1, 1, 0),
    ]
    assert (found.total.total, found.total.used, found.total.oov) == (3, 2, 1)
    assert (found.semantic.total, found.syntactic.total) == (2, 1)
    assert found.unknown == ("unheard",)
    assert evaluate(model, write(SETS.replace("gram1", "x")), task="analogy").semantic is None


def test_accuracy_is_of_the_used_and_beside_it_of_all(make_model, write):
    model = make_model(["a", "b", "c", "d"], [[1, 0], [1, 0.1], [1, 0.2], [-1, 1]])
    path = write("a b c d\na b c x\n")
    total = evaluate(model, path, task="analogy").total
    assert (total.accuracy, total.accuracy_of_all) == (1.0, 0.5)
    zero = evaluate(model, path, task="analogy", options=Options(oov="zero")).total
    assert (zero.used, zero.oov, zero.accuracy, zero.accuracy_of_all) == (2, 1, 0.5, 0.5)


def test_nothing_known_is_a_data_error(model, write):
    with pytest.raises(DataError, match="not all words of any question"):
        evaluate(model, write("the of to unheard\n"), task="analogy")


def test_a_vocabulary_of_the_questions_words_alone_has_no_answer(make_model, write):
    model = make_model(["a", "b", "c"], np.eye(3))
    assert evaluate(model, write("a b c a\n"), task="analogy").total.correct == 0


def test_zero_vectors_are_words_far_from_all(make_model, write):
    model = make_model(["a", "b", "c", "d", "e"], [[1, 0], [1, 0.1], [1, 0.2], [0, 0], [1, 1]])
    assert evaluate(model, write("a b c e\n"), task="analogy").total.correct == 1
    assert evaluate(model, write("d d d e\n"), task="analogy").total.used == 1


@pytest.mark.parametrize("place", [0, 4])
def test_vectors_that_are_not_finite_are_named(make_model, write, place):
    vectors = np.ones((5, 2))
    vectors[place, 1] = np.inf
    with pytest.raises(CheckpointError, match="not finite"):
        evaluate(make_model(["a", "b", "c", "d", "e"], vectors), write("a b c d\n"), task="analogy")


def test_progress_comes_to_its_end(model, write):
    told = []
    evaluate(model, write(SETS), task="analogy", progress=lambda _, done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0


def test_the_document_has_the_agreed_keys(model, write):
    document = evaluate(model, write(SETS), task="analogy").document()
    assert list(document) == ["path", "unknown", "total", "semantic", "syntactic", "sections"]
    keys = ["section", "questions", "used", "oov", "correct", "accuracy", "accuracy_of_all"]
    assert list(document["total"]) == list(document["sections"][0]) == keys
