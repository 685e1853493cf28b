"""Prompts of uneven length read without computing their padding, each group of like length by itself.

What a decoder keeps of each prompt (its keys and values) is then put side by side, ends aligned, and
writing goes on for all of them together. Shapes: B prompts, T tokens of the longest, K heads of keys,
D components each.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

__all__ = ["aligned", "groups", "keeps_keys", "prefilled"]

#: What reading the weights once costs, in tokens: less on a processor, whose arithmetic is slower.
_ON_CPU, _ON_GPU = 24, 2048
_POSITIONS = "position_ids"


def aligned(prompts: Sequence[Sequence[int]], padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return ids (B, T) int64 and their mask (B, T) int64, filled up on the left."""
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), padding)
    mask = torch.zeros((len(prompts), longest), dtype=torch.int64)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt, dtype=torch.int64)
        mask[row, longest - len(prompt) :] = 1
    return ids.to(device), mask.to(device)


def keeps_keys(model: Any) -> bool:  # noqa: ANN401  a GenerationMixin
    """Return whether all that a model keeps of what it has read is keys and values, in transformers' cache.

    Others keep a state that each token changes, one of padding too, or nothing.
    """
    from transformers import DynamicCache  # noqa: PLC0415  takes seconds
    from transformers.cache_utils import DynamicLayer  # noqa: PLC0415  as above

    if "past_key_values" not in inspect.signature(model.base_model.forward).parameters:
        return False
    return all(isinstance(layer, DynamicLayer) for layer in DynamicCache(config=model.config).layers)


def groups(lengths: Sequence[int], fixed: int) -> list[list[int]]:
    """Return indices in groups of like length, so that the work for all groups is the least.

    The work for a group is ``fixed`` and its padded tokens; it is found by dynamic programming over the
    sorted lengths.
    """
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i], i))
    best: list[tuple[int, int]] = [(0, 0)]  # least work for the first n, and where the last group starts
    for end in range(1, len(order) + 1):
        longest = lengths[order[end - 1]]
        best.append(min((best[start][0] + fixed + (end - start) * longest, start) for start in range(end)))
    found: list[list[int]] = []
    end = len(order)
    while end:
        start = best[end][1]
        found.append(order[start:end])
        end = start
    return found[::-1]


def prefilled(model: Any, prompts: Sequence[Sequence[int]], padding: int) -> dict[str, Any]:  # noqa: ANN401  a GenerationMixin
    """Return what ``generate`` takes for ``prompts``: ids, mask, and what was read where that saves work."""
    device = next(model.parameters()).device
    ids, mask = aligned(prompts, padding, device)
    inputs = {"input_ids": ids, "attention_mask": mask}
    read = [prompt[:-1] for prompt in prompts]  # the last token is read when the first is written
    fixed = _ON_CPU if device.type == "cpu" else _ON_GPU
    parts = groups([len(prompt) for prompt in read], fixed)
    if len(parts) > 1 and _POSITIONS in inspect.signature(model.base_model.forward).parameters:
        cache = _joined(model, read, parts, padding)
        if cache is not None:
            inputs["past_key_values"] = cache
    return inputs


def _joined(model: Any, read: list[Sequence[int]], parts: list[list[int]], padding: int) -> Any:  # noqa: ANN401  transformers' Cache
    """Return one cache of all prompts; None where the model keeps something else than all keys and values."""
    from transformers import DynamicCache  # noqa: PLC0415  takes seconds
    from transformers.cache_utils import DynamicLayer  # noqa: PLC0415  as above

    cache = DynamicCache(config=model.config)
    plain = keeps_keys(model) and all(type(layer) is DynamicLayer for layer in cache.layers)
    if not cache.layers or not plain:
        return None
    longest = max(map(len, read))
    keys: dict[tuple[int, str], Tensor] = {}
    for part in parts:
        prompts = [read[row] for row in part]
        length = max(map(len, prompts))
        if not length:
            continue
        for number, layer in enumerate(_read(model, prompts, padding).layers):
            for name in ("keys", "values"):
                given = getattr(layer, name)  # (b, K, t, D)
                shape = (len(read), given.shape[1], longest, given.shape[3])
                whole = keys.setdefault((number, name), given.new_zeros(shape))
                whole[part, :, longest - length :] = given
    for number in range(len(cache.layers)):
        cache.update(keys[number, "keys"], keys[number, "values"], number)
    return cache


@torch.inference_mode()
def _read(model: Any, prompts: Sequence[Sequence[int]], padding: int) -> Any:  # noqa: ANN401  transformers' Cache
    ids, mask = aligned(prompts, padding, next(model.parameters()).device)
    inputs = {"input_ids": ids, "attention_mask": mask, "use_cache": True}
    inputs[_POSITIONS] = (mask.cumsum(1) - 1).clamp(min=0)
    return model.base_model(**inputs).past_key_values
