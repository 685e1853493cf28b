from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from lexarium.errors import ConfigError, DataError, InputError, LexariumError, NotFoundError
from lexarium.roles import Run
from lexarium.tables import Labelled
from lexarium_heads.training import TrainOptions, train

COLUMNS = {"text": "text", "label": "label", "embedder": "hashed"}


def everything(folder):
    found = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("sparse", [False, True])
def test_what_is_stored_predicts_as_what_was_trained(zoo, rows, sparse):
    options = TrainOptions(name="clf", settings={"embedder.sparse": sparse})
    done = train(zoo, rows, **COLUMNS, options=options)
    assert done.model == "clf@1"
    assert done.train_rows + done.test_rows == 60
    assert done.after["accuracy"] > done.before["accuracy"]
    assert zoo.load("clf").predict(rows.texts) == done.pipeline.predict(rows.texts)


def test_before_is_the_majority_class_of_the_training_rows(zoo, rows):
    rows = Labelled("t", rows.texts, ["neg" if c == "等" else c for c in rows.labels], rows.lines)
    done = train(zoo, rows, **COLUMNS)
    share = done.before["labels"]["neg"]["support"] / done.test_rows
    assert done.before["accuracy"] == pytest.approx(share)
    assert done.before["labels"]["pos"]["recall"] == 0.0


def test_without_a_name_nothing_is_stored(zoo, rows):
    assert train(zoo, rows, **COLUMNS).model is None
    assert zoo.store.names() == []


def test_the_same_seed_gives_the_same_scores(zoo, rows):
    one, two = (train(zoo, rows, **COLUMNS, options=TrainOptions(run=Run(seed=3))) for _ in range(2))
    assert one.after == two.after
    assert one.before == two.before


def test_the_manifest_says_where_the_model_comes_from(zoo, table):
    options = TrainOptions(name="clf", license="MIT", run=Run(seed=7))
    done = train(zoo, table, **COLUMNS, options=options)
    about = zoo.open("clf").manifest.about
    assert about.license == "MIT"
    assert about.lineage["data"] == {"path": "rows.csv", "text": "text", "label": "label"}
    assert about.lineage["embedder"] == "hashed"
    assert about.lineage["seed"] == 7
    assert about.metrics["after"]["accuracy"] == done.after["accuracy"]
    assert about.metrics["test_rows"] == done.test_rows
    assert str(table.parent) not in zoo.open("clf").manifest.to_bytes().decode()


def test_a_stored_embedder_keeps_its_version_in_the_lineage(zoo, rows):
    zoo.fit("hashed", rows.texts, name="mine")
    train(zoo, rows, text="text", label="label", embedder="mine", options=TrainOptions(name="clf"))
    assert zoo.open("clf").manifest.about.lineage["embedder"] == "mine@1"


def test_the_licence_of_a_stored_embedder_is_kept_unless_another_is_given(zoo, rows):
    model = zoo.fit("hashed", rows.texts)
    zoo.save(model, name="mine", license="CC-BY-SA-3.0")
    zoo.store.alias("alias", "mine@1")
    for embedder, options, expected in (
        ("mine", {"name": "clf"}, "CC-BY-SA-3.0"),
        ("alias", {"name": "clf"}, "CC-BY-SA-3.0"),
        ("mine@1", {"name": "clf", "license": "MIT"}, "MIT"),
        ("hashed", {"name": "clf"}, None),
    ):
        train(zoo, rows, text="text", label="label", embedder=embedder, options=options)
        assert zoo.open("clf").manifest.about.license == expected


def test_the_zoo_trains_with_options_as_a_mapping(zoo, rows):
    assert zoo.train(rows, text="text", label="label", embedder="hashed", name="clf").model == "clf@1"


def test_every_option_may_come_in_a_plain_mapping(zoo, rows, tmp_path):
    steps = []
    test = tmp_path / "test.csv"
    test.write_text("text,label\ngood film 99,pos\nbad waste 99,neg\n", encoding="utf-8")
    given = {
        "name": "clf",
        "settings": {"embedder.dim": 16, "head.cv": 2},
        "test": str(test),
        "test_size": 0.5,
        "tune": "frozen",
        "license": "MIT",
        "run": {"threads": 1, "seed": 9, "progress": lambda *said: steps.append(said)},
    }
    assert set(given) == {field.name for field in fields(TrainOptions)}
    done = train(zoo, rows, **COLUMNS, options=given)
    about = zoo.open(done.model).manifest.about
    assert (done.model, done.test_rows) == ("clf@1", 2)
    assert (about.license, about.lineage["seed"], about.lineage["test"]) == ("MIT", 9, "test.csv")
    assert (done.pipeline.space.dim, done.pipeline.head.config.cv) == (16, 2)
    assert ("choosing C", 10, 10) in steps
    assert ("embedding the test rows", 2, 2) in steps
    halves = train(zoo, rows, **COLUMNS, options={"test_size": 0.5, "run": Run(seed=9)})
    assert halves.test_rows == 30


