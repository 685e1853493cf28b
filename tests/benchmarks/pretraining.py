"""A small BERT, GPT or T5 from scratch on reviews, against unigrams on held-out reviews; prints JSON.

    python tests/benchmarks/pretraining.py bert|gpt|t5 PICTURE.svg

The settings are those of ``SETTINGS``, which ``lexarium fit bert --set KEY=VALUE`` takes as well; 2 threads.
PICTURE is a new file for the loss curve. What is compared, on the same blocks of held-out text: the share of
masked tokens that are told right (bert), the perplexity (gpt), the share of the tokens of missing spans that
are told right, each after those before it (t5). Unigrams tell the most frequent token, or the frequency of
each in the training text plus one.
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
from measuring import REVIEWS

from lexarium.config import from_mapping
from lexarium.roles import Run
from lexarium.tables import read_labelled
from lexarium.zoo import Zoo
from lexarium_transformer.formats import write_transformers
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.curve import losses
from lexarium_transformer.pretraining.encoded import Blocks, encode, survey
from lexarium_transformer.pretraining.masked import Masked
from lexarium_transformer.pretraining.run_folder import IDS, stored_tokenizer
from lexarium_transformer.pretraining.sizes import Outline, plan
from lexarium_transformer.pretraining.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["SETTINGS"]

TRAIN, HELD_OUT, BLOCKS, BATCH = 12_000, 300, 512, 32
_SHARED: dict[str, Any] = {"size": "tiny", "do_lower_case": True, "tokenizer_characters": 4_000_000}
SETTINGS: dict[str, dict[str, Any]] = {
    "bert": {"vocab_size": 2000, "max_length": 64, "max_steps": 1500, "learning_rate": 2e-3, **_SHARED},
    "gpt": {"vocab_size": 2000, "max_length": 64, "max_steps": 1200, "learning_rate": 4e-3, **_SHARED},
    "t5": {
        "vocab_size": 1000,
        "max_length": 32,
        "max_steps": 1600,
        "learning_rate": 5e-2,
        "noise_density": 0.3,
        **_SHARED,
    },
}
SPECIAL = {"bert": 5, "t5": 3}  # tokens, which have the first ids
OBJECTIVES: dict[str, Any] = {"bert": Masked(), "gpt": Causal(), "t5": Spans()}


def main() -> None:
    """Train one, measure it, print."""
    kind, picture = sys.argv[1], Path(sys.argv[2])
    texts = read_labelled(REVIEWS, text="text", label="label").texts
    order = np.random.default_rng(0).permutation(len(texts))
    parts = order[:HELD_OUT], order[HELD_OUT : HELD_OUT + TRAIN]
    held_out, train = ([texts[i] for i in part] for part in parts)
    with TemporaryDirectory() as name:
        folder = Path(name)
        zoo = Zoo(folder / "home")
        # Checkpoints are written at the end alone; the folder keeps the ids, from which unigrams are counted.
        kept = {"output_dir": str(folder / "run"), "save_steps": SETTINGS[kind]["max_steps"]}
        begin = time.perf_counter()
        model: Any = zoo.fit(kind, train, config={**SETTINGS[kind], **kept}, name=kind, threads=2, seed=1)
        seconds = time.perf_counter() - begin
        found = losses(zoo, kind, picture)
        measured = measure(kind, model, folder, held_out)
    size = sum(tensor.size for tensor in model.tensors.values())
    print(json.dumps({"parameters": size, "steps": found.steps, "seconds": seconds} | measured))


def measure(kind: str, model: Any, folder: Path, held_out: Sequence[str]) -> dict[str, Any]:
    """Return the figures of the model and of unigrams on the same blocks, and how many tokens these have."""
    objective, tokenizer = OBJECTIVES[kind], stored_tokenizer(folder / "run")
    config = from_mapping(model.config_class, SETTINGS[kind])
    outline = Outline(max_length=config.max_length, lowercase=True, device="cpu")
    chosen = plan(config, objective.sizes, outline, 1)
    counts = np.bincount(np.fromfile(folder / "run" / IDS, "<u2"), minlength=tokenizer.get_vocab_size()) + 1
    encode(held_out, tokenizer, folder / IDS, survey(held_out, Run()), Run())
    blocks = Blocks(folder / IDS, tokenizer, objective.window(chosen), seed=1)
    collator = objective.collator(tokenizer, chosen)
    write_transformers(model, folder / "exported", Run())
    described = json.loads(model.files["config.json"])
    network = getattr(transformers, described["architectures"][0]).from_pretrained(folder / "exported").eval()
    losses_, right, wanted = [], [], []
    for start in range(0, min(BLOCKS, blocks.count), BATCH):
        batch = collator([blocks[i] for i in range(start, min(start + BATCH, blocks.count))])
        with torch.inference_mode():
            logits = network(**batch).logits
        scores, labels = told(kind, logits, batch["labels"], tokenizer.token_to_id("<extra_id_99>"))
        losses_.append(torch.nn.functional.cross_entropy(scores, labels, reduction="none").numpy())
        right.append((scores.argmax(-1) == labels).numpy())
        wanted.append(labels.numpy())
    return {"tokens": sum(map(len, wanted))} | compared(
        kind, np.concatenate(losses_), np.concatenate(right), np.concatenate(wanted), counts
    )


def told(kind: str, logits: Tensor, labels: Tensor, sentinels: int | None) -> tuple[Tensor, Tensor]:
    """Return the scores (n, V) and the tokens (n,) that are to be told, no sentinel and no end among them."""
    if kind == "gpt":
        logits, labels = logits[:, :-1], labels[:, 1:]
    open_ = labels != -100
    if sentinels is not None:
        open_ &= (labels < sentinels) & (labels != 1)
    return logits[open_], labels[open_]


def compared(
    kind: str,
    losses_: NDArray[np.floating],
    right: NDArray[np.bool_],
    wanted: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> dict[str, float]:
    """Return what the model reaches and what unigrams reach."""
    if kind == "gpt":
        unigram = -np.log(counts / counts.sum())[wanted].mean()
        return {"model": math.exp(losses_.mean()), "unigram": math.exp(unigram)}
    frequent = counts.copy()
    frequent[: SPECIAL[kind]] = 0  # they are never to be told
    return {"model": float(right.mean()), "unigram": float((wanted == frequent.argmax()).mean())}


if __name__ == "__main__":
    main()
