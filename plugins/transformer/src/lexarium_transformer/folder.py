"""A folder of transformers or sentence-transformers, read file by file behind a gate."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, InputError
from lexarium_transformer.encoders import finite
from lexarium_transformer.gate import parse_config, read_json, refuse_code
from lexarium_transformer.memory import require_memory
from lexarium_transformer.tokens import MOST_BYTES, parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from lexarium.roles import Progress

__all__ = ["Checkpoint", "check_folder", "read_checkpoint"]

_CONFIG, _TOKENIZER = "config.json", "tokenizer.json"
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
#: Small files that transformers reads beside these two.
_BESIDE = ("tokenizer_config.json", "special_tokens_map.json")
#: What a tokenizer can be made of, and any sentencepiece ``.model``.
_VOCABULARIES = {"vocab.txt", "vocab.json"}
#: What runs code, or may, when it is opened; and weights of other frameworks.
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack", ".npz")


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds: the parsed config, tensors by name, and the files that are kept as they are."""

    config: dict[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    files: dict[str, bytes]
    tokenizer_config: dict[str, Any] = field(default_factory=dict)


def check_folder(path: Path) -> tuple[dict[str, Any], bytes]:
    """Return the config of a folder, parsed and as bytes, before anything else of it is read.

    :raises InputError: there is no such folder.
    :raises CheckpointError: it holds no transformer, or one that brings its own code.
    """
    if not path.is_dir():
        what = "it is a file" if path.exists() else "there is no such folder"
        raise InputError(path, what, "give a folder with config.json, tokenizer.json and model.safetensors")
    read_json(path / _CONFIG)
    raw = (path / _CONFIG).read_bytes()
    return parse_config(raw, str(path / _CONFIG)), raw


def read_checkpoint(path: Path, dtype: torch.dtype, progress: Progress) -> Checkpoint:
    """Read weights, config and tokenizer; 16-bit brain floats become 32 bits wide, without loss.

    :raises CheckpointError: a file is missing, damaged, or not safetensors; a weight is NaN or infinite.
    :raises UnsupportedError: the weights do not fit into the memory.
    """
    config, raw = check_folder(path)
    files = {_CONFIG: raw}
    settings: dict[str, Any] = {}
    for name in _BESIDE:
        if (path / name).is_file():
            found = read_json(path / name)
            refuse_code(found, str(path / name))
            files[name] = (path / name).read_bytes()
            settings = found if name == "tokenizer_config.json" else settings
    files[_TOKENIZER] = _read_tokenizer(path)
    shards = _shards(path)
    _check_size(shards, dtype, path)
    tensors: dict[str, NDArray[Any]] = {}
    for shard, names in shards.items():
        _read_shard(shard, names, tensors)
        progress("read weights", len(tensors), None)
    if config.get("torch_dtype", config.get("dtype")) == "bfloat16":
        files[_CONFIG] = _widened(config)
    return Checkpoint(config, tensors, files, settings)


def _read_tokenizer(path: Path) -> bytes:
    file = path / _TOKENIZER
    if file.is_file():
        raw = read_small(file, MOST_BYTES)
        parse_tokenizer(raw, str(file))
        return raw
    remedy = "give a folder with tokenizer.json, or with the vocabulary that its tokenizer is made of"
    if not any(p.name in _VOCABULARIES or p.suffix == ".model" for p in path.iterdir()):
        # transformers would make up an empty tokenizer, under which every word is unknown.
        raise CheckpointError(path, f"there is no tokenizer: no {_TOKENIZER} and no vocabulary", remedy)
    from transformers import AutoTokenizer  # noqa: PLC0415  takes seconds, and only old checkpoints need it

    try:
        slow: Any = AutoTokenizer.from_pretrained(str(path), local_files_only=True, trust_remote_code=False)
        converted: str = slow.backend_tokenizer.to_str()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        first = (f"{error}".splitlines() or [type(error).__name__])[0]
        raise CheckpointError(path, f"there is no tokenizer that can be read ({first})", remedy) from error
    return converted.encode()


def _shards(path: Path) -> dict[Path, list[str] | None]:
    """Return the files with weights and, where there is an index, the tensors that each must hold."""
    if (path / _WEIGHTS).is_file():
        return {path / _WEIGHTS: None}
    if not (path / _INDEX).is_file():
        pickles = sorted(p.name for p in path.iterdir() if p.suffix in _PICKLES)
        if pickles:
            remedy = "load it once with transformers and save_pretrained(), which writes safetensors"
            problem = f"its weights are {', '.join(pickles[:3])}, which may run code when read"
            raise CheckpointError(path, problem, remedy)
        raise CheckpointError(path, f"there is no {_WEIGHTS}", "fetch the checkpoint again")
    where = read_json(path / _INDEX).get("weight_map")
    if not isinstance(where, dict) or not where or not all(isinstance(name, str) for name in where.values()):
        raise CheckpointError(path / _INDEX, "has no usable 'weight_map'", "fetch it again")
    shards: dict[Path, list[str] | None] = {}
    for shard in sorted(set(where.values())):
        if os.path.basename(shard) != shard or not shard.endswith(".safetensors"):  # noqa: PTH119  a name, no path
            raise CheckpointError(path / _INDEX, f"{shard!r} is not the name of a shard", "fetch it again")
        if not (path / shard).is_file():
            raise CheckpointError(path, f"the shard {shard} is missing", "fetch the checkpoint again")
        shards[path / shard] = [tensor for tensor, name in where.items() if name == shard]
    return shards


def _check_size(shards: Mapping[Path, object], dtype: torch.dtype, path: Path) -> None:
    """Count the weights from the headers alone, and refuse what cannot fit."""
    count = 0
    for shard in shards:
        try:
            with safe_open(shard, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  no mapping
                    size = 1
                    for length in file.get_slice(name).get_shape():
                        size *= length
                    count += size
        except (SafetensorError, OSError) as error:
            raise _damaged(shard, error) from error
    require_memory(count, dtype.itemsize, str(path))


def _read_shard(shard: Path, names: list[str] | None, tensors: dict[str, NDArray[Any]]) -> None:
    try:
        with safe_open(shard, framework="pt") as file:
            present = set(file.keys())
            absent = sorted(set(names or ()) - present)
            if absent:
                raise CheckpointError(shard, f"the tensor {absent[0]!r} is missing", "fetch it again")
            for name in sorted(present):
                tensor = file.get_tensor(name)
                if tensor.dtype == torch.bfloat16:  # numpy has no such type
                    tensor = tensor.float()
                if name in tensors:
                    raise CheckpointError(
                        shard, f"the tensor {name!r} stands in two shards", "fetch it again"
                    )
                tensors[name] = tensor.numpy()
                finite(name, tensors[name], str(shard))
    except (SafetensorError, OSError, TypeError) as error:
        raise _damaged(shard, error) from error


def _damaged(shard: Path, error: Exception) -> CheckpointError:
    return CheckpointError(shard, f"is not safetensors, or is cut short: {error}", "fetch it again")


def _widened(config: Mapping[str, Any]) -> bytes:
    """Return the config of weights that are 32 bits wide now; nothing else of it changes."""
    plain = {key: value for key, value in config.items() if key not in {"torch_dtype", "dtype"}}
    return (json.dumps({**plain, "dtype": "float32"}, indent=2) + "\n").encode()
