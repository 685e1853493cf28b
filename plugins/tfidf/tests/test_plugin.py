from __future__ import annotations

import subprocess
import sys

from lexarium_tfidf.config import TfidfConfig
from lexarium_tfidf.embedder import Tfidf
from lexarium_tfidf.plugin import lexarium_methods
from lexarium_tfidf.train import fit


def test_the_method_names_the_code_that_is_there():
    [tfidf] = lexarium_methods()
    assert tfidf.name == "tfidf"
    assert (tfidf.load(), tfidf.load_config(), tfidf.load_trainer()) == (Tfidf, TfidfConfig, fit)


def test_to_offer_the_method_imports_nothing_heavy():
    code = (
        "import sys, lexarium_tfidf.plugin as p; p.lexarium_methods(); "
        "sys.exit(', '.join({'numpy', 'scipy', 'sklearn'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
