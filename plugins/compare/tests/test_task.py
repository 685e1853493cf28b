from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lexarium_compare.task import Failure, Measured, Task, read_result, read_rows, write_rows

if TYPE_CHECKING:
    from pathlib import Path

_GOOD: dict[str, Any] = {
    "predicted": [0, 1, 1],
    "train_seconds": 1.0,
    "rows_per_second": 10,
    "latency_ms_p50": 0.5,
    "latency_ms_p95": 0.7,
    "size_bytes": 12,
    "peak_memory_bytes": None,
    "truncated_texts": None,
    "truncated_tokens": 7,
    "token_limit": 5,
}


def _read(tmp_path: Path, text: str) -> Measured | Failure:
    (tmp_path / "r.json").write_text(text, encoding="utf-8")
    return read_result(tmp_path / "r.json", 3, 2)


def test_a_measurement_and_a_failure_are_read_as_they_were_written(tmp_path: Path):
    assert _read(tmp_path, json.dumps(_GOOD)) == Measured(**{**_GOOD, "predicted": (0, 1, 1)})
    assert _read(tmp_path, '{"error": "boom"}') == Failure("boom")


@pytest.mark.parametrize(
    "change",
    [
        {"predicted": [0, 1]},
        {"predicted": [0, 1, 2]},
        {"predicted": [0, 1, -1]},
        {"predicted": [0, 1, True]},
        {"predicted": [0, 1, 0.0]},
        {"predicted": "abc"},
        {"train_seconds": float("nan")},
        {"latency_ms_p50": float("inf")},
        {"latency_ms_p95": -1},
        {"size_bytes": None},
        {"token_limit": "5"},
        {"truncated_tokens": -1},
        {"rows_per_second": "10"},
        {"more": 1},
    ],
)
def test_a_result_that_is_not_a_measurement_is_refused(change: dict[str, Any], tmp_path: Path):
    with pytest.raises(ValueError, match=r"it|not|is"):
        _read(tmp_path, json.dumps({**_GOOD, **change}))


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "null", '{"a": ' * 3, " " * 3_000_000])
def test_garbage_is_refused(text: str, tmp_path: Path):
    with pytest.raises(ValueError, match=r".+"):
        _read(tmp_path, text)


def test_any_text_survives_the_way_to_the_worker(tmp_path: Path):
    rows = [["plain", 0], ["", 1], ["中文\n第二行 \x00", 0], ["\ud800 lone", 1], ["😀" * 1000, 0]]
    write_rows(tmp_path / "rows.jsonl", rows)
    assert read_rows(tmp_path / "rows.jsonl") == rows


def test_a_task_is_read_as_it_was_written(tmp_path: Path):
    task = Task(
        kind="method",
        reference="method:bow",
        config={"tokenizer": "jieba"},
        head="classifier",
        home="h",
        train="a",
        test="b",
        labels=["好", "坏"],
        threads=2,
        seed=1,
    )
    task.write(tmp_path / "task.json")
    assert Task.read(tmp_path / "task.json") == task
