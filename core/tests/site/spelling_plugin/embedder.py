"""Spelling: a text is how often each letter occurs in it, so every number can be checked by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from lexarium.config import from_mapping, require, to_mapping
from lexarium.errors import CheckpointError, ConfigError, DataError, FormatError, TrainingInterrupted
from lexarium.inputs import check_texts
from lexarium.roles import Coverage, Space, State
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors

if TYPE_CHECKING:
    from pathlib import Path

    from lexarium.roles import Corpus, Run

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True)
class SpellingConfig:
    letters: int = 26
    sparse: bool = False

    def __post_init__(self):
        require("letters", 1 <= self.letters <= 26, f"{self.letters} is not between 1 and 26")


class Spelling:
    def __init__(self, config: SpellingConfig, words: WordVectors):
        self.config = config
        self.words = words

    @property
    def space(self):
        return Space(dim=self.config.letters, sparse=self.config.sparse)

    def embed(self, inputs):
        rows = count_letters(check_texts(inputs), self.config.letters)
        return csr_array(rows) if self.config.sparse else rows

    def coverage(self, inputs):
        tokens = [word for text in inputs for word in text.split()]
        unknown = Counter(word for word in tokens if word not in self.words)
        return Coverage(len(tokens), unknown.total(), tuple(word for word, _ in unknown.most_common(3)))

    def state(self):
        tensors = {**self.words.vocabulary.tensors(), "vectors": self.words.vectors}
        return State(config=to_mapping(self.config), tensors=tensors)

    def with_words(self, words):
        return Spelling(self.config, words)

    @classmethod
    def restore(cls, state):
        if "vectors" not in state.tensors:
            raise CheckpointError("spelling", "there are no vectors")
        config = from_mapping(SpellingConfig, state.config)
        return cls(config, WordVectors(Vocabulary(state.tensors), state.tensors["vectors"]))

    @classmethod
    def tiny(cls):
        return spelling(["cab", "add", "bad"], SpellingConfig())


def fit(corpus: Corpus, config: SpellingConfig, run: Run):
    words = list(dict.fromkeys(word for text in corpus for word in text.split()))
    run.progress("spelling", len(words), len(words))
    if not words:
        raise DataError("there is no word in the corpus", "give text")
    return spelling(words, config)


def update(model: Spelling, corpus: Corpus, config: SpellingConfig, run: Run):
    if config.letters != model.config.letters:
        raise ConfigError("letters", "cannot change any more")
    words = list(dict.fromkeys([*model.words, *(word for text in corpus for word in text.split())]))
    if "stop" in words:
        raise TrainingInterrupted(spelling(words, config), 0.5)
    return spelling(words, config)


def merge(models, settings):
    words = list(dict.fromkeys(word for model in models for word in model.words))
    return spelling(words, from_mapping(SpellingConfig, to_mapping(models[0].config) | dict(settings)))


def write(model: Spelling, path: Path, run: Run):
    run.progress("spelling", len(model.words), len(model.words))
    path.write_text("".join(f"{word}\n" for word in model.words), encoding="utf-8")


def read(path: Path, config: SpellingConfig, corpus: Corpus | None, run: Run):
    words = path.read_text(encoding="utf-8", errors=run.encoding_errors).splitlines()
    for line, word in enumerate(words, 1):
        if not word:
            raise FormatError(path, "an empty line", "delete it", line=line)
    return spelling([*words, *(corpus or ())], config)


def spelling(words, config):
    return Spelling(config, WordVectors(Vocabulary.build(words), count_letters(words, config.letters)))


def count_letters(texts, letters):
    rows = [[text.lower().count(letter) for letter in ALPHABET[:letters]] for text in texts]
    return np.array(rows, np.float32).reshape(len(rows), letters)


def spell(zoo, text):
    return " ".join(text)
