"""What the tests about the whole house share."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).parent.parent
EXAMPLE = Path(__file__).parent / "example_plugin"


@pytest.fixture(scope="session")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the stranger's plugin, as pip builds it, into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*command, "--target", str(target), str(EXAMPLE)], check=True, capture_output=True)
    return target


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give an environment with an empty store of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEXARIUM")}
    return kept | {"LEXARIUM_HOME": str(tmp_path / "home"), "PYTHONWARNINGS": "error"}


@pytest.fixture
def with_example(environment: dict[str, str], example_site: Path) -> dict[str, str]:
    """Give the same, with the stranger's plugin installed."""
    return environment | {"PYTHONPATH": str(example_site)}


class _ByFile(LoadFileScheduling):
    """The tests of a file in one process, but those of the pages: a page takes as long as many files."""

    _PAGES = "tests/test_docs.py"

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return nodeid if file == self._PAGES else file

    def _assign_work_unit(self, node: object) -> None:
        # First the pages, or one process would go on with the longest of them when the other is done.
        for scope in [scope for scope in self.workqueue if scope.startswith(self._PAGES)]:
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling | None:
    """Spread the tests over processes."""
    return _ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line that tests of the kernels were skipped, where they are not built."""
    if find_spec("lexarium_kernels") is None:
        terminalreporter.write_line("lexarium-kernels is not built: the tests of the kernels were skipped")
