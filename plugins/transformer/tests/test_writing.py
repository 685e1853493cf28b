"""What becomes of the tokens that a network writes: a text, and where it stops."""

from __future__ import annotations

import pytest
import torch
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel

from lexarium.generation import GenerateConfig
from lexarium_transformer.writing import Job, Voice

WORDS = ["<pad>", "</s>", "▁good", "▁film", ",", "▁and", "▁bad"]


class Scripted:
    """A network that writes what it is told to."""

    def __init__(self, words):
        self.ids = torch.tensor([[0, *map(WORDS.index, words)]])

    def generate(self, **given):
        del given
        return self.ids


def written(words, *stops):
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<pad>"))  # noqa: S106  no password
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", "always")
    tokenizer.decoder = decoders.Metaspace("▁", "always")
    tokenizer.add_special_tokens(["<pad>", "</s>"])
    voice = Voice(Scripted(words), tokenizer, [1], 0)
    job = Job(inputs={}, start=1, prompts=[[]], room=9)
    return voice.write(job, GenerateConfig(stop_strings=stops), None)[0]


@pytest.mark.parametrize(
    ("stops", "text", "count"),
    [
        ((" good",), "", 1),
        (("good",), "", 1),
        ((" film",), "good", 2),
        (("film",), "good ", 2),
        ((", and", " bad"), "good film", 4),
        (("d f",), "goo", 2),
    ],
    ids=str,
)
def test_a_text_stops_and_is_cut_at_the_same_place(stops, text, count):
    found = written(["▁good", "▁film", ",", "▁and", "▁bad", "</s>"], *stops)
    assert (found.text, found.ending, len(found.tokens)) == (text, "stop", count)


def test_a_text_without_a_stop_string_is_whole():
    found = written(["▁good", "▁film", "</s>", "<pad>"], "worse")
    assert (found.text, found.ending, found.tokens) == ("good film", "end", (2, 3))
