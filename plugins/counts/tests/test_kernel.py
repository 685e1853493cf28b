"""Counting by the kernels and by scikit-learn gives the same, whatever the settings."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lexarium.errors import DataError
from lexarium_counts.kernel import compiled, within_32_bits

CODE = """
import json, sys
from lexarium.config import from_mapping
from lexarium.roles import Run
from lexarium_counts.config import CountConfig
from lexarium_counts.kernel import compiled
from lexarium_counts.train import learn, learn_terms
texts = ["Dolce café, the café!", "DOLCE vita and the vita", "电影 很 好看 the end"] * 3
texts += ["", "\\ud800 İstanbul ﬁn x1 _y ℌ \\x01 a\\x01b a b"] * 3
answers = [compiled() is not None]
for settings in json.loads(sys.argv[1]):
    config = from_mapping(CountConfig, settings)
    found = learn_terms(texts, config, Run(threads=2))
    sums = [found.statistics.document_frequency.tolist(), found.statistics.term_frequency.tolist()]
    answers.append(sums)
    answers.append([found.counter.count(texts).toarray().tolist()])
    if config.n_features is None and config.prune_at is None:  # rows hold all terms
        counter, counts = learn(texts, config, Run(threads=2))
        again = counter.count(texts)
        answers.append([list(counter.terms), counts.toarray().tolist(), again.toarray().tolist()])
        assert counter.terms == found.counter.terms
print(json.dumps(answers))
"""
SETTINGS = """[
{}, {"ngram_range": [1, 3]}, {"ngram_range": [2, 2], "stop_words": "english"},
{"stop_words": ["the", "and"], "lowercase": false}, {"strip_accents": "ascii", "binary": true},
{"strip_accents": "unicode", "min_df": 2, "max_df": 0.5}, {"max_features": 5, "ngram_range": [1, 2]},
{"tokenizer": "words", "ngram_range": [1, 3]}, {"tokenizer": "whitespace", "ngram_range": [1, 2]},
{"tokenizer": "characters", "ngram_range": [1, 2]}, {"analyzer": "char", "ngram_range": [1, 3]},
{"analyzer": "char_wb", "ngram_range": [2, 4], "strip_accents": "unicode"},
{"tokenizer": "pattern", "token_pattern": "[a-z]+ ?", "ngram_range": [1, 2]},
{"n_features": 13}, {"n_features": 64, "alternate_sign": true, "ngram_range": [1, 2]},
{"n_features": 7, "alternate_sign": true, "binary": true, "analyzer": "char"},
{"prune_at": 7}, {"prune_at": 20, "ngram_range": [1, 2], "binary": true},
{"prune_at": 9, "ngram_range": [2, 3]}, {"prune_at": 120, "analyzer": "char", "ngram_range": [1, 3]},
{"prune_at": 5, "tokenizer": "pattern", "token_pattern": "[a-z]+"}
]"""


@pytest.mark.skipif(compiled() is None, reason="the kernels are not built, or not wanted")
def test_kernels_and_reference_agree():
    answers = []
    for backend in ("kernels", "reference"):
        done = subprocess.run(
            [sys.executable, "-c", CODE, SETTINGS],
            capture_output=True,
            text=True,
            env=os.environ | {"LEXARIUM_BACKEND": backend},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.append(done.stdout)
    assert answers[0].startswith("[true")
    assert answers[1].startswith("[false")
    assert answers[0].partition(",")[2] == answers[1].partition(",")[2]


def test_a_text_that_is_too_long_is_a_data_error_that_says_what_to_do():
    kernel = compiled()
    if kernel is None:
        pytest.skip("the kernels are not built")
    learner = kernel.Learner("word", "words", True, 1, 1, 2, [], True, 0, most=5)
    with (
        pytest.raises(DataError, match="a text has more than 5 bytes; cut it into several texts"),
        within_32_bits(),
    ):
        learner.add(["short", "too long"])
