"""Rules of the house that no single distribution can state."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
SHARED = {"counts", "static", "transformer"}  # what several plugins share; they offer no method of their own
IMPORTABLE = SHARED | {"heads", "kernels"}  # what another plugin may import
DISTRIBUTIONS = [ROOT / "core", ROOT / "registry", *PLUGINS]
SOURCES = [path for folder in DISTRIBUTIONS for path in sorted((folder / "src").rglob("*.py"))]
HEAVY = {"torch", "transformers", "gensim", "sklearn", "numpy", "scipy", "pyarrow", "huggingface_hub", "rich"}
NAMELESS = {"utils", "helpers", "common", "base", "manager", "misc"}
UNSAFE = {"pickle", "joblib", "dill", "cloudpickle", "marshal", "shelve"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path, *, at_top: bool = False) -> set[str]:
    """Return the modules that a file imports; ``at_top`` leaves out those inside functions and for typing."""
    found: set[str] = set()
    pending: list[ast.AST] = [tree(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
        skipped = (ast.FunctionDef, ast.AsyncFunctionDef) if at_top else ()
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not isinstance(node, skipped) and not (at_top and typing_only):
            pending.extend(ast.iter_child_nodes(node))
    return found


def tops(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("folder", PLUGINS, ids=named)
def test_a_plugins_folder_distribution_module_and_entry_point_have_one_name(folder):
    about = project(folder)
    assert about["name"] == f"lexarium-{folder.name}"
    assert (folder / "src" / f"lexarium_{folder.name}" / "py.typed").is_file()
    entry_points = about.get("entry-points", {}).get("lexarium", {})
    expected = {} if folder.name in SHARED else {folder.name: f"lexarium_{folder.name}.plugin"}
    assert entry_points == expected


@pytest.mark.parametrize("folder", [p for p in PLUGINS if p.name not in SHARED], ids=named)
def test_a_plugin_module_is_short_and_its_package_says_one_docstring(folder):
    package = folder / "src" / f"lexarium_{folder.name}"
    assert len((package / "plugin.py").read_text(encoding="utf-8").splitlines()) <= 30
    assert len(tree(package / "__init__.py").body) == 1
    assert ast.get_docstring(tree(package / "__init__.py"))


def test_core_imports_no_plugin_and_no_registry():
    for path in SOURCES:
        if (ROOT / "core") in path.parents:
            assert not {m for m in tops(imports(path)) if m.startswith("lexarium_")}, named(path)


def test_no_plugin_imports_another_but_the_shared_ones():
    for path in SOURCES:
        own = next(f for f in DISTRIBUTIONS if f in path.parents)
        foreign = {m.removeprefix("lexarium_") for m in tops(imports(path)) if m.startswith("lexarium_")}
        assert foreign - {own.name} <= IMPORTABLE, named(path)


def test_click_is_imported_in_command_line_modules_only():
    for path in SOURCES:
        if "click" in tops(imports(path)):
            assert "cli" in path.parts or path.stem.split("_")[0] == "cli", named(path)


def test_a_plugin_module_imports_nothing_but_hooks_and_descriptors():
    for path in SOURCES:
        if path.name == "plugin.py":
            standard = ("__future__", "typing", "collections.abc", "dataclasses")
            allowed = (*standard, "lexarium.hookspecs", "lexarium.method")
            assert [m for m in imports(path) if not m.startswith(allowed)] == [], named(path)


@pytest.mark.parametrize(
    "command", [["--help"], ["methods"], ["plugins"], ["methods", "--json"]], ids=" ".join
)
def test_listing_imports_nothing_heavy(command, environment):
    code = (
        "import json, sys\nfrom lexarium.cli.main import cli\n"
        "try: cli(sys.argv[1:])\n"
        "finally: print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], capture_output=True, text=True, env=environment, check=True
    )
    assert not HEAVY & set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_is_of_a_size_to_hold_in_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    assert path.stem not in NAMELESS
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            counted = [a for a in given if a.arg not in {"self", "cls"}]
            assert len(counted) <= 7, f"{node.name}: {len(counted)} parameters"
            assert node.name.startswith("_") or node.args.kwarg is None, f"{node.name}: public **kwargs"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_stores_nothing_that_runs_when_it_is_read(path):
    assert not tops(imports(path)) & UNSAFE


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "__init__.py"], ids=named)
def test_a_module_that_is_imported_from_says_what_it_offers(path):
    names = [
        node.name
        for node in tree(path).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    if path.name == "plugin.py" or "testing" in path.parts or not names:
        return
    listed = next(
        ast.literal_eval(node.value)
        for node in tree(path).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    assert set(names) <= set(listed)


def test_there_is_no_import_cycle():
    modules = {
        ".".join(
            path.relative_to(next(f / "src" for f in DISTRIBUTIONS if f in path.parents))
            .with_suffix("")
            .parts
        ): path
        for path in SOURCES
    }
    graph = {name: {m for m in imports(path, at_top=True) if m in modules} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for inner in graph[name]:
                visit(inner, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_every_hook_is_documented():
    page = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    specs = ROOT / "core" / "src" / "lexarium" / "hookspecs.py"
    hooks = [
        node.name
        for node in tree(specs).body
        if isinstance(node, ast.FunctionDef) and node.name != "hookimpl"
    ]
    assert len(hooks) == 6
    assert [hook for hook in hooks if f"`{hook}()`" not in page] == []


def test_what_a_distribution_imports_it_declares():
    bring = {"sklearn": "scikit-learn", "faiss": "faiss-cpu"}
    for folder in DISTRIBUTIONS:
        about = project(folder)
        extras = [name for group in about.get("optional-dependencies", {}).values() for name in group]
        declared = {re.split(r"[\[<>=!~ ]", name)[0] for name in [*about["dependencies"], *extras]}
        for path in sorted((folder / "src").rglob("*.py")):
            for top in tops(imports(path)) - set(sys.stdlib_module_names) - {""}:
                if top in {"lexarium", f"lexarium_{folder.name}"} and top != "lexarium":
                    continue
                package = bring.get(top, "lexarium-core" if top == "lexarium" else top.replace("_", "-"))
                assert package in declared or (folder.name == "core" and top == "lexarium"), (
                    f"{named(path)}: {top}"
                )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_figures_of_the_readmes_are_those_of_the_benchmarks_page(language, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "benchmarks"))
    from headlines import BEGIN, END, READMES, headlines

    figures = json.loads((ROOT / "docs" / "benchmarks.json").read_text(encoding="utf-8"))
    shown = (ROOT / READMES[language]).read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert shown.strip() == headlines(figures, language)


def test_the_page_of_settings_is_what_the_classes_say(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from settings import settings

    page = settings()
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page, "type: make docs"
    assert not re.findall(r"^.*\|  \|$", page, re.MULTILINE), "a setting that no docstring explains"


LOOPS = sorted((ROOT / "core" / "kernels" / "cpp").glob("*_loops.cpp"))
INCLUDE = re.compile(r"^#include [<\"](.+)[>\"]$", re.MULTILINE)


@pytest.mark.parametrize("path", LOOPS, ids=named)
def test_what_is_compiled_for_each_instruction_set_includes_no_templates_of_the_library(path):
    """Of a template for AVX-512 and the same for the baseline the linker keeps one, for every processor."""
    seen, ahead = set(), [path]
    while ahead:
        here = ahead.pop()
        for name in INCLUDE.findall(here.read_text(encoding="utf-8")):
            if "." not in name:
                assert name in {"cstddef", "cstdint", "cstring"}, f"{here.name} includes <{name}>"
            elif name != "dispatch.hpp" and name not in seen:  # which says what it includes where
                seen.add(name)
                ahead.append(here.with_name(name))
