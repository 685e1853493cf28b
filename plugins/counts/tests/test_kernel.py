"""Counting by the kernels and by scikit-learn gives the same, for every setting that the kernels cover."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from lexarium_counts.config import CountConfig
from lexarium_counts.kernel import LAST_WORD_PLANE, covers, kernels

CODE = """
import json, sys
from lexarium.config import from_mapping
from lexarium.roles import Run
from lexarium_counts.config import CountConfig
from lexarium_counts.kernel import covers
from lexarium_counts.train import learn
texts = ["Dolce café, the café!", "DOLCE vita and the vita", "电影 很 好看 the end"] * 3
texts += ["", "\\ud800 İstanbul ﬁn x1 _y"] * 3
config = from_mapping(CountConfig, json.loads(sys.argv[1]))
counter, counts = learn(texts, config, Run(threads=2))
again = counter.count(texts)
print(json.dumps([covers(config), list(counter.terms), counts.toarray().tolist(), again.toarray().tolist()]))
"""
SETTINGS = [
    "{}",
    '{"ngram_range": [1, 3]}',
    '{"ngram_range": [2, 2], "stop_words": "english"}',
    '{"stop_words": ["the", "and"], "lowercase": false}',
    '{"strip_accents": "ascii", "binary": true}',
    '{"strip_accents": "unicode", "min_df": 2, "max_df": 0.5}',
    '{"max_features": 5, "ngram_range": [1, 2]}',
]


@pytest.mark.skipif(kernels() is None, reason="the kernels are not built")
@pytest.mark.parametrize("settings", SETTINGS)
def test_kernels_and_reference_agree(settings):
    answers = []
    for backend in ("", "reference"):
        done = subprocess.run(
            [sys.executable, "-c", CODE, settings],
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


def test_what_the_kernels_do_not_cover_is_scikit_learns():
    assert not covers(CountConfig(analyzer="char"))
    assert not covers(CountConfig(tokenizer="characters"))


def test_no_code_point_beyond_the_table_is_a_word_character():
    assert not any(chr(code).isalnum() for code in range(LAST_WORD_PLANE, sys.maxunicode + 1))
