"""Hash values and pooling: what the kernels compute is what the plain code says, and what fastText does."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import CheckpointError, NotFoundError, UnsupportedError
from lexarium.roles import Run
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.embedder import FastText
from lexarium_fasttext.lookup import SubwordVectors
from lexarium_fasttext.model import Parameters
from lexarium_fasttext.subwords import hash_word, hashed_ngrams, hashed_runs
from lexarium_static.weights import weigh

ODD = ["", "a", "电", "电影院", "naïve", "🙂", "\ud800", "</s>", "x" * 50]
TEXTS = [
    "the king and a queenlike kingdom",
    "电影 很 好看",
    "",
    "zzz qqq",
    "The KING, boring!",
    "king\u3000queen",
]


def parameters(**changes):
    given = {"dim": 2, "model": "supervised", "loss": "softmax", "minn": 2, "maxn": 4, "bucket": 1000}
    return Parameters(**{**given, "word_ngrams": 3, **changes})


def embedder(**settings):
    config = FastTextConfig(min_n=3, max_n=4, bucket=64, **settings)
    return weigh(FastText(config, FastText.tiny().words), ["the king", "电影 film"], Run())


def test_hash_values_are_fnv_1a_with_signed_bytes():
    assert hash_word(b"") == 2166136261
    assert hash_word(b"a") == 0xE40C292C  # FNV-1a's own test vector
    assert (
        hash_word("é".encode())
        == ((((2166136261 ^ 0xFFFFFFC3) * 16777619) % 2**32 ^ 0xFFFFFFA9) * 16777619) % 2**32
    )


def test_ngrams_are_those_of_the_original_program(reference):
    theirs, _ = reference("unsupervised", ("minn", 2), ("maxn", 4), ("bucket", 997))
    words = len(theirs.get_words())
    for word in ["king", "电影院", "naïve", "🙂🙃", "x"]:
        expected = [number - words for number in theirs.get_subwords(word)[1] if number >= words]
        assert hashed_ngrams(word, parameters(bucket=997)) == expected


@pytest.mark.parametrize(("shortest", "longest"), [(1, 1), (1, 3), (3, 6), (0, 2), (4, 2)])
def test_the_kernel_hashes_as_the_plain_code(shortest, longest):
    kernel = pytest.importorskip("lexarium_kernels._fasttext")
    given = parameters(minn=shortest, maxn=longest)
    for word in ODD:
        assert kernel.hash(word) == hash_word(word.encode("utf-8", "surrogatepass"))
        if word != "</s>":
            assert kernel.ngrams(word, shortest, longest, 1000).tolist() == hashed_ngrams(word, given)
    assert kernel.runs(ODD, 3, 1000).tolist() == hashed_runs(ODD, given)
    assert kernel.runs(ODD, 1, 1000).tolist() == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"subwords": False},
        {"pooling": "idf"},
        {"pooling": "sif", "normalize": True},
        {"pooling": "fasttext"},
        {"pooling": "fasttext", "tokenizer": "whitespace", "lowercase": False},
        {"tokenizer": "characters"},
        {"tokenizer": "pattern", "token_pattern": r"\w+"},
    ],
    ids=str,
)
def test_texts_have_the_same_vectors_with_kernels_and_without(settings, monkeypatch):
    pytest.importorskip("lexarium_kernels._fasttext")
    rows = {}
    for backend in ("kernels", "reference"):
        monkeypatch.setenv("LEXARIUM_BACKEND", backend)
        rows[backend] = embedder(**settings).embed(TEXTS)
    np.testing.assert_allclose(rows["kernels"], rows["reference"], rtol=1e-5, atol=1e-6)
    assert rows["kernels"].any()


def test_an_unknown_word_counts_unless_told_otherwise(backend):
    text = ["queenlike"]
    assert embedder().embed(text)[0].tolist() == pytest.approx(
        embedder().words["queenlike"].tolist(), abs=1e-6
    )
    assert not embedder(subwords=False).embed(text).any()
    both = embedder().words["king"] / 2 + embedder().words["queenlike"] / 2
    np.testing.assert_allclose(embedder().embed(["king queenlike"])[0], both, atol=1e-6)


def test_unknown_words_are_looked_up_and_words_without_ngrams_are_not_found(backend):
    words = FastText.tiny().words
    assert "kingdom" not in words
    np.testing.assert_allclose(words["kingdom"], words.unknown(["kingdom"], 2)[0])
    assert len(words.similar("kingdom", 3)) == 3
    assert len(words.analogy("man", "kingdom", "woman", 3)) == 3
    with pytest.raises(NotFoundError, match="no word named ''"):
        words[""]


def test_vectors_of_whole_words_alone_know_no_others():
    words = FastText.tiny().words
    plain = FastText(FastTextConfig(), SubwordVectors(words.vocabulary, words.vectors))
    with pytest.raises(NotFoundError):
        plain.words["kingdom"]
    assert not plain.embed(["kingdom"]).any()
    np.testing.assert_array_equal(plain.with_words(words).words["king"], words["king"])


def test_a_classifiers_text_side_keeps_its_words(reference):
    from lexarium_fasttext.formats import read

    pipeline = read(reference("supervised")[1], FastTextConfig(), None, Run())
    with pytest.raises(UnsupportedError, match="belong to its output layer"):
        pipeline.embedder.with_words(FastText.tiny().words)


def test_parts_that_do_not_belong_together_are_refused():
    words = FastText.tiny().words
    with pytest.raises(CheckpointError, match="do not belong together"):
        SubwordVectors(words.vocabulary, words.vectors[:, :4].copy(), words.subwords)
