"""Print the golden numbers of test_golden.py: the first five components of each vector of PLAIN.

They were made with sentence-transformers 6.2.0, transformers 5.23.0 and torch 2.13.0, on a processor.
"""

from __future__ import annotations

import sys

from sentence_transformers import SentenceTransformer

from lexarium.testing.texts import PLAIN

__all__: list[str] = []

for row in SentenceTransformer(sys.argv[1], device="cpu").encode(PLAIN)[:, :5].round(6).tolist():
    sys.stdout.write(f"{row}\n")
