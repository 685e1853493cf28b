"""README and docs do what they say: every snippet runs, and prints what the page shows.

A ``console`` block holds commands after ``$ `` and the lines they print; ``...`` stands for anything. A
``python`` block runs as it is. All blocks of one page share an empty store and a folder that holds
``reviews.csv`` and ``reviews.zh.csv``, 600 real reviews each. What they push and pull goes to a hub on the
loopback, empty at first, which takes the place of the Hub. A block after the comment
``<!-- not run -->`` (a demo with real weights, an installation) is shown only.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES += [*sorted(ROOT.glob("plugins/*/README.md")), ROOT / "core/README.md", ROOT / "registry/README.md"]
BLOCK = re.compile(r"(<!-- not run -->\s*)?^```(console|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
OTHER = re.compile(r"^```(?!console$|python$|text$|toml$|json$|$)(.*)$", re.MULTILINE)
#: What a machine without the kernels adds.
REMARK = re.compile(r"^lexarium-kernels is not installed, so .*$\n", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviews")
    script = ROOT / "scripts" / "sample_reviews.py"
    subprocess.run([sys.executable, script, folder, "--rows", "600"], check=True)
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Give the environment in which a hub on the loopback is the Hub."""
    sys.path.append(str(ROOT / "registry" / "tests"))
    from hub_server import TOKEN, HubServer

    with HubServer() as server:
        yield {
            "HF_ENDPOINT": server.url,
            "HF_TOKEN": TOKEN,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_OFFLINE": "0",
        }


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_snippet_runs_and_prints_what_the_page_shows(page, reviews, tmp_path, environment, hub):
    for name in ("reviews.csv", "reviews.zh.csv"):
        shutil.copy(reviews / name, tmp_path)
    path = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment |= {**hub, "PATH": path, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    for skipped, language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if skipped:
            continue
        for command, shown in console(body) if language == "console" else [(body, "...")]:
            call = [sys.executable, "-c", command] if language == "python" else ["bash", "-c", command]
            done = subprocess.run(
                call, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False, timeout=300
            )
            printed = done.stdout + REMARK.sub("", done.stderr)
            expected_failure = shown.startswith("Error: ") or "\nError: " in shown
            assert (done.returncode != 0) == expected_failure, f"{command}\n{printed}"
            assert matches(printed, shown), f"$ {command}\nprinted:\n{printed}\nthe page shows:\n{shown}"


def console(body: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what each one is shown to print."""
    steps: list[tuple[str, list[str]]] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            steps.append((line[2:], []))
        elif steps and steps[-1][0].endswith("\\") and not steps[-1][1]:
            steps[-1] = (f"{steps[-1][0]}\n{line}", [])
        else:
            steps[-1][1].append(line)
    return [(command, "\n".join(shown)) for command, shown in steps]


def matches(printed: str, shown: str) -> bool:
    """Compare line by line; ``...`` in a shown line is anything, as a whole line any number of lines."""
    text = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    wanted = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    pattern = "(?s:.*)".join(re.escape(part) for part in wanted.split("..."))
    return re.fullmatch(pattern, text) is not None


def test_the_comparison_can_fail():
    assert matches("a 1.5 b\nc", "a ... b\nc")
    assert matches("a\nb\nc", "a\n...")
    assert not matches("a\nb", "a")
    assert not matches("ab", "a.")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_block_says_what_it_is_and_every_link_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    assert OTHER.findall(text) == []
    for target in LINK.findall(text):
        assert (page.parent / target).exists(), target
