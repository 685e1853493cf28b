"""transformers' Trainer, kept quiet: progress to the run, losses to a curve, checkpoints to its folder."""

from __future__ import annotations

import logging
import math
import os
import random
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import Adafactor, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback
from transformers.utils import logging as library

from lexarium.config import require
from lexarium.errors import DataError
from lexarium_transformer.dtypes import device_of
from lexarium_transformer.pretraining.run_folder import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from transformers import TrainerControl, TrainerState

    from lexarium.roles import Run
    from lexarium_transformer.pretraining.encoded import Blocks
    from lexarium_transformer.pretraining.objective import Collator
    from lexarium_transformer.pretraining.sizes import Plan

__all__ = ["arguments", "isolated", "steps_of", "trainer"]

_log = logging.getLogger("lexarium")
_PICKLED = "training_args.bin"
_KEPT = 2  # checkpoints: while one is written, there is another
_TIMEOUT = 7 * 24 * 3600  # seconds that other processes wait while the first tokenises the corpus


def arguments(plan: Plan[Any], folder: Path) -> TrainingArguments:
    """Return the Trainer's arguments, all but the number of steps.

    :raises ConfigError: the device cannot compute in ``precision``.
    """
    config = plan.config
    cpu = device_of(plan.device).type == "cpu"
    shared = int(os.environ.get("WORLD_SIZE", "1")) > 1
    require("precision", not (cpu and config.precision == "fp16"), "fp16 needs a GPU; bf16 does without")
    return TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=config.per_device_train_batch_size,
        gradient_accumulation_steps=config.gradient_accumulation_steps,
        learning_rate=plan.learning_rate,
        lr_scheduler_type=config.lr_scheduler_type,
        weight_decay=config.weight_decay,
        adam_beta1=config.adam_beta1,
        adam_beta2=config.adam_beta2,
        adam_epsilon=config.adam_epsilon,
        max_grad_norm=config.max_grad_norm,
        optim="adamw_torch",
        bf16=config.precision == "bf16",
        fp16=config.precision == "fp16",
        use_cpu=cpu,
        ddp_backend="gloo" if cpu and shared else None,
        ddp_find_unused_parameters=False,
        ddp_timeout=_TIMEOUT,
        seed=plan.seed % 2**32,
        save_strategy="no" if config.output_dir is None else "steps",
        save_steps=config.save_steps,
        save_total_limit=_KEPT,
        logging_steps=config.logging_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        train_sampling_strategy="sequential",  # Blocks are in the order of the run
        dataloader_pin_memory=not cpu,
        remove_unused_columns=False,
        disable_tqdm=True,
        report_to="none",
        log_level="error",
        log_level_replica="error",
    )


def steps_of(plan: Plan[Any], blocks: int, share: int) -> int:
    """Return the number of updates, each of which takes ``share`` samples."""
    config = plan.config
    wanted: int | None = config.max_steps
    return wanted or max(1, math.ceil(config.num_train_epochs * blocks / share))


def trainer(
    network: Any,  # noqa: ANN401  transformers' class
    args: TrainingArguments,
    blocks: Blocks,
    collator: Collator,
    run: Run,
    *,
    relative: bool,
) -> Trainer:
    """Return the Trainer of a run, which prints nothing; with ``relative`` updates it takes Adafactor."""
    scaled = {"lr": args.learning_rate, "scale_parameter": True, "relative_step": False}
    made = _Trainer(
        model=network,
        args=args,
        train_dataset=blocks,
        data_collator=collator,
        callbacks=[_Teller(run)],
        optimizer_cls_and_kwargs=(Adafactor, {**scaled, "beta1": args.adam_beta1}) if relative else None,
    )
    made.remove_callback(PrinterCallback)
    return made


@contextmanager
def isolated(threads: int) -> Iterator[None]:
    """Give torch so many threads and keep transformers quiet; afterwards both are as they were.

    So are the sources of randomness, which the Trainer seeds.
    """
    bars: Any = library  # some of its functions have no types
    level, shown = library.get_verbosity(), bars.is_progress_bar_enabled()
    before, python, legacy = torch.get_num_threads(), random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        torch.set_num_threads(threads)
        bars.set_verbosity_error()
        bars.disable_progress_bar()
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            yield
    finally:
        library.set_verbosity(level)
        if shown:
            bars.enable_progress_bar()
        torch.set_num_threads(before)
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002  the Trainer seeds this one


class _Trainer(Trainer):
    def _save(self, output_dir: str | None = None, state_dict: dict[str, Any] | None = None) -> None:
        """Save the weights, without the pickle of the arguments beside them, which nothing here reads."""
        super()._save(output_dir, state_dict)
        if self.args.should_save:
            Path(output_dir or str(self.args.output_dir), _PICKLED).unlink(missing_ok=True)


class _Teller(TrainerCallback):
    """Tell the run how far training has come, and mark checkpoints that are complete."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def _stepped(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        del control, kwargs
        if not args.process_index:
            self._run.progress("train", state.global_step, state.max_steps)

    def _logged(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        del args, control, kwargs
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        if not math.isfinite(loss):
            raise DataError(
                f"the training diverged in step {state.global_step}: its loss is {loss}",
                "lower learning_rate, or raise warmup_steps",
            )
        _log.info("step %d of %d, loss %.4f", state.global_step, state.max_steps, loss)

    def _saved(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        del control, kwargs
        if args.should_save:
            Path(str(args.output_dir), f"checkpoint-{state.global_step}", COMPLETE).touch()

    on_step_end, on_log, on_save = _stepped, _logged, _saved
