"""Texts to tokens to rows to one vector: static word vectors as an embedder."""

from __future__ import annotations

import re
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium.inputs import check_texts
from lexarium.pooling import Pooler, normalize_rows, remove_component
from lexarium.roles import Coverage, Space, State
from lexarium.tokens import tokenizer
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium.tokens import Tokenize
    from lexarium_static.config import StaticConfig

__all__ = ["StaticEmbedder"]

_TRAINING = "training."
_EXAMPLES = 10
_PIECE = 1 << 16  # characters of a text whose tokens are listed together, or more up to a white space
_SPACE = re.compile(r"[ \t\n]")  # where every rule cuts, and case does not look beyond
_TINY = """
the of and a in is to it was this good bad great boring film movie king queen man woman
电影 好看 难看 国王 女王 男人 女人 很 的 。 . ,
"""


class StaticEmbedder:
    """The mean of the vectors of a text's known words; a text without one is a zero row.

    A method is a subclass that says its ``name``, its ``config_class``, and which further ``tensors``
    it keeps so that training can go on: ``training`` names them, each with the words in its shape.
    """

    name: ClassVar[str]
    config_class: ClassVar[type[StaticConfig]]
    #: Tensors that training goes on from: name to (dtype, dimensions); the first dimension is n where
    #: there is one per word. All of them or none are kept.
    training: ClassVar[Mapping[str, tuple[type[np.generic], int]]] = {}

    words: WordVectors

    def __init__(
        self,
        config: StaticConfig,
        words: WordVectors,
        weights: Floats | None = None,
        component: Floats | None = None,
        tensors: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        """Join the parts, reading none of them.

        *Shapes:* weights (n,), one per word, for pooling "idf" and "sif"; component (dim,), for
        "sif": what the texts have in common, of length 1, or zeros where nothing is known of it;
        tensors: those that ``training`` names, or none.
        """
        self.config = config
        self.words = words
        self.weights = weights
        self.component = component
        self.tensors = dict(tensors or {})
        dim = words.vectors.shape[1]
        self.space = Space(dim=dim, similarity="cosine", normalized=config.normalize)

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return one row per text, (n, dim) float32.

        :raises InputError: an input is not a string.
        """
        rows = self.pool(check_texts(inputs))
        if self.component is not None:
            rows = remove_component(rows, self.component)
        return normalize_rows(rows) if self.config.normalize else rows

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count tokens and unknown tokens; name the ten most frequent unknown ones."""
        tokens, unknown = self.unknown(inputs)
        examples = tuple(word for word, _ in unknown.most_common(_EXAMPLES))
        return Coverage(tokens=tokens, unknown=unknown.total(), examples=examples)

    def unknown(self, inputs: Sequence[str]) -> tuple[int, Counter[str]]:
        """Return how many tokens texts have, and how often each that is no word of the vocabulary occurs."""
        tokens, unknown = 0, Counter[str]()
        for text in check_texts(inputs):
            for piece in [text] if self._rule is None else _pieces(text):
                found = self.tokenize(piece)
                tokens += len(found)
                ids = self.words.vocabulary.ids(found)
                unknown.update(found[index] for index in np.flatnonzero(ids < 0))
        return tokens, unknown

    def tokenize(self, text: str) -> list[str]:
        """Return the words of a text, known or not."""
        return self._tokenize(text.lower() if self.config.lowercase else text)

    def packed(self, texts: Iterable[str]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield the word ids of some texts at a time, and their offsets (:meth:`Pooler.packed`)."""
        return self._pooler.packed(texts)

    def pool(self, texts: Sequence[str]) -> Floats:
        """Return the means of texts, (n, dim), with their common component."""
        # SIF divides by the number of words, as the paper does; idf is a weighted mean.
        return self._pooler.pool(
            texts, self.weights, per="token" if self.config.pooling == "sif" else "weight"
        )

    @property
    def joins(self) -> bool:
        """Whether :meth:`tokenize` does more to a text than the tokenizer of the settings."""
        return False

    @property
    def _rule(self) -> Literal["unicode", "words", "whitespace", "characters"] | None:
        """What cuts texts, where it cuts at every white space; None: something else does, or joins words."""
        rule = self.config.tokenizer
        return None if self.joins or rule == "pattern" or rule == "jieba" else rule  # noqa: PLR1714  for mypy

    @cached_property
    def _pooler(self) -> Pooler:
        return Pooler(
            self.words.vocabulary,
            self.words.vectors,
            tokenizer=self._rule or self.tokenize,
            lowercase=self.config.lowercase,
        )

    @cached_property
    def _tokenize(self) -> Tokenize:
        # On first use: a segmenter's dictionary takes longer to load than the model to open.
        return tokenizer(self.config.tokenizer, self.config.token_pattern)

    def state(self) -> State:
        """Return vectors, vocabulary and, as the pooling needs them, weights and component."""
        tensors: dict[str, NDArray[Any]] = {"vectors": self.words.vectors, **self.words.vocabulary.tensors()}
        tensors |= {f"{_TRAINING}{name}": tensor for name, tensor in self.tensors.items()}
        if self.weights is not None:
            tensors["weights"] = self.weights
        if self.component is not None:
            tensors["component"] = self.component
        return State(config=to_mapping(self.config), tensors=tensors)

    @classmethod
    def restore(cls, state: State) -> Self:
        """Open a stored model: shapes and types are checked, no word and no vector is read.

        :raises CheckpointError: a setting or a tensor is missing, or is not what it should be.
        """
        try:
            config = from_mapping(cls.config_class, state.config)
        except ConfigError as error:
            raise CheckpointError(
                cls.name, str(error), "the model is damaged, or of another version"
            ) from error
        if "vectors" not in state.tensors:
            raise CheckpointError(cls.name, "the tensor 'vectors' is missing")
        words = WordVectors(Vocabulary(state.tensors, cls.name), state.tensors["vectors"], cls.name)
        length, dim = words.vectors.shape
        weights = cls._floats(state, "weights", length) if config.pooling in {"idf", "sif"} else None
        component = cls._floats(state, "component", dim) if config.pooling == "sif" else None
        return cls(config, words, weights, component, cls._training(state, config, length))

    def with_words(self, words: WordVectors) -> Self:
        """Return the same embedder over other word vectors: fewer words, fewer components, turned ones.

        Pooling "idf" and "sif" keep each word's weight; of SIF's common component nothing is known in
        the new space, so nothing is removed. What training would go on from is left behind.

        :raises UnsupportedError: a word has no weight, because the model does not know it.
        """
        if self.weights is None:
            return type(self)(self.config, words)
        rows = self.words.vocabulary.ids(words)
        if (rows < 0).any():
            unknown = words.vocabulary.word(int(np.flatnonzero(rows < 0)[0]))
            raise UnsupportedError(
                f"the word {unknown!r} has no weight for pooling={self.config.pooling}",
                "leave it out, or take a model with pooling=mean",
            )
        component = None if self.component is None else np.zeros(words.vectors.shape[1], np.float32)
        return type(self)(self.config, words, self.weights[rows], component)

    @classmethod
    def tiny(cls) -> Self:
        """Return 32 words, English and Chinese, with 8 components drawn with a fixed seed."""
        words = _TINY.split()
        vectors = np.random.default_rng(0).standard_normal((len(words), 8)).astype(np.float32)
        return cls(cls.config_class(), WordVectors(Vocabulary.build(words), vectors))

    @classmethod
    def kept(cls, config: StaticConfig) -> Mapping[str, tuple[type[np.generic], int]]:
        """Return what training with ``config`` goes on from: ``training``, where settings change nothing."""
        del config
        return cls.training

    @classmethod
    def _training(cls, state: State, config: StaticConfig, words: int) -> dict[str, NDArray[Any]]:
        found = {
            name.removeprefix(_TRAINING): tensor
            for name, tensor in state.tensors.items()
            if name.startswith(_TRAINING)
        }
        if not found:
            return {}
        kinds = cls.kept(config)
        for name in found.keys() - kinds.keys():
            problem = f"the tensor {_TRAINING + name!r} is none that training with these settings leaves"
            raise CheckpointError(cls.name, problem, "the model is damaged, or of another version")
        for name, (dtype, dimensions) in kinds.items():
            tensor = found.get(name)
            if tensor is None or tensor.dtype != dtype or tensor.ndim != dimensions or len(tensor) != words:
                problem = (
                    f"the tensor {_TRAINING + name!r} is missing or is not {dtype.__name__} of {words} rows"
                )
                raise CheckpointError(cls.name, problem)
        return found

    @classmethod
    def _floats(cls, state: State, name: str, length: int) -> Floats:
        tensor = state.tensors.get(name)
        if tensor is None or tensor.dtype != np.float32 or tensor.shape != (length,):
            problem = f"the tensor {name!r} is missing or is not float32 of shape ({length},)"
            raise CheckpointError(cls.name, problem)
        return tensor


def _pieces(text: str) -> Iterator[str]:
    """Cut a long text at white space, so that its tokens need not all be in memory."""
    begin = 0
    while len(text) - begin > _PIECE and (space := _SPACE.search(text, begin + _PIECE)):
        yield text[begin : space.start()]
        begin = space.start()
    yield text[begin:]
