"""Training by the original program, fastText's own module, or, of word vectors, by gensim.

``seed`` reaches gensim alone: fastText's module takes none. Neither stops on Ctrl-C before it is done.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lexarium.config import require
from lexarium.errors import DataError, MissingExtraError
from lexarium.vocabulary import Vocabulary
from lexarium_fasttext.binary import read_binary
from lexarium_fasttext.config import NS_EXPONENT
from lexarium_fasttext.divergence import DivergedError
from lexarium_fasttext.model import FastTextParts, Quantised
from lexarium_fasttext.subwords import fasttext_words, hashed_ngrams
from lexarium_fasttext.unsupervised import check_words, lines_of, parameters_of, tokens_of
from lexarium_static.sentences import Sentences
from lexarium_static.training import is_bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Corpus, Run
    from lexarium_fasttext.config import FastTextConfig
    from lexarium_fasttext.model import Parameters
    from lexarium_fasttext.supervised import Labels
    from lexarium_fasttext.unsupervised import Lines

__all__ = ["classify", "embed_words"]

#: The program fills a tenth of its matrix for each thread, and needs one more for what is left over. What it
#: does not fill of a small one, which the allocator does not take fresh from the system, is whatever was
#: there, often enough not a number.
_FILLED, _FRESH = 11, 32 << 20
_EXTRA = "lexarium-fasttext[reference]"


def embed_words(corpus: Corpus, config: FastTextConfig, run: Run) -> FastTextParts:
    """Train word vectors with fastText or, by negative sampling and where fastText cannot, gensim.

    :raises DataError: as with the compiled loops; or fastText, where it works, would cut a token.
    :raises ConfigError: neither takes a setting.
    :raises MissingExtraError: neither is installed.
    """
    parameters = parameters_of(config)
    lines = lines_of(corpus, config, run, parameters.min_count)
    check_words(lines)
    # fastText knows no other exponent and lets the rate fall to 0; gensim's tree is not the one that
    # fastText's files imply.
    gensims = config.ns_exponent != NS_EXPONENT or config.min_alpha > 0
    if parameters.loss == "ns" and (gensims or not _installed("fasttext")):
        return _gensim(lines, parameters, config, run)
    require("min_alpha", config.min_alpha == 0, "is not a setting of fastText, which backend=reference runs")
    if not _installed("fasttext"):
        raise MissingExtraError("backend=reference", "fasttext", _EXTRA)
    return _fasttext(_words_of(lines), parameters, config, run)


def classify(texts: Sequence[str], labels: Labels, config: FastTextConfig, run: Run) -> FastTextParts:
    """Train a classifier with fastText.

    :raises DataError: as with the compiled loops; or fastText would cut a token.
    :raises ConfigError: fastText does not take a setting.
    :raises MissingExtraError: it is not installed.
    """
    if not _installed("fasttext"):
        raise MissingExtraError("backend=reference", "fasttext", _EXTRA)
    parameters = parameters_of(config)
    for key, default in (("max_final_vocab", None), ("min_alpha", 0.0), ("ns_exponent", NS_EXPONENT)):
        require(
            key, getattr(config, key) == default, "is not a setting of fastText, which backend=reference runs"
        )
    read = tokens_of(texts, config, run)
    most = int(read.counts.max(initial=0))
    if most < parameters.min_count:
        problem = f"no word occurs {parameters.min_count} times, the most frequent {most} times"
        raise DataError(problem, "lower min_count")
    words = _whole(read.vocabulary)
    prefix = config.label_prefix

    def written() -> Iterator[str]:
        for index, (start, stop) in enumerate(pairwise(read.offsets)):
            mine = labels.ids[labels.offsets[index] : labels.offsets[index + 1]]
            # A label is one word there; its number stands for it.
            yield " ".join(
                [*(f"{prefix}{label}" for label in mine), *(words[i] for i in read.ids[start:stop])]
            )

    found = _fasttext(written(), parameters, config, run)
    order = [int(label.removeprefix(prefix)) for label in found.labels]
    return replace(found, labels=tuple(prefix + labels.names[i] for i in order))


def _installed(name: str) -> bool:
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def _words_of(lines: Lines) -> Iterator[str]:
    words = _whole(lines.vocabulary)
    for start, stop in pairwise(lines.offsets):
        yield " ".join(words[i] for i in lines.ids[start:stop])


def _whole(vocabulary: Vocabulary) -> list[str]:
    """Return the words.

    :raises DataError: fastText, which reads them from a file, would cut one.
    """
    words = list(vocabulary)
    for word in words:
        if fasttext_words(word) != [word]:
            problem = f"the token {word[:40]!r} holds white space or NUL, where fastText would cut it"
            raise DataError(problem, "set another tokenizer, or backend=kernels")
    return words


def _fasttext(
    texts: Iterator[str], parameters: Parameters, config: FastTextConfig, run: Run
) -> FastTextParts:
    """Write the texts to a file, one a line, train on it, and read the model that comes out."""
    import fasttext  # noqa: PLC0415  an extra

    shared = {
        "lr": parameters.lr,
        "dim": parameters.dim,
        "epoch": parameters.epoch,
        "minCount": parameters.min_count,
        "minn": parameters.minn,
        "maxn": parameters.maxn,
        "neg": parameters.neg,
        "loss": parameters.loss,
        "bucket": parameters.bucket,
        "thread": run.threads
        if 4 * parameters.bucket * parameters.dim >= _FRESH
        else max(_FILLED, run.threads),
        "verbose": 0,
    }
    with tempfile.TemporaryDirectory(prefix="lexarium-") as folder:
        corpus, stored = Path(folder, "corpus.txt"), Path(folder, "model.bin")
        with corpus.open("w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
            file.writelines(f"{text}\n" for text in texts)
        run.progress("training", 0, None)
        own: dict[str, Any]
        if parameters.model == "supervised":
            train = fasttext.train_supervised
            own = {"wordNgrams": parameters.word_ngrams, "label": config.label_prefix}
            own["minCountLabel"] = parameters.min_count_label
        else:
            train = fasttext.train_unsupervised
            # Its sample of 0 would drop every word, where ours keeps all.
            own = {"ws": parameters.ws, "t": parameters.t or 1.0, "model": parameters.model}
        try:
            model = train(str(corpus), **shared, **own)
        except (ValueError, RuntimeError) as error:
            if "NaN" in str(error):
                raise DivergedError("alpha", parameters.lr) from error
            remedy = "look at the settings and the corpus, or set backend=kernels"
            raise DataError(f"fastText cannot train on this: {error}", remedy) from error
        model.save_model(str(stored))
        return _compact(read_binary(stored, run.progress), parameters)


def _compact(parts: FastTextParts, parameters: Parameters) -> FastTextParts:
    """Drop the buckets that no word's n-gram falls into; those of runs of words are unknown, so all stay."""
    parts = replace(parts, parameters=parameters)
    if isinstance(parts.input, Quantised) or parameters.word_ngrams > 1 or parts.buckets is not None:
        return parts
    words = len(parts.vocabulary)
    used = _used(parts.vocabulary, parameters)
    rows = np.concatenate([parts.input[:words], parts.input[words:][used]])
    return replace(parts, input=rows, buckets=used)


