"""Write the generated parts of README and docs (``make docs``): demo output, picture, commands, settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from settings import settings

ROOT = Path(__file__).parent.parent
DEMO = ROOT / ".demo"
READMES = ("README.md", "README.zh-CN.md")
COMMANDS = {
    "en": "lexarium compare reviews.csv --text text --label label "
    "--models bow,tfidf,word2vec,glove-6b-50d,fasttext,minilm --html report.html",
    "zh": "lexarium compare reviews.zh.csv --text text --label label --html report.zh.html",
}


def main() -> None:
    """Run the demo's commands and put what they print where it is shown."""
    subprocess.run(["make", "demo"], cwd=ROOT, check=True)
    for name, command in COMMANDS.items():
        shown = f"```text\n$ {command}\n{run(command)}\n```"
        for readme in READMES:
            replace(ROOT / readme, f"demo:{name}", shown)
    (ROOT / "docs" / "pareto.svg").write_text(picture(), encoding="utf-8")
    (ROOT / "docs" / "commands.md").write_text(commands(), encoding="utf-8")
    (ROOT / "docs" / "settings.md").write_text(settings(), encoding="utf-8")


def picture() -> str:
    """Return the report's plot as a picture that stands alone: with the page's own style inside."""
    page = (DEMO / "report.html").read_text(encoding="utf-8")
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    plot = re.search(r"<svg(.*?)>(.*?)</svg>", page, re.DOTALL)
    if style is None or plot is None:
        raise SystemExit("the report has no picture")
    own = "svg { font-family: system-ui, sans-serif; background: var(--card); }"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="960"{plot[1]}>'
    return f"{head}<style>{style[1]}{own}</style>{plot[2]}</svg>\n"


def commands() -> str:
    """Return the page with the help of every command."""
    help_text = run("lexarium --help")
    names = re.findall(r"^  ([a-z-]+)  ", help_text.partition("Commands:")[2], re.MULTILINE)
    parts = [f"# Commands\n\nWritten by `make docs`; not edited by hand.\n\n{block(help_text)}"]
    parts += [f"## {name}\n\n{block(run(f'lexarium {name} --help'))}" for name in names]
    return "\n".join(parts)


def block(text: str) -> str:
    """Return text as a block that is shown."""
    return f"```text\n{text}\n```\n"


def run(command: str) -> str:
    """Run a command of the demo in its folder and return what it prints on stdout."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "LEXARIUM_HOME": "home", "COLUMNS": "100"}
    done = subprocess.run(
        command.split(), cwd=DEMO, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.rstrip()


def replace(page: Path, marker: str, text: str) -> None:
    """Put ``text`` between the two comments of ``marker``."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
