"""Train TF-IDF and logistic regression on all reviews, print accuracy and time: ours, or scikit-learn's."""

from __future__ import annotations

import json
import sys
import time

from lexarium.splits import stratified_split
from lexarium.tables import read_labelled


def main() -> None:
    """Measure one of the two on the same split."""
    who, path = sys.argv[1:3]
    data = read_labelled(path, text="text", label="label")
    split = stratified_split(data, test_size=0.2, seed=0)
    texts, labels = (
        [[column[i] for i in part] for part in (split.train, split.test)]
        for column in (data.texts, data.labels)
    )
    begin = time.perf_counter()
    predicted = scikit_learn(texts, labels) if who == "scikit-learn" else lexarium(texts, labels, who)
    taken = time.perf_counter() - begin
    from lexarium_heads.metrics import score

    scores = score(labels[1], predicted)
    sizes = {"train": len(texts[0]), "test": len(texts[1]), "seconds": taken}
    print(json.dumps(sizes | {key: scores[key] for key in ("accuracy", "macro_f1")}))


def scikit_learn(texts: list[list[str]], labels: list[list[str]]) -> list[str]:
    """Fit and predict with the peer."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer()
    classifier = LogisticRegression(max_iter=1000).fit(vectorizer.fit_transform(texts[0]), labels[0])
    return [str(label) for label in classifier.predict(vectorizer.transform(texts[1]))]


def lexarium(texts: list[list[str]], labels: list[list[str]], who: str) -> list[str]:
    """Fit and predict with ours; C as scikit-learn has it, or chosen by cross-validation."""
    from lexarium.compose import Pipeline
    from lexarium.config import from_mapping
    from lexarium.roles import Run
    from lexarium.zoo import Zoo

    zoo = Zoo()
    head = zoo.host.head("classifier")
    config = from_mapping(head.load_config(), {} if "cross-validation" in who else {"C": 1.0})
    _, embedder = zoo.embedder("tfidf", texts[0])
    fitted = head.load().fit(embedder.embed(texts[0]), labels[0], config, Run())
    return Pipeline(embedder, fitted).predict(texts[1])


if __name__ == "__main__":
    main()
