"""The binary reader on what is no model: every prefix, damage in every field, promises too large."""

from __future__ import annotations

import logging
import struct
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from lexarium.errors import FormatError, InputError, UnsupportedError
from lexarium.roles import Run, silent
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.binary import is_binary, read_binary
from lexarium_fasttext.binary_writer import binary_size, write_binary
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.formats import read
from lexarium_fasttext.model import FastTextParts, Parameters, Quantised

WORDS, LABELS = ["</s>", "film", "电影"], ("__label__a", "__label__b")
HEADER = 8 + 48  # magic, version and the int32 fields; then t
DICTIONARY = HEADER + 8
ENTRIES = DICTIONARY + 28


def parameters(**changes):
    given = {"dim": 3, "model": "supervised", "loss": "softmax", "minn": 2, "maxn": 3, "bucket": 5}
    return Parameters(**{**given, **changes})


def parts(*, quantised=False):
    rng = np.random.default_rng(0)
    kept = np.array([1, 4])
    rows = Quantised(
        dim=3,
        dsub=2,
        codes=rng.integers(0, 256, (5, 2)).astype(np.uint8),
        centroids=rng.standard_normal(768).astype(np.float32),
        norm_codes=rng.integers(0, 256, 5).astype(np.uint8),
        norms=rng.random(256).astype(np.float32),
    )
    return FastTextParts(
        parameters=parameters(),
        vocabulary=Vocabulary.build(WORDS),
        counts=np.array([5, 4, 3]),
        tokens=14,
        input=rows if quantised else rng.standard_normal((5, 3)).astype(np.float32),
        output=rng.standard_normal((2, 3)).astype(np.float32),
        buckets=kept,
        labels=LABELS,
        label_counts=np.array([1, 1]),
        pruned=quantised,
    )


@pytest.fixture(params=[False, True], ids=["bin", "ftz"])
def whole(request, tmp_path):
    path = tmp_path / "whole"
    write_binary(parts(quantised=request.param), path, silent)
    return path.read_bytes()


def refused(tmp_path, raw, match=None):
    path = tmp_path / "model.bin"
    path.write_bytes(raw)
    with pytest.raises(FormatError, match=match):
        read_binary(path, silent)


def replaced(raw, at, form, value):
    packed = struct.pack(form, value)
    return raw[:at] + packed + raw[at + len(packed) :]


