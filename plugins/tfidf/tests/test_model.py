from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_array

from lexarium_tfidf.model import inverse_document_frequency, weigh

COUNTS = csr_array(np.array([[3.0, 0, 1], [0, 0, 0], [1, 2, 0]], np.float32))


def test_idf_is_ln_of_texts_over_document_frequency_plus_one():
    plain = inverse_document_frequency(COUNTS, smooth=False)
    smooth = inverse_document_frequency(COUNTS, smooth=True)
    assert plain == pytest.approx(np.log([3 / 2, 3, 3]) + 1)
    assert smooth == pytest.approx(np.log([4 / 3, 4 / 2, 4 / 2]) + 1)


@pytest.mark.parametrize(("norm", "order"), [("l1", 1), ("l2", 2)])
def test_every_row_with_terms_has_length_one_and_an_empty_row_stays_zero(norm, order):
    rows = weigh(COUNTS, np.array([1.0, 2, 3]), sublinear=True, norm=norm).toarray()
    assert np.linalg.norm(rows, order, axis=1) == pytest.approx([1, 0, 1])


def test_without_norm_the_weights_are_count_times_idf():
    rows = weigh(COUNTS, np.array([1.0, 2, 3]), sublinear=False, norm=None)
    assert rows.dtype == np.float32
    assert rows.toarray().tolist() == [[3, 0, 3], [0, 0, 0], [1, 4, 0]]


def test_the_counts_are_left_as_they_were():
    before = COUNTS.toarray()
    weigh(COUNTS, np.array([1.0, 2, 3]), sublinear=True, norm="l2")
    assert np.array_equal(COUNTS.toarray(), before)
