from __future__ import annotations

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.decoders import Metaspace as MetaspaceDecoder
from tokenizers.models import Unigram, WordLevel
from tokenizers.pre_tokenizers import Metaspace, Whitespace

from lexarium.errors import CheckpointError, ConfigError, NotFoundError
from lexarium.roles import State
from lexarium_distill.config import StaticModelConfig
from lexarium_distill.embedder import Static
from lexarium_distill.tokens import TokenIds, parse_tokenizer, unknown_id


def test_words_are_the_tokens_that_have_a_vector():
    words = Static.tiny().words
    assert "[UNK]" not in words
    assert np.array_equal(words["电"], Static.tiny().vectors[Static.tiny().tokenizer.token_to_id("电")])
    assert len(words.similar("king", n=3)) == 3


def test_a_word_of_several_tokens_or_in_other_case_has_the_mean_of_its_tokens():
    model = Static.tiny()
    words = model.words
    assert "booking" not in words
    both = np.mean([words["book"], words["##ing"]], axis=0)
    np.testing.assert_allclose(words["booking"], both, rtol=1e-6)
    np.testing.assert_array_equal(words["King"], words["king"])
    assert words.similar("Kings", n=1)[0][0] in words
    with pytest.raises(NotFoundError, match="no word named 'qwx'; none of the"):
        words["qwx"]


def test_words_have_no_mark_of_their_beginning_and_pieces_are_told_from_them():
    pieces = {
        "<unk>": 0.0,
        "▁king": -1.0,
        "king": -2.0,
        "▁book": -2.0,
        "ing": -3.0,
        "▁": -4.0,
        "##king": -9.0,
    }
    tokenizer = Tokenizer(Unigram(list(pieces.items()), unk_id=0))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.decoder = MetaspaceDecoder()
    vectors = np.eye(len(pieces), dtype=np.float32)
    vectors[0] = 0
    config = StaticModelConfig(normalize=True, max_length="all", skip_unknown=True)
    words = Static(config, vectors, tokenizer.to_str().encode()).words
    assert list(words) == ["king", "##king", "book", "ing", "▁", "####king"]
    np.testing.assert_array_equal(words["king"], vectors[1])
    np.testing.assert_array_equal(words["book"], vectors[3])


def test_coverage_counts_tokens_and_names_what_is_unknown():
    found = Static.tiny().coverage(["good qwx 电", "qwx 疃 movies"])
    assert (found.tokens, found.unknown, found.examples) == (7, 3, ("qwx", "疃"))


def test_a_text_longer_than_a_block_is_the_mean_of_all_of_it():
    model = Static.tiny()
    texts = ["good " * 20_000 + "bad " * 20_000, "good bad"]
    found = model.embed(texts)
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)


def test_a_limit_holds_over_the_parts_of_a_long_text():
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "good": 1, "great": 2, "a": 3}, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = Whitespace()
    ids = TokenIds(tokenizer, limit=36_000, skip_unknown=True)
    packed, offsets = ids.packed(["a " * 70_000, "good qwx", "a" * 200_000])
    assert offsets.tolist() == [0, 36_000, 36_002, 36_005]
    assert packed[36_000:].tolist() == [1, -1, -1, -1, -1]
    assert (packed[:36_000] == 3).all()


def test_a_limit_also_bounds_the_characters_as_in_model2vec():
    raw = Static.tiny().state().files["tokenizer.json"]  # the median token has 1 character
    ids = TokenIds(parse_tokenizer(raw, "tokenizer.json"), limit=5, skip_unknown=True)
    assert ids.packed(["good movie"])[1].tolist() == [0, 1]


def test_an_open_setting_and_a_wrong_state_are_refused():
    state = Static.tiny().state()
    with pytest.raises(ConfigError, match="normalize"):
        Static(StaticModelConfig(), state.tensors["embeddings"], state.files["tokenizer.json"])
    with pytest.raises(CheckpointError, match="normalize"):
        Static.restore(State(config={}, tensors=state.tensors, files=state.files))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        Static.restore(State(config=state.config, tensors=state.tensors))
    wide = {"embeddings": state.tensors["embeddings"].astype(np.float64)}
    with pytest.raises(CheckpointError, match="float32"):
        Static.restore(State(config=state.config, tensors=wide, files=state.files))


def test_the_unknown_token_of_every_kind_of_tokenizer():
    pieces = [("<s>", 0.0), ("<unk>", 0.0), ("a", -1.0)]
    assert unknown_id(Tokenizer(Unigram(pieces, unk_id=1))) == 1
    assert unknown_id(Tokenizer(Unigram(pieces))) is None
    assert unknown_id(Static.tiny().tokenizer) == 0


def test_a_text_without_blanks_is_cut_without_losing_a_character():
    raw = Static.tiny().state().files["tokenizer.json"]
    ids = TokenIds(parse_tokenizer(raw, "tokenizer.json"), limit=None, skip_unknown=True)
    assert ids.packed(["电" * 140_000])[1].tolist() == [0, 140_000]


def test_what_a_tokenizer_cuts_off_or_fills_up_by_itself_is_switched_off():
    tokenizer = Static.tiny().tokenizer
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=9)
    parsed = parse_tokenizer(tokenizer.to_str().encode(), "tokenizer.json")
    ids = TokenIds(parsed, limit=None, skip_unknown=True)
    assert ids.packed(["good bad film", "电"])[1].tolist() == [0, 3, 4]
