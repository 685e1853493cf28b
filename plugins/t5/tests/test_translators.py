"""Marian and M2M-100 as they are published, with models of sentencepiece: ids and texts are transformers'."""

from __future__ import annotations

import io
import itertools
import json

import pytest
import sentencepiece
import torch
import transformers
from tokenizers import Tokenizer
from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

from lexarium.errors import CheckpointError, LexariumError, UnsupportedError
from lexarium.generation import GenerateConfig
from lexarium.roles import Run
from lexarium.zoo import Zoo
from lexarium_t5.config import T5Config
from lexarium_t5.formats import read
from lexarium_transformer.sentencepieces import parse_pieces
from lexarium_transformer.token_bytes import TokenBytes
from lexarium_transformer.translators import translator_files

pytestmark = pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
ENGLISH = [
    f"The {a} film was {b} than the {c}, and nobody {d} it in 19{n}."
    for n, (a, b, c, d) in enumerate(
        itertools.product(("long", "short"), ("better", "worse"), ("book", "novel", "play"), ("saw", "liked"))
    )
]
CHINESE = [
    f"这部{a}电影比{b}好看，{c}都{d}。"
    for a, b, c, d in itertools.product("老新", ("原著", "小说"), ("我们", "他们"), ("喜欢", "不看"))
]
ODD = [
    "", " ", "a", "  two   blanks ", "\tTab\nline", "Ａｂｃ", "驎麒 good 驎", "好看 film", "it's</s> x",
    "😀 smile", "喜欢", "film喜欢", "喜欢film 。", "Zebra", "worsebook",
]  # fmt: skip
TEXTS = [*ENGLISH[::3], *CHINESE[::3], *ODD]


def trained(texts, kind):
    """Return the bytes of a model of sentencepiece."""
    raw = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts * 20),
        model_writer=raw,
        vocab_size=120,
        model_type=kind,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return raw.getvalue()


def cut(raw, texts):
    """Return the pieces of texts, as sentencepiece cuts them."""
    model = sentencepiece.SentencePieceProcessor(model_proto=raw)
    return [piece for text in texts for piece in model.encode(text, out_type=str)]


def number(tokens, path):
    document = {token: place for place, token in enumerate(dict.fromkeys(tokens))}
    path.write_text(json.dumps(document), encoding="utf-8")
    return document


def with_tokenizer(make_checkpoint, folder, model_type, tokens, **settings):
    """Let transformers write a model with an embedding per token, and no tokenizer.json."""
    last = tokens["<pad>"]
    ids = {"eos_token_id": tokens["</s>"], "forced_eos_token_id": tokens["</s>"], "pad_token_id": last}
    model, _ = make_checkpoint(folder, model_type, **ids, **settings)
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()
    return model


@pytest.fixture(params=["unigram", "bpe"])
def marian(make_checkpoint, tmp_path, request):
    """Give the folder, transformers' model and its tokenizer."""
    folder = tmp_path / "marian"
    folder.mkdir()
    both = {"source.spm": trained(ENGLISH, request.param), "target.spm": trained(CHINESE, request.param)}
    for name, raw in both.items():
        (folder / name).write_bytes(raw)
    own = list(parse_pieces(both["source.spm"], "source").scores)
    more = cut(both["target.spm"], CHINESE) + cut(
        both["source.spm"], ["喜欢 😀"]
    )  # what is strange is a token
    tokens = number(["</s>", "<unk>", *own, "▁worsebook", *more, "<pad>"], folder / "vocab.json")
    last = tokens["<pad>"]
    settings = {"decoder_start_token_id": last, "bad_words_ids": [[last]], "vocab_size": len(tokens)}
    model = with_tokenizer(make_checkpoint, folder, "marian", tokens, **settings)
    return folder, model, transformers.MarianTokenizer.from_pretrained(folder)


@pytest.fixture(params=["unigram", "bpe"])
def m2m(make_checkpoint, tmp_path, request):
    """Give the folder, transformers' model and its tokenizer."""
    folder = tmp_path / "m2m"
    folder.mkdir()
    raw = trained([*ENGLISH, *CHINESE], request.param)
    (folder / "sentencepiece.bpe.model").write_bytes(raw)
    own = parse_pieces(raw, "source").scores
    tokens = number(["<s>", "<pad>", "</s>", "<unk>", *own], folder / "vocab.json")
    settings = {"decoder_start_token_id": 2, "bos_token_id": 0, "vocab_size": len(tokens) + 108}
    model = with_tokenizer(make_checkpoint, folder, "m2m_100", tokens, **settings)
    special = [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]  # as in what is published
    slow = transformers.M2M100Tokenizer.from_pretrained(folder, src_lang="en", extra_special_tokens=special)
    return folder, model, slow


def check(folder, model, slow, tmp_path, **told):
    """Compare ids, what is written, and what transformers makes of the stored folder."""
    ours = read(folder, T5Config(), None, Run())
    tokenizer = ours._speech.voice.tokenizer
    for text in TEXTS:
        ids = slow(text)["input_ids"]
        assert tokenizer.encode(text).ids == ids, text
        assert tokenizer.decode(ids) == slow.decode(ids, skip_special_tokens=True)
    texts = TEXTS[:2] + CHINESE[:1]
    for text, found in zip(texts, ours.generate(texts, GenerateConfig(max_new_tokens=8)), strict=True):
        ids = torch.tensor([slow(text)["input_ids"]])
        wanted = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), num_beams=1, do_sample=False, max_new_tokens=8
        )[0]
        assert found.text == slow.decode(wanted, skip_special_tokens=True)
        assert list(found.tokens) == [one for one in wanted[1:].tolist() if one != slow.eos_token_id]
    Zoo(tmp_path / "home").write(ours, tmp_path / "stored")
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "stored")
    assert [again(text)["input_ids"] for text in TEXTS] == [slow(text)["input_ids"] for text in TEXTS]
    return ours


