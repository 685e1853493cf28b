"""Foreign folders in and out: what transformers and sentence-transformers write, and open again."""

from __future__ import annotations

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, TypeVar

from lexarium.checkpoint.tensors import write_tensors
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium_transformer.architecture import architecture_of, positions_of
from lexarium_transformer.belonging import require_own_tokenizer
from lexarium_transformer.config import warn_truncation
from lexarium_transformer.conversion import converted
from lexarium_transformer.dtypes import dtype_on_cpu
from lexarium_transformer.encoders import compare_names, modern
from lexarium_transformer.folder import CONFIG, Checkpoint, check_folder, config_file, read_checkpoint
from lexarium_transformer.foreign import REFUSED, REQUIRED, base_prefix, empty_model, kind_of, why_refused
from lexarium_transformer.layout import read_layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lexarium.roles import Run
    from lexarium_transformer.config import EncoderConfig, Pooling
    from lexarium_transformer.embedder import TransformerEmbedder
    from lexarium_transformer.foreign import HeadKind

__all__ = ["opened", "read_encoder", "settled", "write_sentence_transformers", "write_transformers"]

_E = TypeVar("_E", bound="TransformerEmbedder")
_C = TypeVar("_C", bound="EncoderConfig")
_OTHERS = {"decoder": "gpt", "encoder-decoder": "t5"}
_LONGEST = 1 << 20  # tokens; some tokenizers say 10 ** 30 for "no limit"
_WITHOUT = 512  # tokens, where nothing says how many
#: Heads of checkpoints without a prefix, which the encoder does without.
_HEADS = (
    "classifier.", "qa_outputs.", "score.", "pre_classifier.", "discriminator_predictions.",
    "cls.seq_relationship.", "loss_fct.",
)  # fmt: skip
_POOLER = "pooler."
_BUFFERS = ("position_ids", "token_type_ids", "embeddings.relative_position_bucket")


def read_encoder(cls: type[_E], path: Path, config: EncoderConfig, run: Run) -> _E:
    """Read a folder of transformers or sentence-transformers as an embedder of class ``cls``.

    What ``config`` leaves open is what the folder says, and where that says nothing, ``mean`` pooling
    without normalisation.

    :raises InputError: there is no such folder.
    :raises CheckpointError: a file is missing or damaged, or the parts belong to different models.
    :raises UnsupportedError: it is no encoder, or has a step that is not known here.
    """
    if config.extra:
        raise ConfigError("extra", "is written by import, and not set")
    described = check_folder(path)
    kind = kind_of(described)
    if kind != "encoder":
        name, other = str(described["model_type"]), _OTHERS.get(kind)
        remedy = f"type: lexarium import {other} {path}" if other else "take an encoder, as BERT is one"
        problem = f"{path}: the architecture {name!r} is no encoder that is known here"
        if name in REFUSED:
            problem = f"{path}: {why_refused(name)}"
        elif described.get("is_decoder"):
            problem = f"{path}: config.json says 'is_decoder': a token sees only those before it"
        raise UnsupportedError(problem, remedy)
    architecture_of(described, str(path))  # refuses sizes and positions, before the weights are read
    found = _with_required(read_checkpoint(path, dtype_on_cpu(config.dtype), run.progress))
    kept, extra = _kept(found, str(path))
    model = opened(cls, settled(config, read_layout(path), found, extra), kept, found.files, path)
    model.check_own_states(str(path))
    return model


def opened(
    cls: type[_E], config: EncoderConfig, tensors: Mapping[str, Any], files: Mapping[str, bytes], path: Path
) -> _E:
    """Return the model whose parts were read from ``path``, which errors name.

    :raises CheckpointError: the parts do not go together.
    :raises ConfigError: a setting does not fit the model.
    """
    try:
        model = cls(config, tensors, files)
    except CheckpointError as error:
        if error.where != cls.name:
            raise
        raise CheckpointError(path, str(error).removeprefix(f"{cls.name}: ")) from error
    require_own_tokenizer(model, path)
    dim = config.truncate_dim
    if dim is not None and dim != read_layout(path).get("truncate_dim"):
        warn_truncation(dim, model.described)
    return model


def write_transformers(model: TransformerEmbedder, path: Path, run: Run) -> None:
    """Write a folder that transformers' ``AutoModel`` and ``AutoTokenizer`` open."""
    del run
    layout = set(model.layout())
    _write(model, path, (name for name in model.state().files if name not in layout))


