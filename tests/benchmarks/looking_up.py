"""Look words up, pool texts, search, predict: ours or a peer's; one fresh process each, printing JSON.

looking_up.py pool      lexarium|gensim|model2vec REVIEWS GLOVE
looking_up.py search    lexarium|gensim           GLOVE
looking_up.py index     lexarium                  GLOVE
looking_up.py open      lexarium|gensim           FOLDER     (looking_up.py make-large FOLDER once)
looking_up.py parts     lexarium|fasttext|gensim  FILE.bin
looking_up.py predict   lexarium|fasttext         FILE.bin REVIEWS
looking_up.py growth    lexarium                  FOLDER     (after: make-text FOLDER TOKENS WORDS)
"""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

THREADS, TEXTS, QUERIES = 2, 10_000, 50
ROUNDS = 20  # of queries of the index
ALONE = 5_000  # texts classified one at a time
LARGE, WIDE = 3_000_000, 300
WORD = re.compile(r"\w+|[^\w\s]")


def main() -> None:
    """Measure one of them."""
    what, who, *rest = sys.argv[1:]
    if what == "make-large":
        make_large(Path(who))
        return
    if what == "make-text":
        make_text(Path(who), *map(int, rest))
        return
    kinds: dict[str, Callable[..., dict[str, float]]] = {
        "pool": pool,
        "search": search,
        "index": index,
        "open": open_large,
        "parts": parts,
        "predict": predict,
        "growth": growth,
    }
    print(json.dumps(kinds[what](who, *rest)))


def resident() -> int:
    """Return this process's resident memory in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def glove(folder: str) -> tuple[list[str], np.ndarray]:
    """Read the package's words and vectors."""
    from pyarrow import parquet

    words = parquet.read_table(Path(folder, "glove_6B_index.parquet"))["index"].to_pylist()
    # The file is in Fortran's order; every look-up has its rows in one piece.
    return words, np.load(Path(folder, "glove_6B_50d_emb.npy")).astype(np.float32, order="C")


def keyed_vectors(words: list[str], vectors: np.ndarray) -> Any:
    """Return gensim's look-up of the same."""
    from gensim.models import KeyedVectors

    keyed = KeyedVectors(vectors.shape[1])
    keyed.add_vectors(words, vectors)
    return keyed


def pool(who: str, reviews: str, folder: str) -> dict[str, float]:
    """Mean vectors of 10,000 reviews."""
    from lexarium.tables import read_texts

    texts = read_texts(reviews, "text").texts[:TEXTS]
    words, vectors = glove(folder)
    if who == "lexarium":
        from lexarium.pooling import Pooler
        from lexarium.vocabulary import Vocabulary

        pooler = Pooler(Vocabulary.build(words), vectors, threads=THREADS)
        begin = time.perf_counter()
        rows = pooler.pool(texts)
    elif who == "model2vec":
        rows, begin = by_model2vec(words, vectors, texts)
    else:
        keyed = keyed_vectors(words, vectors)
        begin = time.perf_counter()
        rows = np.zeros((len(texts), vectors.shape[1]), np.float32)
        for i, text in enumerate(texts):
            known = [keyed[token] for token in WORD.findall(text.lower()) if token in keyed]
            if known:
                rows[i] = np.mean(known, axis=0)
    return {"seconds": time.perf_counter() - begin, "sum": float(np.abs(rows).sum())}


def by_model2vec(words: list[str], vectors: np.ndarray, texts: list[str]) -> tuple[np.ndarray, float]:
    """Return model2vec's rows of the same words, and when it began."""
    from model2vec import StaticModel
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = {word: i for i, word in enumerate(["[UNK]", *(w for w in words if w != "[UNK]")])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(WORD.pattern), "removed", invert=True)
    rows = np.vstack([np.zeros((1, vectors.shape[1]), np.float32), vectors])
    model = StaticModel(rows, tokenizer, normalize=False)
    begin = time.perf_counter()
    return np.asarray(model.encode(texts, max_length=None)), begin


def search(who: str, folder: str) -> dict[str, float]:
    """Find the ten neighbours of 50 words among 400,000, exactly."""
    words, vectors = glove(folder)
    queries = words[100 : 100 + 37 * QUERIES : 37]
    if who == "lexarium":
        ours = word_vectors(words, vectors)
        ours.similar_many(queries[:1], n=10)  # norms, as gensim's
        begin = time.perf_counter()
        found = ours.similar_many(queries, n=10)
    else:
        keyed = keyed_vectors(words, vectors)
        keyed.most_similar(queries[0])
        begin = time.perf_counter()
        found = [keyed.most_similar(query, topn=10) for query in queries]
    seconds = time.perf_counter() - begin
    return {"seconds": seconds, "first": found[0][0][1]}


