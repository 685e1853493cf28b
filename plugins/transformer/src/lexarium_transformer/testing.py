"""What tests of several methods train on: texts of few words in two languages, and settings of seconds."""

from __future__ import annotations

from typing import Any

__all__ = ["SETTINGS", "TEXTS"]

TEXTS = [
    f"The {a} film was {b} than the {c} book , and the ending is {b} . {'电影比书好看' if i else '书难懂'}。"
    for i, a in enumerate(("long", "short", "old"))
    for b in ("better", "worse", "longer", "funnier")
    for c in ("first", "famous", "second", "other")
]
#: Of a pretraining; a test adds ``max_steps`` and ``vocab_size``.
SETTINGS: dict[str, Any] = {"max_length": 24, "per_device_train_batch_size": 4, "logging_steps": 5}
