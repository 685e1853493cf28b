"""Transformers made here: from scratch beside unigrams, writing beside transformers, and distilled."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measuring import HERE, Section, fresh, in_turn, median

__all__ = ["distillation", "generation", "pretraining"]

OURS, PEER = "lexarium", "transformers"
MEASURES = {"bert": "masked tokens told", "gpt": "perplexity", "t5": "tokens of spans told"}


def pretraining(_runs: int) -> Section:
    """Train a small BERT, GPT and T5 from scratch, and measure them beside unigrams; one run each."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, measure in MEASURES.items():
            picture = Path(folder) / f"{kind}.svg"
            found = json.loads(fresh([sys.executable, HERE / "pretraining.py", kind, picture]))
            model, unigram = (
                f"{found[who]:.1f}" if kind == "gpt" else f"{found[who]:.2%}" for who in ("model", "unigram")
            )
            size = f"{found['parameters'] / 1e6:.2f} million"
            rows.append([f"`fit {kind}`", size, f"{found['seconds']:.0f} s", measure, model, unigram])
    return Section(
        "From scratch, beside unigrams",
        "12,000 reviews to train on, 300 others to measure on; all of `lexarium fit`, its tokenizer as well, "
        "on 2 threads, settings in tests/benchmarks/pretraining.py. A perplexity is better the lower "
        "it is. Unigrams tell the most frequent token, and as a perplexity the frequency of each. Each model "
        "has tokens of its own, so a row is no measure for another. One run each, fresh processes.",
        ["who", "parameters", "time", "measure", "model", "unigrams"],
        rows,
    )


def generation(runs: int) -> Section:
    """SmolLM2 writing after prompts of one length and of uneven lengths, beside transformers."""
    runs = min(runs, 3)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for lengths, what in (("even", "64 words each"), ("uneven", "from 4 to 320 words")):
            found = in_turn("generation.py", (OURS, PEER), runs, lengths, Path(folder) / "smollm2")
            ours, theirs = (median(found[who], "seconds") for who in (OURS, PEER))
            first, second = (found[who][0]["tokens"] for who in (OURS, PEER))
            same = sum(one == other for one, other in zip(first, second, strict=True))
            times = [f"{ours:.2f} s", f"{theirs:.2f} s", f"{theirs / ours:.2f}"]
            rows.append([f"8 prompts, {what}", *times, f"{same} of {len(first)}"])
    return Section(
        "Writing",
        "SmolLM2-135M-Instruct in 32 bits, 16 tokens greedily after each of 8 prompts, one padded batch for "
        f"transformers {version(PEER)}. The better of two passes in each process; medians of {runs} fresh "
        "processes each, in turn.",
        ["work", "Lexarium", PEER, "times as fast", "texts that are the same"],
        rows,
    )


def distillation(_runs: int) -> Section:
    """MiniLM distilled into a static model, between word vectors and MiniLM itself; one run."""
    with tempfile.TemporaryDirectory() as folder:
        found = json.loads(fresh([sys.executable, HERE / "distillation.py", Path(folder) / "home"]))
    models: dict[str, dict[str, Any]] = found["models"]
    rows = [
        [
            name,
            f"{r['dim']:,}",
            f"{r['accuracy']:.4f}",
            f"{r['macro_f1']:.4f}",
            f"{r['texts_per_second']:,.0f}",
        ]
        for name, r in models.items()
    ]
    return Section(
        "A distilled model",
        f"{found['train']:,} reviews to train, {found['test']:,} to test, one split, logistic regression, "
        f"C=1, on the vectors. Distilling MiniLM took {found['distillation_seconds']:.1f} s. Speed is over "
        "the test reviews, the better of two passes; one process.",
        ["embedder", "dimensions", "accuracy", "macro-F1", "texts per second"],
        rows,
    )
