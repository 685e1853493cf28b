"""Files are counted block by block, with the result of the same texts in a list; pruning bounds memory."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.corpora import FileCorpus
from lexarium.errors import DataError, InputError
from lexarium.roles import Run
from lexarium_counts.config import CountConfig
from lexarium_counts.train import check_corpus, learn_terms

TEXTS = ["A long film, a long evening.", "电影 很 好看", "", "The film ends.", "Σ café ΑΣ"]
CONFIGS = [
    CountConfig(),
    CountConfig(ngram_range=(1, 2), min_df=2),
    CountConfig(analyzer="char", ngram_range=(1, 3)),
    CountConfig(strip_accents="unicode"),
    CountConfig(tokenizer="pattern", token_pattern=r"\w"),  # noqa: S106  a pattern, no password
    CountConfig(n_features=32),
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_is_counted_as_the_list_of_its_texts(tmp_path, config, end):
    path = tmp_path / "corpus.txt"
    path.write_bytes(end.join([*TEXTS, ""]).encode())
    told = []
    run = Run(threads=2, progress=lambda what, done, total: told.append(done))  # noqa: ARG005
    found = learn_terms(FileCorpus([str(path)]), config, run)
    expected = learn_terms(TEXTS, config, Run())
    assert found.counter.terms == expected.counter.terms
    assert found.statistics.texts == told[-1] == len(TEXTS)
    assert np.array_equal(found.statistics.document_frequency, expected.statistics.document_frequency)
    assert np.array_equal(found.statistics.term_frequency, expected.statistics.term_frequency)
    assert (found.counter.count(TEXTS) != expected.counter.count(TEXTS)).nnz == 0


@pytest.fixture(params=["kernels", "reference"])
def _backend(request, monkeypatch):
    monkeypatch.setenv("LEXARIUM_BACKEND", request.param)
    if request.param == "kernels":
        pytest.importorskip("lexarium_kernels._counting", reason="the kernels are not built")


@pytest.mark.usefixtures("_backend")
@pytest.mark.parametrize("threads", [1, 3])
def test_pruning_keeps_frequent_terms_that_came_early(threads):
    texts = ["a1 b1 c1 d1"] * 3 + [f"x{i} y{i}" for i in range(1000)]
    found = learn_terms(texts, CountConfig(prune_at=10), Run(threads=threads))
    assert found.counter.terms[:4] == ("a1", "b1", "c1", "d1")
    assert len(found.counter) <= 10
    assert found.statistics.document_frequency[:4].tolist() == [3] * 4
    assert found.statistics.term_frequency[:4].tolist() == [3] * 4


@pytest.mark.usefixtures("_backend")
def test_where_pruning_leaves_nothing_the_error_names_it():
    with pytest.raises(DataError, match="a larger prune_at"):
        learn_terms(["one text of more words"], CountConfig(prune_at=2), Run())


@pytest.mark.usefixtures("_backend")
def test_pruning_bounds_the_terms_and_keeps_the_frequent_ones():
    texts = [f"often rare{i}" for i in range(1000)]
    found = learn_terms(texts, CountConfig(prune_at=50), Run())
    assert len(found.counter) <= 50
    assert "often" in found.counter.terms
    assert found.statistics.document_frequency.max() == 1000


def test_a_corpus_is_looked_at_before_it_is_hashed():
    check_corpus(["a text"])
    with pytest.raises(DataError, match="no texts"):
        check_corpus([])
    with pytest.raises(InputError, match="element 0"):
        check_corpus([1])
