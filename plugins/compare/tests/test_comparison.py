from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import pytest

from lexarium.errors import AmbiguousError, ConfigError, DataError, InputError, MethodNotFoundError
from lexarium.zoo import Zoo
from lexarium_compare.comparison import compare
from lexarium_compare.options import CompareOptions

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium_compare.board import Board

_KEYS = [
    "model", "status", "accuracy", "accuracy_ci95", "macro_f1", "macro_f1_ci95", "train_seconds",
    "rows_per_second", "latency_ms_p50", "latency_ms_p95", "size_bytes", "peak_memory_bytes",
    "truncated_texts", "truncated_tokens", "token_limit", "pareto", "p_value_vs_best", "error",
]  # fmt: skip


def _table(rows: int, *, word: str = "g") -> dict[str, list[str]]:
    texts = [f"{word * 4 if i % 2 else 'other'} {i}" for i in range(rows)]
    return {"text": texts, "label": [["negative", "positive"][i % 2] for i in range(rows)]}


@pytest.fixture(scope="module")
def zoo(stranger: Path) -> Zoo:
    return Zoo(home=stranger / "home")


@pytest.fixture(scope="module")
def board(zoo: Zoo) -> Board:
    table = _table(120)
    table["text"] += ["the same gggg text"] * 4
    table["label"] += ["positive"] * 4
    models = ("stranger-works", "stranger-raises", "majority", "stranger-works")
    progress: list[tuple[str, int, int | None]] = []
    options = CompareOptions(
        models=models, threads=1, progress=lambda what, done, total: progress.append((what, done, total))
    )
    board = compare(zoo, table, text="text", label="label", options=options)
    assert progress[-1] == ("candidates", 3, 3)
    return board


def test_the_json_document_has_exactly_the_promised_keys(board: Board):
    document = json.loads(json.dumps(board.to_json(), allow_nan=False))
    assert list(document) == ["data", "rows", "advice"]
    assert list(document["data"]) == ["path", "rows", "train", "test", "labels", "duplicates_removed"]
    for row in document["rows"]:
        assert list(row) == _KEYS
    measured = document["rows"][0]
    assert [type(measured[key]) for key in ("accuracy_ci95", "pareto", "size_bytes")] == [list, bool, int]


def test_rows_of_the_data_are_training_testing_or_removed_duplicates(board: Board):
    data = board.data
    assert data["rows"] == 124 == data["train"] + data["test"] + data["duplicates_removed"]
    assert data["duplicates_removed"] == 3
    assert data["labels"] == ["negative", "positive"]


def test_texts_of_both_parts_that_were_cut_are_counted(board: Board):
    majority, works = (
        next(r for r in board.rows if r.model == name) for name in ("majority class", "stranger-works")
    )
    assert (majority.truncated_texts, majority.truncated_tokens, majority.token_limit) == (None, None, None)
    lengths = [len(text) for text in _table(120)["text"]] + [len("the same gggg text")] * 4
    lengths = lengths[:-3]  # the duplicates
    assert works.token_limit == 7
    assert works.truncated_texts == sum(length > 7 for length in lengths)
    assert works.truncated_tokens == sum(max(0, length - 7) for length in lengths)
    assert [line.split(":")[0] for line in board.truncations()] == ["stranger-works sees 7 tokens of a text"]


def test_each_name_is_one_row_and_the_majority_class_is_always_one(board: Board):
    assert [row.model for row in board.rows] == ["majority class", "stranger-works", "stranger-raises"]
    assert [row.status for row in board.rows] == ["ok", "ok", "failed"]


def test_scores_and_advice_follow_from_the_predictions(board: Board):
    floor, works, raises = board.rows
    assert works.accuracy == works.macro_f1 == 1.0
    assert works.p_value_vs_best is None
    assert works.pareto
    assert floor.pareto
    assert floor.accuracy < 0.6
    assert floor.p_value_vs_best < 0.01
    assert raises.error == "ValueError: the first line and the second"
    assert board.recommended == "stranger-works"
    assert board.advice.startswith(
        "stranger-works, the only one measured, beats the majority class (1.000 against"
    )


