"""Text that is told while it is written: all of it, whatever a decoder makes of its tokens."""

from __future__ import annotations

import torch

from lexarium_transformer.streaming import TextStream


def told(texts):
    """Tell texts, each the whole so far; return the parts."""
    parts = []
    stream = TextStream(lambda tokens: texts[len(tokens) - 1] if tokens else "", (), parts.append)
    stream.put(torch.tensor([0]))
    for number in range(len(texts)):
        stream.put(torch.tensor([number]))
    stream.end()
    return parts


def test_what_grows_is_told_as_it_grows():
    assert told(["a", "a b", "a b c"]) == ["a", " b", " c"]


def test_what_comes_after_a_change_of_what_was_told_is_told_at_the_end():
    assert told(["good ", "good, bad", "good, bad and more"]) == ["good ", ", bad and more"]


def test_half_a_character_waits():
    assert told(["a", "a\ufffd", "a好"]) == ["a", "好"]
