"""GGUF files: the header checked here, the rest through transformers, which knows the quantisations.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import io
import json
import mmap
import struct
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from lexarium.errors import CheckpointError, InputError
from lexarium.strict_json import parse_object
from lexarium_transformer.chat import TEMPLATE
from lexarium_transformer.folder import Checkpoint
from lexarium_transformer.gate import finite, parse_config
from lexarium_transformer.memory import require_memory

if TYPE_CHECKING:
    import torch

    from lexarium.roles import Progress

__all__ = ["check_gguf", "read_gguf"]

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_HEADER = 24
_MOST_TENSORS, _MOST_KEYS, _MOST_ITEMS = 65_536, 65_536, 16_777_216
_MOST_DIMENSIONS = 4
_MOST_NAME = 65_535
_ALIGNMENT = 32
_WIDEST = 65_536  # components for each tensor that there is
_SIZES = {
    0: 1,
    1: 1,
    2: 2,
    3: 2,
    4: 4,
    5: 4,
    6: 4,
    7: 1,
    10: 8,
    11: 8,
    12: 8,
}  # of the types of values, in bytes
_STRING, _ARRAY, _UINT16, _UINT32 = 8, 9, 2, 4
_AGAIN = "fetch the file again"


@dataclass(frozen=True)
class _Tensor:
    name: str
    size: int
    kind: int
    offset: int


class _Cursor:
    """A place in the bytes of a file; what would lie behind its end is an error."""

    def __init__(self, raw: mmap.mmap, where: Path) -> None:
        self.raw = raw
        self.at = 0
        self._where = where

    def number(self, form: str) -> int:
        """Read one little-endian integer."""
        start = self.skip(struct.calcsize(form))
        return int(struct.unpack_from(f"<{form}", self.raw, start)[0])

    def skip(self, count: int) -> int:
        """Go on by ``count`` bytes, and return where they start."""
        start = self.at
        if count > len(self.raw) - start:
            raise CheckpointError(self._where, "is cut short: its header goes beyond its end", _AGAIN)
        self.at += count
        return start

    def text(self, most: int) -> str:
        """Read a text of at most ``most`` bytes."""
        length = self.number("Q")
        if length > most:
            raise CheckpointError(self._where, f"a name of {length} bytes: the header is damaged", _AGAIN)
        start = self.skip(length)
        return self.raw[start : start + length].decode("utf-8", "replace")


def check_gguf(path: Path) -> int:
    """Check the header of a file, and that every tensor lies within it; return the number of weights.

    :raises InputError: it cannot be read.
    :raises CheckpointError: it is no GGUF file, or is damaged or cut short, or one part of several.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER)
            if head[:4] != _MAGIC:
                raise CheckpointError(path, "is no GGUF file: it does not begin with 'GGUF'", _AGAIN)
            if len(head) < _HEADER:
                raise CheckpointError(path, "is cut short: its header goes beyond its end", _AGAIN)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
                return _check(_Cursor(raw, path), path)
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror or error}", "give a .gguf file") from error


def read_gguf(path: Path, dtype: torch.dtype, progress: Progress) -> Checkpoint:
    """Read a model with its tokenizer; quantised weights become plain numbers.

    :raises CheckpointError: the file is damaged, or of an architecture that transformers does not read.
    :raises UnsupportedError: the weights do not fit into the memory.
    """
    count = check_gguf(path)
    import torch  # noqa: PLC0415  takes seconds

    # numpy has no brain floats: they are held in 32 bits beside the 16.
    size = dtype.itemsize + (torch.float32.itemsize if dtype is torch.bfloat16 else 0)
    smaller = "" if dtype is torch.float16 else "import it with --set dtype=float16"
    require_memory(count * size, str(path), smaller)
    import transformers  # noqa: PLC0415  takes seconds

    from lexarium_transformer.foreign import quiet, tied_names  # noqa: PLC0415  as above

    progress("read weights", 0, None)
    options: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
    try:
        with quiet(), redirect_stderr(io.StringIO()):  # its bar knows no other way
            opened: Any = transformers.AutoModelForCausalLM.from_pretrained(
                path.parent, dtype=dtype, output_loading_info=True, **options
            )
            tokenizer: Any = transformers.AutoTokenizer.from_pretrained(path.parent, **options)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # the library raises many kinds, and pyo3's PanicException is no Exception
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise CheckpointError(path, f"transformers cannot read it: {first}", "take another file") from error
    model, report = opened
    missing = sorted(set(report["missing_keys"]) - tied_names(model))
    if missing:  # transformers fills them with random numbers
        raise CheckpointError(path, f"tensors are missing: {', '.join(missing[:4])}", _AGAIN)
    files = _files(model, tokenizer)
    config = parse_config(files["config.json"], str(path))
    tensors = {name: tensor.numpy() for name, tensor in _plain(model).items()}
    for name, tensor in tensors.items():
        finite(name, tensor, str(path))
    settings = parse_object(files["tokenizer_config.json"], str(path))
    return Checkpoint(config, tensors, files, settings)


