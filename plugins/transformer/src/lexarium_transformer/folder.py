"""A folder of transformers or sentence-transformers, read file by file behind a gate.

What needs no more than the small files and the headers of the weights is checked before torch is imported.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from lexarium.checkpoint.paths import read_small
from lexarium.checkpoint.tensors import read_header
from lexarium.errors import CheckpointError, InputError
from lexarium.strict_json import FLOAT
from lexarium_transformer.gate import finite, parse_config, read_bytes, read_json, refuse_code
from lexarium_transformer.layout import read_layout
from lexarium_transformer.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from lexarium.roles import Progress

__all__ = ["Checkpoint", "check_folder", "config_file", "read_checkpoint"]

CONFIG, _TOKENIZER = "config.json", "tokenizer.json"
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
#: Small files that transformers reads beside these two.
_SETTINGS = "tokenizer_config.json"
_BESIDE = (_SETTINGS, "special_tokens_map.json")
#: What a tokenizer can be made of, and any sentencepiece ``.model``.
_VOCABULARIES = {"vocab.txt", "vocab.json"}
#: Bytes of a weight by the name that safetensors has for its kind, and torch's name of such numbers.
_BYTES = {"F64": 8, "F32": 4, "F16": 2}
_NAMES = {"float32": "F32", "float16": "F16"}
_WIDEST, _HALF = 8, 2
_WHOLE = "give a folder with tokenizer.json, or with the vocabulary that its tokenizer is made of"
#: What runs code, or may, when it is opened; and weights of other frameworks.
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack", ".npz")


@dataclass(frozen=True)
class Checkpoint:
    """What a folder holds: the parsed config, tensors by name, and the files that are kept as they are."""

    config: dict[str, Any]
    tensors: Mapping[str, NDArray[Any]]
    files: dict[str, bytes]
    tokenizer_config: dict[str, Any] = field(default_factory=dict)


def check_folder(path: Path) -> dict[str, Any]:
    """Return the config of a folder whose parts are all there, as far as the small files and headers say.

    :raises InputError: there is no such folder.
    :raises CheckpointError: it holds no transformer, or one that brings its own code; a part is missing, or
        weights are cut short.
    :raises UnsupportedError: it is one of sentence-transformers with a step that is not known here.
    """
    if not path.is_dir():
        what = "it is a file" if path.exists() else "there is no such folder"
        remedy = "give a folder with config.json, tokenizer.json and model.safetensors"
        if path.is_file() and path.suffix == ".gguf":
            remedy = f"type: lexarium import gpt {path}"
        raise InputError(path, what, remedy)
    config = parse_config(read_bytes(path / CONFIG), str(path / CONFIG))
    for name in _BESIDE:
        if (path / name).is_file():
            refuse_code(read_json(path / name), str(path / name))
    if not (path / _TOKENIZER).is_file() and not any(_is_vocabulary(p) for p in path.iterdir()):
        # transformers would make up an empty tokenizer, under which every word is unknown.
        raise CheckpointError(path, f"there is no tokenizer: no {_TOKENIZER} and no vocabulary", _WHOLE)
    for shard, names in _shards(path).items():
        _check_shard(shard, names)
    read_layout(path)
    return config


def read_checkpoint(path: Path, dtype: torch.dtype, progress: Progress) -> Checkpoint:
    """Read weights, config and tokenizer; 16-bit brain floats become 32 bits wide, without loss.

    :raises CheckpointError: a file is missing, damaged, or not safetensors; a weight is NaN or infinite.
    :raises UnsupportedError: the weights do not fit into the memory.
    """
    config = check_folder(path)
    there = [name for name in (CONFIG, *_BESIDE) if (path / name).is_file()]
    files = {name: (path / name).read_bytes() for name in there}
    settings = read_json(path / _SETTINGS) if _SETTINGS in files else {}
    files |= _read_tokenizer(path, settings)
    shards = _shards(path)
    kinds = Counter[str]()
    for shard, names in shards.items():
        kinds += _check_shard(shard, names)
    half = "import it with --set dtype=float16" if kinds["F16"] and dtype.itemsize > _HALF else ""
    require_memory(_needed(kinds, dtype), str(path), half)
    tensors: dict[str, NDArray[Any]] = {}
    for shard in shards:
        _read_shard(shard, tensors)
        progress("read weights", len(tensors), None)
    if config.get("torch_dtype", config.get("dtype")) == "bfloat16":
        files[CONFIG] = config_file(_widened(config))
    elif FLOAT in json.dumps(config) and FLOAT.encode() not in files[CONFIG]:
        files[CONFIG] = config_file(config)  # what it says of infinite numbers is no JSON
    return Checkpoint(config, tensors, files, settings)


def _is_vocabulary(path: Path) -> bool:
    return path.name in _VOCABULARIES or path.suffix == ".model"


def _read_tokenizer(path: Path, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Return ``tokenizer.json``, and beside it the files that transformers opens in its place, if it does."""
    from lexarium_transformer.tokens import MOST_BYTES, parse_tokenizer  # noqa: PLC0415  after what is cheap
    from lexarium_transformer.translators import translator_files  # noqa: PLC0415  as above

    file = path / _TOKENIZER
    found = translator_files(path, settings)
    if file.is_file():
        raw = read_small(file, MOST_BYTES)
        parse_tokenizer(raw, str(file))
        return {**found, _TOKENIZER: raw}
    if found:
        return found
    from transformers import AutoTokenizer  # noqa: PLC0415  takes seconds, and only old checkpoints need it

    try:
        slow: Any = AutoTokenizer.from_pretrained(str(path), local_files_only=True, trust_remote_code=False)
        converted: str = slow.backend_tokenizer.to_str()
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        first = (f"{error}".splitlines() or [type(error).__name__])[0]
        raise CheckpointError(path, f"there is no tokenizer that can be read ({first})", _WHOLE) from error
    return {_TOKENIZER: converted.encode()}


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


def _needed(kinds: Mapping[str, int], dtype: torch.dtype) -> int:
    """Return the bytes of weights, so many of each kind: as they are held and, if copied, computed with."""
    computed = _NAMES.get(f"{dtype}".removeprefix("torch."))
    total = 0
    for kind, count in kinds.items():
        held = "F32" if kind == "BF16" else kind  # numpy has no such type
        copied = dtype.itemsize if held.startswith("F") and held != computed else 0
        total += count * (_BYTES.get(held, _WIDEST) + copied)
    return total


def _check_shard(shard: Path, names: list[str] | None) -> Counter[str]:
    """Return how many weights of each kind there are by the header; with ``names``, those tensors alone."""
    header = read_header(shard)
    if names is not None:
        for name in sorted(header.keys() ^ set(names)):
            what = "stands in no line of the index" if name in header else "is missing"
            raise CheckpointError(shard, f"the tensor {name!r} {what}", "fetch it again")
    kinds = Counter[str]()
    for entry in header.values():
        kinds[entry.dtype] += math.prod(entry.shape)
    return kinds


def _read_shard(shard: Path, tensors: dict[str, NDArray[Any]]) -> None:
    import torch  # noqa: PLC0415  takes seconds, and what is refused does without

    try:
        with safe_open(shard, framework="pt") as file:
            for name in sorted(file.keys()):
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


def config_file(config: Mapping[str, Any]) -> bytes:
    """Return ``config.json`` as transformers writes it."""
    return (json.dumps(config, indent=2) + "\n").encode()


def _widened(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of weights that are 32 bits wide now; nothing else of it changes."""
    plain = {key: value for key, value in config.items() if key not in {"torch_dtype", "dtype"}}
    return {**plain, "dtype": "float32"}
