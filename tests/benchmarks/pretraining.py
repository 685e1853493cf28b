"""A tiny BERT, GPT or T5 from scratch on reviews, against unigrams on held-out reviews; prints JSON.

    python tests/benchmarks/pretraining.py bert|gpt|t5 REVIEWS.csv [SECONDS]

It trains for as many updates as fit into SECONDS (150), timed by a few of them, with two threads. What is
compared, on the same blocks of held-out text: the share of masked tokens that are told right (bert), the
perplexity (gpt), the share of the tokens of missing spans that are told right (t5); the unigram baseline
always tells the most frequent token, or the frequency in the training text plus one.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

from lexarium.roles import Run
from lexarium.tables import read_labelled
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.config import MaskedConfig, PretrainingConfig, SpanConfig
from lexarium_transformer.pretraining.encoded import Blocks, encode, survey
from lexarium_transformer.pretraining.masked import Masked
from lexarium_transformer.pretraining.run_folder import IDS, stored_tokenizer
from lexarium_transformer.pretraining.sizes import Outline, plan
from lexarium_transformer.pretraining.spans import Spans
from lexarium_transformer.pretraining.training import pretrain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium_transformer.pretraining.training import Pretrained

TRAIN, HELD_OUT, BLOCKS, LENGTH = 6_000, 300, 128, 64
PROBE = 12  # updates
SETTINGS: dict[str, Any] = {
    "per_device_train_batch_size": 16,
    "learning_rate": 4e-3,
    "tokenizer_characters": 2_000_000,
}
KINDS: dict[str, tuple[Any, Any]] = {
    "bert": (Masked(), MaskedConfig),
    "gpt": (Causal(), PretrainingConfig),
    "t5": (Spans(), SpanConfig),
}


def main() -> None:
    """Train one, measure it, print."""
    kind, path = sys.argv[1:3]
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 150.0
    texts = read_labelled(path, text="text", label="label").texts
    order = np.random.default_rng(0).permutation(len(texts))
    train = [texts[i] for i in order[:TRAIN]]
    held_out = [texts[i] for i in order[TRAIN : TRAIN + HELD_OUT]]
    objective, config = KINDS[kind]
    outline = Outline(max_length=LENGTH, lowercase=True, device="cpu")
    with TemporaryDirectory() as folder:
        taken = timed(objective, config, train[:500], outline, folder)
        steps = max(1, int(seconds / taken))
        settings = config(max_steps=steps, output_dir=f"{folder}/run", save_steps=steps, **SETTINGS)
        begin = time.perf_counter()
        found = pretrain(objective, train, settings, Run(threads=2), outline, lambda made: made)
        wall = time.perf_counter() - begin
        measured = measure(kind, found, plan(settings, objective.sizes, outline, 1), Path(folder), held_out)
    size = sum(tensor.size for tensor in found.tensors.values())
    print(json.dumps({"kind": kind, "parameters": size, "steps": steps, "seconds": wall} | measured))


def timed(objective: Any, config: Any, texts: Sequence[str], outline: Outline, folder: str) -> float:
    """Return the seconds of one update."""
    times: list[float] = []

    def progress(what: str, done: int, total: int | None) -> None:
        del done, total
        if what == "train":
            times.append(time.perf_counter())

    settings = config(max_steps=PROBE, output_dir=f"{folder}/probe", save_steps=10**6, **SETTINGS)
    pretrain(objective, texts, settings, Run(threads=2, progress=progress), outline, lambda made: made)
    return float(np.median(np.diff(times)))


def measure(
    kind: str,
    found: Pretrained,
    chosen: Any,
    folder: Path,
    held_out: Sequence[str],
) -> dict[str, Any]:
    """Return the scores of the model and of unigrams on the same blocks."""
    objective = KINDS[kind][0]
    tokenizer = stored_tokenizer(folder / "run")
    counts = np.bincount(np.fromfile(folder / "run" / IDS, "<u2"), minlength=tokenizer.get_vocab_size()) + 1
    encode(held_out, tokenizer, folder / IDS, survey(held_out, Run()), Run())
    blocks = Blocks(folder / IDS, tokenizer, objective.window(chosen), seed=1)
    batch = objective.collator(tokenizer, chosen)([blocks[i] for i in range(min(BLOCKS, blocks.count))])
    for name, raw in found.files.items():
        (folder / name).write_bytes(raw)
    save_file(dict(found.tensors), folder / "model.safetensors", {"format": "pt"})
    cls = getattr(transformers, json.loads(found.files["config.json"])["architectures"][0])
    with torch.inference_mode():
        logits = cls.from_pretrained(folder).eval()(**batch).logits
    labels = batch["labels"]
    if kind == "gpt":
        logits, labels = logits[:, :-1], labels[:, 1:]
    told = labels != -100
    if kind == "t5":  # neither sentinels nor the end
        told &= (labels < tokenizer.token_to_id("<extra_id_99>")) & (labels != 1)
    wanted, scores = labels[told], logits[told]
    if kind == "gpt":
        loss = torch.nn.functional.cross_entropy(scores, wanted).item()
        unigram = -np.log(counts / counts.sum())[wanted.numpy()].mean()
        return {"tokens": len(wanted), "perplexity": math.exp(loss), "unigram": math.exp(unigram)}
    right = (scores.argmax(-1) == wanted).float().mean().item()
    frequent = counts.copy()
    frequent[:5] = 0  # special tokens are never told
    return {
        "tokens": len(wanted),
        "accuracy": right,
        "unigram": (wanted.numpy() == int(frequent.argmax())).mean(),
    }


if __name__ == "__main__":
    main()
