"""A corpus on its way to blocks of ids: counted, sampled, tokenised once, and read in a random order."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from lexarium.errors import ConfigError, DataError, InputError
from lexarium.roles import Run
from lexarium_transformer.pretraining.encoded import Blocks, encode, end_of, sampled, shuffled, survey
from lexarium_transformer.pretraining.vocabulary import learn_bytes, learn_unigram, learn_wordpiece

ENGLISH = [
    f"The {a} film was {b} than the {c} book, and the ending is {b}."
    for a in ("long", "short", "old", "french", "quiet")
    for b in ("better", "worse", "longer", "funnier")
    for c in ("first", "famous", "second", "other", "little")
]
CHINESE = [
    f"这部{a}电影比{c}书更{b}，结局也很{b}。"
    for a in ("长", "短", "老", "法国", "安静的")
    for b in ("好看", "难懂", "有趣", "感人")
    for c in ("第一本", "有名的", "那本", "另一本", "小")
]
LEARN = {"wordpiece": (learn_wordpiece, 200), "bytes": (learn_bytes, 300), "unigram": (learn_unigram, 190)}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16, 17, 63, 64, 65, 1000])
def test_a_shuffled_order_has_every_place_once(count):
    orders = [[shuffled(place, count, key) for place in range(count)] for key in (0, 1)]
    assert all(sorted(order) == list(range(count)) for order in orders)
    if count > 16:
        assert orders[0] != orders[1] != sorted(orders[1])


def test_places_are_spread_evenly():
    count, parts = 10_000, 10
    firsts = np.array([shuffled(place, count, key) for key in range(50) for place in range(200)])
    found = np.bincount(firsts * parts // count, minlength=parts)
    assert abs(found - 1000).max() < 5 * np.sqrt(1000)


@pytest.mark.parametrize("kind", LEARN)
@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_tokenizer_stays_below_its_size_and_gives_the_text_back(kind, texts):
    learn, most = LEARN[kind]
    found = learn(lambda: iter(texts), most, lowercase=False)
    assert found.get_vocab_size() <= most
    assert found.to_str() == learn(lambda: iter(texts), most, lowercase=False).to_str()
    again = found.decode(found.encode(texts[3]).ids)
    assert again.replace(" ", "") == texts[3].replace(" ", "").replace(
        "，", "，" if kind != "unigram" else ","
    )
    lower = learn(lambda: iter(ENGLISH), most, lowercase=True)
    assert lower.encode("The BOOK").ids == lower.encode("the book").ids


def test_chinese_characters_stand_alone_for_bert():
    found = learn_wordpiece(lambda: iter(CHINESE), 200, lowercase=True)
    assert found.encode("电影好看").tokens == ["[CLS]", "电", "影", "好", "看", "[SEP]"]


def test_sentinels_have_the_last_ids_the_first_the_highest():
    found = learn_unigram(lambda: iter(ENGLISH), 190, lowercase=False)
    size = found.get_vocab_size()
    assert [found.token_to_id(f"<extra_id_{i}>") for i in (0, 1, 99)] == [size - 1, size - 2, size - 100]
    assert [found.token_to_id(token) for token in ("<pad>", "</s>", "<unk>")] == [0, 1, 2]
    assert found.encode("the film").ids[-1] == 1
    assert found.encode("a <extra_id_3> b").tokens.count("<extra_id_3>") == 1


@pytest.mark.parametrize(
    ("kind", "most"), [("wordpiece", 20), ("bytes", 256), ("unigram", 110), ("unigram", 50)]
)
def test_a_vocabulary_that_is_too_small_is_refused(kind, most):
    with pytest.raises(ConfigError, match=f"vocab_size: {most} "):
        LEARN[kind][0](lambda: iter(ENGLISH), most, lowercase=False)


def test_nothing_to_learn_a_unigram_model_from_is_said():
    with pytest.raises(DataError, match="no tokens can be learned"):
        learn_unigram(lambda: iter([" "]), 200, lowercase=False)


def test_a_corpus_without_text_is_refused():
    for texts in ([], ["", " "]):
        with pytest.raises(DataError, match="no character"):
            survey(texts, Run())
    with pytest.raises(InputError, match="element 1 is 5, not text"):
        survey(["a", 5], Run())


def test_a_digest_is_that_of_the_texts_and_where_they_end():
    assert survey(["ab", "c"], Run()).digest != survey(["a", "bc"], Run()).digest
    assert survey(["ab", "\ud800"], Run()) == survey(["ab", "\ud800"], Run())


def test_a_sample_is_spread_over_the_corpus():
    texts = [f"{number:04d}" * 25 for number in range(1000)]
    taken = list(sampled(texts, survey(texts, Run()), 10_000))
    assert 9_900 <= sum(map(len, taken)) <= 10_200
    numbers = [int(text[:4]) for text in taken]
    assert max(np.diff(numbers)) <= 11
    assert list(sampled(texts, survey(texts, Run()), 10**9)) == texts
    assert max(map(len, sampled(["x" * 10_000], survey(["x" * 10_000], Run()), 10**9))) == 4096


@pytest.mark.parametrize("kind", LEARN)
def test_the_ids_of_a_file_are_those_of_the_texts_in_order(kind, tmp_path):
    learn, most = LEARN[kind]
    texts = [*ENGLISH, "", "the film " * 20_000, CHINESE[0], "half \ud800"]
    tokenizer = learn(lambda: iter([*ENGLISH, *CHINESE]), most + 60, lowercase=False)
    encode(texts, tokenizer, tmp_path / "ids", survey(texts, Run()), Run())
    end = end_of(tokenizer)
    wanted = []
    for text in texts:
        if text:
            ids = tokenizer.encode(text.replace("\ud800", "\ufffd"), add_special_tokens=False).ids
            wanted += [*ids, end]
    found = np.fromfile(tmp_path / "ids", "<u2").tolist()
    assert found == wanted
    assert not (tmp_path / "ids.part").exists()


def test_a_run_passes_every_block_once_before_any_twice(tmp_path):
    tokenizer = learn_bytes(lambda: iter(ENGLISH), 300, lowercase=False)
    np.arange(105, dtype="<u2").tofile(tmp_path / "ids")
    blocks = Blocks(tmp_path / "ids", tokenizer, 10, seed=1)
    blocks.samples = 25
    assert (blocks.count, len(blocks)) == (10, 25)
    firsts = [int(blocks[number].ids[0]) for number in range(25)]
    assert sorted(firsts[:10]) == sorted(firsts[10:20]) == list(range(0, 100, 10))
    assert firsts[:10] != firsts[10:20]
    assert blocks[3].ids.tolist() == list(range(firsts[3], firsts[3] + 10))
    assert blocks[3].number == 3
    with pytest.raises(DataError, match="has 105 tokens, and one block takes 106"):
        Blocks(tmp_path / "ids", tokenizer, 106, seed=1)


def test_tokenizers_are_the_same_in_another_process():
    code = (
        "import sys, json, hashlib\n"
        "from lexarium_transformer.pretraining import vocabulary as v\n"
        "texts = json.load(sys.stdin)\n"
        "for learn, most in ((v.learn_wordpiece, 200), (v.learn_bytes, 300), (v.learn_unigram, 190)):\n"
        "    found = learn(lambda: iter(texts), most, lowercase=True).to_str()\n"
        "    print(hashlib.sha256(found.encode()).hexdigest())"
    )
    texts = json.dumps([*ENGLISH, *CHINESE[:9]])
    runs = [
        subprocess.run([sys.executable, "-c", code], input=texts, capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert len(set(runs[0].stdout.split())) == 3
    assert runs[0].stdout == runs[1].stdout
