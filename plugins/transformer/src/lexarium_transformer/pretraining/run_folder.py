"""The folder of a run: its tokenizer and its ids, made once, and checkpoints that it can go on from."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lexarium.config import to_mapping
from lexarium.errors import CheckpointError, ConfigError, InputError
from lexarium_transformer.gate import read_json
from lexarium_transformer.pretraining.encoded import encode, sampled, survey
from lexarium_transformer.tokens import parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tokenizers import Tokenizer

    from lexarium.roles import Corpus, Run
    from lexarium_transformer.pretraining.objective import Objective
    from lexarium_transformer.pretraining.sizes import Plan

__all__ = ["COMPLETE", "IDS", "last_checkpoint", "opened", "prepare", "stored_tokenizer"]

IDS = "ids.bin"
_RUN, _TOKENIZER = "run.json", "tokenizer.json"
#: In a checkpoint that has been written to its end: a process may be killed in the middle of one.
COMPLETE = "complete"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")
#: Settings that may differ when a run goes on: where and how often it is kept and told.
_FREE = ("output_dir", "save_steps", "logging_steps", "device")


@contextmanager
def opened(output_dir: str | None) -> Iterator[Path]:
    """Give the folder of a run; without ``output_dir`` one that is gone afterwards.

    :raises ConfigError: it cannot be made, or holds something else.
    """
    if output_dir is None:
        with TemporaryDirectory(prefix="lexarium-pretraining-") as folder:
            yield Path(folder)
        return
    path = Path(output_dir)
    try:
        path.mkdir(parents=True, exist_ok=True)
        strange = not (path / _RUN).is_file() and any(path.iterdir())
    except OSError as error:
        raise ConfigError("output_dir", f"{path} cannot be used: {error.strerror or error}") from error
    if strange:
        raise ConfigError("output_dir", f"{path} is not empty, and holds no run; name a new folder")
    yield path


def prepare(
    folder: Path, objective: Objective[Any], corpus: Corpus, plan: Plan[Any], run: Run, share: int
) -> None:
    """Make the tokenizer and the ids, unless the same run made them before; ``share``: samples of an update.

    The corpus is read three times (counted, sampled for the tokenizer, tokenised), or once where the run
    goes on. The ids take 2 or 4 bytes each: so texts are tokenised once, however often they are passed, a
    run that goes on starts at its place at once, and memory does not grow with the corpus.

    :raises ConfigError: the folder holds a run of another corpus or other settings.
    :raises DataError: nothing can be learned from the corpus.
    """
    objective.window(plan)
    found = survey(corpus, run)
    settings = {key: value for key, value in to_mapping(plan.config).items() if key not in _FREE}
    about = {
        "objective": type(objective).__name__,
        "corpus": found.digest,
        "seed": plan.seed,
        "max_length": plan.max_length,
        "samples of an update": share,
        **settings,
    }
    if (folder / _RUN).is_file():
        _require_same(read_json(folder / _RUN), json.loads(json.dumps(about)), folder)
    else:
        _write(folder / _RUN, (json.dumps(about, indent=2) + "\n").encode())
    if not (folder / _TOKENIZER).is_file():
        run.progress("learn tokens", 0, None)
        most = plan.config.tokenizer_characters
        tokenizer = objective.tokenizer(lambda: sampled(corpus, found, most), plan)
        _write(folder / _TOKENIZER, tokenizer.to_str().encode())
    if not (folder / IDS).is_file():
        encode(corpus, stored_tokenizer(folder), folder / IDS, found, run)


def stored_tokenizer(folder: Path) -> Tokenizer:
    """Return the tokenizer of a run.

    :raises CheckpointError: it is not there, or is damaged.
    """
    path = folder / _TOKENIZER
    if not path.is_file():
        raise CheckpointError(path, "there is no tokenizer of this run", "delete the folder and start again")
    return parse_tokenizer(path.read_bytes(), str(path))


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest checkpoint that is complete."""
    found = {
        int(match[1]): path
        for path in folder.iterdir()
        if (match := _CHECKPOINT.fullmatch(path.name)) and (path / COMPLETE).is_file()
    }
    return found[max(found)] if found else None


def _require_same(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    for key in [*now, *before]:
        if before.get(key) != now.get(key):
            changed = "corpus" if key == "corpus" else f"{key} ({before.get(key)}, now {now.get(key)})"
            problem = f"{folder} holds a run with another {changed}; take that one, or name a new folder"
            raise ConfigError("output_dir", problem)


def _write(path: Path, raw: bytes) -> None:
    aside = path.with_name(path.name + ".part")
    try:
        aside.write_bytes(raw)
        os.replace(aside, path)
    except OSError as error:
        problem = f"cannot be written: {error.strerror or error}"
        raise InputError(path, problem, "free some space, or name another output_dir") from error
