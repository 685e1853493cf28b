"""Tasks and languages: what is put around a text, what the decoder is told, and what is refused."""

from __future__ import annotations

import json

import pytest
import torch
from click.testing import CliRunner

from lexarium.cli.main import cli
from lexarium.errors import CheckpointError, ConfigError, InputError, LexariumError, UnsupportedError
from lexarium.generation import GenerateConfig, Generator
from lexarium.roles import Run, TokenEmbedder, TrainableEmbedder
from lexarium.zoo import Zoo
from lexarium_t5.config import T5Config
from lexarium_t5.embedder import T5
from lexarium_t5.formats import read
from lexarium_t5.verbs import summarize, text2text, translate
from lexarium_transformer.token_bytes import TokenBytes

SHORT = GenerateConfig(max_new_tokens=6)


@pytest.fixture(scope="module")
def tiny():
    return T5.tiny()


@pytest.fixture
def zoo(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    Zoo(tmp_path / "home").save(tiny, name="tiny")
    return Zoo(tmp_path / "home")


@pytest.fixture
def opened(make_checkpoint, tmp_path):
    """Give a function that makes and reads a checkpoint."""

    def open_it(model_type, **settings):
        pair = make_checkpoint(tmp_path / "there", model_type, **settings)
        return read(tmp_path / "there", T5Config(), None, Run()), *pair

    return open_it


def told(ours, source, target):
    """Return the ids around a text, as tokens, and what the decoder is told, as tokens."""
    task = ours.translation(source, target)
    tokenizer = ours._speech.voice.tokenizer
    frame = task.frame or ours._speech.frame
    names = [[tokenizer.id_to_token(one) for one in ids] for ids in (frame.lead, frame.trail)]
    return *names, {key: tokenizer.id_to_token(one) for key, one in task.settings.items()}


def test_it_has_the_roles_that_callers_ask_for(tiny):
    for role in (Generator, TokenEmbedder, TrainableEmbedder):
        assert isinstance(tiny, role)


def test_t5_is_told_by_the_prefix_of_its_config(tiny, zoo):
    text = "这部电影好看"
    own = GenerateConfig(max_new_tokens=23, num_beams=3)
    wanted = tiny.generate([f"the movie: {text}"], own)
    assert translate(zoo, "tiny", [text], source="zh", target="en") == wanted
    assert translate(zoo, "tiny", [text], source="en", target="zh") != wanted
    short = GenerateConfig(max_new_tokens=19, num_beams=2)
    assert summarize(zoo, "tiny", ["the film"]) == tiny.generate(["good: the film"], short)
    found = text2text(zoo, "tiny", ["the film"], config={"max_new_tokens": 4})
    assert found == tiny.generate(["the film"], GenerateConfig(max_new_tokens=4))
    assert len(found[0].tokens) <= 4


@pytest.mark.parametrize(("source", "target"), [("en", "fr"), ("de", "en"), (None, None), (None, "xx")])
def test_a_pair_that_t5_does_not_state_is_refused(tiny, source, target):
    with pytest.raises(ConfigError, match="en to zh, zh to en"):
        tiny.translation(source, target)


def test_m2m_is_told_by_a_token_before_the_text_and_a_first_token(opened):
    ours, model, tokenizer = opened("m2m_100")
    assert told(ours, "de", "zh") == (["__de__"], ["</s>"], {"forced_bos_token_id": "__zh__"})
    text = "the film"
    number = tokenizer.convert_tokens_to_ids
    ids = torch.tensor([[number("__de__"), *tokenizer(text)["input_ids"][1:]]])
    wanted = model.generate(input_ids=ids, forced_bos_token_id=number("__zh__"), max_new_tokens=6)[0, 1:]
    found = ours.perform(ours.translation("de", "zh"), [text], SHORT)[0]
    assert list(found.tokens) == [one for one in wanted.tolist() if one != 1]
    assert found.tokens[0] == number("__zh__")
    assert "zh" not in found.text
    with pytest.raises(ConfigError, match="does not know the language 'fr'; it knows de, en, zh"):
        ours.translation("en", "fr")
    with pytest.raises(ConfigError, match="to: say which language"):
        ours.translation("en", None)


def test_nllb_and_mbart_have_codes_of_their_own(opened):
    ours, *_ = opened(
        "m2m_100",
        languages=["eng_Latn", "zho_Hans", "zho_Hant", "deu_Latn"],
        template="eng_Latn $A </s>",
    )
    assert told(ours, "de", "zh") == (["deu_Latn"], ["</s>"], {"forced_bos_token_id": "zho_Hans"})
    assert told(ours, None, "zho_Hant") == (["eng_Latn"], ["</s>"], {"forced_bos_token_id": "zho_Hant"})


def test_the_first_mbart_has_its_language_at_the_end_and_begins_with_it(opened):
    ours, *_ = opened("mbart")
    assert told(ours, "de", "zh") == ([], ["</s>", "de_DE"], {"decoder_start_token_id": "zh_CN"})
    assert ours.perform(ours.translation("de", "zh"), ["good"], SHORT)[0].text.isprintable()


def test_marian_of_one_pair_needs_no_language_and_refuses_another(opened, tmp_path):
    ours, *_ = opened("marian")
    assert told(ours, None, None) == ([], ["</s>"], {})
    path = tmp_path / "there" / "tokenizer_config.json"
    stated = {**json.loads(path.read_text(encoding="utf-8")), "source_lang": "en", "target_lang": "zh"}
    path.write_text(json.dumps(stated), encoding="utf-8")
    again = read(tmp_path / "there", T5Config(), None, Run())
    assert told(again, "en", "zh") == ([], ["</s>"], {})
    with pytest.raises(ConfigError, match="does not know the language 'de'; it knows zh"):
        again.translation("en", "de")


def test_marian_that_does_not_say_its_languages_takes_any_and_says_so(opened, caplog):
    ours, *_ = opened("marian")
    assert told(ours, None, None) == ([], ["</s>"], {})
    assert caplog.messages == []
    assert told(ours, "xx", "yy") == ([], ["</s>"], {})
    assert [line.partition("that it ")[2] for line in caplog.messages] == [
        "translates from xx to yy is taken on trust"
    ]


def test_marian_of_several_targets_is_told_by_a_token(opened):
    ours, *_ = opened("marian", languages=[">>fra<<", ">>zho<<"])
    assert told(ours, "en", "zh") == ([">>zho<<"], ["</s>"], {})
    with pytest.raises(ConfigError, match="it knows fra, zho"):
        ours.translation("en", "de")


def test_a_model_that_states_no_language_does_not_translate(opened):
    ours, *_ = opened("bart")
    with pytest.raises(UnsupportedError, match="text2text"):
        ours.translation("en", "zh")


def test_neighbours_in_a_batch_change_nothing(tiny):
    texts = ["the film", "这部电影好看。" * 8, "", "good"]
    for config in (SHORT, GenerateConfig(max_new_tokens=6, num_beams=3)):
        assert tiny.generate(texts, config) == [tiny.generate([text], config)[0] for text in texts]


def test_drawn_texts_follow_the_seed(tiny):
    def drawn(seed):
        return tiny.generate(["the film"] * 2, GenerateConfig(max_new_tokens=12, temperature=3.0, seed=seed))

    before = torch.random.get_rng_state()
    assert drawn(1) == drawn(1) != drawn(2)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_text_that_is_too_long_is_an_error_or_keeps_its_end_and_its_prefix(tiny):
    long = "good " * 300 + "bad bad"
    with pytest.raises(InputError, match="truncate left"):
        tiny.generate([long], SHORT)
    cut = GenerateConfig(max_new_tokens=6, truncate="left")
    task = tiny.summary()
    row = tiny._speech._row(long, task.prefix, tiny._speech.frame, cut)
    ids = tiny._speech.voice.encode
    assert len(row) == 256
    assert row[: len(ids(task.prefix))] == ids(task.prefix)
    assert row[-4:] == [*ids(long)[-3:], 1]


def test_training_on_pairs_lowers_the_loss_and_leaves_the_model(tiny):
    network = tiny.network().eval()
    batch = network.collate_pairs(["the film", "好看"], ["good", "the book was boring"])
    assert batch["labels"].tolist()[0][-1] == -100
    before = tiny.embed(["the film"])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = network.loss(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 2
    assert (tiny.embed(["the film"]) == before).all()
    assert not (tiny.with_network(network).embed(["the film"]) == before).all()
    with pytest.raises(InputError, match="1 for 2 inputs"):
        network.collate_pairs(["a", "b"], ["c"])


def test_labels_have_no_prompt_before_them(tiny):
    prompted = tiny.with_settings({"prompts": {"query": "translate: "}, "default_prompt": "query"})
    plain = tiny.network().collate_pairs(["the film"], ["good"])
    batch = prompted.network().collate_pairs(["the film"], ["good"])
    assert batch["input_ids"].shape[1] > plain["input_ids"].shape[1]
    assert batch["labels"].tolist() == plain["labels"].tolist()


@pytest.mark.parametrize(
    ("model_type", "frame"), [("mbart", "$A </s> zh_CN"), ("m2m_100", "__zh__ $A </s>")], ids=str
)
def test_labels_carry_the_language_that_they_are_in(opened, model_type, frame):
    ours, _, _ = opened(model_type)
    labels = ours.network().collate_pairs(["the film"], ["good"], "zh")["labels"][0].tolist()
    names = [ours._speech.voice.tokenizer.id_to_token(one) for one in labels]
    lead, trail = (part.split() for part in frame.split("$A"))
    assert names[: len(lead)] == lead
    assert names[len(names) - len(trail) :] == trail
    with pytest.raises(ConfigError, match="language: say which language"):
        ours.network().collate_pairs(["the film"], ["good"])


def test_a_language_of_labels_is_refused_where_the_model_has_no_token_for_it(tiny):
    with pytest.raises(ConfigError, match="no tokens of languages"):
        tiny.network().collate_pairs(["the film"], ["good"], "zh")


@pytest.mark.parametrize(
    ("edit", "match"),
    [
        (lambda c: c.update(model_type="bert"), "lexarium import bert"),
        (lambda c: c.update(model_type="gpt2"), "lexarium import gpt"),
        (lambda c: c.update(model_type="led"), "no encoder-decoder that is known"),
        (lambda c: c.update(auto_map={"AutoModel": "evil.Model"}), "names code"),
        (lambda c: c.update(num_layers=3), r"missing: encoder\.block\.2"),
        (lambda c: c.update(d_ff=21), "shape"),
    ],
)
def test_a_folder_of_something_else_is_refused(make_checkpoint, tmp_path, edit, match):
    make_checkpoint(tmp_path / "there", "t5")
    path = tmp_path / "there" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    edit(config)
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(LexariumError, match=match):
        read(tmp_path / "there", T5Config(), None, Run())


def test_a_tokenizer_with_other_special_tokens_or_far_fewer_is_another_models(opened, tmp_path):
    opened("t5")
    path = tmp_path / "there" / "tokenizer_config.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**stated, "eos_token": "▁film"}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"eos_token_id is 1 in config\.json and .* another model's"):
        read(tmp_path / "there", T5Config(), None, Run())
    for token in ("none", None, {"content": "</s>"}):  # not in the vocabulary, not stated, the same
        path.write_text(json.dumps({**stated, "eos_token": token}), encoding="utf-8")
        read(tmp_path / "there", T5Config(), None, Run())
    with pytest.raises(CheckpointError, match=r"ids and the embeddings 600 rows: it is another model's"):
        opened("t5", vocab_size=600)


def test_a_forced_word_of_chinese_is_written_without_a_blank(tiny):
    config = GenerateConfig(max_new_tokens=12, force_words=("电影", "film"))
    table, (written,) = TokenBytes(tiny._speech.voice.tokenizer), tiny.generate(["good"], config)
    assert "电影".encode() in table.join(written.tokens)
    assert " 电影".encode() not in table.join(written.tokens)
    assert b" film" in table.join(written.tokens)


def test_settings_of_a_checkpoint_that_cannot_be_are_its_error(opened):
    ours, *_ = opened("t5", stated={"task_specific_params": {"summarization": {"num_beams": -1}}})
    with pytest.raises(CheckpointError, match="num_beams"):
        ours.settings(ours.summary())


def test_the_commands_print_texts_json_and_files(zoo, tmp_path):
    def call(*arguments):
        return CliRunner().invoke(cli, [str(one) for one in arguments])

    wanted = translate(zoo, "tiny", ["good", "好"], source="en", target="zh", config={"max_new_tokens": 5})
    pair = ("--from", "en", "--to", "zh", "--max-new-tokens", "5")
    done = call("translate", "tiny", "good", "好", *pair, "--json")
    assert done.exit_code == 0, done.output
    results = json.loads(done.stdout)["results"]
    assert [one["text"] for one in results] == [one.text for one in wanted]
    assert set(results[0]) == {"input", "text", "tokens", "ending"}
    (tmp_path / "in.txt").write_text("good\n好\n", encoding="utf-8")
    out = tmp_path / "out.jsonl"
    done = call("translate", "tiny", "--in", tmp_path / "in.txt", "--out", out, *pair)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"wrote 2 texts to {out}\n"
    assert [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] == results
    for name in ("summarize", "text2text"):
        done = call(name, "tiny", "good", "--num-beams", "1", "--out", tmp_path / f"{name}.txt")
        assert done.exit_code == 0, done.output
        assert len((tmp_path / f"{name}.txt").read_text(encoding="utf-8").splitlines()) == 1
    refused = call("translate", "tiny", "good", "--from", "en", "--to", "fr")
    assert (refused.exit_code, refused.stderr[:7]) == (1, "Error: ")
    assert call("summarize", "tiny", "good", "--out", "a.pdf").exit_code == 1
    assert call("summarize", "tiny").exit_code == 2
    assert call("text2text", "tiny", "good", "--num-beams", "0").exit_code == 1
