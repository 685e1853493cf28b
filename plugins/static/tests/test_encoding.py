"""A corpus as word numbers: the same with the kernels and without, in memory and spilled."""

from __future__ import annotations

import logging
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexarium.backend import kernel
from lexarium.corpora import FileCorpus
from lexarium.errors import CheckpointError, ConfigError, DataError, InputError
from lexarium.roles import Run
from lexarium.tokens import tokenizer
from lexarium.vocabulary import Vocabulary
from lexarium_static import encoding, numbering
from lexarium_static.config import StaticConfig
from lexarium_static.encoding import encode, encode_onto

TEXTS = ["The cat saw the dog.", "", "A dog -- the END", "the 猫 cat"]
RULES = ["unicode", "words", "whitespace", "characters", "pattern", "jieba"]


@pytest.fixture(params=["kernels", "reference"])
def backend(request, monkeypatch):
    if request.param == "kernels" and kernel("_corpus") is None:
        pytest.skip("the kernels are not built")
    monkeypatch.setenv("LEXARIUM_BACKEND", request.param)
    return request.param


def read(texts, name="words", *, lowercase=True, run=None, memory=2**30, **limits):
    pattern = r"\w" if name == "pattern" else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_MEMORY", memory)
        return encode(
            texts,
            tokenizer=name,
            token_pattern=pattern,
            lowercase=lowercase,
            run=run or Run(),
            **limits,
        )


def read_onto(words, texts, name="words", *, lowercase=True, min_count=1, max_vocab=None, **rest):
    config = StaticConfig(
        tokenizer=name, token_pattern=r"\w" if name == "pattern" else None, lowercase=lowercase
    )
    limits = {"min_count": min_count, "max_vocab": max_vocab}
    return encode_onto(Vocabulary.build(words), texts, config, **limits, run=Run(), **rest)


def spelt(encoded):
    return [
        [encoded.vocabulary.word(i) for i in encoded.ids[start:end]]
        for start, end in pairwise(encoded.offsets)
    ]


def everything(encoded):
    arrays = (encoded.counts, encoded.ids, encoded.offsets)
    assert [array.dtype for array in arrays] == [np.int64, np.int32, np.int64]
    return [list(encoded.vocabulary), *(array.tolist() for array in arrays), encoded.tokens]


def test_words_are_numbered_by_their_counts_then_their_bytes(backend):
    assert everything(read(TEXTS)) == [
        ["the", "-", "cat", "dog", ".", "a", "end", "saw", "猫"],
        [4, 2, 2, 2, 1, 1, 1, 1, 1],
        [0, 2, 7, 0, 3, 4, 5, 3, 1, 1, 0, 6, 0, 8, 2],
        [0, 6, 6, 12, 15],
        15,
    ]


def test_rare_words_are_dropped_and_their_texts_stay(backend):
    encoded = read([*TEXTS, "nothing known"], min_count=2, max_vocab=3)
    assert spelt(encoded) == [["the", "cat", "the"], [], ["-", "-", "the"], ["the", "cat"], []]
    assert encoded.counts.tolist() == [4, 2, 2]
    assert encoded.tokens == 17


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("lowercase", [True, False])
def test_the_tokens_are_those_of_the_tokenizer(backend, name, lowercase):
    if name == "jieba":
        pytest.importorskip("jieba")
    cut = tokenizer(name, r"\w" if name == "pattern" else None)
    expected = [cut(text.lower() if lowercase else text) for text in TEXTS]
    assert spelt(read(TEXTS, name, lowercase=lowercase)) == expected


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.text("abAB é的.\n\r\u0130\u03a3\ud800", max_size=12), min_size=1, max_size=9),
    st.sampled_from(RULES[:5]),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_both_ways_give_the_same(texts, name, lowercase, threads, min_count):
    if kernel("_corpus") is None:
        pytest.skip("the kernels are not built")
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "_TEXTS", 2)
        patch.setattr(numbering, "_STEP", 3)
        for backend in ("kernels", "reference"):
            patch.setenv("LEXARIUM_BACKEND", backend)
            try:
                encoded = read(
                    texts, name, lowercase=lowercase, min_count=min_count, run=Run(threads=threads)
                )
                found.append(everything(encoded))
                again = read_onto(
                    list(encoded.vocabulary)[::2],
                    [*texts, "other words"],
                    name,
                    lowercase=lowercase,
                    min_count=min_count,
                    max_vocab=4,
                )
                found.append(everything(again))
            except DataError as error:
                found.append(str(error))
    half = len(found) // 2
    assert found[:half] == found[half:]


def test_files_give_what_their_texts_give(backend, tmp_path):
    (tmp_path / "a.txt").write_bytes("\r\n".join(TEXTS * 50).encode())
    (tmp_path / "b.csv").write_text("text\nlast one\n")
    corpus = FileCorpus([str(tmp_path)])
    reports = []
    run = Run(threads=2, progress=lambda *report: reports.append(report))
    assert everything(read(corpus, run=run)) == everything(read([*TEXTS * 50, "last one"]))
    assert reports[-1] == ("read the corpus", 201, 201)
    assert corpus.read == 201
    assert read(corpus, "pattern").tokens == sum(len(tokenizer("pattern", r"\w")(text)) for text in corpus)


