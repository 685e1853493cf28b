"""What is broken is refused in a moment."""

from __future__ import annotations

import json
import subprocess
import sys

_REFUSED = """
import json, sys
from pathlib import Path
from lexarium.errors import LexariumError
from lexarium.roles import Run
from lexarium_t5.checking import read
from lexarium_t5.config import T5Config
said = []
for path in sys.argv[1:]:
    try:
        read(Path(path), T5Config(), None, Run())
    except LexariumError as error:
        said.append(str(error).removeprefix(path))
heavy = sorted({"torch", "transformers"} & set(sys.modules))
print(json.dumps({"said": said, "heavy": heavy}))
"""


def test_what_headers_tell_is_refused_before_torch_is_imported(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "cut.gguf").write_bytes(b"GGUF" + (3).to_bytes(4, "little") + bytes([9] + [0] * 7) * 2)
    paths = [str(tmp_path / name) for name in ("empty", "cut.gguf", "none")]
    done = subprocess.run(
        [sys.executable, "-c", _REFUSED, *paths], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert found["heavy"] == []
    assert [line.partition(";")[0] for line in found["said"]] == [
        ": there is no config.json",
        ": it is a file",
        ": there is no such folder",
    ]
