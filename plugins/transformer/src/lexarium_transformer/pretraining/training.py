"""A corpus to a pretrained transformer: ``lexarium fit bert``, ``gpt`` and ``t5`` come here."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lexarium.config import require
from lexarium.errors import TrainingInterrupted
from lexarium_transformer.pretraining.encoded import Blocks
from lexarium_transformer.pretraining.objective import STORED_DROPOUT
from lexarium_transformer.pretraining.run_folder import (
    IDS,
    last_checkpoint,
    opened,
    prepare,
    stored_tokenizer,
)
from lexarium_transformer.pretraining.sizes import plan as planned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from lexarium.roles import Corpus, Run
    from lexarium_transformer.pretraining.config import PretrainingConfig
    from lexarium_transformer.pretraining.objective import Objective
    from lexarium_transformer.pretraining.sizes import Outline, Plan

__all__ = ["CURVE", "Pretrained", "pretrain"]

CURVE = "training.json"  # of a stored model
_C = TypeVar("_C", bound="PretrainingConfig")
_M = TypeVar("_M")


@dataclass(frozen=True)
class Pretrained:
    """What pretraining gives: tensors by transformers' names, the files of a folder, and the length.

    Of weights that are tied, the first name alone stands. ``max_length`` counts special tokens.
    """

    tensors: Mapping[str, NDArray[Any]]
    files: Mapping[str, bytes]
    max_length: int


def pretrain(
    objective: Objective[_C],
    corpus: Corpus,
    config: _C,
    run: Run,
    outline: Outline,
    finish: Callable[[Pretrained], _M],
) -> _M:
    """Train a tokenizer and a network on ``corpus``; ``finish`` makes the model of a method of them.

    With the same corpus, settings and ``run.seed``, one thread gives the same bits. With ``output_dir``, a
    run that was interrupted, or killed, goes on from its last checkpoint, and its losses are those of a run
    that was not. Under ``torchrun`` every process computes its share of each update; the first one returns
    the model, and the others end here.

    :raises DataError: the corpus is empty, has fewer tokens than one block, or the training diverges.
    :raises ConfigError: the vocabulary is too small for the corpus, ``output_dir`` holds another run, or is
        missing where several processes share one; the device cannot compute in ``precision``.
    :raises TrainingInterrupted: Ctrl-C; carries the model as far as it has come.
    :raises SystemExit: in a process of ``torchrun`` that is not the first, when its share is done.
    """
    together = int(os.environ.get("WORLD_SIZE", "1"))
    require(
        "output_dir",
        together == 1 or config.output_dir is not None,
        f"{together} processes need a folder that all of them see",
    )
    plan = planned(config, objective.sizes, outline, run.seed)
    with opened(config.output_dir) as folder:
        return _Course(objective, plan, folder, run).follow(corpus, finish)


class _Course:
    """One run on its way."""

    def __init__(self, objective: Objective[Any], plan: Plan[Any], folder: Path, run: Run) -> None:
        self._objective = objective
        self._plan = plan
        self._folder = folder
        self._run = run

    def follow(self, corpus: Corpus, finish: Callable[[Pretrained], _M]) -> _M:
        from lexarium_transformer.pretraining.loop import (  # noqa: PLC0415  transformers' Trainer takes seconds
            arguments,
            isolated,
            steps_of,
            trainer,
        )

        config, plan = self._plan.config, self._plan
        with isolated(self._run.threads):
            args = arguments(plan, self._folder)
            share = config.per_device_train_batch_size * config.gradient_accumulation_steps * args.world_size
            with args.main_process_first(desc="tokenise"):
                if not args.process_index:
                    prepare(self._folder, self._objective, corpus, plan, self._run, share)
            tokenizer = stored_tokenizer(self._folder)
            blocks = Blocks(self._folder / IDS, tokenizer, self._objective.window(plan), plan.seed)
            args.max_steps = steps_of(plan, blocks.count, share)
            blocks.samples = args.max_steps * share
            args.warmup_steps = _warmup(config, args.max_steps)
            args.logging_steps = min(config.logging_steps, args.max_steps)
            collator = self._objective.collator(tokenizer, plan)
            network = self._network(tokenizer)
            at_work = trainer(network, args, blocks, collator, self._run, relative=self._objective.relative)
            try:
                at_work.train(resume_from_checkpoint=self._last())
            except KeyboardInterrupt as interrupt:
                done = at_work.state.global_step / args.max_steps
                if not done or args.process_index:
                    raise
                model = finish(self._result(at_work.model, at_work.state, tokenizer))
                raise TrainingInterrupted(model, done) from interrupt
            if args.process_index:
                raise SystemExit(0)
            return finish(self._result(at_work.model, at_work.state, tokenizer))

    def _last(self) -> str | None:
        found = last_checkpoint(self._folder)
        return None if found is None else str(found)

    def _network(self, tokenizer: Tokenizer) -> Any:  # noqa: ANN401  transformers' class
        import torch  # noqa: PLC0415

        torch.manual_seed(self._plan.seed)
        return self._objective.network(tokenizer, self._plan)

    def _result(self, network: Any, state: Any, tokenizer: Tokenizer) -> Pretrained:  # noqa: ANN401
        """Return copies of the weights, each once."""
        tensors: dict[str, NDArray[Any]] = {}
        seen: set[int] = set()
        for name, tensor in network.state_dict().items():
            if tensor.data_ptr() not in seen:
                seen.add(tensor.data_ptr())
                tensors[name] = np.array(tensor.detach().float().cpu().numpy())
        described = json.loads(network.config.to_json_string())
        described |= {"architectures": [type(network).__name__], "dtype": "float32"}
        described |= dict.fromkeys(self._objective.dropouts, STORED_DROPOUT)
        files = {
            "config.json": (json.dumps(described, indent=2) + "\n").encode(),
            CURVE: self._curve(state),
            **self._objective.files(tokenizer, self._plan),
        }
        return Pretrained(tensors, files, self._plan.max_length)

    def _curve(self, state: Any) -> bytes:  # noqa: ANN401  transformers' TrainerState
        points = [
            {key: entry[key] for key in ("step", "loss", "learning_rate")}
            for entry in state.log_history
            if "loss" in entry
        ]
        curve = {"steps": state.global_step, "of": state.max_steps, "points": points}
        return (json.dumps(curve, indent=1) + "\n").encode()


def _warmup(config: PretrainingConfig, steps: int) -> int:
    return round(config.warmup_ratio * steps) if config.warmup_steps is None else config.warmup_steps
