"""Count the terms of all reviews, print what it took: ours, or scikit-learn's; one fresh process each."""

from __future__ import annotations

import json
import os
import sys
import time

from sklearn.feature_extraction.text import CountVectorizer

from lexarium.roles import Run
from lexarium.tables import read_labelled
from lexarium_counts.config import CountConfig
from lexarium_counts.train import learn

THREADS = 2


def main() -> None:
    """Measure one of the two."""
    who, path, longest = sys.argv[1:4]
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    texts = read_labelled(path, text="text", label="label").texts
    begin = time.perf_counter()
    if who == "lexarium":
        counter, counts = learn(texts, CountConfig(ngram_range=(1, int(longest))), Run(threads=THREADS))
        fitted = time.perf_counter()
        again = counter.count(texts)
    else:
        vectorizer = CountVectorizer(ngram_range=(1, int(longest)))
        counts = vectorizer.fit_transform(texts)
        fitted = time.perf_counter()
        again = vectorizer.transform(texts)
    end = time.perf_counter()
    if counts.sum() != again.sum():
        raise SystemExit("the counts differ")
    print(json.dumps({"fit_transform": fitted - begin, "transform": end - fitted}))


if __name__ == "__main__":
    main()