def word_vectors(words: list[str], vectors: np.ndarray) -> Any:
    """Return ours."""
    from lexarium.vocabulary import Vocabulary
    from lexarium.words import WordVectors

    return WordVectors(Vocabulary.build(words), vectors)


def index(_who: str, folder: str) -> dict[str, float]:
    """Build the index; ask it for the neighbours of frequent words and of any, and compare with the exact."""
    from lexarium.words.index import WordIndex

    words, vectors = glove(folder)
    ours = word_vectors(words, vectors)
    begin = time.perf_counter()
    made = WordIndex.build(ours, threads=THREADS)
    result = {"build": time.perf_counter() - begin}
    with TemporaryDirectory() as stored:  # as it is used: stored and opened
        space = "0" * 64
        made = WordIndex.open(made.save(Path(stored), space), ours, space)
    for name, top in (("frequent", 20_000), ("any", len(words))):
        rows = np.random.default_rng(0).choice(top, ROUNDS * QUERIES, replace=False)
        asked = [[words[int(row)] for row in some] for some in np.split(rows, ROUNDS)]
        times, found = [], []
        for queries in asked:  # the exact search comes after: its threads go on turning for a while
            begin = time.perf_counter()
            found += ours.similar_many(queries, n=10, index=made)
            times.append(time.perf_counter() - begin)
        exact = ours.similar_many([word for queries in asked for word in queries], n=10)
        hits = sum(len({w for w, _ in a} & {w for w, _ in b}) for a, b in zip(exact, found, strict=True))
        result |= {f"{name}_seconds": float(np.median(times)), f"{name}_recall": hits / (10 * len(found))}
        if name == "frequent":
            time.sleep(1)
    return result