def write_sentence_transformers(model: TransformerEmbedder, path: Path, run: Run) -> None:
    """Write a folder that ``SentenceTransformer`` opens, and gives the same vectors with.

    :raises UnsupportedError: the settings are none that sentence-transformers has.
    """
    del run
    if not model.layout():
        what = "sentence-transformers has no mix of layers, no echo and no long=split"
        raise UnsupportedError(what, "export the format transformers, or import with other settings")
    _write(model, path, model.state().files)


def _write(model: TransformerEmbedder, path: Path, names: Iterable[str]) -> None:
    state = model.state()
    aside = Path(mkdtemp(dir=path.parent, prefix=".lexarium-"))
    try:
        for name in names:
            target = aside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(state.files[name])
        write_tensors(aside / "model.safetensors", state.tensors)
        aside.chmod(0o755)
        aside.rename(path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _with_required(found: Checkpoint) -> Checkpoint:
    """Return a checkpoint whose config says what keeps its texts apart."""
    said = REQUIRED.get(str(found.config["model_type"]), {})
    if said.items() <= found.config.items():
        return found
    stored = json.loads(found.files[CONFIG])  # which may say another dtype by now
    files = {**found.files, CONFIG: config_file({**stored, **said})}
    return replace(found, config={**found.config, **said}, files=files)


def _kept(found: Checkpoint, where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the tensors to keep, and which of them the encoder does without: a pooler, a masked head."""
    config, tensors = found.config, found.tensors
    kept, extra, unknown = _parted(config, tensors, where)
    if unknown:  # today's class may have them by other names, or in other pieces
        head: HeadKind = "masked" if _masked(config, where, set()) else "none"
        tensors = converted(config, tensors, where, head)
        unknown = [name for name in unknown if name in tensors]
        kept, extra, more = _parted(config, tensors, where)
        unknown += more
    if unknown:
        problem = f"the tensor {unknown[0]!r} is none of the architecture {config['model_type']!r}"
        raise CheckpointError(where, problem, "config.json and weights belong to different models")
    return kept, tuple(sorted(extra))


def _parted(
    config: Mapping[str, Any], tensors: Mapping[str, Any], where: str
) -> tuple[dict[str, Any], list[str], list[str]]:
    """Return the tensors to keep, the names of those that the encoder does without, and the unknown names."""
    wanted = _shapes(empty_model(config, where))
    prefix = f"{base_prefix(config, where)}."
    headed = any(name.startswith(prefix) for name in tensors)
    before = prefix if headed else ""
    encoder = {before + name for name in wanted if not name.startswith(_POOLER)}
    spare = {before + name: shape for name, shape in wanted.items() if name.startswith(_POOLER)}
    spare |= _masked(config, where, {prefix + name for name in wanted})
    kept: dict[str, Any] = {}
    extra, unknown = [], []
    for name, tensor in tensors.items():
        plain = modern(name)
        if plain in encoder:
            kept[name] = tensor
        elif plain in spare:
            compare_names({name: spare[plain]}, {name: tensor.shape}, where)
            kept[name] = tensor
            extra.append(name)
        elif not _dispensable(name, prefix, headed=headed):
            unknown.append(name)
    return kept, extra, unknown


def _masked(config: Mapping[str, Any], where: str, encoder: set[str]) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the head that fills masks; none where the checkpoint has none."""
    try:
        full = _shapes(empty_model(config, where, "masked"))
    except UnsupportedError:
        return {}
    return {name: shape for name, shape in full.items() if name not in encoder}


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:  # noqa: ANN401  a torch module; torch need not be named
    return {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}


def _dispensable(name: str, prefix: str, *, headed: bool) -> bool:
    if name.endswith(_BUFFERS):
        return True
    return not name.startswith(prefix) if headed else name.startswith(_HEADS)


def settled(
    config: _C,
    stated: Mapping[str, Any],
    found: Checkpoint,
    extra: tuple[str, ...] = (),
    pooling: Pooling = "mean",
) -> _C:
    """Return the settings with nothing left open: the user's, else the folder's, else the usual ones."""
    usual: dict[str, Any] = {
        "pooling": pooling,
        "normalize": False,
        "similarity": "cosine",
        "prompts": (),
        "do_lower_case": False,
    }
    said = {key: value for key, value in stated.items() if value is not None}
    open_ = [f.name for f in fields(config) if getattr(config, f.name) is None]
    chosen = {key: value for key, value in {**usual, **said}.items() if key in open_}
    length = _positive(said.get("max_length")) or _positive(found.tokenizer_config.get("model_max_length"))
    limits = [length, positions_of(found.config)]
    if config.max_length is None:
        known = [limit for limit in limits if limit is not None]
        chosen["max_length"] = min(known, default=_WITHOUT)
    return replace(config, **chosen, extra=extra)


def _positive(value: object) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _LONGEST
    return value if good and isinstance(value, int) else None
