"""Models that the original program trains on a small corpus, for the tests to read."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

WORDS = [
    *(f"word{i}" for i in range(60)),
    *("the", "of", "and", "film", "good", "bad", "boring", "king", "queen"),
    *("电影", "好看", "难看", "国王", "女王", "很", "naïve", "café", "🙂🙃"),
]


def lines(count=900):
    rng = np.random.default_rng(0)
    for number in range(count):
        topic = number % 3
        drawn = rng.choice(WORDS[topic * 26 : topic * 26 + 26], 9)
        yield f"topic{topic}", " ".join([*drawn, *rng.choice(WORDS, 3)])


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """Return a function that gives a model of the original program and the file that holds it."""
    fasttext = pytest.importorskip("fasttext")
    folder = tmp_path_factory.mktemp("reference")
    plain, labelled = folder / "plain.txt", folder / "labelled.txt"
    plain.write_text("".join(f"{text}\n" for _, text in lines()), encoding="utf-8")
    labelled.write_text("".join(f"__label__{label} {text}\n" for label, text in lines()), encoding="utf-8")

    @cache
    def made(kind, *settings, quantised=()):
        options = {
            "dim": 10,
            "minCount": 1,
            "epoch": 3,
            "bucket": 700,
            "thread": 12,
            "verbose": 0,
            **dict(settings),
        }
        path = folder / f"{len(list(folder.iterdir()))}.bin"
        # The program initialises a tenth of its matrix per thread: and the rest with an 11th.
        model = getattr(fasttext, f"train_{kind}")(
            str(plain if kind == "unsupervised" else labelled), **options
        )
        if quantised:
            model.quantize(input=str(labelled), **dict(quantised))
        model.save_model(str(path))
        return fasttext.load_model(str(path)), path

    return made


@pytest.fixture(params=["kernels", "reference"])
def backend(request, monkeypatch):
    """Run a test with the kernels and without."""
    if request.param == "kernels":
        pytest.importorskip("lexarium_kernels._fasttext")
    monkeypatch.setenv("LEXARIUM_BACKEND", request.param)
    return request.param
