"""``lexarium generate`` and ``lexarium perplexity``, and their Python verbs."""

import json

import pytest
from click.testing import CliRunner

from lexarium.cli.main import cli
from lexarium.errors import UnsupportedError
from lexarium.generation import GenerateConfig
from lexarium.zoo import Zoo
from lexarium_transformer.verbs import chat, generate, perplexity


@pytest.fixture
def run(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("LEXARIUM_HOME", str(tmp_path / "home"))
    Zoo(tmp_path / "home").save(tiny, name="tiny")

    def run(*arguments):
        return CliRunner().invoke(cli, list(arguments))

    return run


SHORT = ("--set", "max_new_tokens=5")


def test_a_prompt_is_gone_on_with_and_streamed_alike(run, tiny):
    wanted = tiny.generate(["the film"], GenerateConfig(max_new_tokens=5))[0]
    done = run("generate", "tiny", "the film", "--json", *SHORT)
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["results"]
    assert found == {"prompt": "the film", "text": wanted.text, "tokens": 5, "ending": "length"}
    plain = run("generate", "tiny", "the film", "--no-stream", *SHORT)
    assert run("generate", "tiny", "the film", "--stream", *SHORT).stdout == plain.stdout


def test_a_file_of_prompts_is_answered_in_order(run, tiny, tmp_path):
    (tmp_path / "p.txt").write_text("电影\na longer prompt than that\nx\n", encoding="utf-8")
    done = run("generate", "tiny", "--prompts", str(tmp_path / "p.txt"), "--json", *SHORT)
    found = json.loads(done.stdout)["results"]
    prompts = ["电影", "a longer prompt than that", "x"]
    assert [one["prompt"] for one in found] == prompts
    wanted = tiny.generate(prompts, GenerateConfig(max_new_tokens=5))
    assert [one["text"] for one in found] == [one.text for one in wanted]


def test_a_message_is_answered(run, tiny):
    done = run("generate", "tiny", "hi", "--chat", "--system", "be kind", "--json", *SHORT)
    messages = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}]
    wanted = tiny.chat(messages, GenerateConfig(max_new_tokens=5)).text
    assert json.loads(done.stdout)["results"][0]["text"] == wanted


def test_a_file_of_messages_is_answered_in_order(run, tiny, tmp_path):
    (tmp_path / "p.txt").write_text("hi\n你好\na longer message\n", encoding="utf-8")
    done = run("generate", "tiny", "--prompts", str(tmp_path / "p.txt"), "--chat", "--json", *SHORT)
    wanted = [
        tiny.chat([{"role": "user", "content": text}], GenerateConfig(max_new_tokens=5)).text
        for text in ("hi", "你好", "a longer message")
    ]
    assert [one["text"] for one in json.loads(done.stdout)["results"]] == wanted


def test_perplexity_is_that_of_all_texts_together(run, tiny, tmp_path):
    (tmp_path / "t.txt").write_text("a good film\n一部好电影\n", encoding="utf-8")
    found = json.loads(run("perplexity", "tiny", str(tmp_path / "t.txt"), "--json").stdout)
    one, other = tiny.perplexity(["a good film", "一部好电影"])
    assert found["tokens"] == one.tokens + other.tokens
    total = one.loss * one.tokens + other.loss * other.tokens
    assert found["loss"] == pytest.approx(total / found["tokens"])
    assert [part["loss"] for part in found["texts"]] == [one.loss, other.loss]
    plain = run("perplexity", "tiny", str(tmp_path / "t.txt")).stdout
    assert plain.startswith(f"perplexity {found['perplexity']:.2f}, ")


def test_a_file_without_anything_to_predict_is_one_clear_line(run, tmp_path):
    (tmp_path / "t.txt").write_text("a\nb\n", encoding="utf-8")
    done = run("perplexity", "tiny", str(tmp_path / "t.txt"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "none of its 2 texts has a token after its first" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "match"),
    [
        (["x" * 999], 1, "--truncate left"),
        (["x", "--set", "temperatur=1"], 1, "did you mean 'temperature'"),
        (["x", "--set", "top_p=7"], 1, "top_p"),
        ([], 2, "PROMPT or --prompts"),
        (["x", "--system", "y"], 2, "--system goes with --chat"),
        (["x", "--json-schema", "/no/such/file"], 1, "cannot be read"),
    ],
    ids=str,
)
def test_bad_input_is_one_clear_line(run, arguments, code, match):
    done = run("generate", "tiny", *arguments)
    assert done.exit_code == code
    assert match in done.stderr
    assert "Traceback" not in done.stderr


def test_the_verbs_do_what_the_commands_do_and_refuse_what_writes_nothing(run, tiny, tmp_path):
    zoo = Zoo(tmp_path / "home")
    config = GenerateConfig(max_new_tokens=5)
    assert generate(zoo, "tiny", ["a"], config) == tiny.generate(["a"], config)
    message = [{"role": "user", "content": "hi"}]
    assert chat(zoo, "tiny", message, config) == tiny.chat(message, config)
    assert perplexity(zoo, "tiny", ["ab"]) == tiny.perplexity(["ab"])
    zoo.fit("bow", ["a film", "a book"], config={}, name="bow")
    for verb in (generate, chat, perplexity):
        with pytest.raises(UnsupportedError, match="bow"):
            verb(zoo, "bow", ["a film"])