def _check(at: _Cursor, path: Path) -> int:
    import gguf  # noqa: PLC0415  numpy and more, only where such a file is read

    at.skip(4)
    version = at.number("I")
    if version not in _VERSIONS:
        remedy = "versions 2 and 3, little-endian, can be read"
        raise CheckpointError(path, f"is of version {version} of the format", remedy)
    tensors, keys = at.number("Q"), at.number("Q")
    if tensors > _MOST_TENSORS or keys > _MOST_KEYS or not tensors:
        raise CheckpointError(path, f"{tensors} tensors and {keys} settings: the header is damaged", _AGAIN)
    numbers = _numbers(at, keys, path)
    if numbers.get("split.count", 1) > 1:
        raise CheckpointError(path, "is one part of several", "join them with llama.cpp's gguf-split --merge")
    for size in (".block_count", ".embedding_length"):
        # Without them transformers takes the sizes of its own default, of billions of random weights.
        if not any(key.endswith(size) and 0 < value <= tensors * _WIDEST for key, value in numbers.items()):
            raise CheckpointError(path, f"says no usable {size[1:]!r}: it is no language model", _AGAIN)
    found = [_tensor(at, path) for _ in range(tensors)]
    alignment = numbers.get("general.alignment", _ALIGNMENT)
    if alignment < 1 or alignment & (alignment - 1):
        raise CheckpointError(path, f"its alignment is {alignment}, no power of two", _AGAIN)
    room = len(at.raw) - -(-at.at // alignment) * alignment
    known = {kind.value: sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    for tensor in found:
        if tensor.kind not in known:
            raise CheckpointError(path, f"the tensor {tensor.name!r} is of the unknown type {tensor.kind}")
        block, width = known[tensor.kind]
        end = tensor.offset + -(-tensor.size // block) * width
        if end > room or tensor.offset % alignment:
            problem = f"is cut short or damaged: {tensor.name!r} ends at byte {end} of {room} of the weights"
            raise CheckpointError(path, problem, _AGAIN)
    return sum(tensor.size for tensor in found)


def _numbers(at: _Cursor, keys: int, path: Path) -> dict[str, int]:
    """Go through the settings; return those that are whole numbers of 32 bits, and the count of parts."""
    found: dict[str, int] = {}
    for _ in range(keys):
        key, kind = at.text(_MOST_NAME), at.number("I")
        if kind == _UINT32:
            found[key] = at.number("I")
        elif key == "split.count" and kind == _UINT16:
            found[key] = at.number("H")
        else:
            _skip_value(at, kind, path)
    return found


def _skip_value(at: _Cursor, kind: int, path: Path) -> None:
    if kind in _SIZES:
        at.skip(_SIZES[kind])
    elif kind == _STRING:
        at.skip(at.number("Q"))
    elif kind == _ARRAY:
        inner, count = at.number("I"), at.number("Q")
        if count > _MOST_ITEMS:
            raise CheckpointError(path, f"a list of {count} values: the header is damaged", _AGAIN)
        if inner in _SIZES:
            at.skip(_SIZES[inner] * count)
        elif inner == _STRING:
            for _ in range(count):
                at.skip(at.number("Q"))
        else:
            raise CheckpointError(path, f"a list of values of the unknown type {inner}", _AGAIN)
    else:
        raise CheckpointError(path, f"a setting of the unknown type {kind}: the header is damaged", _AGAIN)


def _tensor(at: _Cursor, path: Path) -> _Tensor:
    name, dimensions = at.text(_MOST_NAME), at.number("I")
    if not 1 <= dimensions <= _MOST_DIMENSIONS:
        raise CheckpointError(path, f"the tensor {name!r} has {dimensions} dimensions", _AGAIN)
    size = 1
    for _ in range(dimensions):
        size *= at.number("Q")
    return _Tensor(name, size, at.number("I"), at.number("Q"))


def _plain(model: Any) -> dict[str, Any]:  # noqa: ANN401  transformers' class
    import torch  # noqa: PLC0415  takes seconds

    # numpy has no brain floats; 32 bits hold them without loss.
    wide = {torch.bfloat16: torch.float32}
    return {name: t.to(wide.get(t.dtype, t.dtype)) for name, t in model.state_dict().items()}


def _files(model: Any, tokenizer: Any) -> dict[str, bytes]:  # noqa: ANN401  transformers' classes
    """Return the small files of transformers' own folder, without what says where the weights came from."""
    with TemporaryDirectory(prefix="lexarium-") as folder:
        tokenizer.save_pretrained(folder)
        names = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", TEMPLATE)
        files = {n: (Path(folder) / n).read_bytes() for n in names if (Path(folder) / n).is_file()}
    config = model.config.to_dict()
    for key in ("quantization_config", "_name_or_path"):
        config.pop(key, None)
    config["architectures"] = [type(model).__name__]
    files["config.json"] = (json.dumps(config, indent=2) + "\n").encode()
    return files
