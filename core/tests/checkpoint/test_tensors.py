"""Tensors: what is written comes back equal, and a file that is not exactly right is refused."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load_file, save_file

from lexarium.checkpoint.tensors import read_header, read_tensors, write_tensors
from lexarium.errors import CheckpointError

DTYPES = ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"]
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable() and name != "__metadata__")


def same(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert tensor.dtype == other[name].dtype
        assert tensor.shape == other[name].shape
        assert tensor.tobytes() == other[name].tobytes()


@given(st.dictionaries(NAMES, ARRAYS, max_size=5))
def test_what_is_written_comes_back_equal_here_and_in_the_library(tmp_path_factory, tensors):
    path = tmp_path_factory.mktemp("t") / "model.safetensors"
    write_tensors(path, tensors)
    same(tensors, read_tensors(path))
    same(tensors, load_file(path))


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_the_library_writes_is_read_empty_and_scalar_tensors_too(tmp_path, dtype):
    tensors = {
        "many": np.arange(24).reshape(2, 3, 4).astype(dtype),
        "empty": np.zeros((3, 0), dtype),
        "scalar": np.array(1, dtype),
    }
    save_file(tensors, tmp_path / "t", metadata={"format": "np"})
    same(tensors, read_tensors(tmp_path / "t"))


@pytest.mark.parametrize(
    "make", [np.asfortranarray, lambda a: a[:, ::2], lambda a: a.T, lambda a: a.astype(">f8")]
)
def test_the_values_are_kept_whatever_the_layout_in_memory(tmp_path, make):
    tensor = make(np.arange(12.0).reshape(3, 4))
    write_tensors(tmp_path / "t", {"x": tensor})
    np.testing.assert_array_equal(read_tensors(tmp_path / "t")["x"], tensor)


@pytest.mark.parametrize("pad", [b"", b" "])
def test_what_is_read_is_aligned_cannot_be_written_to_and_outlives_the_file(tmp_path, pad):
    header = {"empty": entry(0, 0, (0,)), "x": entry(0, 16, (2,), "I64")}
    path = file(tmp_path, json.dumps(header).encode() + pad, np.array([3, 4]).tobytes())
    tensors = read_tensors(path)
    path.unlink()
    assert tensors["x"].tolist() == [3, 4]
    assert tensors["x"].flags.aligned
    for tensor in tensors.values():
        with pytest.raises(ValueError, match="read-only"):
            tensor[...] = 1


def file(tmp_path, header, data=b"", length=None):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = tmp_path / "hostile.safetensors"
    path.write_bytes((len(raw) if length is None else length).to_bytes(8, "little") + raw + data)
    return path


def entry(begin=0, end=8, shape=(2,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def test_the_helper_makes_a_file_that_is_right(tmp_path):
    path = file(tmp_path, {"x": entry(), "y": entry(8, 16), "__metadata__": {"a": "b"}}, b"\0" * 16)
    assert list(read_tensors(path)) == ["x", "y"]


def test_every_prefix_of_a_file_is_refused(tmp_path):
    path = tmp_path / "t"
    write_tensors(path, {"a": np.arange(3), "b": np.ones((2, 2), np.float32)})
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_tensors(path)


def test_bytes_behind_the_last_tensor_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="1 bytes belong to no tensor"):
        read_tensors(file(tmp_path, {"x": entry()}, b"\0" * 9))


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_gives_tensors_or_a_checkpoint_error_and_nothing_else(tmp_path_factory, place, change):
    path = tmp_path_factory.mktemp("t") / "t"
    write_tensors(path, {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "ids": np.arange(4)})
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= change
    path.write_bytes(raw)
    try:
        tensors = read_tensors(path)
    except CheckpointError:
        return
    assert sum(tensor.nbytes for tensor in tensors.values()) == 24 + 32


@pytest.mark.parametrize("places", [[(0, 8), (12, 20)], [(4, 12), (12, 20)], [(0, 8), (4, 12), (12, 20)]])
def test_a_hole_or_an_overlap_is_refused_though_the_file_is_as_long_as_it_should_be(tmp_path, places):
    header = {f"x{number}": entry(*place) for number, place in enumerate(places)}
    with pytest.raises(CheckpointError, match="overlaps another, or leaves a hole"):
        read_tensors(file(tmp_path, header, b"\0" * 20))


HUGE = 2**63
HEADERS = {
    "a hole": {"x": entry(), "y": entry(12, 20)},
    "a hole at the start": {"x": entry(8, 16)},
    "overlap": {"x": entry(), "y": entry(4, 12)},
    "one place for two": {"x": entry(), "y": entry()},
    "behind the end": {"x": entry(0, 800, (200,))},
    "backwards": {"x": entry(8, 0)},
    "negative": {"x": entry(-8, 0)},
    "negative shape": {"x": entry(0, 8, (-1, -2))},
    "offsets are floats": {"x": entry(0.0, 8.0)},
    "offsets are booleans": {"x": entry(False, 8)},
    "shape of floats": {"x": entry(shape=(2.0,))},
    "shape of booleans": {"x": entry(0, 8, (True, 2))},
    "shape is a number": {"x": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}},
    "too small": {"x": entry(0, 8, (3,))},
    "too large": {"x": entry(0, 8, (1,))},
    "huge shape": {"x": entry(0, 8, (HUGE, HUGE))},
    "huge empty shape": {"x": entry(0, 0, (0, 2**47, 2**47))},
    "many dimensions": {"x": entry(0, 4, (1,) * 65)},
    "huge offsets": {"x": entry(HUGE, HUGE + 8)},
    "unknown type": {"x": entry(dtype="F128")},
    "a type that numpy lacks": {"x": entry(0, 8, (4,), "BF16")},
    "metadata of numbers": {"x": entry(), "__metadata__": {"a": 1}},
    "metadata is a list": {"x": entry(), "__metadata__": []},
    "type is a number": {"x": entry(dtype=7)},
    "type is a list": {"x": entry(dtype=["F32"])},
    "no type": {"x": {"shape": [2], "data_offsets": [0, 8]}},
    "no shape": {"x": {"dtype": "F32", "data_offsets": [0, 8]}},
    "no offsets": {"x": {"dtype": "F32", "shape": [2]}},
    "three offsets": {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]}},
    "an entry is a list": {"x": [1, 2]},
    "an entry is null": {"x": None},
    "a list": [1, 2],
    "a number": 7,
    "a name twice": b'{"x":%b,"x":%b}' % (2 * (json.dumps(entry()).encode(),)),
    "a key twice": b'{"x":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}}',
    "nested without end": b'{"x":' + b"[" * 1_000_000,
    "not JSON": b"{x}",
    "not UTF-8": b'{"\xff":1}',
    "UTF-16": json.dumps({"x": entry()}).encode("utf-16"),
    "a number of 10,000 digits": b'{"x":{"shape":[' + b"9" * 10_000 + b"]}}",
    "NaN": b'{"x":{"dtype":"U8","shape":[NaN],"data_offsets":[0,8]}}',
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_a_hostile_header_is_a_checkpoint_error_that_names_the_file(tmp_path, header):
    with pytest.raises(CheckpointError, match=r"hostile\.safetensors"):
        read_tensors(file(tmp_path, header, b"\0" * 8))


@pytest.mark.parametrize("length", [2**64 - 1, 2**63, 2**40, 10_000, 9])
def test_a_header_length_beyond_the_file_is_refused(tmp_path, length):
    with pytest.raises(CheckpointError, match="cut short"):
        read_tensors(file(tmp_path, b"{}", length=length))


def test_a_header_larger_than_any_real_one_is_not_read(tmp_path):
    path = file(tmp_path, b"{}", length=2**30)
    with path.open("r+b") as sparse_file:
        sparse_file.truncate(2**30 + 8)
    with pytest.raises(CheckpointError, match="more than 8388608"):
        read_tensors(path)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_never_raise_anything_else(tmp_path_factory, raw, framed):
    path = tmp_path_factory.mktemp("t") / "t"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw if framed else raw)
    try:
        assert read_tensors(path) == {}
    except CheckpointError as error:
        assert str(path) in str(error)  # noqa: PT017  either outcome is right


@pytest.mark.parametrize("name", ["", "nothing"])
def test_a_folder_or_nothing_is_a_checkpoint_error(tmp_path, name):
    with pytest.raises(CheckpointError, match="cannot be read" if name else "not a regular file"):
        read_tensors(tmp_path / name)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="not a regular file"):
        read_tensors(tmp_path / "pipe")


def test_a_header_is_read_with_types_that_numpy_lacks_and_what_it_belongs_to_is_named(tmp_path):
    path = file(tmp_path, {"y": entry(8, 16), "x": entry(0, 8, (2, 2), "BF16")}, b"\0" * 16)
    assert read_header(path) == {"x": (0, 8, "BF16", (2, 2)), "y": (8, 16, "F32", (2,))}
    assert list(read_header(path)) == ["x", "y"]
    with pytest.raises(CheckpointError, match=r"^hf://a/b, w: 1 bytes belong to no tensor"):
        read_header(file(tmp_path, {"x": entry()}, b"\0" * 9), "hf://a/b, w")


@pytest.mark.parametrize("name", ["", "a\x1b[31m", "a\u202eb", "a\nb", "x" * 513])
def test_a_name_that_could_steer_a_terminal_is_none_of_a_tensor(tmp_path, name):
    with pytest.raises(CheckpointError, match="is not the name of a tensor") as caught:
        read_tensors(file(tmp_path, {name: entry()}, b"\0" * 8))
    assert str(caught.value).isprintable()
    with pytest.raises(CheckpointError, match="is not the name of a tensor"):
        write_tensors(tmp_path / "t", {name: np.zeros(2)})


def test_a_hundred_thousand_names_of_which_one_stands_twice_are_refused_in_one_pass(tmp_path):
    names = [*map(str, range(10**5)), str(10**5 - 1)]
    header = "{" + ",".join(f'"{name}":{json.dumps(entry(0, 0, (0,)))}' for name in names) + "}"
    with pytest.raises(CheckpointError, match="the name '99999' stands twice"):
        read_header(file(tmp_path, header.encode()))


def test_a_path_that_cannot_be_written_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_tensors(tmp_path / "no" / "t", {"x": np.zeros(3)})


_FULL = """
import pathlib, sys
import numpy as np
from lexarium.checkpoint.tensors import write_tensors
try:
    write_tensors(pathlib.Path(sys.argv[1]), {"x": np.zeros(1_000_000)})
except OSError as error:
    print(error.errno, error.filename)
"""


def test_a_disk_that_is_full_is_an_error_of_the_system(tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    path = tmp_path / "t"
    command = [sys.executable, "-B", "-c", _FULL, str(path)]  # -B: code files would be cut short, and stay
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=limit)
    assert done.stdout.split() == ["27", str(path)]  # EFBIG
    assert not path.exists()
