"""Measure Lexarium beside its peers, side by side in one run, and write the page: ``make bench``.

Each figure is a median over alternating runs (ours, peer, ours, peer ...), each in a fresh process, so
that a machine that slows down slows both. Nothing here asserts a time. ``--only NAME`` measures some of
the sections again and leaves the others as they were measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foundation import accuracy, counting, opening, start_up
from headlines import write_headlines
from neural import distillation, generation, pretraining
from pretrained import embedding
from static_lookup import fasttext_models, looking_up
from static_training import fasttext, glove, growth, word2vec

from registry import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from measuring import Section

SECTIONS: dict[str, Callable[[int], Section]] = {
    "start-up": start_up,
    "opening": opening,
    "classification": accuracy,
    "counting": counting,
    "word2vec": word2vec,
    "glove": glove,
    "fasttext": fasttext,
    "looking-up": looking_up,
    "fasttext-models": fasttext_models,
    "growth": growth,
    "embedding": embedding,
    "pretraining": pretraining,
    "generation": generation,
    "distillation": distillation,
    "registry": registry,
}
PEERS = (
    "click",
    "gensim",
    "scikit-learn",
    "fasttext-numpy2",
    "model2vec",
    "faiss-cpu",
    "numpy",
    "torch",
    "sentence-transformers",
)


def main() -> None:
    """Measure, keep the figures beside the page as JSON, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path)
    parser.add_argument("--only", action="append", choices=list(SECTIONS), default=[])
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    figures = arguments.page.with_suffix(".json")
    found = json.loads(figures.read_text(encoding="utf-8")) if arguments.only and figures.exists() else {}
    for name, measure in SECTIONS.items():
        if arguments.only and name not in arguments.only:
            continue
        begin = time.perf_counter()
        found[name] = asdict(measure(arguments.runs)) | {"machine": _machine()}
        print(f"{name}: {time.perf_counter() - begin:.0f} s")
        kept = {key: found[key] for key in SECTIONS if key in found}
        figures.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        arguments.page.write_text(_page(list(kept.values())), encoding="utf-8")
    write_headlines(arguments.page.parent.parent, found)
    print(f"wrote {arguments.page}, {figures} and the figures of the READMEs")


def _machine() -> str:
    about: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        about.setdefault(name.strip(), value.strip())
    flags = about.get("flags", "").split()
    sets = {"AVX-512": "avx512f", "AVX2": "avx2"}
    width = next((f" with {name}" for name, flag in sets.items() if flag in flags), "")
    vnni = " and VNNI" if {"avx512_vnni", "avx_vnni"} & set(flags) else ""
    family = f" (family {about['cpu family']}, model {about['model']})" if "cpu family" in about else ""
    model = about.get("model name", platform.machine()) + family + width + vnni
    peers = ", ".join(f"{name} {_version(name)}" for name in PEERS)
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {model}, {system}. Peers: {peers}."


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _page(sections: list[dict[str, Any]]) -> str:
    machines = list(dict.fromkeys(section["machine"] for section in sections))
    how = "Times vary between machines and runs; the ratios are what to read."
    parts = [f"# Benchmarks\n\nWritten by `make bench`; not edited by hand. {how}\n"]
    if len(machines) == 1:
        parts.append(f"Machine: {machines[0]}\n")
    for section in sections:
        lines = [section["headers"], ["---"] * len(section["headers"]), *section["rows"]]
        where = f"Machine: {section['machine']}\n\n" if len(machines) > 1 else ""
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        parts.append(f"## {section['title']}\n\n{section['how']}\n\n{where}{table}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
