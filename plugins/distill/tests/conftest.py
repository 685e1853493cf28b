"""A small encoder of the tests' own, with a tokenizer of both languages, and a static model in a folder."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from lexarium.roles import Run
from lexarium_distill.embedder import Static
from lexarium_distill.formats import write

_PIECES = """
[PAD] [unused1] [UNK] [CLS] [SEP] a good bad film ##s 电 影 好 看 book club [unused2] cat con ##cat ##e
"""


class Letters:
    """An encoder whose vector of some ids is drawn with them as the seed; it remembers what it was given."""

    def __init__(self, *, lowercase=False, broken=False):
        vocabulary = {piece: number for number, piece in enumerate(_PIECES.split())}
        tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
        tokenizer.normalizer = BertNormalizer(lowercase=False)
        tokenizer.pre_tokenizer = BertPreTokenizer()
        tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
        ends = [("[CLS]", 3), ("[SEP]", 4)]
        tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
        tokenizer.enable_truncation(4)
        tokenizer.enable_padding(length=9)
        self.files = {"tokenizer.json": tokenizer.to_str().encode()}
        self.config = SimpleNamespace(do_lower_case=lowercase, max_length=5)
        self.given = []
        self.broken = broken

    def pool_ids(self, ids):
        self.given += [list(some) for some in ids]
        rows = [np.random.default_rng(some).standard_normal(6) for some in ids]
        return np.array(rows, np.float32) * (np.nan if self.broken else 1)


@pytest.fixture
def letters():
    """Give the encoder."""
    return Letters()


@pytest.fixture
def folder(tmp_path):
    """Give a whole folder of model2vec's that a test may break."""
    write(Static.tiny(), tmp_path / "tiny", Run())
    return tmp_path / "tiny"
