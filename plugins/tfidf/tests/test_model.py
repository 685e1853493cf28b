from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from lexarium_counts.statistics import Statistics
from lexarium_tfidf.model import entropy_weights, inverse_document_frequency, lucene_idf, saturate, weigh

COUNTS = csr_array(np.array([[3.0, 0, 1], [0, 0, 0], [1, 2, 0]], np.float32))
LOCAL = COUNTS.data.astype(float)
FREQUENCY = np.array([2, 1, 1])


def test_idf_is_ln_of_texts_over_document_frequency_plus_one():
    plain = inverse_document_frequency(FREQUENCY, 3, smooth=False)
    smooth = inverse_document_frequency(FREQUENCY, 3, smooth=True)
    assert plain == pytest.approx(np.log([3 / 2, 3, 3]) + 1)
    assert smooth == pytest.approx(np.log([4 / 3, 4 / 2, 4 / 2]) + 1)


def test_lucenes_idf_is_positive_even_for_a_term_of_all_texts():
    assert lucene_idf(np.array([3, 1]), 3) == pytest.approx(np.log([1 + 0.5 / 3.5, 1 + 2.5 / 1.5]))


def test_bm25_saturates_with_the_count_and_shrinks_with_the_length():
    found = saturate(COUNTS, k1=1.5, b=0.75, average=7 / 3)
    lengths = {0: 4, 2: 3}
    expected = [
        tf / (tf + 1.5 * (0.25 + 0.75 * lengths[row] / (7 / 3)))
        for row, tf in ((0, 3), (0, 1), (2, 1), (2, 2))
    ]
    assert found == pytest.approx(expected)


def test_entropy_weighs_one_where_one_text_has_the_term_and_little_where_all_have():
    even = csr_array(np.array([[1.0, 0], [1, 4], [1, 0]]))
    weights = entropy_weights(Statistics.of(even))
    assert weights == pytest.approx([1 - np.log(3) / np.log(4), 1])


@pytest.mark.parametrize(("norm", "order"), [("l1", 1), ("l2", 2)])
def test_every_row_with_terms_has_length_one_and_an_empty_row_stays_zero(norm, order):
    rows = weigh(COUNTS, np.array([1.0, 2, 3]), LOCAL, norm).toarray()
    assert np.linalg.norm(rows, order, axis=1) == pytest.approx([1, 0, 1])


def test_a_row_whose_weights_are_all_zero_stays_finite():
    assert not weigh(COUNTS, np.zeros(3), LOCAL, "l2").toarray().any()


def test_without_norm_the_weights_are_count_times_idf():
    rows = weigh(COUNTS, np.array([1.0, 2, 3]), LOCAL, None)
    assert rows.dtype == np.float32
    assert rows.toarray().tolist() == [[3, 0, 3], [0, 0, 0], [1, 4, 0]]


def test_the_counts_are_left_as_they_were():
    before = COUNTS.toarray()
    weigh(COUNTS, np.array([1.0, 2, 3]), COUNTS.data.astype(float), "l2")
    assert np.array_equal(COUNTS.toarray(), before)