def test_settings_reach_embedder_and_head(zoo, rows):
    settings = {"embedder.dim": 32, "head.C": 2.0, "head.class_weight": "balanced"}
    pipeline = train(zoo, rows, **COLUMNS, options=TrainOptions(settings=settings)).pipeline
    assert pipeline.space.dim == 32
    assert pipeline.head.config.C == 2.0
    assert pipeline.head.config.class_weight == "balanced"


def test_a_test_file_of_its_own_is_what_is_tested_on(zoo, rows, tmp_path):
    path = tmp_path / "test.csv"
    path.write_text(
        f"text,label\ngood film 99,pos\nbad waste 99,neg\n{rows.texts[0]},pos\n", encoding="utf-8"
    )
    done = train(zoo, rows, **COLUMNS, options=TrainOptions(test=str(path), name="clf"))
    assert (done.train_rows, done.test_rows, done.duplicates_removed) == (59, 3, 1)
    assert zoo.open("clf").manifest.about.lineage["test"] == "test.csv"


def test_a_label_seen_only_in_the_test_file_is_named_with_its_line(zoo, rows, tmp_path):
    path = tmp_path / "test.csv"
    path.write_text("text,label\ngood film,pos\nso so,meh\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"test\.csv, line 3, field 'label'.*'meh'.*delete the row"):
        train(zoo, rows, **COLUMNS, options=TrainOptions(test=path))


def test_one_class_only_is_refused_with_its_name(zoo, rows):
    one = replace(rows, labels=["pos"] * 60)
    test = Labelled("test", ["good"], ["pos"], [2])
    for options in (TrainOptions(), TrainOptions(test=test)):
        with pytest.raises(DataError, match=r"rows\.csv: every row has the label 'pos'"):
            train(zoo, one, **COLUMNS, options=options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"tune": "full"}, "tune: 'full' is not possible yet; there is: frozen"),
        ({"test_size": 1.0}, "test_size: 1.0 is not between 0 and 1"),
        ({"settings": {"C": 1.0}}, "C: say whose setting it is: embedder.C or head.C"),
        ({"settings": {"head.D": 1.0}}, "D: no such setting"),
        ({"settings": {"embedder.dimm": 2}}, "dimm: no such setting; did you mean 'dim'?"),
        ({"nam": "x"}, "nam: no such setting; did you mean 'name'?"),
        ({"test_size": "half"}, "test_size: 'half' is not float"),
        ({"name": 3}, "name: 3 is not text or none"),
        ({"settings": ["head.C"]}, "settings: is not a mapping"),
        ({"run": 3}, "run: is neither a Run nor a mapping"),
        ({"run": {"sed": 3}}, "sed: no such setting; did you mean 'seed'?"),
        ({"run": {"seed": "3"}}, "seed: '3' is not int"),
        ({"run": {"progress": 3}}, "run.progress: is not a function of (what, done, total)"),
    ],
)
def test_an_option_that_does_not_exist_is_refused(zoo, rows, options, says):
    with pytest.raises(ConfigError) as caught:
        train(zoo, rows, **COLUMNS, options=options)
    assert says in str(caught.value)


def test_a_bad_name_is_refused_before_any_work(zoo, rows):
    steps = []
    run = Run(progress=lambda what, _done, _total: steps.append(what))
    with pytest.raises(LexariumError):
        train(zoo, rows, **COLUMNS, options=TrainOptions(name="../up", run=run))
    assert steps == []


def test_an_unknown_embedder_or_head_is_refused_with_what_there_is(zoo, rows):
    with pytest.raises(NotFoundError, match="did you mean 'hashed'"):
        train(zoo, rows, text="text", label="label", embedder="hasched")
    with pytest.raises(NotFoundError, match="did you mean 'classifier'"):
        train(zoo, rows, **COLUMNS, head="clasifier")


@pytest.mark.parametrize("step", ["embedding the training rows", "choosing C", "embedding the test rows"])
def test_an_interrupted_training_leaves_the_store_as_it_was(zoo, rows, step):
    train(zoo, rows, **COLUMNS, options=TrainOptions(name="clf"))
    before = everything(zoo.home)

    def interrupt(what, _done, _total):
        if what == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(zoo, rows, **COLUMNS, options=TrainOptions(name="clf", run=Run(progress=interrupt)))
    assert everything(zoo.home) == before


def test_empty_and_odd_texts_are_learned_from_like_any_other(zoo, rows):
    odd = ["", " ", "\ud800", "a\0b", "🙂", "字" * 20_000]
    labels = ["pos", "neg"] * 3
    data = Labelled("t", rows.texts + odd, rows.labels + labels, [*rows.lines, *range(100, 106)])
    done = train(zoo, data, **COLUMNS, options=TrainOptions(name="clf"))
    assert len(zoo.load("clf").predict(odd)) == 6
    assert done.test_rows + done.train_rows + done.duplicates_removed == 66