def _used(vocabulary: Vocabulary, parameters: Parameters) -> NDArray[np.int64]:
    if parameters.maxn == 0:
        return np.empty(0, np.int64)
    return np.array(sorted({b for word in vocabulary for b in hashed_ngrams(word, parameters)}), np.int64)


def _gensim(lines: Lines, parameters: Parameters, config: FastTextConfig, run: Run) -> FastTextParts:
    try:
        from gensim.models import FastText as Model  # noqa: PLC0415  an extra
    except ImportError as error:
        raise MissingExtraError("backend=reference", "fasttext", _EXTRA) from error
    sentences = Sentences(lines.ids, lines.offsets, list(lines.vocabulary))
    model: Any = Model(
        vector_size=parameters.dim,
        window=parameters.ws,
        min_count=parameters.min_count,
        alpha=parameters.lr,
        min_alpha=config.min_alpha,
        sg=config.sg,
        hs=0,
        negative=parameters.neg,
        ns_exponent=config.ns_exponent,
        sample=parameters.t,
        epochs=parameters.epoch,
        min_n=parameters.minn or 1,
        max_n=parameters.maxn,
        bucket=max(1, parameters.bucket),
        workers=run.threads,
        seed=run.seed % (1 << 32),
    )
    run.progress("training", 0, None)
    model.build_vocab(sentences)
    model.train(sentences, total_examples=len(sentences), epochs=parameters.epoch)
    vocabulary = Vocabulary.build(model.wv.index_to_key)
    used = _used(vocabulary, parameters)
    counts = [model.wv.get_vecattr(word, "count") for word in vocabulary]
    if not (is_bounded(model.wv.vectors_vocab) and is_bounded(model.wv.vectors_ngrams)):
        raise DivergedError("alpha", parameters.lr)
    return FastTextParts(
        parameters=parameters,
        vocabulary=vocabulary,
        counts=np.array(counts, np.int64),
        tokens=lines.tokens,
        input=np.concatenate([model.wv.vectors_vocab, model.wv.vectors_ngrams[used]]).astype(
            np.float32, copy=False
        ),
        output=np.asarray(model.syn1neg, np.float32),
        buckets=used,
    )