def test_no_temporary_folder_is_left(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    options = {"models": ["stranger-vanishes"], "threads": 1}
    board = compare(zoo, _table(40), text="text", label="label", options=options)
    assert [row.status for row in board.rows] == ["ok", "failed"]
    assert list(tmp_path.iterdir()) == []


def test_a_slow_candidate_does_not_use_up_the_budget_of_the_others(zoo: Zoo):
    options = {"models": ["stranger-works", "stranger-sleeps"], "budget_seconds": 12.0}
    board = compare(zoo, _table(40), text="text", label="label", options=options)
    found = {row.model: row for row in board.rows}
    assert found["stranger-works"].status == "ok"
    assert found["stranger-sleeps"].status == "timeout"
    assert "its share of the budget" in str(found["stranger-sleeps"].error)


def test_a_budget_that_is_used_up_leaves_rows_with_the_reason(zoo: Zoo):
    options = {"models": ["stranger-works"], "budget_seconds": 1e-6}
    board = compare(zoo, _table(40), text="text", label="label", options=options)
    assert [row.status for row in board.rows] == ["skipped", "skipped"]
    assert board.rows[1].error == "not started: the budget of 1e-06 s was used up"
    assert board.recommended is None


def test_a_sample_keeps_the_labels_in_proportion(zoo: Zoo):
    options = {"models": ["majority"], "sample": 50, "threads": 1}
    board = compare(zoo, _table(400), text="text", label="label", options=options)
    assert board.data["rows"] == 50
    assert board.facts.file_rows == 400
    assert board.facts.label_rows == {"negative": 25, "positive": 25}
    assert board.advice.startswith("Only the majority class was measured")


def test_without_names_every_installed_method_takes_part_the_cheapest_first(zoo: Zoo):
    from lexarium_compare.candidates import choose

    candidates = choose(zoo, None, ["some text"])
    assert candidates[0].kind == "majority"
    assert {c.name for c in candidates[1:]} == {offer.descriptor.name for offer in zoo.host.methods()}
    assert [c.cost for c in candidates] == sorted(c.cost for c in candidates)


def test_what_two_names_stand_for_takes_part_once(zoo: Zoo):
    from lexarium_compare.candidates import choose

    embedder = zoo.fit("stranger-works", ["gg", "a"])
    for _ in range(2):
        zoo.save(embedder, name="twice")
    try:
        names = ["stranger-works", "method:stranger-works", "twice", "twice@2", "twice@1"]
        assert [c.name for c in choose(zoo, names, ["text"])[1:]] == ["stranger-works", "twice", "twice@1"]
        backwards = {c.name for c in choose(zoo, names[::-1], ["text"])[1:]}
        assert backwards == {"twice@1", "twice@2", "stranger-works"}
    finally:
        zoo.store.remove("twice")


def test_data_in_memory_has_no_path_and_no_command_that_would_read_it(board: Board, zoo: Zoo, tmp_path: Path):
    from lexarium.cli.session import table
    from lexarium.tables import labelled
    from lexarium_compare.page import render
    from lexarium_compare.terminal import show

    assert board.data["path"] is None
    assert board.facts.command is None
    assert show(board, table).startswith("data in memory: 124 rows")
    assert "Comparison on data in memory" in render(board)
    assert "Made by" not in render(board)
    path = tmp_path / "data.csv"
    path.write_text("text,label\n" + "".join(f"t{i},{i % 2}\n" for i in range(20)), encoding="utf-8")
    for data in (path, str(path), labelled(path, text="text", label="label")):
        options = {"models": ["majority"], "threads": 1}
        read = compare(zoo, data, text="text", label="label", options=options)
        assert read.data["path"] == str(path)
        assert read.facts.command.startswith(f"lexarium compare {path} ")


def test_methods_that_find_words_by_spaces_are_told_another_way_for_chinese(zoo: Zoo):
    from lexarium_compare.candidates import choose

    chinese = ["这部电影非常好看", "剧情无聊"]
    zoo.save(zoo.fit("stranger-words", ["gg", "a"]), name="kept")
    names = ["stranger-works", "stranger-words", "stranger-letters", "glove", "kept"]
    try:
        configs = {c.reference: c.config for c in choose(zoo, names, chinese)[1:]}
        english = [c.config for c in choose(zoo, names, ["a good film"])]
    finally:
        zoo.store.remove("kept")
    told = {reference for reference, config in configs.items() if "tokenizer" in config}
    assert told == {"method:stranger-works", "method:stranger-words", "method:glove"}
    assert set(configs) - told == {"method:stranger-letters", "kept"}
    assert english == [{}] * 6


def test_chinese_texts_get_a_tokenizer_that_can_split_them(zoo: Zoo):
    from lexarium_compare.candidates import choose

    names = {c.name: c.config for c in choose(zoo, ["stranger-works"], ["这部电影非常好看", "剧情无聊"])}
    (name,) = set(names) - {"majority class"}
    assert name in {"stranger-works (tokenizer=jieba)", "stranger-works (tokenizer=characters)"}
    assert f"(tokenizer={names[name]['tokenizer']})" in name


def test_an_unknown_name_is_refused_before_anything_runs(zoo: Zoo):
    options = {"models": ["stranger-wroks"]}
    with pytest.raises(MethodNotFoundError, match="did you mean 'stranger-works'"):
        compare(zoo, _table(40), text="text", label="label", options=options)


def test_an_unknown_head_or_option_is_refused(zoo: Zoo):
    with pytest.raises(MethodNotFoundError, match="no head named 'clasifier'"):
        compare(zoo, _table(40), text="text", label="label", options={"head": "clasifier"})
    with pytest.raises(ConfigError, match="budget_seconds"):
        compare(zoo, _table(40), text="text", label="label", options={"budget": 3})


def test_data_that_cannot_be_used_is_refused(zoo: Zoo, tmp_path: Path):
    with pytest.raises(DataError, match="every row has the label 'x'"):
        compare(zoo, {"text": ["a", "b"], "label": ["x", "x"]}, text="text", label="label")
    (tmp_path / "t.csv").write_text("text,label\na,\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"t\.csv, line 2, field 'label'"):
        compare(zoo, tmp_path / "t.csv", text="text", label="label")


def test_stored_models_take_part_and_pipelines_say_why_not(stranger: Path, zoo: Zoo):
    from lexarium.compose import Pipeline
    from lexarium.roles import Run
    from lexarium_compare.candidates import choose

    embedder = zoo.fit("stranger-works", ["gg", "a"])
    head = zoo.host.head("classifier")
    fitted = head.load().fit(embedder.embed(["g", "a"] * 6), ["y", "n"] * 6, head.load_config()(), Run())
    zoo.save(embedder, name="mine")
    zoo.save(Pipeline(embedder, fitted), name="trained")
    zoo.save(embedder, name="stranger-works")
    mine, trained = choose(zoo, ["mine", "trained"], ["text"])[1:]
    assert (mine.kind, mine.reason, mine.cost) == ("stored", None, 1)
    assert mine.size > 0
    assert trained.reason.startswith("it is already trained")
    with pytest.raises(AmbiguousError, match=r"stranger-works@1.*method:stranger-works"):
        choose(zoo, ["stranger-works"], ["text"])
    assert choose(zoo, ["method:stranger-works"], ["text"])[1].kind == "method"
    board = compare(
        zoo, _table(60), text="text", label="label", options={"models": ["mine", "trained"], "threads": 1}
    )
    assert {row.model: row.status for row in board.rows} == {
        "majority class": "ok",
        "mine": "ok",
        "trained": "skipped",
    }
    for name in ("mine", "trained", "stranger-works"):
        zoo.store.remove(name)
