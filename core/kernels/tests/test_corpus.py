"""A corpus as word numbers: the same words, counts and numbers as plain Python, on any threads."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lexarium.tokens import tokenizer

corpus = pytest.importorskip("lexarium_kernels._corpus", reason="the kernels are not built")

TEXTS = st.lists(
    st.one_of(st.text("abAB_9 é的 .,\r\U00020000\ud800", max_size=40), st.text(max_size=20)), max_size=12
)
MANY = [f"word{i % 701} {'long' * 9}{i} 词{i % 13} x" for i in range(20_000)]


def reference(cut, min_count=1, max_vocab=None):
    counts = Counter(token for tokens in cut for token in tokens)
    kept = sorted(
        (word for word, count in counts.items() if count >= min_count),
        key=lambda word: (-counts[word], word.encode("utf-8", "surrogatepass")),
    )[:max_vocab]
    number = {word: i for i, word in enumerate(kept)}
    return [(word, counts[word]) for word in kept], [
        [number[token] for token in tokens if token in number] for tokens in cut
    ]


def texts_of(ids, lengths, table):
    ids, offsets = ids.copy(), np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    kept = corpus.renumber(ids, offsets, table)
    return [ids[a:b].tolist() for a, b in pairwise(offsets)], kept


def finish(encoder, parts, min_count=1, max_vocab=None):
    raw, ends, counts, table = encoder.choose(min_count, max_vocab)
    words = [raw.tobytes()[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]
    ids, lengths = (np.concatenate(column) for column in zip(*parts, strict=True))
    texts, kept = texts_of(ids, lengths, table)
    assert kept == sum(map(len, texts)) == counts.sum()
    assert encoder.words == len(table)
    return list(zip(words, counts.tolist(), strict=True)), texts


@settings(deadline=None)
@given(TEXTS, st.integers(1, 3), st.integers(1, 3), st.one_of(st.none(), st.integers(0, 4)))
def test_words_counts_and_numbers_are_those_of_plain_python(texts, threads, min_count, max_vocab):
    encoder = corpus.Encoder("words", True, threads)
    parts = []
    for start in range(0, len(texts) + 1, 3):
        encoder.add(texts[start : start + 3])
        parts.append(encoder.take())
    cut = [tokenizer("words")(text.lower()) for text in texts]
    assert finish(encoder, parts, min_count, max_vocab) == reference(cut, min_count, max_vocab)
    assert encoder.highest == max(Counter(t for tokens in cut for t in tokens).values(), default=0)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("lines", [True, False])
def test_large_blocks_are_shared_among_threads_and_stay_in_order(threads, lines):
    encoder = corpus.Encoder("whitespace", False, threads)
    for start in range(0, len(MANY), 7000):
        block = MANY[start : start + 7000]
        encoder.add_lines("\n".join(block).encode()) if lines else encoder.add(block)
    assert finish(encoder, [encoder.take()], 3) == reference([text.split() for text in MANY], 3)


@settings(deadline=None)
@given(st.lists(st.text("ab\r 的\x85\u2028", max_size=5)), st.booleans(), st.integers(1, 3))
@example([], True, 2)
@example([""], True, 1)
def test_a_block_is_one_text_a_line(lines, closed, threads):
    encoder = corpus.Encoder("characters", False, threads)
    block = "\n".join(lines) + ("\n" if closed and lines else "")
    encoder.add_lines(block.encode())
    expected = [line.rstrip("\r") for line in block.removesuffix("\n").split("\n")] if block else []
    ids, lengths = encoder.take()
    assert lengths.tolist() == [len("".join(text.split())) for text in expected]
    assert len(ids) == lengths.sum()


@pytest.mark.parametrize("threads", [1, 3])
def test_a_line_of_50_mb_is_one_text(threads):
    line = b"many words " * 5_000_000
    encoder = corpus.Encoder("unicode", False, threads)
    encoder.add_lines(b"first\r\n" + line + b"\nlast")
    ids, lengths = encoder.take()
    assert lengths.tolist() == [1, 10_000_000, 1]
    assert len(ids) == 10_000_002


def test_a_block_that_is_not_utf8_is_refused_and_nothing_of_it_read():
    for threads in (1, 2):
        encoder = corpus.Encoder("words", False, threads)
        block = b"good line\n" * 5000 + b"bad \xff line\n" + b"another \xff\n" * 5000
        with pytest.raises(ValueError, match="offset 50004 is not UTF-8"):
            encoder.add_lines(block)
        assert (encoder.words, len(encoder.take()[1])) == (0, 0)


@settings(deadline=None)
@given(
    st.binary(max_size=60),
    st.sampled_from(["unicode", "words", "whitespace", "characters"]),
    st.integers(1, 3),
)
def test_any_bytes_are_lines_or_refused(block, rule, threads):
    encoder = corpus.Encoder(rule, True, threads)
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        with pytest.raises(ValueError, match=f"offset {error.start} is not UTF-8"):
            encoder.add_lines(block)
        assert encoder.words == 0
        return
    encoder.add_lines(block)
    ids, lengths = encoder.take()
    assert len(ids) == lengths.sum()
    assert ((ids >= 0) & (ids < encoder.words)).all()


@settings(deadline=None)
@given(st.binary(max_size=20), st.lists(st.integers(-(2**62), 2**62) | st.integers(-2, 22), max_size=6))
def test_any_bytes_are_words_to_match_or_refused(raw, offsets):
    encoder = corpus.Encoder("characters", False, 2)
    encoder.add(["ab", raw.decode("latin-1")])
    try:
        counts, table = encoder.match(np.frombuffer(raw, np.uint8), np.array(offsets, np.int64))
    except ValueError as error:
        assert "offsets" in str(error) or "twice" in str(error)  # noqa: PT017  either answer is right
        return
    assert len(counts) == len(offsets) - 1
    assert ((table >= -1) & (table < len(counts))).all()
    assert len(table) == encoder.words


def test_tokens_cut_elsewhere_are_numbered_too():
    cut = [["电影", "很", "好看"], [], ["a b", "", "很", "\ud800", "long" * 30]]
    for threads in (1, 3):
        encoder = corpus.Encoder("words", False, threads)
        encoder.add_tokens(cut[:1])
        encoder.add_tokens(tuple(cut[1:]))
        assert finish(encoder, [encoder.take()]) == reference(cut)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_given_vocabulary_keeps_its_numbers(threads):
    encoder = corpus.Encoder("whitespace", False, threads)
    encoder.add(["b a c", "a", "", "d b a"])
    raw = np.frombuffer(b"xacyb", np.uint8)
    counts, table = encoder.match(raw, np.array([0, 1, 2, 3, 4, 5]))
    assert counts.tolist() == [0, 3, 1, 0, 2]
    assert texts_of(*encoder.take(), table) == ([[4, 1, 2], [1], [], [4, 1]], 6)
    for offsets in ([], [-1, 1], [1, 2], [0, 2, 1], [0, 6]):
        with pytest.raises(ValueError, match="offsets"):
            encoder.match(raw, np.array(offsets, np.int64))
    with pytest.raises(ValueError, match="a word stands twice"):
        encoder.match(np.frombuffer(b"aa", np.uint8), np.array([0, 1, 2]))


@pytest.mark.parametrize(
    ("ids", "offsets"),
    [
        ([0, 3], [0, 2]),
        ([0, -1], [0, 2]),
        ([0, 1], []),
        ([0, 1], [1, 2]),
        ([0, 1], [0, 1]),
        ([0, 1], [0, 3]),
        ([0, 1], [0, 2, 1, 2]),
        ([0, 1], [0, -5, 2]),
    ],
)
def test_numbers_and_offsets_out_of_range_are_refused_and_unchanged(ids, offsets):
    given_ids, given_offsets = np.array(ids, np.int32), np.array(offsets, np.int64)
    with pytest.raises(ValueError, match=r"offsets|out of range"):
        corpus.renumber(given_ids, given_offsets, np.array([1, -1, 0], np.int32))
    assert given_ids.tolist() == ids
    assert given_offsets.tolist() == offsets


def test_arrays_of_another_type_or_that_cannot_be_written_are_refused():
    ids, offsets, table = np.zeros(4, np.int32), np.array([0, 4]), np.zeros(1, np.int32)
    locked = ids.copy()
    locked.flags.writeable = False
    for wrong in (
        (ids.astype(np.int64), offsets, table),
        (ids[::2], offsets, table),
        (locked, offsets, table),
    ):
        with pytest.raises(TypeError):
            corpus.renumber(*wrong)


def test_what_is_no_text_no_rule_and_no_number_of_threads_is_refused():
    encoder = corpus.Encoder("words", False, 1)
    for wrong in (["a", b"b"], [None], 3):
        with pytest.raises(TypeError):
            encoder.add(wrong)
    with pytest.raises(TypeError):
        encoder.add_tokens([["a", 1]])
    assert len(encoder.take()[1]) == 0
    for arguments in (("jieba", False, 1), ("words", False, 0), ("words", False, 1025)):
        with pytest.raises(ValueError, match=r"rule|threads"):
            corpus.Encoder(*arguments)


def test_a_word_whose_length_needs_more_than_32_bits_is_refused():
    encoder = corpus.Encoder("words", False, 1)
    raw, ends = np.zeros(2**32, np.uint8), np.array([0, 2**32])  # zeros take no memory before they are read
    with pytest.raises(ValueError, match="a word has more than 4294967295 bytes"):
        encoder.match(raw, ends)
