from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from lexarium.errors import ConfigError, DataError, ModelNotFoundError, UnsupportedError
from lexarium.zoo import Zoo
from lexarium_distill.config import DistillConfig
from lexarium_distill.embedder import Static
from lexarium_distill.verbs import distill, distilled
from lexarium_distill.weighting import rank_weights, reduce_dimensions

KEPT = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20]
PLAIN = DistillConfig(pca_dims=None, weighting="none", normalize=False)


def test_every_token_goes_through_the_encoder_alone_between_the_special_ones(letters):
    distilled(letters, PLAIN)
    assert letters.given == [[3, number, 4] for number in KEPT]


def test_rows_are_those_of_the_ids_and_zero_for_special_and_unused_tokens(letters):
    model = distilled(letters, PLAIN)
    assert model.vectors.shape == (21, 6)
    assert np.flatnonzero(model.vectors.any(axis=1)).tolist() == KEPT
    assert np.array_equal(model.vectors[6], letters.pool_ids([[3, 6, 4]])[0])


def test_a_text_is_the_mean_of_its_tokens_and_unknown_ones_are_left_out(letters):
    model = distilled(letters, PLAIN)
    expected = model.vectors[[6, 8, 9, 10]].mean(axis=0)
    np.testing.assert_allclose(model.embed(["good films qwx 电"])[0], expected, atol=1e-6)
    assert not model.embed(["qwx"]).any()


def test_components_are_scikit_learns_and_weights_are_by_rank(letters):
    model = distilled(letters, DistillConfig(pca_dims=3, normalize=False))
    vectors = distilled(letters, PLAIN).vectors[KEPT]
    reduced = PCA(3, svd_solver="full").fit_transform(vectors.astype(np.float64))
    rarity = 1 / np.arange(2, 17)
    expected = reduced * (1e-4 / (1e-4 + rarity / rarity.sum()))[:, None]
    found = model.vectors[KEPT]
    signs = np.sign((found * expected).sum(axis=0))
    np.testing.assert_allclose(found * signs, expected, rtol=1e-4, atol=1e-7)


def test_weights_rise_with_the_rank():
    assert rank_weights(3, "none", 0.1).tolist() == [1, 1, 1]
    np.testing.assert_allclose(rank_weights(2, "zipf", 0.1), np.log([2, 3]))
    np.testing.assert_allclose(rank_weights(2, "sif", 0.1), [0.1 / 0.7, 0.1 / 0.5])


def test_more_dimensions_than_there_are_keep_them_all_and_say_so(caplog):
    vectors = np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32)
    assert reduce_dimensions(vectors, 5).shape == (9, 4)
    assert "the encoder has 4 components" in caplog.text


def test_added_words_have_vectors_of_their_own_and_are_found_in_texts(letters):
    model = distilled(
        letters, PLAIN, ["book club", "电影", "good", "book club", " ", "qwx film", "cat", "好看"]
    )
    assert len(model.vectors) == 24
    assert letters.given[len(KEPT) :] == [[3, 14, 15, 4], [3, 10, 11, 4], [3, 12, 13, 4]]
    expected = model.vectors[[5, 21, 22, 23]].mean(axis=0)
    np.testing.assert_allclose(model.embed(["a book club 电影好看"])[0], expected, atol=1e-6)


def test_words_that_the_encoder_does_not_know_are_named(letters, caplog):
    distilled(letters, PLAIN, ["book club", "qwx film", "qwx film", "good", "z" * 300])
    assert "2 of 4 words get no vector" in caplog.text
    assert "for instance qwx film, zzz" in caplog.text
    caplog.clear()
    distilled(letters, PLAIN, ["book club", "good"])
    assert not caplog.text


