"""The hub tests' own plugin: an embedder, and a reader and an adopter of foreign repositories of its kind."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

import numpy as np

from lexarium.checkpoint.tensors import read_tensors
from lexarium.config import from_mapping
from lexarium.errors import CheckpointError, UnsupportedError
from lexarium.hookspecs import hookimpl
from lexarium.method import Method
from lexarium.roles import Space, State

__all__ = ["Config", "Lengths", "adopt", "lexarium_methods", "read"]


@dataclass(frozen=True, kw_only=True)
class Config:
    """No settings."""


class Lengths:
    """A text is its length times each weight."""

    def __init__(self, weights, note=b"a note\n"):
        self.weights = np.asarray(weights, np.float32)
        self.note = note
        self.space = Space(dim=len(self.weights))

    def embed(self, inputs):
        drift = float(os.environ.get("LENGTHS_DRIFT", "0"))  # what another machine may do to vectors
        if drift == -1:
            os.kill(os.getpid(), 6)
        lengths = np.array([[len(text)] for text in inputs], np.float32).reshape(-1, 1)
        return lengths * self.weights + np.float32(drift)

    def state(self):
        return State(config={}, tensors={"weights": self.weights}, files={"note.txt": self.note})

    @classmethod
    def restore(cls, state):
        from_mapping(Config, state.config)
        if "weights" not in state.tensors:
            raise CheckpointError("lengths", "there are no weights")
        return cls(state.tensors["weights"], state.files["note.txt"])

    @classmethod
    def tiny(cls):
        return cls([2, 3])


def read(path, config, corpus, run):
    del config, corpus, run
    said = json.loads((path / "config.json").read_text())
    assert said["model_type"] == "lengths"
    if "unit" in said:
        raise UnsupportedError(f"{path / 'config.json'}: it measures in {said['unit']}", "take another model")
    return Lengths(read_tensors(path / "model.safetensors")["weights"])


def adopt(listing, config):
    if config.get("model_type") != "lengths":
        return None
    if config.get("auto_map"):
        raise CheckpointError("config.json", "it names code of its own")
    return ["config.json", "model.safetensors", *config.get("also", [])]


@hookimpl
def lexarium_methods():
    at = "lengths_plugin"
    names = {
        "embedder": f"{at}:Lengths",
        "config": f"{at}:Config",
        "reader": f"{at}:read",
        "adopter": f"{at}:adopt",
    }
    return [Method(name="lengths", summary="lengths of texts", **names)]
