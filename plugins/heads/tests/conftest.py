"""A small embedder of the tests' own, and a zoo on a temporary folder that knows it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from zlib import crc32

import numpy as np
import pytest
from scipy.sparse import csr_array

import lexarium_heads.plugin
import lexarium_registry.plugin
from lexarium.hookspecs import hookimpl
from lexarium.host import Host
from lexarium.method import Method
from lexarium.roles import Space, State
from lexarium.tables import Labelled
from lexarium.zoo import Zoo


@dataclass(frozen=True, kw_only=True)
class HashedConfig:
    dim: int = 64
    sparse: bool = False


class Hashed:
    """Counts of words and characters, in ``dim`` buckets."""

    def __init__(self, config):
        self.config = config
        self.space = Space(dim=config.dim, sparse=config.sparse)

    def embed(self, inputs):
        matrix = np.zeros((len(inputs), self.config.dim), np.float32)
        for row, text in zip(matrix, inputs, strict=True):
            for token in [*text.split(), *text]:
                row[crc32(token.encode("utf-8", "surrogatepass")) % self.config.dim] += 1
        return csr_array(matrix) if self.config.sparse else matrix

    def state(self):
        config = {"dim": self.config.dim, "sparse": self.config.sparse}
        return State(config=config, tensors={"nothing": np.zeros(1, np.float32)})

    @classmethod
    def restore(cls, state):
        return cls(HashedConfig(**state.config))


def fit(corpus, config, run):
    return Hashed(config)


@hookimpl
def lexarium_methods():
    at = {key: f"{__name__}:{name}" for key, name in (("embedder", "Hashed"), ("config", "HashedConfig"))}
    return [Method(name="hashed", summary="for tests", trainer=f"{__name__}:fit", **at)]


@pytest.fixture
def host():
    mine = SimpleNamespace(__name__="tests", lexarium_methods=lexarium_methods)
    return Host([lexarium_heads.plugin, lexarium_registry.plugin, mine])


@pytest.fixture
def zoo(tmp_path, host):
    return Zoo(tmp_path / "home", host=host)


@pytest.fixture
def rows():
    """Sixty labelled texts in two languages, three labels, no text twice."""
    words = {"pos": "good film 好看", "neg": "bad waste 难看", "等": "later perhaps 再说"}
    pairs = [(f"{phrase} {i} {'x' * (i % 5)}", label) for i in range(20) for label, phrase in words.items()]
    texts, labels = zip(*pairs, strict=True)
    return Labelled("rows.csv", list(texts), list(labels), list(range(2, 62)))


@pytest.fixture
def table(tmp_path, rows):
    path = tmp_path / "rows.csv"
    lines = [f"{t},{c}\n" for t, c in zip(rows.texts, rows.labels, strict=True)]
    path.write_text("text,label\n" + "".join(lines), encoding="utf-8")
    return path