def test_marian_cuts_and_writes_as_in_transformers(marian, tmp_path):
    ours = check(*marian, tmp_path)
    table = TokenBytes(ours._speech.voice.tokenizer)
    written = {token: table.pieces[place] for token, place in marian[2].get_vocab().items()}
    assert (
        written["喜欢"] == "喜欢".encode()
    )  # which no English text is cut into, and Chinese is written with


def test_m2m_cuts_and_writes_as_in_transformers_and_knows_languages(m2m, tmp_path):
    ours = check(*m2m, tmp_path)
    slow = m2m[2]
    slow.src_lang = "zh"
    task = ours.translation("zh", "de")
    assert list(task.frame.lead) == slow("电影")["input_ids"][:1]
    assert task.settings == {"forced_bos_token_id": slow.get_lang_id("de")}


def test_a_piece_that_is_no_token_is_written_with_smaller_ones(tmp_path):
    (tmp_path / "source.spm").write_bytes(trained(ENGLISH, "unigram"))
    (tmp_path / "target.spm").write_bytes(b"")
    pieces = parse_pieces((tmp_path / "source.spm").read_bytes(), "source").scores
    gone = max((piece for piece in pieces if piece.isalpha() or piece[1:].isalpha()), key=len)
    tokens = ["</s>", "<unk>", *(piece for piece in pieces if piece != gone), "<pad>"]
    number(tokens, tmp_path / "vocab.json")
    made = Tokenizer.from_buffer(translator_files(tmp_path, {})["tokenizer.json"])
    found = made.encode(gone.lstrip("▁")).tokens[:-1]
    assert len(gone) >= 3
    assert gone not in found
    assert "".join(found).lstrip("▁") == gone.lstrip("▁")


def test_a_damaged_model_of_sentencepiece_is_one_clear_line():
    raw = trained(ENGLISH, "unigram")
    for size in [*range(60), *range(60, len(raw), 997)]:
        for broken in (raw[:size], raw[:size] + b"\xff" + raw[size + 1 :]):
            try:
                parse_pieces(broken, "source.spm")
            except LexariumError as error:
                assert "\n" not in str(error)  # noqa: PT017  it may be read, too
    with pytest.raises(CheckpointError, match=r"source\.spm: is no model of sentencepiece: it is cut short"):
        parse_pieces(raw[:-1], "source.spm")
    with pytest.raises(CheckpointError, match="it has no pieces"):
        parse_pieces(b"", "source.spm")
    with pytest.raises(UnsupportedError, match="words, characters or bytes"):
        parse_pieces(trained(ENGLISH, "char"), "source.spm")


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda d: d.pop("<unk>"), "its ids are not the numbers from 0 to"),
        (lambda d: d.update({"<unk>": "1"}), "its ids are not the numbers from 0 to"),
        (lambda d: d.update({"a new one": len(d), "<other>": d.pop("<unk>")}), "there is no token '<unk>'"),
    ],
)
def test_a_list_of_tokens_that_cannot_be_is_refused(tmp_path, edit, match):
    (tmp_path / "source.spm").write_bytes(trained(ENGLISH, "unigram"))
    (tmp_path / "target.spm").write_bytes(b"")
    pieces = parse_pieces((tmp_path / "source.spm").read_bytes(), "source").scores
    document = number(["</s>", "<unk>", *pieces, "<pad>"], tmp_path / "vocab.json")
    edit(document)
    (tmp_path / "vocab.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(CheckpointError, match=match):
        translator_files(tmp_path, {})


def test_two_vocabularies_and_merges_without_their_parts_are_not_read(tmp_path):
    raw = trained(ENGLISH, "bpe")
    (tmp_path / "sentencepiece.bpe.model").write_bytes(raw)
    pieces = list(parse_pieces(raw, "source").scores)
    number(["</s>", "<unk>", "<pad>", *pieces[3:]], tmp_path / "vocab.json")
    with pytest.raises(UnsupportedError, match=r"sentencepiece merges '.*', which is no token"):
        translator_files(tmp_path, {})
    number(["</s>", "<unk>", "<pad>", *pieces], tmp_path / "vocab.json")
    with pytest.raises(CheckpointError, match="__xx__ is no language of it"):
        translator_files(tmp_path, {"src_lang": "xx"})
    with pytest.raises(UnsupportedError, match="a vocabulary of its own"):
        translator_files(tmp_path, {"separate_vocabs": True})
    assert translator_files(tmp_path.parent, {}) == {}


def test_labels_of_marian_are_cut_as_what_it_writes(marian):
    folder, _, slow = marian
    ours = read(folder, T5Config(), None, Run())
    if ours._speech.voice.tokenizer.model.__class__.__name__ == "BPE":
        with pytest.raises(UnsupportedError, match="which is no token of"):
            ours.network().collate_pairs(["The film"], CHINESE[:1])
        return
    network = ours.network()
    for text in CHINESE[:4]:
        labels = network.collate_pairs(["The film"], [text])["labels"][0].tolist()
        assert labels == slow(text_target=text)["input_ids"]
