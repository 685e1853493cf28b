from __future__ import annotations

import subprocess
import sys

from lexarium_bow.embedder import BagOfWords
from lexarium_bow.plugin import lexarium_methods
from lexarium_bow.train import fit
from lexarium_counts.config import CountConfig


def test_the_method_names_the_code_that_is_there():
    [bow] = lexarium_methods()
    assert bow.name == "bow"
    assert (bow.load(), bow.load_config(), bow.load_trainer()) == (BagOfWords, CountConfig, fit)


def test_to_offer_the_method_imports_nothing_heavy():
    code = (
        "import sys, lexarium_bow.plugin as p; p.lexarium_methods(); "
        "sys.exit(', '.join({'numpy', 'scipy', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
