"""Which implementation works, and on how many threads."""

from __future__ import annotations

import logging
import os

import pytest

from lexarium import backend
from lexarium.errors import ConfigError, UnsupportedError


@pytest.fixture
def chosen(monkeypatch):
    """Give a function that sets what the environment says."""

    def choose(**values):
        for name, value in values.items():
            monkeypatch.delenv(name, raising=False)
            if value is not None:
                monkeypatch.setenv(name, value)

    return choose


def test_the_environment_or_the_setting_chooses_the_reference(chosen):
    chosen(LEXARIUM_BACKEND="reference")
    assert backend.kernel("_corpus") is None
    chosen(LEXARIUM_BACKEND=None)
    assert backend.kernel("_corpus", "reference") is None


def test_kernels_that_are_asked_for_and_not_there_are_an_error_and_otherwise_said_once(chosen, caplog):
    chosen(LEXARIUM_BACKEND=None)
    with pytest.raises(UnsupportedError, match=r"pip install 'lexarium\[kernels\]'"):
        backend.kernel("_no_such_module", "kernels")
    with caplog.at_level(logging.WARNING, "lexarium"):
        for _ in range(2):
            assert backend.kernel("_no_such_module", instead="numpy") is None
    assert [r.getMessage() for r in caplog.records].count(
        "lexarium-kernels is not installed (_no_such_module): numpy works instead, slower"
    ) == 1


def test_another_word_in_the_environment_is_refused(chosen):
    chosen(LEXARIUM_BACKEND="fast")
    with pytest.raises(ConfigError, match="'fast' is not one of auto, kernels, reference"):
        backend.kernel("_corpus")


@pytest.mark.parametrize(
    ("asked", "threads"), [("3", 3), ("4,2", 4), ("0", None), ("many", None), (None, None)]
)
def test_threads_are_those_of_the_environment_or_the_processors_of_this_process(chosen, asked, threads):
    chosen(OMP_NUM_THREADS=asked)
    assert backend.processors() == (threads or len(os.sched_getaffinity(0)))
