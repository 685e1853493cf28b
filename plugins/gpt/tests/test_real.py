"""The real SmolLM2-135M-Instruct: the contract, tokens equal to transformers' own, a batch as one by one."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from lexarium.config import from_mapping, parse_settings
from lexarium.generation import GenerateConfig
from lexarium.testing import EmbedderContract

pytestmark = pytest.mark.real
PROMPTS = [
    "The capital of France is",
    "Once upon a time there was a very small king who lived in a very large castle, and",
    "北京是",
    "def fibonacci(n):",
]
CONFIG = GenerateConfig(max_new_tokens=12)


@pytest.fixture(scope="module")
def batch(smollm):
    return smollm.generate(PROMPTS, CONFIG)


def test_greedy_tokens_are_those_of_transformers(smollm_parts, batch):
    _, theirs, tokenizer = smollm_parts
    for prompt, ours in zip(PROMPTS, batch, strict=True):
        inputs = tokenizer(prompt, return_tensors="pt")
        found = theirs.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs.input_ids.shape[1] :]
        tokens = [token for token in found.tolist() if token != tokenizer.eos_token_id]
        assert list(ours.tokens) == tokens
        assert ours.text == tokenizer.decode(tokens)


def test_a_batch_of_uneven_prompts_gives_what_each_gives_alone(smollm, batch):
    assert [smollm.generate([prompt], CONFIG)[0] for prompt in PROMPTS] == batch


def test_it_answers_and_predicts(smollm):
    answer = smollm.chat([{"role": "user", "content": "What is 2+2?"}], GenerateConfig(max_new_tokens=16))
    assert "4" in answer.text
    assert answer.ending == "end"
    good, odd = smollm.perplexity(["The capital of France is Paris.", "Paris the is France of capital."])
    assert good.perplexity < odd.perplexity / 10


def test_the_page_shows_what_is_written(smollm):
    page = Path(__file__).parents[3] / "docs" / "methods.md"
    if not page.is_file():
        pytest.skip("this distribution stands alone")
    steps = re.findall(
        r"^\$ lexarium generate smollm (.+)\n((?:(?!\$ |```).*\n)*)", page.read_text("utf-8"), re.MULTILINE
    )
    assert len(steps) == 2
    for command, shown in steps:
        prompt, *options = shlex.split(command)
        given = [value for option, value in pairwise(options) if option == "--set"]
        config = from_mapping(GenerateConfig, parse_settings(given))
        message = [{"role": "user", "content": prompt}]
        found = smollm.chat(message, config) if "--chat" in options else smollm.generate([prompt], config)[0]
        assert found.text.rstrip() == shown.rstrip()


class TestContract(EmbedderContract):
    """Of the contract, what needs the real weights; the rest would write 540 MB for each test."""

    method = "gpt"
    test_the_golden_rows_hold_after_opening = None
    test_a_damaged_file_is_a_checkpoint_error_or_found_by_verify = None
    test_a_state_without_one_of_its_tensors_is_a_checkpoint_error = None
    test_the_manifest_states_the_space_and_a_changed_one_does_not_open = None
    test_a_manifest_of_another_method_does_not_open_as_this_one = None

    @pytest.fixture
    def embedder(self, smollm):
        return smollm.with_settings({"normalize": True, "max_length": 128})
