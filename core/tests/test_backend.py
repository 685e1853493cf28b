"""Which implementation works, and on how many threads."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_kernels_that_are_asked_for_and_not_there_are_an_error(chosen):
    chosen(LEXARIUM_BACKEND=None)
    with pytest.raises(
        UnsupportedError, match=r"lacks _no_such_module; type: pip install -U|is not installed"
    ):
        backend.kernel("_no_such_module", "kernels")


@pytest.mark.parametrize(
    ("package", "problem", "remedy"),
    [
        (
            "raise ModuleNotFoundError('no', name='lexarium_kernels')",
            "lexarium-kernels is not installed",
            "type: pip install 'lexarium[kernels]'",
        ),
        (
            "raise ImportError('GLIBC is too old')",
            "lexarium-kernels cannot be used (GLIBC is too old)",
            "reinstall it",
        ),
        (
            "raise ModuleNotFoundError('no dep', name='dep')",
            "lexarium-kernels cannot be used (no dep)",
            "reinstall it",
        ),
        ("", "this lexarium-kernels lacks _corpus", "type: pip install -U lexarium-kernels"),
    ],
)
def test_that_kernels_are_missing_is_said_once_in_a_process_with_what_to_do(
    tmp_path, package, problem, remedy
):
    (tmp_path / "lexarium_kernels").mkdir()
    (tmp_path / "lexarium_kernels/__init__.py").write_text(package)
    script = (
        "from lexarium.backend import kernel\n"
        "for name in ('_vocabulary', '_corpus', '_word2vec', '_corpus', '_pooling'):\n"
        "    assert kernel(name, instead='' if name == '_vocabulary' else 'numpy') is None\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LEXARIUM_BACKEND"}
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines() == [f"{problem}, so slower code does its work; {remedy}"]


def test_another_word_in_the_environment_is_refused(chosen):
    chosen(LEXARIUM_BACKEND="fast")
    with pytest.raises(ConfigError, match="'fast' is not one of auto, kernels, reference"):
        backend.kernel("_corpus")


@pytest.mark.parametrize(
    ("asked", "threads"),
    [
        ("3", 3),
        ("007", 7),
        ("4,2", 4),
        ("5000", 1024),
        ("9" * 5000, 1024),
        ("0", None),
        ("many", None),
        (None, None),
    ],
)
def test_threads_are_those_of_the_environment_or_the_processors_and_never_too_many(chosen, asked, threads):
    chosen(OMP_NUM_THREADS=asked)
    assert backend.processors() == (threads or len(os.sched_getaffinity(0)))


@pytest.mark.parametrize("threads", [0, -1, 1025])
def test_threads_that_no_kernel_takes_are_refused(threads):
    assert backend.check_threads(1024) == 1024
    with pytest.raises(ConfigError, match=f"threads: {threads} is not from 1 to 1024"):
        backend.check_threads(threads)