def make_large(folder: Path) -> None:
    """Store 3,000,000 made words of 300 numbers, ours and gensim's."""
    from gensim.models import KeyedVectors

    from lexarium.vocabulary import Vocabulary
    from lexarium.words import WordVectors
    from lexarium.zoo import Zoo
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.embedder import Word2Vec

    words = [f"word{i}" for i in range(LARGE)]
    block = np.random.default_rng(0).standard_normal((100_000, WIDE)).astype(np.float32)
    vectors = np.concatenate([block + np.float32(i) for i in range(LARGE // len(block))])
    keyed = KeyedVectors(WIDE)
    keyed.add_vectors(words, vectors)
    keyed.save(str(folder / "large.kv"))
    del keyed
    model = Word2Vec(Word2VecConfig(), WordVectors(Vocabulary.build(words), vectors))
    Zoo(folder / "home").save(model, name="large")


def open_large(who: str, folder: str) -> dict[str, float]:
    """Open and get the first vector, imports done before."""
    if who == "lexarium":
        from lexarium.zoo import Zoo
        from lexarium_registry.store import LocalStore  # noqa: F401  imports are not measured
        from lexarium_word2vec.embedder import Word2Vec  # noqa: F401  as above

        zoo = Zoo(Path(folder, "home"))
        _ = zoo.host
        before, begin = resident(), time.perf_counter()
        opened: Any = zoo.load("large").words
    else:
        from gensim.models import KeyedVectors

        before, begin = resident(), time.perf_counter()
        opened = KeyedVectors.load(str(Path(folder, "large.kv")), mmap="r")
    vector = opened["word1234567"]
    seconds = time.perf_counter() - begin
    return {
        "milliseconds": seconds * 1000,
        "megabytes": (resident() - before) / 1e6,
        "first": float(vector[0]),
    }


def parts(who: str, path: str) -> dict[str, float]:
    """Open a fastText model, get the first vector, then vectors of 100,000 words that it does not know."""
    unknown = [f"unwort{i:06d}ish" for i in range(100_000)]
    begin = time.perf_counter()
    if who == "lexarium":
        from lexarium.zoo import load

        model: Any = load(path)
        begin = time.perf_counter()
        model = load(path)
        _ = model.words["film"]
        opened = time.perf_counter() - begin
        begin = time.perf_counter()
        rows = model.words.unknown(unknown, THREADS)
    elif who == "fasttext":
        import fasttext

        begin = time.perf_counter()
        model = fasttext.load_model(path)
        _ = model.get_word_vector("film")
        opened = time.perf_counter() - begin
        begin = time.perf_counter()
        rows = np.array([model.get_word_vector(word) for word in unknown])
    else:
        from gensim.models.fasttext import load_facebook_vectors

        begin = time.perf_counter()
        model = load_facebook_vectors(path)
        _ = model["film"]
        opened = time.perf_counter() - begin
        begin = time.perf_counter()
        rows = np.array([model[word] for word in unknown[:20_000]])
    seconds = time.perf_counter() - begin
    return {"open": opened, "words_per_second": len(rows) / seconds, "sum": float(np.abs(rows[:100]).sum())}


def predict(who: str, path: str, reviews: str) -> dict[str, float]:
    """Predict the label of 30,000 reviews in one call, and of 5,000 in a call each."""
    from lexarium.tables import read_texts

    texts = [" ".join(WORD.findall(t.lower())) for t in read_texts(reviews, "text").texts[:30_000]]
    if who == "lexarium":
        from lexarium.zoo import load

        model: Any = load(path)
        model.predict(texts[:10])
        begin = time.perf_counter()
        labels = model.predict(texts)
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        for text in texts[:ALONE]:
            model.predict([text])
    else:
        import fasttext

        model = fasttext.load_model(path)
        begin = time.perf_counter()
        labels = [found[0].removeprefix("__label__") for found in model.predict(texts)[0]]
        seconds = time.perf_counter() - begin
        begin = time.perf_counter()
        for text in texts[:ALONE]:
            model.predict(text)
    alone = time.perf_counter() - begin
    return {
        "texts_per_second": len(texts) / seconds,
        "alone_per_second": ALONE / alone,
        "ones": sum(label == "1" for label in labels),
    }


def make_text(folder: Path, count: int, distinct: int) -> None:
    """Store ``count`` word numbers, drawn by Zipf's law from ``distinct`` words, each once at least."""
    ends = np.cumsum(1 / np.arange(1, distinct + 1))
    rng = np.random.default_rng(0)
    ids = np.lib.format.open_memmap(
        folder / "ids.npy", mode="w+", dtype=np.int32, shape=(max(count, distinct),)
    )
    counts = np.zeros(distinct, np.int64)
    for begin in range(0, len(ids), 10**6):
        block = ids[begin : begin + 10**6]
        drawn = np.searchsorted(ends, rng.random(len(block)) * ends[-1]).clip(0, distinct - 1)
        every = np.arange(begin, min(begin + len(block), distinct))
        drawn[: len(every)] = every
        block[:] = drawn
        counts += np.bincount(drawn, minlength=distinct)
    order = np.argsort(-counts, kind="stable")
    place = np.empty(distinct, np.int32)
    place[order] = np.arange(distinct)
    for begin in range(0, len(ids), 10**6):
        ids[begin : begin + 10**6] = place[ids[begin : begin + 10**6]]
    ids.flush()
    np.save(folder / "counts.npy", counts[order])


def growth(_who: str, folder: str) -> dict[str, float]:
    """Train Word2Vec for one epoch on made text, and see what memory that adds."""
    from lexarium.roles import Run
    from lexarium.vocabulary import Vocabulary
    from lexarium_static.encoding import Encoded
    from lexarium_word2vec.config import Word2VecConfig
    from lexarium_word2vec.train import trainer
    from lexarium_word2vec.weights import Weights

    ids = np.asarray(np.load(Path(folder, "ids.npy"), mmap_mode="r"))
    counts = np.load(Path(folder, "counts.npy"))
    assert ids.max() == len(counts) - 1  # and every page of the text is in memory now
    offsets = np.append(np.arange(0, len(ids), 20), len(ids)).astype(np.int64)
    # Training looks at numbers alone, so the words need not be there.
    encoded = Encoded(Vocabulary.build(["a word"]), counts, ids, offsets, len(ids))
    config, train = Word2VecConfig(epochs=1, min_count=1), trainer("kernels")
    before, begin = resident(), time.perf_counter()
    made = Weights.new(encoded.counts, config, 0)
    train(encoded, made, config, Run(threads=THREADS), lambda _done: None)
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "words_per_second": len(ids) / seconds,
        "bytes_per_word": (peak - before) / len(counts),
    }


if __name__ == "__main__":
    main()
