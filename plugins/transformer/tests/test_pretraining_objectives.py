"""What each objective asks of a block: labels, shares and sentinels, exactly."""

from __future__ import annotations

import numpy as np
import pytest

from lexarium.errors import ConfigError
from lexarium_transformer.pretraining.causal import causal_batch
from lexarium_transformer.pretraining.config import MaskedConfig, SpanConfig
from lexarium_transformer.pretraining.encoded import Sample
from lexarium_transformer.pretraining.masked import Masked, MaskedCollator
from lexarium_transformer.pretraining.sizes import Outline, plan
from lexarium_transformer.pretraining.spans import SpanCollator, Spans, noise_mask, spans_of

VOCABULARY = 1000
CLS, SEP, MASK = 2, 3, 4


def samples(count, length, *, seps=()):
    rng = np.random.default_rng(7)
    found = []
    for number in range(count):
        ids = rng.integers(5, VOCABULARY, length)
        ids[list(seps)] = SEP
        found.append(Sample(ids, number))
    return found


def masked(given, **settings):
    collator = MaskedCollator(np.zeros(VOCABULARY, bool), 3, **settings)
    return {key: tensor.numpy() for key, tensor in collator(given).items()}


def test_exactly_the_share_of_tokens_is_told_and_everything_else_stays():
    given = samples(50, 98, seps=(10, 60))
    batch = masked(given)
    whole = np.stack([np.concatenate([[CLS], sample.ids, [SEP]]) for sample in given])
    told = batch["labels"] != -100
    assert (told.sum(1) == round(96 * 0.15)).all()
    assert (batch["labels"][told] == whole[told]).all()
    assert (batch["input_ids"][~told] == whole[~told]).all()
    assert not told[(whole == SEP) | (whole == CLS)].any()
    assert (batch["attention_mask"] == 1).all()


def test_of_the_told_tokens_80_percent_are_masked_10_are_others_and_10_stay():
    given = samples(400, 126)
    batch = masked(given)
    told = batch["labels"] != -100
    shown, labels = batch["input_ids"][told], batch["labels"][told]
    count = 400 * round(126 * 0.15)
    assert len(shown) == count
    error = 4 * np.sqrt(0.8 * 0.2 / count)
    assert abs((shown == MASK).mean() - 0.8) < error
    assert abs((shown == labels).mean() - 0.1) < error
    other = shown[(shown != MASK) & (shown != labels)]
    assert abs(len(other) / count - 0.1) < error
    assert (other >= 5).all()
    assert len(set(other.tolist())) > 300  # drawn from the whole vocabulary


def test_masks_depend_on_seed_and_number_and_on_no_neighbour():
    given = samples(6, 62)
    batch = masked(given)
    alone = masked(given[3:4])
    np.testing.assert_array_equal(batch["input_ids"][3], alone["input_ids"][0])
    again = masked([Sample(given[3].ids, 99)])
    assert (again["labels"] != alone["labels"]).any()
    other = MaskedCollator(np.zeros(VOCABULARY, bool), 4)(given[3:4])
    assert (other["labels"].numpy() != alone["labels"]).any()


def test_whole_words_are_told_with_all_of_their_tokens():
    continues = np.zeros(VOCABULARY, bool)
    continues[500:] = True  # half of the tokens go on a word
    given = samples(40, 100, seps=(50,))
    batch = MaskedCollator(continues, 3, 0.2, whole_words=True)(given)
    told = batch["labels"].numpy() != -100
    whole = np.stack([np.concatenate([[CLS], sample.ids, [SEP]]) for sample in given])
    for row, chosen in zip(whole, told, strict=True):
        for at in range(2, 101):
            joined = continues[row[at]] and row[at - 1] >= 5
            assert not joined or chosen[at] == chosen[at - 1]
    assert (told.sum(1) <= round(99 * 0.2)).all()
    assert told.sum(1).mean() > 17


def test_a_block_without_a_word_tells_nothing():
    batch = masked([Sample(np.full(8, SEP), 0)])
    assert (batch["labels"] == -100).all()


def test_the_next_token_is_told_of_all():
    given = samples(3, 9)
    batch = causal_batch(given)
    np.testing.assert_array_equal(batch["input_ids"].numpy(), np.stack([s.ids for s in given]))
    np.testing.assert_array_equal(batch["labels"].numpy(), batch["input_ids"].numpy())
    assert batch["labels"].data_ptr() != batch["input_ids"].data_ptr()


def restored(inputs, labels, first, end):
    """Put the told spans back in the place of their sentinels."""
    assert inputs[-1] == labels[-1] == end
    spans, current = {}, None
    for token in labels[:-1]:
        if token > first - 100:
            current = int(token)
            spans[current] = []
        else:
            spans[current].append(int(token))
    assert list(spans) == [first - i for i in range(len(spans))]
    assert [t for t in inputs if t > first - 100] == list(spans)
    found = []
    for token in inputs[:-1]:
        found += spans[int(token)] if int(token) in spans else [int(token)]
    return found, spans


def test_spans_and_rest_give_the_block_again():
    first, end = 1099, 1
    given = samples(30, 100)
    batch = SpanCollator(first, end, 3)(given)
    noise, count = spans_of(100, 0.15, 3.0)
    assert (noise, count) == (15, 5)
    lengths = []
    for sample, ids, labels in zip(given, batch["input_ids"], batch["labels"], strict=True):
        whole, spans = restored(ids.tolist(), labels.tolist(), first, end)
        assert whole == sample.ids.tolist()
        lengths += [len(span) for span in spans.values()]
        assert (len(ids), len(labels)) == (100 - noise + count + 1, noise + count + 1)
    assert len(lengths) == 30 * count
    assert np.mean(lengths) == 3.0
    assert min(lengths) == 1
    assert max(lengths) > 4


def test_a_noise_mask_keeps_the_first_token_and_has_so_many_spans():
    for length, density, mean in ((10, 0.15, 3.0), (57, 0.5, 1.0), (2, 0.9, 3.0), (400, 0.15, 3.0)):
        noise, count = spans_of(length, density, mean)
        mask = noise_mask(length, density, mean, np.random.default_rng(0))
        assert mask.shape == (length,)
        assert mask.sum() == noise
        assert (np.diff(mask.astype(int)) == 1).sum() == count
        assert not mask[0]
        assert mask[-1]


def outline(length):
    return Outline(max_length=length, lowercase=False, device="cpu")


@pytest.mark.parametrize("length", [4, 64, 128, 512])
def test_a_block_of_t5_becomes_as_long_as_the_model_sees(length):
    objective = Spans()
    window = objective.window(plan(SpanConfig(), objective.sizes, outline(length), 0))
    noise, count = spans_of(window, 0.15, 3.0)
    assert window - noise + count + 1 == length
    if length == 512:
        assert window == 568  # T5's own number (its ``compute_input_and_target_lengths``)


def test_lengths_that_no_block_fits_into_are_refused():
    for objective, config, length in ((Masked(), MaskedConfig(), 2), (Spans(), SpanConfig(), 2)):
        with pytest.raises(ConfigError, match="max_length"):
            objective.window(plan(config, objective.sizes, outline(length), 0))
    with pytest.raises(ConfigError, match="100 sentinels"):
        Spans().window(plan(SpanConfig(), Spans.sizes, outline(4096), 0))