@pytest.mark.parametrize("memory", [0, 40, 10**6])
def test_what_is_spilled_is_the_same_and_leaves_no_litter(backend, tmp_path, monkeypatch, memory):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(encoding, "_TEXTS", 1)
    encoded = read(TEXTS * 20, memory=memory, min_count=20)
    assert not list(tmp_path.iterdir())
    maps = Path("/proc/self/maps")  # where the system has it
    if maps.exists():
        assert (str(tmp_path) in maps.read_text()) is (memory < 10**6)
    assert everything(encoded) == everything(read(TEXTS * 20, min_count=20))


def test_a_full_disk_is_one_clear_error(backend, monkeypatch):
    monkeypatch.setattr(numbering.tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
    with pytest.raises(InputError, match=r"cannot be kept in .*No space left on device; free some space"):
        read(TEXTS, memory=8)


def test_an_interrupt_in_reading_leaves_no_file_open(backend, tmp_path, monkeypatch):
    opened = []

    def remember(**how):
        opened.append(tempfile.NamedTemporaryFile(dir=tmp_path, **how))  # noqa: SIM115
        return opened[-1]

    monkeypatch.setattr(numbering.tempfile, "TemporaryFile", remember)
    monkeypatch.setattr(encoding, "_TEXTS", 1)

    def texts():
        yield from TEXTS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(texts(), memory=0)
    assert opened[0].file.closed
    assert not list(tmp_path.iterdir())


def test_the_words_of_a_model_keep_their_numbers_and_new_ones_come_behind(backend):
    words = ["zebra", "dog", "the"]
    assert everything(read_onto(words, TEXTS, min_count=2)) == [
        [*words, "-", "cat"],
        [0, 2, 4, 2, 2],
        [2, 4, 2, 1, 1, 3, 3, 2, 2, 4],
        [0, 4, 4, 8, 10],
        15,
    ]
    assert list(read_onto(words, TEXTS, max_vocab=4).vocabulary) == [*words, "-"]
    for few in (1, 3):
        kept = read_onto(words, TEXTS, max_vocab=few)
        assert everything(kept) == [words, [0, 2, 4], [2, 2, 1, 1, 2, 2], [0, 3, 3, 5, 6], 15]


def test_new_text_without_a_known_or_new_word_is_refused(backend):
    with pytest.raises(
        DataError, match=r"no token \(read: 2\) is a word of the model or reaches min_count=2"
    ):
        read_onto(["the"], ["other words"], min_count=2)
    with pytest.raises(DataError, match=r"no token in the corpus \(texts: 1; "):
        read_onto(["the"], [" "])


def test_texts_may_be_cut_by_a_function(backend):
    found = read_onto(["b"], ["A-b", "b"], analyze=lambda text: text.split("-"))
    assert spelt(found) == [["A", "b"], ["b"]]


def test_a_damaged_vocabulary_is_named():
    if kernel("_corpus") is None:
        pytest.skip("the kernels are not built")
    tensors = Vocabulary.build(["a", "b"]).tensors()
    tensors["vocabulary.offsets"] = np.array([0, 2, 1])
    with pytest.raises(CheckpointError, match="the offsets do not rise"):
        encode_onto(Vocabulary(tensors), ["a b"], StaticConfig(), min_count=1, max_vocab=None, run=Run())


def test_one_word_is_a_corpus(backend):
    assert everything(encode(["a"], tokenizer="words", token_pattern=None, lowercase=False, run=Run())) == [
        ["a"],
        [1],
        [0],
        [0, 1],
        1,
    ]


@pytest.mark.parametrize(
    ("texts", "error", "says"),
    [
        ([], DataError, "the corpus holds no texts"),
        (["", " "], DataError, r"no token in the corpus \(texts: 2; tokenizer=words\)"),
        (
            ["a b a"],
            DataError,
            r"no word of the corpus occurs 3 times \(different words: 2; .* most frequent: 2\)",
        ),
        ("a text", InputError, r"write \[text\]"),
        (["a", None], InputError, "element 1 is NoneType"),
    ],
)
def test_a_corpus_with_nothing_to_learn_says_why(backend, texts, error, says):
    with pytest.raises(error, match=says):
        read(texts, min_count=3)


def test_a_pattern_that_is_none_is_refused(backend):
    with pytest.raises(ConfigError, match="is not a regular expression"):
        encode(
            TEXTS,
            tokenizer="pattern",
            token_pattern="(",  # noqa: S106
            lowercase=True,
            run=Run(),
        )


@pytest.mark.parametrize("files", [True, False])
def test_chinese_that_is_not_segmented_is_noticed(backend, caplog, tmp_path, files):
    (tmp_path / "t.txt").write_text("这部电影很好看\n演员很出色\n", encoding="utf-8")
    texts = FileCorpus([str(tmp_path)]) if files else ["这部电影很好看", "演员很出色"]
    with caplog.at_level(logging.WARNING, "lexarium"):
        read(texts, "characters")
        assert "mostly Chinese" not in caplog.text
        read(texts)
    assert "mostly Chinese, which tokenizer=words does not cut" in caplog.text
