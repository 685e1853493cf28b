"""FastText as an embedder: words by their parts, and texts as their pooled words."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from lexarium.backend import check_threads, processors
from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium.pooling import normalize_rows, remove_component
from lexarium.roles import Coverage, State
from lexarium.strict_json import parse_object
from lexarium_fasttext.config import FastTextConfig
from lexarium_fasttext.lookup import SubwordVectors
from lexarium_fasttext.model import Parameters, Quantised
from lexarium_fasttext.subwords import Pooling, Subwords, fasttext_words, word_means
from lexarium_static.embedder import StaticEmbedder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.words import WordVectors
    from lexarium_fasttext.subwords import Engine
    from lexarium_static.config import StaticConfig

__all__ = ["FastText"]

_PARAMETERS = "fasttext.json"
_TRAINING = "training."
_TINY_BUCKETS = 64
_EXAMPLES = 10
_TOGETHER = 4096  # words looked up at once
_JOINED = {"jieba", "pattern"}  # tokenizers that are not compiled


class FastText(StaticEmbedder):
    """FastText's word vectors (Bojanowski, Grave, Joulin, Mikolov, 2017), and texts as their pooled words.

    ``tensors`` has what training and export go on from, or nothing: ``counts`` (n,) int64; ``input``
    (n, dim), the rows of the words, where they are not ``words.vectors`` themselves; ``output`` (n, dim), the
    rows of the words as targets, where it is no classifier.
    """

    name: ClassVar[str] = "fasttext"
    config_class: ClassVar[type[FastTextConfig]] = FastTextConfig
    training: ClassVar[Mapping[str, tuple[type[np.generic], int]]] = {
        "counts": (np.int64, 1),
        "input": (np.float32, 2),
        "output": (np.float32, 2),
    }

    words: SubwordVectors
    config: FastTextConfig

    def __init__(
        self,
        config: FastTextConfig,
        words: WordVectors,
        weights: Floats | None = None,
        component: Floats | None = None,
        tensors: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Join the parts, reading none of them; of other word vectors, whole words are known alone."""
        if not isinstance(words, SubwordVectors):
            words = SubwordVectors(words.vocabulary, words.vectors, where=self.name)
        super().__init__(config, words, weights, component, tensors)
        self._threads = processors()

    @property
    def threads(self) -> int:
        """How many threads embed many texts: by default as many as there are processors for this process.

        :raises ConfigError: it is set to a number that is not from 1 to 1024.
        """
        return self._threads

    @threads.setter
    def threads(self, threads: int) -> None:
        self._threads = check_threads(threads)

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return one row per text, (n, dim) float32; a text without a word that has a vector is a zero row.

        :raises InputError: an input is not a string.
        """
        rows = self.means(check_texts(inputs), self.words.engine).astype(np.float32)
        if self.component is not None:
            rows = remove_component(rows, self.component)
        return normalize_rows(rows) if self.config.normalize else rows

    def means(self, texts: Sequence[str], engine: Engine) -> NDArray[np.float64]:
        """Return the pooled rows of each text, (n, dim), looked up with ``engine``.

        :raises CheckpointError: the model is damaged.
        """
        try:
            sums, totals = self._sums(texts, engine)
        except IndexError as error:  # of the compiled look-up
            raise CheckpointError(self.name, str(error), "the model is damaged") from error
        totals[totals == 0] = 1
        found: NDArray[np.float64] = sums / totals[:, None]
        return found

    def _sums(self, texts: Sequence[str], engine: Engine) -> tuple[Floats, NDArray[np.float64]]:
        config, parameters = self.config, self.words.subwords.parameters
        texts, split = self._split(texts)
        pooling: Literal["weighted", "normalized", "features"] = "weighted"
        unknown = 1.0  # of sif: a / (a + 0)
        if config.pooling == "fasttext":
            pooling = "features" if parameters.model == "supervised" else "normalized"
        elif config.pooling == "idf" and self.weights is not None:
            unknown = float(self.weights.max(initial=1.0))  # as rare as the rarest
        how = Pooling(
            pooling=pooling,
            split=split,
            lowercase=config.lowercase,
            label_prefix=parameters.label_prefix,
            weights=None if self.weights is None else np.ascontiguousarray(self.weights),
            unknown=unknown if config.subwords else 0.0,
            per_token=config.pooling == "sif",
        )
        return engine.pool(texts, how, self.threads)

    def _split(self, texts: Sequence[str]) -> tuple[Sequence[str], str]:
        """Return texts, and how they are cut into words."""
        config = self.config
        if config.tokenizer in _JOINED:
            return ["\n".join(self.tokenize(text)) for text in texts], "lines"
        if config.cuts_as_fasttext:
            return texts, "fasttext"
        return texts, config.tokenizer

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, known or not."""
        return fasttext_words(text) if self.config.cuts_as_fasttext else super().tokenize(text)

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count tokens, and those that add nothing to a text; name the ten most frequent of these.

        Where words outside the vocabulary count with what their n-grams give them, one is unknown if the
        model has none of its n-grams.
        """
        tokens, unknown = self.unknown(inputs)
        if self.config.subwords or self.words.subwords.parameters.model == "supervised":
            words = list(unknown)
            for start in range(0, len(words), _TOGETHER):
                some = words[start : start + _TOGETHER]
                for index in np.flatnonzero(self.words.unknown(some, self.threads).any(axis=1)):
                    del unknown[some[index]]
        examples = tuple(word for word, _ in unknown.most_common(_EXAMPLES))
        return Coverage(tokens=tokens, unknown=unknown.total(), examples=examples)

    def with_words(self, words: WordVectors) -> Self:
        """Return the same embedder over other word vectors; see :meth:`StaticEmbedder.with_words`.

        Of words outside their vocabulary nothing is known in the new space, unless they are subword vectors.

        :raises UnsupportedError: this is the text side of a classifier, or a word has no weight.
        """
        if self.words.subwords.parameters.model == "supervised":
            raise UnsupportedError("a classifier's vectors belong to its output layer", "train another one")
        return super().with_words(words)

    def state(self) -> State:
        """Return vectors, vocabulary, the rows of n-grams, and what training goes on from."""
        state = super().state()
        subwords = self.words.subwords
        tensors = dict(state.tensors)
        tensors["sizes"] = subwords.sizes
        rows = subwords.rows
        if isinstance(rows, Quantised):
            tensors |= {"quantised.codes": rows.codes, "quantised.centroids": rows.centroids}
            if rows.norm_codes is not None and rows.norms is not None:
                tensors |= {"quantised.norm_codes": rows.norm_codes, "quantised.norms": rows.norms}
        else:
            tensors["buckets.rows"] = rows
        if subwords.ids is not None:
            tensors["buckets.ids"] = subwords.ids
        document = {
            "parameters": asdict(subwords.parameters),
            "tokens": subwords.tokens,
            "pruned": subwords.pruned,
            "dsub": rows.dsub if isinstance(rows, Quantised) else 0,
            "tensors": sorted(tensors.keys() - state.tensors.keys()),
            "training": sorted(self.tensors),
        }
        return State(
            config=to_mapping(self.config),
            tensors=tensors,
            files={_PARAMETERS: json.dumps(document, indent=2).encode()},
        )

    @classmethod
    def restore(cls, state: State) -> Self:
        """Open a stored model: shapes and types are checked, no word and no vector is read.

        :raises CheckpointError: a setting or a tensor is missing, or is not what it should be.
        """
        plain = super().restore(state)
        stored = _Stored(state, cls.name)
        subwords = stored.subwords(len(plain.words))
        words = SubwordVectors(plain.words.vocabulary, plain.words.vectors, subwords, cls.name)
        if sorted(plain.tensors) != stored.document["training"]:
            raise CheckpointError(cls.name, "tensors that training goes on from are missing")
        return cls(plain.config, words, plain.weights, plain.component, plain.tensors)

    @classmethod
    def tiny(cls) -> Self:
        """Return 32 words, English and Chinese, and 64 buckets, with 8 components drawn with a fixed seed."""
        plain = super().tiny()
        vocabulary, rows = plain.words.vocabulary, plain.words.vectors
        dim = rows.shape[1]
        parameters = Parameters(dim=dim, model="skipgram", loss="ns", minn=3, maxn=4, bucket=_TINY_BUCKETS)
        buckets = np.random.default_rng(1).standard_normal((_TINY_BUCKETS, dim)).astype(np.float32)
        unsized = Subwords(parameters=parameters, sizes=np.ones(len(rows), np.int32), rows=buckets)
        vectors, sizes = word_means(vocabulary, rows, unsized, 1)
        subwords = Subwords(parameters=parameters, sizes=sizes, rows=buckets)
        config = FastTextConfig(min_n=3, max_n=4, bucket=_TINY_BUCKETS)
        return cls(config, SubwordVectors(vocabulary, vectors, subwords, cls.name))

    @classmethod
    def _training(cls, state: State, config: StaticConfig, words: int) -> dict[str, NDArray[Any]]:
        del config  # what is there depends on the model, not on its settings; restore() knows what must be
        found = {}
        given = {name.removeprefix(_TRAINING) for name in state.tensors if name.startswith(_TRAINING)}
        if unknown := sorted(given - cls.training.keys()):
            raise CheckpointError(cls.name, f"the tensor {_TRAINING + unknown[0]!r} is none of this method's")
        dim = state.tensors["vectors"].shape[1]
        for name, (dtype, dimensions) in cls.training.items():
            tensor = state.tensors.get(_TRAINING + name)
            if tensor is None:
                continue
            shape = (words, dim)[:dimensions]
            if tensor.dtype != dtype or tensor.shape != shape:
                problem = f"the tensor {_TRAINING + name!r} is not {dtype.__name__} of shape {shape}"
                raise CheckpointError(cls.name, problem)
            found[name] = tensor
        return found


class _Stored:
    """The parts of a state that say what n-grams are worth."""

    def __init__(self, state: State, where: str) -> None:
        self._state = state
        self._where = where
        try:
            self.document = parse_object(state.files[_PARAMETERS], _PARAMETERS)
            self.parameters = from_mapping(Parameters, self.document["parameters"])
            fields = {"tokens": int, "pruned": bool, "dsub": int, "tensors": list, "training": list}
            sound = all(type(self.document[name]) is kind for name, kind in fields.items())
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise CheckpointError(where, f"{_PARAMETERS} is missing or damaged: {error}") from error
        if not sound or not self._in_range():
            raise CheckpointError(where, f"{_PARAMETERS} is damaged")

    def _in_range(self) -> bool:
        """Tell whether the numbers fit into the fields that fastText's files have for them."""
        settings = self.parameters
        fields = (
            "minn",
            "maxn",
            "bucket",
            "word_ngrams",
            "ws",
            "epoch",
            "min_count",
            "neg",
            "lr_update_rate",
        )
        whole = all(0 <= getattr(settings, name) < 1 << 31 for name in fields)
        return (
            whole
            and isfinite(settings.t)
            and isfinite(settings.lr)
            and 0 <= self.document["tokens"] < 1 << 63
        )

    def subwords(self, words: int) -> Subwords:
        names = self.document["tensors"]
        ids = self._tensor("buckets.ids", np.int64, 1) if "buckets.ids" in names else None
        quantised = "quantised.codes" in names
        rows = self._quantised() if quantised else self._tensor("buckets.rows", np.float32, 2)
        sizes = self._tensor("sizes", np.int32, 1)
        dim = rows.dim if isinstance(rows, Quantised) else rows.shape[1]
        kept = len(rows) - (words if isinstance(rows, Quantised) else 0)
        expected = self.parameters.bucket if ids is None else len(ids)
        if len(sizes) != words or dim != self.parameters.dim or kept != expected:
            raise CheckpointError(self._where, "the rows of n-grams do not belong to the words")
        return Subwords(
            parameters=self.parameters,
            sizes=sizes,
            rows=rows,
            ids=ids,
            pruned=self.document["pruned"],
            tokens=self.document["tokens"],
        )

    def _quantised(self) -> Quantised:
        normed = "quantised.norms" in self.document["tensors"]
        codes = self._tensor("quantised.codes", np.uint8, 2)
        norm_codes = self._tensor("quantised.norm_codes", np.uint8, 1) if normed else None
        norms = self._tensor("quantised.norms", np.float32, 1) if normed else None
        centroids = self._tensor("quantised.centroids", np.float32, 1)
        dim, dsub = self.parameters.dim, self.document["dsub"]
        sound = dsub >= 1 and len(centroids) == 256 * dim and codes.shape[1] == -(-dim // dsub)
        if norm_codes is not None and norms is not None:
            sound = sound and len(norms) == 256 and len(norm_codes) == len(codes)  # noqa: PLR2004  codes of a byte
        if not sound:
            raise CheckpointError(self._where, "the parts of the quantised matrix do not belong together")
        return Quantised(
            dim=dim, dsub=dsub, codes=codes, centroids=centroids, norm_codes=norm_codes, norms=norms
        )

    def _tensor(self, name: str, dtype: type[np.generic], dimensions: int) -> NDArray[Any]:
        tensor = self._state.tensors.get(name)
        if tensor is None or tensor.dtype != dtype or tensor.ndim != dimensions:
            problem = f"the tensor {name!r} is missing or is not {dtype.__name__} of {dimensions} dimensions"
            raise CheckpointError(self._where, problem)
        return tensor
