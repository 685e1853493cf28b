"""Whether an architecture gives a text states of its own: those that no test holds are tried at import."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lexarium.errors import LexariumError, UnsupportedError
from lexarium_transformer.inference import padded

if TYPE_CHECKING:
    from torch import Tensor

    from lexarium_transformer.encoders import Loaded

__all__ = ["require_own_states"]

_SHORT, _LONG = 80, 1024  # tokens
_ALIKE, _ALIKE_IN_16_BITS = 1e-3, 3e-2  # of the length of what is compared


@torch.inference_mode()
def require_own_states(loaded: Loaded, longest: int, where: str) -> None:
    """Refuse an encoder where a text's states change with its neighbours or from call to call.

    So are those whose tokens do not see each other: transformers leaves an attention out where the program
    for it is not there. ``longest`` is how many tokens the model takes.

    :raises UnsupportedError: names what was found.
    """
    try:
        problem = _problem(loaded, longest)
    except (LexariumError, MemoryError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # noqa: BLE001  the code of an architecture raises whatever it does
        problem = f"{type(error).__name__}: {' '.join(f'{error}'.split())[:200]}"
    if problem:
        what = f"{where}: transformers computes this architecture, and it cannot be used: {problem}"
        raise UnsupportedError(what, "take a checkpoint of another architecture")


def _problem(loaded: Loaded, longest: int) -> str:
    parameter = next(loaded.encoder.parameters())
    alike = _ALIKE if parameter.dtype == torch.float32 else _ALIKE_IN_16_BITS

    def _states(texts: list[list[int]]) -> list[Tensor]:
        ids, mask = padded(texts, 0)
        found = loaded.encoder(ids.to(parameter.device), None if mask is None else mask.to(parameter.device))[
            -1
        ]
        return [states[: len(text)].float() for states, text in zip(found, texts, strict=True)]

    def _differ(one: list[Tensor], other: list[Tensor]) -> bool:
        pairs = zip(one, other, strict=True)
        return not all((a - b).norm() <= alike * a.norm() for a, b in pairs)  # nor is NaN alike

    ids = [number % loaded.vocabulary for number in range(5, 5 + min(longest, _LONG))]
    text = ids[:_SHORT]
    texts = [text, text[::-1], text[: len(text) // 2 + 1], text[:2], text[:1]]
    before = _states([ids])  # before any short text: some compute otherwise ever after
    if before[0].shape != (len(ids), loaded.hidden):
        return f"its states are {tuple(before[0].shape)} for {len(ids)} tokens of {loaded.hidden} components"
    together = _states(texts)
    if _differ(together, [_states([each])[0] for each in texts]):
        return "a text has other states beside other texts"
    if _differ(before, _states([ids])):
        return "a text has other states the second time"
    other = [*text[:-1], (text[-1] + 1) % loaded.vocabulary]
    if len(text) > 1 and torch.equal(together[0][0], _states([other])[0][0]):
        return "its tokens do not see each other"
    return ""