def test_an_added_word_is_no_part_of_a_longer_one(letters):
    model = distilled(letters, PLAIN, ["a cat"])
    np.testing.assert_allclose(model.embed(["a cate"])[0], model.vectors[[5, 17, 20]].mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(model.embed(["a cat e"])[0], model.vectors[21], atol=1e-6)


def test_an_added_word_is_seen_as_far_as_the_encoder_sees(letters):
    distilled(letters, PLAIN, ["a good bad film"])
    assert letters.given[-1] == [3, 5, 6, 7, 4]


def test_an_encoder_that_lower_cases_outside_its_tokenizer_makes_a_model_that_does(letters):
    assert not distilled(letters, PLAIN).embed(["FILM"]).any()
    letters.config.do_lower_case = True
    model = distilled(letters, PLAIN)
    assert np.array_equal(model.embed(["FILM"]), model.embed(["film"]))
    assert model.embed(["FILM"]).any()


def test_a_pattern_that_takes_every_token_and_a_broken_encoder_are_data_errors(letters):
    with pytest.raises(DataError, match="token_remove_pattern"):
        distilled(letters, DistillConfig(token_remove_pattern="."))  # noqa: S106  no password
    letters.broken = True
    with pytest.raises(DataError, match="NaN"):
        distilled(letters, PLAIN)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"pca_dims": 0}, "pca_dims: 0 is below 1"),
        ({"sif_coefficient": 1.0}, "not between 0 and 1"),
        ({"sif_coefficient": 0.01, "weighting": "zipf"}, "no effect"),
        ({"token_remove_pattern": "("}, "no regular expression"),
        ({"max_length": 0}, "max_length: 0 is below 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        DistillConfig(**settings)


@pytest.fixture
def zoo(tmp_path):
    bert = pytest.importorskip("lexarium_bert.embedder")
    zoo = Zoo(tmp_path / "home")
    zoo.save(bert.Bert.tiny(), name="small", license="MIT")
    return zoo


def test_the_verb_stores_the_model_with_licence_and_lineage(zoo):
    made = distill(zoo, "small", config={"pca_dims": 8}, vocabulary=["great film"], name="static-small")
    opened = zoo.open("static-small")
    assert np.array_equal(opened.model.embed(["好看 film"]), made.embed(["好看 film"]))
    assert opened.manifest.about.license == "MIT"
    assert opened.manifest.about.lineage["base"] == {
        "model": "small@1",
        "relation": "distilled",
        "license": "MIT",
    }
    assert opened.manifest.about.lineage["settings"]["pca_dims"] == 8


def test_its_rows_are_the_encoders_vectors_of_single_tokens(zoo):
    bert = zoo.load("small").with_settings({"normalize": False})
    found = distill(zoo, "small", config={"pca_dims": None, "weighting": "none", "normalize": False})
    np.testing.assert_allclose(found.embed(["good", "电"]), bert.embed(["good", "电"]), atol=1e-5)


def test_the_method_of_the_encoder_may_stand_before_its_name(zoo):
    same = [
        distill(zoo, name, config={"pca_dims": 8}).vectors for name in ("small", "bert:small", "bert:small@1")
    ]
    assert np.array_equal(same[0], same[1])
    assert np.array_equal(same[0], same[2])
    with pytest.raises(
        UnsupportedError, match="small@1 is a model of bert, and not of static; write bert:small"
    ):
        distill(zoo, "static:small")
    with pytest.raises(ModelNotFoundError):
        distill(zoo, "bert:none")


def test_what_is_no_encoder_and_another_method_are_refused(zoo):
    zoo.save(Static.tiny(), name="tiny")
    with pytest.raises(UnsupportedError, match="tiny@1 is no pretrained transformer"):
        distill(zoo, "tiny")
    with pytest.raises(UnsupportedError, match="glove"):
        distill(zoo, "small", to="glove")


def test_the_command_stores_what_the_verb_does_and_the_model_opens_without_torch(zoo, tmp_path):
    words = tmp_path / "words.txt"
    words.write_text("great film\n电影\n", encoding="utf-8")
    code = (
        "import json, sys\nfrom lexarium.cli.main import cli\n"
        "try: cli(sys.argv[1:])\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )

    def lexarium(*arguments):
        command = [sys.executable, "-c", code, *arguments]
        environment = {"LEXARIUM_HOME": str(zoo.home), "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    options = ["--name", "s", "--vocabulary", str(words), "--set", "pca_dims=8", "--json"]
    done = lexarium("distill", "small", "--to", "static", *options)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "s@1"
    shown = lexarium("embed", "s", "--text", "这部电影", "--json")
    expected = distill(zoo, "small", config={"pca_dims": 8}, vocabulary=["great film", "电影"])
    found = json.loads(shown.stdout)["vectors"]
    np.testing.assert_allclose(found, expected.embed(["这部电影"]), atol=1e-6)
    assert shown.stderr.splitlines()[-1] == "False"
    assert lexarium("distill", "small", "--name", "t", "--column", "w").returncode == 2
    unnamed = lexarium("distill", "bert:small@1", "--to", "static", "--set", "pca_dims=8")
    assert unnamed.stdout.startswith("stored small-static@1: static, 8 dimensions")
