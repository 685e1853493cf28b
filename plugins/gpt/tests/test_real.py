"""The real SmolLM2-135M-Instruct: tokens equal to transformers' own, a batch equal to one by one."""

import pytest

from lexarium.generation import GenerateConfig

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
