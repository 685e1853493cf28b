"""How to compare: a frozen dataclass, and the command line that says the same."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lexarium.config import from_mapping, require
from lexarium.roles import Progress, Run, silent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CompareOptions", "command_line", "default_threads", "read_options"]

_MAX_THREADS = 4


def default_threads() -> int:
    """Return the number of processors that this process may use, at most 4: what a small server has."""
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(mine, _MAX_THREADS)


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Settings of a comparison.

    ``models`` are methods or stored models, None for every installed method at its default;
    ``budget_seconds`` limits the wall time of everything; ``sample`` takes that many rows, the
    labels in proportion; ``threads`` is what each candidate may use.
    """

    models: tuple[str, ...] | None = None
    head: str = "classifier"
    budget_seconds: float | None = None
    sample: int | None = None
    test_size: float = 0.2
    seed: int = 0
    threads: int = field(default_factory=default_threads)
    progress: Progress = silent

    def __post_init__(self) -> None:
        require("models", self.models is None or self.models, "name at least one, or leave it out for all")
        require("models", all(name.strip() for name in self.models or ()), "a name is empty")
        budget = self.budget_seconds
        require("budget", budget is None or 0 < budget < float("inf"), f"{budget} is not a time above 0")
        require("sample", self.sample is None or self.sample > 0, f"{self.sample} is not above 0")
        require("test_size", 0 < self.test_size < 1, f"{self.test_size} is not between 0 and 1")
        Run(threads=self.threads, seed=self.seed)  # what each candidate is fitted with
        require("progress", callable(self.progress), "is not a function of (what, done, total)")


def read_options(options: CompareOptions | Mapping[str, Any] | None) -> CompareOptions:
    """Return the options, built from a mapping of them where they come as one.

    :raises ConfigError: an option is unknown, of another type or out of range.
    """
    if isinstance(options, CompareOptions):
        return options
    plain = dict(options or {})
    progress = plain.pop("progress", silent)
    return replace(from_mapping(CompareOptions, plain), progress=progress)


def command_line(path: str, text: str, label: str, options: CompareOptions) -> str:
    """Return the command that makes this comparison again; every default that matters is spelt out."""
    words = ["lexarium", "compare", path, "--text", text, "--label", label]
    if options.models is not None:
        words += ["--models", ",".join(options.models)]
    if options.budget_seconds is not None:
        words += ["--budget", f"{options.budget_seconds:g}s"]
    if options.sample is not None:
        words += ["--sample", str(options.sample)]
    words += ["--head", options.head]
    words += ["--test-size", f"{options.test_size:g}", "--seed", str(options.seed)]
    return shlex.join([*words, "--threads", str(options.threads)])
