"""Folders of model2vec, and of sentence-transformers' StaticEmbedding, in; folders of model2vec out.

A folder holds ``model.safetensors``, ``tokenizer.json`` and a JSON file of settings. model2vec names the
vectors ``embeddings``, beside which ``mapping`` may say which of them an id has, and ``weights`` what an
id's vector is multiplied with; sentence-transformers names them ``embedding.weight``.
"""

from __future__ import annotations

import shutil
from dataclasses import fields, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.checkpoint.paths import read_small
from lexarium.checkpoint.tensors import read_tensors, write_tensors
from lexarium.errors import CheckpointError, InputError, UnsupportedError
from lexarium.strict_json import parse_json
from lexarium_distill.embedder import Static
from lexarium_distill.tokens import MOST_BYTES, TokenIds, parse_tokenizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Floats, Run
    from lexarium_distill.config import StaticModelConfig

__all__ = ["read", "write"]

_TENSORS, _TOKENIZER, _CONFIG, _MODULES = "model.safetensors", "tokenizer.json", "config.json", "modules.json"
_INNER = "0_StaticEmbedding"  # where sentence-transformers 5 puts vectors and tokenizer
_OURS, _THEIRS = "embeddings", "embedding.weight"
_MOST = 4 * 2**20  # bytes of a small JSON file
_USUAL = 512  # tokens that model2vec looks at where a folder does not say how many
_STEPS = ("StaticEmbedding", "Normalize")


def read(path: Path, config: StaticModelConfig, corpus: Corpus | None, run: Run) -> Static:
    """Read a folder; what ``config`` leaves open is what the folder says.

    :raises InputError: there is no such folder.
    :raises CheckpointError: a file is missing or damaged, or a vector is not finite.
    :raises UnsupportedError: a corpus is given, or there are steps other than to average and to normalise.
    """
    if corpus is not None:
        raise UnsupportedError("a static model's weights are in its vectors", "leave --corpus out")
    if not path.is_dir():
        what = "it is a file" if path.exists() else "there is no such folder"
        raise InputError(path, what, f"give a folder with {_TENSORS}, {_TOKENIZER} and {_CONFIG}")
    inner = path / _INNER if (path / _INNER).is_dir() else path
    raw = _bytes(inner / _TOKENIZER, MOST_BYTES)
    highest = TokenIds(parse_tokenizer(raw, str(inner / _TOKENIZER)), limit=None, skip_unknown=False).highest
    vectors, theirs = _vectors(inner / _TENSORS)
    said = _said_there(path) if theirs else _said(path / _CONFIG)
    left = [each.name for each in fields(config) if getattr(config, each.name) is None]
    settings = replace(config, **{key: value for key, value in said.items() if key in left})
    run.progress("read vectors", len(vectors), len(vectors))
    return Static(settings, np.ascontiguousarray(vectors[: highest + 1]), raw)


def write(model: Static, path: Path, run: Run) -> None:
    """Write a folder that ``StaticModel.from_pretrained`` opens, and gives the same vectors with.

    :raises UnsupportedError: the model counts unknown tokens, or has ids without a token; model2vec does not.
    """
    del run
    if not model.config.skip_unknown:
        raise UnsupportedError("model2vec leaves unknown tokens out", "export the format folder")
    if model.tokenizer.get_vocab_size() != len(model.vectors):
        problem = f"{len(model.vectors)} vectors for {model.tokenizer.get_vocab_size()} tokens"
        raise UnsupportedError(f"model2vec takes no {problem}", "export the format folder")
    state = model.state()
    aside = Path(mkdtemp(dir=path.parent, prefix=".lexarium-"))
    try:
        for name, content in state.files.items():
            (aside / name).write_bytes(content)
        write_tensors(aside / _TENSORS, state.tensors)
        (aside / _TENSORS).chmod(0o644)  # the library writes it for its owner alone
        aside.chmod(0o755)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _vectors(path: Path) -> tuple[Floats, bool]:
    """Return one row per id, (v, dim), and whether sentence-transformers wrote them."""
    if not path.is_file():
        raise CheckpointError(path, "there is no such file", "fetch the model again")
    tensors = read_tensors(path)
    theirs = _OURS not in tensors
    found = tensors.get(_THEIRS if theirs else _OURS)
    if found is None:
        remedy = "if it is an encoder: lexarium import bert, then lexarium distill"
        raise CheckpointError(path, f"there is neither {_OURS!r} nor {_THEIRS!r}", remedy)
    if found.ndim != 2 or 0 in found.shape or found.dtype.kind not in "fi":  # noqa: PLR2004  a matrix
        raise CheckpointError(path, f"the vectors are {found.dtype} {found.shape}, no matrix of numbers")
    mapping, weights = tensors.get("mapping"), tensors.get("weights")
    if mapping is not None:
        _check(path, "mapping", mapping, "iu")
        if len(mapping) == 0 or not 0 <= mapping.min() <= mapping.max() < len(found):
            raise CheckpointError(path, f"'mapping' names rows that are not among the {len(found)} vectors")
        found = found[mapping]
    rows = found.astype(np.float32)
    if weights is not None:
        _check(path, "weights", weights, "f")
        if len(weights) != len(rows):
            raise CheckpointError(path, f"there are {len(weights)} weights for {len(rows)} tokens")
        rows *= weights.astype(np.float32)[:, None]
    if not np.isfinite(rows).all():
        raise CheckpointError(path, "a vector has a number that is NaN or infinite", "fetch it again")
    return rows, theirs


def _check(path: Path, name: str, tensor: NDArray[Any], kinds: str) -> None:
    if tensor.ndim != 1 or tensor.dtype.kind not in kinds:
        raise CheckpointError(path, f"{name!r} is {tensor.dtype} {tensor.shape}, no list of such numbers")


def _said(path: Path) -> dict[str, Any]:
    """Return what model2vec's ``config.json`` says."""
    found = _json(path)
    if not isinstance(found, dict):
        raise CheckpointError(path, "is not a JSON object", "fetch it again")
    normalize, length = found.get("normalize", False), found.get("max_length", _USUAL)
    if not isinstance(normalize, bool):
        raise CheckpointError(path, f"'normalize' is {normalize!r}, not true or false")
    if length is not None and (not isinstance(length, int) or isinstance(length, bool) or length < 1):
        raise CheckpointError(path, f"'max_length' is {length!r}, not a number of tokens")
    return {
        "normalize": normalize,
        "max_length": "all" if length is None else length,
        "skip_unknown": True,
    }


def _said_there(path: Path) -> dict[str, Any]:
    """Return what the files of sentence-transformers say."""
    said = {"normalize": False, "max_length": "all", "skip_unknown": False}
    if not (path / _MODULES).is_file():
        return said
    steps = _json(path / _MODULES)
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        raise CheckpointError(path / _MODULES, "is not a list of steps", "fetch it again")
    kinds = tuple(str(step.get("type", "")).rpartition(".")[2] for step in steps)
    if kinds not in {_STEPS, _STEPS[:1]}:
        problem = f"{path / _MODULES}: its steps are {', '.join(kinds) or 'none'}"
        raise UnsupportedError(problem, f"Lexarium knows {' and '.join(_STEPS)}, in this order")
    return said | {"normalize": kinds == _STEPS}


def _json(path: Path) -> Any:  # noqa: ANN401  any JSON value
    return parse_json(_bytes(path, _MOST), path)


def _bytes(path: Path, most: int) -> bytes:
    try:
        return read_small(path, most)
    except OSError as error:
        problem = f"cannot be read: {error.strerror or error}"
        raise CheckpointError(path, problem, "give a folder of model2vec's, whole") from error
