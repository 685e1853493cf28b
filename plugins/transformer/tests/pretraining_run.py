"""One small run in a process of its own, which tests may kill: ``FOLDER KIND OUT DROPOUT [STEP]``.

At ``STEP`` it kills itself, as a power cut would; else it writes weights and curve to ``OUT``.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from lexarium.roles import Run
from lexarium_transformer.pretraining.causal import Causal
from lexarium_transformer.pretraining.config import MaskedConfig, PretrainingConfig, SpanConfig
from lexarium_transformer.pretraining.masked import Masked
from lexarium_transformer.pretraining.sizes import SINGLE, Outline
from lexarium_transformer.pretraining.spans import Spans
from lexarium_transformer.pretraining.training import CURVE, pretrain
from lexarium_transformer.testing import TEXTS

_SMALL = {"tiny": replace(SINGLE["tiny"], hidden=32, heads=2, inner=64, vocabulary=400, length=16)}
_SHARED = {"per_device_train_batch_size": 8, "logging_steps": 4, "save_steps": 8}


class SmallMasked(Masked):
    sizes = _SMALL


class SmallCausal(Causal):
    sizes = _SMALL


class SmallSpans(Spans):
    sizes = _SMALL


RATES = {"masked": 3e-3, "causal": 3e-3, "spans": 5e-2}
OBJECTIVES = {"masked": SmallMasked(), "causal": SmallCausal(), "spans": SmallSpans()}
CONFIGS = {"masked": MaskedConfig, "causal": PretrainingConfig, "spans": SpanConfig}


def small_run(kind, texts=TEXTS, run=None, **settings):
    """Train a network of some 30,000 parameters; settings as those of the objective."""
    config = CONFIGS[kind](**{**_SHARED, "learning_rate": RATES[kind], "max_steps": 24, **settings})
    outline = Outline(max_length=None, lowercase=True, device="cpu")
    return pretrain(OBJECTIVES[kind], texts, config, run or Run(), outline, lambda found: found)


def main():
    folder, kind, out, dropout, *at = sys.argv[1:]

    def progress(what, done, total):
        if at and what == "train" and done == int(at[0]):
            os.kill(os.getpid(), signal.SIGKILL)

    batch = 8 // int(os.environ.get("WORLD_SIZE", "1"))
    settings = {"output_dir": folder, "dropout": float(dropout), "per_device_train_batch_size": batch}
    found = small_run(kind, run=Run(progress=progress), **settings)
    Path(out).mkdir()
    np.savez(Path(out, "tensors.npz"), **found.tensors)
    Path(out, CURVE).write_bytes(found.files[CURVE])


if __name__ == "__main__":
    main()
