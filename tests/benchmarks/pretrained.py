"""MiniLM beside sentence-transformers: embedding, and one text in a whole process."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from measuring import HERE, Section, fresh, in_turn, median

__all__ = ["embedding"]

SCRIPT, PEER = "transformer_embedding.py", "sentence-transformers"
OURS = {
    "lexarium": "torch, float32",
    "onnx": "`--set backend=onnx`, float32",
    "openvino": "`--set backend=openvino`, float32",
    "int8": "`--set dtype=int8` (OpenVINO, calibrated on 300 other reviews)",
    "fastest": "`--set dtype=fastest`",
}


def embedding(runs: int) -> Section:
    """300 reviews, and one text from the start of a process to its end."""
    runs = min(runs, 3)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        near = json.loads(fresh([sys.executable, HERE / SCRIPT, PEER, "cosines", home]))
        embedded = in_turn(SCRIPT, (*OURS, PEER), runs, "embed", home)
        fresh([sys.executable, HERE / SCRIPT, "lexarium", "start", home])  # stores the model
        started = in_turn(SCRIPT, ("lexarium", PEER), runs, "start", home)
    rows = []
    theirs = median(embedded[PEER], "seconds")
    for who, how in OURS.items():
        ours = median(embedded[who], "seconds")
        cosines = f"{near[who]['least']:.7f} / {near[who]['mean']:.5f} / {100 * near[who]['close']:.1f} %"
        times = f"{theirs / ours:.2f}"
        rows.append([f"300 reviews, {how}", f"{ours:.2f} s", f"{theirs:.2f} s", times, cosines])
    ours, theirs = (median(started[who], "seconds") for who in ("lexarium", PEER))
    rows.append(["one text, a whole process", f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.2f}", ""])
    return Section(
        "MiniLM",
        "all-MiniLM-L6-v2 on 300 reviews of mixed length, evenly from the file, the better of two passes"
        " in each process, `SentenceTransformer.encode` as it comes (batches of 32); the one text with "
        "`lexarium embed minilm --text hi` and the shortest script that does the same. 2 cores, medians of "
        f"{runs} fresh processes each, in turn. Cosines to the peer's vectors over 1,000 reviews, an empty "
        "text, one word, very long texts and Chinese: least, mean, and the share of texts at 0.99 or more.",
        ["work", "Lexarium", PEER, "times as fast", "cosines"],
        rows,
    )
