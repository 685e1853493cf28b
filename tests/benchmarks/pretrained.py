"""MiniLM beside sentence-transformers: embedding, and one text in a whole process."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from measuring import HERE, Section, fresh, in_turn, median

__all__ = ["embedding"]

SCRIPT, OURS, PEER = "transformer_embedding.py", "lexarium", "sentence-transformers"


def embedding(runs: int) -> Section:
    """300 reviews, and one text from the start of a process to its end."""
    runs = min(runs, 3)
    embedded = in_turn(SCRIPT, (OURS, PEER), runs, "embed")
    cosine = json.loads(fresh([sys.executable, HERE / SCRIPT, "both", "embed"]))["cosine"]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        fresh([sys.executable, HERE / SCRIPT, OURS, "start", home])  # stores the model
        started = in_turn(SCRIPT, (OURS, PEER), runs, "start", home)
    rows = []
    for work, found in (
        (f"300 reviews, float32, least cosine {cosine:.7f}", embedded),
        ("one text, a whole process", started),
    ):
        ours, theirs = (median(found[who], "seconds") for who in (OURS, PEER))
        rows.append([work, f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.2f}"])
    return Section(
        "MiniLM",
        "all-MiniLM-L6-v2 on 300 reviews of mixed length, evenly from the file, the better of two passes"
        " in each process, `SentenceTransformer.encode` as it comes (batches of 32); the one text with "
        "`lexarium embed minilm --text hi` and the shortest script that does the same. 2 cores, medians of "
        f"{runs} fresh processes each, in turn.",
        ["work", "Lexarium", PEER, "times as fast"],
        rows,
    )
