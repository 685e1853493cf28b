"""Texts to tokens to rows to one vector: static vectors under an encoder's tokenizer."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from lexarium.config import from_mapping, to_mapping
from lexarium.errors import CheckpointError, ConfigError
from lexarium.inputs import check_texts
from lexarium.pooling import mean_pool, normalize_rows
from lexarium.roles import Coverage, Space, State
from lexarium.vocabulary import Vocabulary
from lexarium.words import WordVectors
from lexarium_distill.config import StaticModelConfig
from lexarium_distill.tokens import TokenIds, parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lexarium.roles import Floats

__all__ = ["Static"]

_VECTORS, _TOKENIZER, _CONFIG, _MODULES = "embeddings", "tokenizer.json", "config.json", "modules.json"
_EXAMPLES = 10
_BATCH = 4096  # texts
_PIECES = """
[UNK] the film was better than book good movie bad great boring king queen man woman is an and of this
much a . , ! ? 42 ##s ##ing 这 部 电 影 比 原 著 好 看 很 难 我 喜 欢 非 常 的 国 王 女 。 ，
"""


class _TokenVectors(WordVectors):
    """Vectors of tokens, and of other words by their tokens."""

    def __init__(
        self, vocabulary: Vocabulary, vectors: Floats, means: Callable[[Sequence[str]], Floats]
    ) -> None:
        super().__init__(vocabulary, vectors, Static.name)
        self._means = means

    def __getitem__(self, word: str) -> Floats:
        """Return the vector of a word, (dim,).

        :raises NotFoundError: none of its tokens has one.
        """
        if word not in self.vocabulary:
            found = self._means([word])[0]
            if found.any():
                return np.asarray(found)
        return super().__getitem__(word)


class Static:
    """The mean of the vectors of a text's tokens; a text without one is a zero row.

    The method of model2vec (Tulkens, van Dongen, "Model2Vec: fast state-of-the-art static embeddings",
    2024). A stored model is also one of its folders.
    """

    name: ClassVar[str] = "static"

    def __init__(self, config: StaticModelConfig, vectors: Floats, tokenizer: bytes) -> None:
        """Join the parts; ``tokenizer`` is what a ``tokenizer.json`` holds.

        *Shapes:* vectors (v, dim), one row per id of the tokenizer.

        :raises ConfigError: a setting is left open.
        :raises CheckpointError: the tokenizer is none, or has ids without a row.
        """
        for key, value in to_mapping(config).items():
            if value is None:
                raise ConfigError(key, "is left open; a folder or a setting says it")
        self.config = config
        self.vectors = vectors
        self._raw = tokenizer
        self.tokenizer = parse_tokenizer(tokenizer, _TOKENIZER)
        self._ids = TokenIds(self.tokenizer, limit=config.limit, skip_unknown=bool(config.skip_unknown))
        if self._ids.highest >= len(vectors):
            problem = f"the tokenizer has ids up to {self._ids.highest}, and there are {len(vectors)} vectors"
            remedy = "take the tokenizer.json that came with the vectors"
            raise CheckpointError(self.name, problem, remedy)
        self.space = Space(dim=vectors.shape[1], similarity="cosine", normalized=bool(config.normalize))

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return one row per text, (n, dim) float32.

        :raises InputError: an input is not a string.
        """
        rows = np.empty((len(check_texts(inputs)), self.space.dim), np.float32)
        for start in range(0, len(inputs), _BATCH):
            some = inputs[start : start + _BATCH]
            rows[start : start + len(some)] = self._means(some)
        return normalize_rows(rows) if self.config.normalize else rows

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count tokens and unknown tokens; name the ten most frequent unknown parts of the texts."""
        ids, _ = self._ids.packed(check_texts(inputs))
        unknown = Counter(part for text in inputs for part in self._ids.unknown(text))
        examples = tuple(part for part, _ in unknown.most_common(_EXAMPLES))
        return Coverage(tokens=len(ids), unknown=unknown.total(), examples=examples)

    @cached_property
    def words(self) -> WordVectors:
        """The tokens and their vectors: those that have one, pieces of words (``##ing``) among them.

        Another word has the mean of its tokens' vectors.
        """
        filled = np.any(self.vectors != 0, axis=1)
        known = [number for number in sorted(self._ids.tokens) if filled[number]]
        return _TokenVectors(Vocabulary.build(self._ids.names(known)), self.vectors[known], self._means)

    def _means(self, texts: Sequence[str]) -> Floats:
        return mean_pool(self.vectors, *self._ids.packed(texts))

    def layout(self) -> dict[str, bytes]:
        """Return the files by which model2vec and sentence-transformers know the folder as theirs."""
        described = {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "hidden_dim": self.space.dim,
            "normalize": self.config.normalize,
            "max_length": self.config.limit,
            "embedding_dtype": "float32",
        }
        kinds = ["StaticEmbedding", *(["Normalize"] if self.config.normalize else [])]
        modules = [
            {
                "idx": number,
                "name": str(number),
                "path": f"{number}_{kind}" if number else ".",
                "type": f"sentence_transformers.models.{kind}",
            }
            for number, kind in enumerate(kinds)
        ]
        written = {_CONFIG: described, _MODULES: modules}
        return {name: (json.dumps(content, indent=2) + "\n").encode() for name, content in written.items()}

    def state(self) -> State:
        """Return the vectors, the tokenizer, and the small files of model2vec's layout."""
        files = {_TOKENIZER: self._raw, **self.layout()}
        return State(config=to_mapping(self.config), tensors={_VECTORS: self.vectors}, files=files)

    @classmethod
    def restore(cls, state: State) -> Self:
        """Open a stored model: no vector is read.

        :raises CheckpointError: a setting, a tensor or a file is missing, or is not what it should be.
        """
        vectors = state.tensors.get(_VECTORS)
        if vectors is None or vectors.dtype != np.float32 or vectors.ndim != 2:  # noqa: PLR2004  a matrix
            raise CheckpointError(cls.name, f"the tensor {_VECTORS!r} is missing or is no matrix of float32")
        if _TOKENIZER not in state.files:
            raise CheckpointError(cls.name, f"the file {_TOKENIZER} is missing", "import the model again")
        try:
            return cls(from_mapping(StaticModelConfig, state.config), vectors, state.files[_TOKENIZER])
        except ConfigError as error:
            remedy = "the model is damaged, or of another version"
            raise CheckpointError(cls.name, str(error), remedy) from error

    @classmethod
    def tiny(cls) -> Self:
        """Return 50 tokens, English and Chinese, with 8 components drawn with a fixed seed."""
        vocabulary = {piece: number for number, piece in enumerate(_PIECES.split())}
        tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))  # noqa: S106  no password
        tokenizer.normalizer = BertNormalizer()
        tokenizer.pre_tokenizer = BertPreTokenizer()
        vectors = np.random.default_rng(0).standard_normal((len(vocabulary), 8)).astype(np.float32)
        vectors[0] = 0
        config = StaticModelConfig(normalize=True, max_length="all", skip_unknown=True)
        return cls(config, vectors, tokenizer.to_str().encode())
