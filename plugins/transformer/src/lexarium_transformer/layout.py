"""The files of sentence-transformers beside a transformers folder: read into settings, written from them.

``modules.json`` names the steps (Transformer, Pooling, Normalize), each with its own small config.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, UnsupportedError
from lexarium.strict_json import parse_json
from lexarium_transformer.gate import read_json, refuse_code

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lexarium_transformer.config import EncoderConfig, Pooling

__all__ = ["LAYOUT", "STEPS", "read_layout", "write_layout"]

_MODULES, _PROMPTS, _LENGTH = "modules.json", "config_sentence_transformers.json", "sentence_bert_config.json"
_POOLING = "1_Pooling"
#: The steps that are known, after the transformer itself.
STEPS = ("Pooling", "Normalize")
#: All files that follow from the settings.
LAYOUT = (_MODULES, f"{_POOLING}/config.json", _LENGTH, _PROMPTS)
_MOST = 64 * 2**10
_KEYS: Mapping[Pooling, str] = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
    "weighted": "pooling_mode_weightedmean_tokens",
    "last": "pooling_mode_lasttoken",
}
_MODES: Mapping[str, Pooling] = {
    "cls": "cls",
    "mean": "mean",
    "max": "max",
    "weightedmean": "weighted",
    "lasttoken": "last",
}


def read_layout(path: Path) -> dict[str, Any]:
    """Return the settings that a sentence-transformers folder states; none where it is not one.

    :raises CheckpointError: a file of the layout cannot be read.
    :raises UnsupportedError: it has a step that is not one of Transformer, Pooling and Normalize.
    """
    if not (path / _MODULES).is_file():
        return {}
    settings: dict[str, Any] = {"normalize": False}
    for number, step in enumerate(_modules(path / _MODULES)):
        kind = str(step.get("type", "")).rpartition(".")[2]
        if number == 0 and kind == "Transformer" and not step.get("path"):
            continue
        if kind == "Pooling":
            settings["pooling"] = _pooling(_inside(path, step) / "config.json")
        elif kind == "Normalize" and "pooling" in settings:
            settings["normalize"] = True
        else:
            raise UnsupportedError(
                f"{path / _MODULES}: its step {number} is {step.get('type')!r} in {step.get('path')!r}",
                "Lexarium knows Transformer (not in a folder), Pooling and Normalize, in this order",
            )
    if (path / _LENGTH).is_file():
        found = read_json(path / _LENGTH)
        refuse_code(found, str(path / _LENGTH))
        settings["max_length"] = found.get("max_seq_length")
        settings["do_lower_case"] = bool(found.get("do_lower_case"))
    if (path / _PROMPTS).is_file():
        settings |= _own(path / _PROMPTS)
    return settings


def write_layout(config: EncoderConfig, hidden: int) -> dict[str, bytes]:
    """Return the files with which sentence-transformers gives the same vectors, or none.

    It has no mix of layers, no echo, and no pieces of long texts. It cuts to ``truncate_dim`` after
    Normalize, and Lexarium before: there, such vectors have the same directions, and not the length 1.
    """
    if config.layers != (-1,) or config.pooling == "echo" or config.long != "truncate":
        return {}
    names = "sentence_transformers.models"
    steps = [("", "Transformer"), (_POOLING, "Pooling")]
    if config.normalize:
        steps.append(("2_Normalize", "Normalize"))
    modules = [
        {"idx": number, "name": str(number), "path": folder, "type": f"{names}.{kind}"}
        for number, (folder, kind) in enumerate(steps)
    ]
    pooling: dict[str, Any] = {"word_embedding_dimension": hidden}
    pooling |= {key: mode == config.pooling for mode, key in _KEYS.items()}
    length = {"max_seq_length": config.max_length, "do_lower_case": bool(config.do_lower_case)}
    prompts: dict[str, Any] = {
        "prompts": config.named_prompts,
        "default_prompt_name": config.default_prompt,
        "similarity_fn_name": config.similarity or "cosine",
    }
    if config.truncate_dim is not None:
        prompts["truncate_dim"] = config.truncate_dim
    files = {_MODULES: modules, f"{_POOLING}/config.json": pooling, _LENGTH: length, _PROMPTS: prompts}
    return {name: (json.dumps(content, indent=2) + "\n").encode() for name, content in files.items()}


def _modules(path: Path) -> list[dict[str, Any]]:
    try:
        steps = parse_json(read_small(path, _MOST), path)
    except OSError as error:
        raise CheckpointError(path, f"cannot be read: {error.strerror or error}") from error
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        raise CheckpointError(path, "is not a list of steps", "fetch it again")
    return steps


def _inside(path: Path, step: Mapping[str, Any]) -> Path:
    folder = str(step.get("path", ""))
    if not folder or "/" in folder or "\\" in folder or folder in {".", ".."}:
        raise CheckpointError(path / _MODULES, f"{folder!r} is not a folder in this one", "fetch it again")
    return path / folder


def _pooling(path: Path) -> Pooling:
    found = read_json(path)
    if found.get("include_prompt") is False:
        raise UnsupportedError(f"{path}: it pools without the prompt", "Lexarium pools all tokens of a text")
    given = found.get("pooling_mode")
    modes = [given] if isinstance(given, str) else list(given or [])
    if not modes:
        modes = [name for mode, name in _named() if found.get(mode)]
        known = {mode for mode, _ in _named()}
        modes += [key for key in found if key.startswith("pooling_mode_") and found[key] and key not in known]
    if len(modes) == 1 and modes[0] in _MODES:
        return _MODES[modes[0]]
    raise UnsupportedError(
        f"{path}: it pools by {' and '.join(map(str, modes)) or 'nothing'}",
        f"Lexarium pools by one of {', '.join(_MODES.values())}: say which with --set pooling=mean",
    )


def _named() -> list[tuple[str, str]]:
    return [(key, next(name for name, mode in _MODES.items() if mode == ours)) for ours, key in _KEYS.items()]


def _own(path: Path) -> dict[str, Any]:
    """Return what the library's own file states: prompts, the measure of likeness, a cut dimension."""
    found = read_json(path)
    prompts = found.get("prompts") or {}
    texts = isinstance(prompts, dict) and all(isinstance(text, str) for text in prompts.values())
    if not texts:
        raise CheckpointError(path, "'prompts' is not names and texts", "fetch it again")
    default, similarity = found.get("default_prompt_name"), found.get("similarity_fn_name")
    dim = found.get("truncate_dim")
    if dim is not None and (type(dim) is not int or dim < 1):
        raise CheckpointError(
            path, f"'truncate_dim' is {dim!r}, and no number of components", "fetch it again"
        )
    settings: dict[str, Any] = {"prompts": tuple(sorted(prompts.items())), "default_prompt": default}
    if similarity in {"cosine", "dot", "euclidean"}:
        settings["similarity"] = similarity
    return settings | {"truncate_dim": dim}