def test_what_is_written_is_read_again(whole, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(whole)
    found = read_binary(path, silent)
    assert list(found.vocabulary) == WORDS
    assert found.labels == LABELS
    assert (found.tokens, found.counts.tolist(), found.label_counts.tolist()) == (14, [5, 4, 3], [1, 1])
    assert found.parameters == parameters()
    if isinstance(found.input, Quantised):
        expected = parts(quantised=True)
        assert found.buckets.tolist() == [1, 4]
        np.testing.assert_array_equal(found.input.rows(slice(None)), expected.input.rows(slice(None)))
    else:
        assert found.input[3:].any(axis=1).tolist() == [False, True, False, False, True]


@pytest.mark.parametrize("quantised", [False, True])
def test_the_size_is_known_beforehand(whole, quantised, tmp_path):
    write_binary(parts(quantised=quantised), tmp_path / "model", silent)
    assert binary_size(parts(quantised=quantised)) == (tmp_path / "model").stat().st_size


def test_a_file_that_grows_with_all_buckets_is_remarked_on(tmp_path, caplog):
    many = replace(parts(), parameters=parameters(bucket=5_400_000))
    with caplog.at_level(logging.WARNING, "lexarium"):
        write_binary(many, tmp_path / "large", silent)
        write_binary(parts(), tmp_path / "small", silent)
    (record,) = caplog.records
    said = "takes 64.8 MB: the format has a row for each of bucket=5,400,000 numbers, of which 2 are used"
    assert record.getMessage() == f"{tmp_path / 'large'} {said}"


def test_what_the_disk_has_no_room_for_is_refused_before_a_byte_is_written(tmp_path):
    huge = replace(parts(), parameters=parameters(bucket=2**31 - 1, dim=2**20))
    with pytest.raises(
        InputError, match=r"takes 9,007,[0-9,.]+ MB: .* MB left; make room, fit with a smaller"
    ):
        write_binary(huge, tmp_path / "huge", silent)
    assert not list(tmp_path.iterdir())


def test_every_proper_prefix_and_every_longer_file_is_refused(whole, tmp_path):
    for length in range(len(whole)):
        refused(tmp_path, whole[:length])
    refused(tmp_path, whole + b"\0", "at byte .*1 bytes follow where the file should end")


@pytest.mark.parametrize(
    ("at", "form", "value", "problem"),
    [
        (4, "<i", 13, "field 'version': at byte 8: version 13"),
        (4, "<i", 10, "version 10"),
        (8, "<i", 0, "field 'dim': .*0 is below 1"),
        (8, "<i", 2**31 - 1, "a matrix of 8 x 3, where 8 x 2147483647 belongs"),
        (32, "<i", 9, "field 'loss'"),
        (36, "<i", 0, "field 'model'"),
        (40, "<i", -1, "field 'bucket'"),
        (40, "<i", 0, "field 'bucket': .*there are n-grams"),
        (40, "<i", 2**31 - 1, "where 2147483650 x 3 belongs"),
        (HEADER, "<d", float("nan"), "field 't'"),
        (DICTIONARY, "<i", 2**31 - 1, "are not 3 words and 2 labels"),
        (DICTIONARY + 4, "<i", -3, "are not -3 words"),
        (DICTIONARY + 12, "<q", -1, "field 'ntokens'"),
        (DICTIONARY + 20, "<q", 2**40, "field 'pruneidx_size'"),
        (DICTIONARY + 20, "<q", 1, "field 'pruneidx': at byte 176"),
        (ENTRIES, "<B", 0, "field 'word 1': .*is not one"),
        (ENTRIES, "<B", 0xFF, "field 'word 0': at byte 92: .*is not UTF-8"),
        (ENTRIES + 5, "<q", -1, "field 'word 0': .*count -1"),
        (ENTRIES + 13, "<b", 1, "the type 1 of '</s>'"),
    ],
)
def test_a_damaged_field_is_named_with_its_place(tmp_path, at, form, value, problem):
    write_binary(parts(), tmp_path / "whole", silent)
    refused(tmp_path, replaced((tmp_path / "whole").read_bytes(), at, form, value), problem)


def test_a_pruned_model_that_is_not_quantised_is_refused_as_fasttext_does(tmp_path):
    write_binary(parts(), tmp_path / "whole", silent)
    raw = (tmp_path / "whole").read_bytes()
    refused(
        tmp_path, replaced(raw, DICTIONARY + 20, "<q", 0), "field 'quant_input': .*pruned and not quantised"
    )


def test_many_entries_that_the_file_cannot_hold_are_refused_before_they_are_read(tmp_path):
    write_binary(parts(), tmp_path / "whole", silent)
    raw = (tmp_path / "whole").read_bytes()
    for at, value in ((0, 2**31 - 1), (4, 2**31 - 3), (8, 2)):
        raw = replaced(raw, DICTIONARY + at, "<i", value)
    refused(tmp_path, raw, "entries do not fit into")


def test_a_word_that_stands_twice_is_refused(tmp_path):
    write_binary(parts(), tmp_path / "whole", silent)
    raw = (tmp_path / "whole").read_bytes()
    refused(tmp_path, raw.replace(b"__label__b", b"__label__a"), "field 'label 1': .*stands twice")


def test_a_label_that_is_empty_is_refused(tmp_path):
    write_binary(parts(), tmp_path / "whole", silent)
    raw = (tmp_path / "whole").read_bytes()
    refused(tmp_path, raw.replace(b"__label__b", b""), "field 'label 1': .*it is empty")


def test_words_and_labels_that_are_not_utf_8_are_replaced_where_asked_and_may_not_become_one(tmp_path):
    path = tmp_path / "model.bin"
    write_binary(parts(), path, silent)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"film", b"f\xfflm").replace(b"__label__b", b"__label__\xe9"))
    with pytest.raises(FormatError, match=r"field 'word 1': .*is not UTF-8"):
        read_binary(path, silent)
    found = read_binary(path, silent, "replace")
    assert list(found.vocabulary) == ["</s>", "f\ufffdlm", "电影"]
    assert found.labels == ("__label__a", "__label__\ufffd")
    path.write_bytes(raw.replace(b"__label__a", b"__label__\xe8").replace(b"__label__b", b"__label__\xe9"))
    with pytest.raises(
        FormatError, match=r"field 'label 1': .*stands twice, with what is not UTF-8 replaced"
    ):
        read_binary(path, silent, "replace")


def test_numbers_that_are_not_finite_are_refused_with_their_place(tmp_path):
    write_binary(parts(), tmp_path / "whole", silent)
    raw = (tmp_path / "whole").read_bytes()
    at = len(raw) - 4
    refused(tmp_path, replaced(raw, at, "<f", float("inf")), f"field 'output': at byte {at}: a number is NaN")


def test_counts_that_no_sum_holds_are_refused(tmp_path, whole):
    at = ENTRIES + len(b"</s>\0")
    refused(tmp_path, replaced(whole, at, "<q", (1 << 62) - 7), "field 'words'.*not below 2\\^62")
    path = tmp_path / "model.bin"
    path.write_bytes(replaced(whole, at, "<q", (1 << 62) - 8))
    assert read_binary(path, silent).counts.sum() == (1 << 62) - 1


def wide(*, quantised_output):
    """Return a classifier of 60,000 words, or labels, with a byte each that stands for 1,000 numbers."""
    dim, (words, labels) = 1000, (2, 60_000) if quantised_output else (60_000, 2)

    def packed(rows):
        centroids = np.zeros(256 * dim, np.float32)
        return Quantised(dim=dim, dsub=dim, codes=np.zeros((rows, 1), np.uint8), centroids=centroids)

    return FastTextParts(
        parameters=parameters(dim=dim, maxn=0, bucket=0),
        vocabulary=Vocabulary.build([f"w{i}" for i in range(words)]),
        counts=np.ones(words, np.int64),
        tokens=words,
        input=packed(words),
        output=packed(labels) if quantised_output else np.zeros((labels, dim), np.float32),
        labels=tuple(f"l{i}" for i in range(labels)),
        label_counts=np.ones(labels, np.int64),
    )


@pytest.mark.parametrize(("quantised_output", "field"), [(False, "input"), (True, "output")])
def test_quantised_rows_that_swell_beyond_measure_are_refused_before_they_fill_memory(
    tmp_path, quantised_output, field
):
    path = tmp_path / "wide.ftz"
    write_binary(wide(quantised_output=quantised_output), path, silent)
    with pytest.raises(FormatError) as caught:
        read(path, FastTextConfig(), None, Run())
    assert caught.value.field == field
    size = path.stat().st_size
    assert f"60000 rows of 1000 numbers take 240000000 bytes, over 64 times the file's {size}" in str(
        caught.value
    )


def test_damage_anywhere_is_refused_or_read_within_small_memory(whole, tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "model.bin"
    tracemalloc.start()
    try:
        for _ in range(1500):
            raw = bytearray(whole)
            for _ in range(rng.integers(1, 4)):
                raw[rng.integers(0, len(raw))] = rng.integers(0, 256)
            path.write_bytes(raw)
            try:
                found = read_binary(path, silent)
            except FormatError:
                continue
            rows = found.input.rows(slice(None)) if isinstance(found.input, Quantised) else found.input
            assert np.isfinite(rows).all()
            assert list(found.vocabulary)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_other_files_are_not_taken_for_models(tmp_path):
    text = tmp_path / "words.vec"
    text.write_text("1 2\nfilm 0.5 1.5\n", encoding="utf-8")
    assert not is_binary(text)
    model = read(text, FastTextConfig(), None, Run())
    assert model.words["film"].tolist() == [0.5, 1.5]
    with pytest.raises(InputError, match="cannot be read"):
        read(tmp_path / "none.bin", FastTextConfig(), None, Run())
    with pytest.raises(InputError, match="a folder"):
        read(tmp_path, FastTextConfig(), None, Run())


def test_what_the_format_cannot_hold_is_refused_and_leaves_no_file(tmp_path):
    from dataclasses import replace

    given = parts()
    for wrong in (
        replace(given, pruned=True),
        replace(given, output=parts(quantised=True).input),
        replace(given, parameters=parameters(ws=2**40)),
        replace(given, vocabulary=Vocabulary.build(["a\0b", "c", "d"])),
    ):
        with pytest.raises(UnsupportedError):
            write_binary(wrong, tmp_path / "out.bin", silent)
    assert list(tmp_path.iterdir()) == []
