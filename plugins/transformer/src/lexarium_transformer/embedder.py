"""Texts to tokens to hidden states to one vector: a pretrained encoder as an embedder."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from lexarium.config import from_mapping, require, to_mapping, training_settings
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium.inputs import batches, check_texts
from lexarium.pooling import normalize_rows
from lexarium.roles import Coverage, Space, State, TokenMatrix, Truncation
from lexarium.strict_json import parse_object
from lexarium_transformer.architecture import padding_of, positions_of
from lexarium_transformer.config import EncoderConfig, warn_truncation
from lexarium_transformer.dtypes import device_of, dtype_of
from lexarium_transformer.encoders import open_encoder
from lexarium_transformer.gate import parse_config, refuse_code
from lexarium_transformer.inference import Inference, TorchEngine
from lexarium_transformer.layout import LAYOUT, write_layout
from lexarium_transformer.network import EncoderNetwork
from lexarium_transformer.tokens import Piece, TextTokenizer, parse_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from lexarium.roles import Floats
    from lexarium_transformer.backends.graph import Graph
    from lexarium_transformer.config import Dtype, Program
    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.inference import Engine

__all__ = ["TransformerEmbedder", "stored_settings"]

_CONFIG, _TOKENIZER, _TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
_SETTLED = ("pooling", "normalize", "similarity", "max_length", "prompts", "do_lower_case")
_AGAIN = "import the model again"
_BATCH, _EXAMPLES, _SHOWN = 512, 10, 40
#: Embeddings are rounded up, to a multiple of 128 rows for instance; published ones have 7 % more at most.
_LEAST = 0.75


class TransformerEmbedder:
    """A pretrained encoder; a method is a subclass that says its ``name``."""

    name: ClassVar[str]
    config_class: ClassVar[type[EncoderConfig]] = EncoderConfig

    def __init__(
        self,
        config: EncoderConfig,
        tensors: Mapping[str, NDArray[Any]],
        files: Mapping[str, bytes],
        loaded: Loaded | None = None,
    ) -> None:
        """Join the parts, copying no weight; ``loaded``, where given, is the encoder over these tensors.

        :raises CheckpointError: the parts do not go together.
        :raises ConfigError: a setting is open, or does not fit the encoder.
        """
        for key in _SETTLED:
            if getattr(config, key) is None:
                raise ConfigError(key, "is left open; a checkpoint or a setting says it")
        self.config = config
        self.tensors = tensors
        self.files = {name: files[name] for name in sorted(files) if name not in LAYOUT}
        self.described = parse_config(self._file(_CONFIG), _CONFIG)
        if _TOKENIZER_CONFIG in files:
            refuse_code(parse_object(files[_TOKENIZER_CONFIG], _TOKENIZER_CONFIG), _TOKENIZER_CONFIG)
        self.tokenizer = self._tokenize()
        self._loaded = loaded or self._load()
        self._check()
        self._inference = Inference(self._engine(), self._loaded.hidden, padding_of(self.described))
        self.space = Space(
            dim=config.truncate_dim or self._loaded.hidden,
            similarity=config.similarity or "cosine",
            normalized=bool(config.normalize),
        )

    def embed(self, inputs: Sequence[str]) -> Floats:
        """Return one row per text, (n, dim) float32.

        :raises InputError: an input is not a string.
        """
        texts = list(
            dict.fromkeys(check_texts(inputs))
        )  # a text twice is computed once, and equal to the bit
        owners, pieces = self._pieces(texts)
        vectors = self._inference.vectors(pieces, self.config.pooling or "mean")
        rows = self._joined(vectors, owners, pieces, len(texts))[:, : self.space.dim]
        if self.config.normalize:
            rows = normalize_rows(rows)
        place = {text: row for row, text in enumerate(texts)}
        return np.ascontiguousarray(rows[[place[text] for text in inputs]])

    def embed_tokens(self, inputs: Sequence[str]) -> TokenMatrix:
        """Return a vector for each token of each text, special tokens and the prompt left out.

        The vectors are hidden states, neither normalised nor cut to ``truncate_dim``.

        :raises InputError: an input is not a string.
        """
        owners, pieces = self._pieces(check_texts(inputs), spans=True)
        values: list[Floats] = [np.empty((0, self._loaded.hidden), np.float32)]
        spans: list[tuple[int, int]] = []
        sizes = np.zeros(len(inputs) + 1, np.int64)
        for owner, piece, states in zip(owners, pieces, self._inference.states(pieces), strict=True):
            inside = [row for row, (start, _) in enumerate(piece.spans or ()) if start >= 0]
            values.append(states[inside])
            spans += [span for span in piece.spans or () if span[0] >= 0]
            sizes[owner + 1] += len(inside)
        where = np.array(spans, np.int64).reshape(-1, 2)
        return TokenMatrix(np.concatenate(values), np.cumsum(sizes), where)

    def pool_ids(self, ids: Sequence[Sequence[int]]) -> Floats:
        """Return one vector per list of token ids, (n, H) float32: pooled, neither cut nor normalised.

        The ids are taken as they are: special tokens belong among them, and no more than ``max_length``.
        """
        pieces = [Piece(list(some), len(some)) for some in ids]
        return self._inference.vectors(pieces, self.config.pooling or "mean")

    def truncation(self, inputs: Sequence[str]) -> Truncation:
        """Count the texts that are cut, and the tokens that are cut off."""
        check_texts(inputs)
        lost = [] if self.config.long == "split" else [over for over in self.tokenizer.lost(inputs) if over]
        return Truncation(inputs=len(lost), tokens=sum(lost), limit=self.tokenizer.max_length)

    def coverage(self, inputs: Sequence[str]) -> Coverage:
        """Count the tokens that are seen, and those among them that stand for what has no token.

        Named are the ten most frequent parts of the texts that have none, the first 40 characters of each:
        a WordPiece vocabulary takes a word of over 100 characters for one of them.
        """
        tokens, unknown = 0, Counter[str]()
        for texts in batches(check_texts(inputs), _BATCH):
            owners, pieces = self._pieces(texts)
            tokens += sum(piece.tokens for piece in pieces)
            lacking = {
                o for o, piece in zip(owners, pieces, strict=True) if self.tokenizer.unknown in piece.ids
            }
            for text in (
                texts[owner] for owner in sorted(lacking)
            ):  # places take time, and few texts need them
                unknown.update(
                    part
                    for piece in self._pieces([text], spans=True)[1]
                    for part in self._unknown(text, piece)
                )
        examples = tuple(part for part, _ in unknown.most_common(_EXAMPLES))
        return Coverage(tokens=tokens, unknown=unknown.total(), examples=examples)

    def check_own_states(self, where: str) -> None:
        """Refuse, under the name ``where``, an architecture that no test holds and that mixes texts up.

        :raises UnsupportedError: a text's states change with its neighbours, or from call to call.
        """
        if self._loaded.alone:
            from lexarium_transformer.independence import require_own_states  # noqa: PLC0415  for few

            # As long as it may become later on, whatever was chosen now.
            longest = positions_of(self.described) or self.config.max_length or 1
            require_own_states(self._loaded, longest, where)

    def network(self) -> EncoderNetwork:
        """Return a copy that can be trained; this embedder stays as it is."""
        return EncoderNetwork(self._load(), self.tokenizer, self.config, padding_of(self.described))

    def with_network(self, network: EncoderNetwork) -> Self:
        """Return the same embedder with the weights of a trained :meth:`network` of it.

        A pooler or a head that fills masks, which was not trained with it, is left behind.
        """
        trained = {name: tensor.detach().float().cpu().numpy() for name, tensor in network.weights().items()}
        settings = from_mapping(self.config_class, {**to_mapping(self.config), "extra": ()})
        files = {**self.files, _CONFIG: self._headless()} if self.config.extra else self.files
        return type(self)(settings, {name: tensor.copy() for name, tensor in trained.items()}, files)

    def with_settings(self, settings: Mapping[str, Any]) -> Self:
        """Return the same model, used otherwise: another prompt, pooling, length or device.

        :raises ConfigError: a setting is unknown, out of range, read by training alone, or written by import.
        """
        if "extra" in settings:
            raise ConfigError("extra", "is written by import, and not set")
        for key in training_settings(self.config_class):
            require(key, key not in settings, "is read by training, which this model has behind it")
        config = from_mapping(self.config_class, {**to_mapping(self.config), **settings}, trained=True)
        same = all(getattr(config, k) == getattr(self.config, k) for k in ("device", "dtype", "program"))
        changed = type(self)(config, self.tensors, self.files, self._loaded if same else None)
        if config.truncate_dim not in {None, self.config.truncate_dim}:
            warn_truncation(config.truncate_dim, self.described)
        return changed

    def graph(self, backend: Program, dtype: Dtype) -> Graph:
        """Return the encoder as a graph that another program than torch computes.

        :raises MissingExtraError: the program is not installed.
        :raises UnsupportedError: the architecture is computed on texts of one length, which no graph does.
        """
        if self._loaded.alone:
            what = f"backend={backend}: {self.described['model_type']} is computed on texts of one length"
            raise UnsupportedError(what, "leave backend out: torch computes it")
        from lexarium_transformer.backends.graph import Graph, Source  # noqa: PLC0415  torch does without

        source = Source(
            loaded=self._loaded, tensors=self.tensors, described=self.described, config=self.config
        )
        return Graph(source, backend, dtype)

    def layout(self) -> dict[str, bytes]:
        """Return the files of sentence-transformers for these settings."""
        return write_layout(self.config, self._loaded.hidden)

    def state(self) -> State:
        """Return the tensors by the checkpoint's names, and the files of its folder."""
        files = {**self.files, **self.layout()}
        return State(config=stored_settings(self.config), tensors=self.tensors, files=files)

    @classmethod
    def restore(cls, state: State) -> Self:
        """Open a stored model: nothing of it is run, names and shapes are checked, no weight is copied.

        :raises CheckpointError: a setting, file or tensor is missing or does not go with the others.
        """
        try:
            return cls(from_mapping(cls.config_class, state.config), state.tensors, state.files)
        except ConfigError as error:
            raise CheckpointError(
                cls.name, str(error), "the model is damaged, or of another version"
            ) from error

    def _headless(self) -> bytes:
        """Return ``config.json`` with the class of the encoder alone."""
        from lexarium_transformer.foreign import class_of  # noqa: PLC0415  transformers takes seconds

        cls, _ = class_of(self.described, self.name)
        return (json.dumps({**self.described, "architectures": [cls.__name__]}, indent=2) + "\n").encode()

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            raise CheckpointError(self.name, f"the file {name} is missing", _AGAIN)
        return self.files[name]

    def _tokenize(self) -> TextTokenizer:
        return TextTokenizer(
            parse_tokenizer(self._file(_TOKENIZER), _TOKENIZER),
            self.config.max_length or 1,
            prompt=self.config.prompt,
            lowercase=bool(self.config.do_lower_case),
        )

    def _engine(self) -> Engine:
        config = self.config
        if config.program != "torch":
            return self.graph(config.program, config.dtype)
        return TorchEngine(self._loaded, device_of(config.device), config.layers)

    def _load(self) -> Loaded:
        extra = set(self.config.extra)
        for name in sorted(extra - self.tensors.keys()):
            raise CheckpointError(self.name, f"the tensor {name!r} is missing", _AGAIN)
        own = {name: tensor for name, tensor in self.tensors.items() if name not in extra}
        device = device_of(self.config.device if self.config.program == "torch" else "cpu")
        dtype = dtype_of(self.config.dtype, device)
        return open_encoder(self.described, own, dtype, self.name)

    def _check(self) -> None:
        known, needed = self._loaded.vocabulary, self.tokenizer.highest_id() + 1
        if not _LEAST * known <= needed <= known:
            problem = f"the tokenizer has {needed} ids and the embeddings {known} rows: it is another model's"
            raise CheckpointError(self.name, problem, "take the tokenizer.json that came with the weights")
        depth = self._loaded.depth
        for layer in self.config.layers:
            if not -depth - 1 <= layer <= depth:
                raise ConfigError("layers", f"{layer} is not from {-depth - 1} to {depth}")
        limit, asked = positions_of(self.described), self.tokenizer.max_length
        if limit is not None and asked > limit:
            raise ConfigError("max_length", f"{asked} is more than the {limit} positions of the model")
        dim = self.config.truncate_dim
        if dim is not None and dim > self._loaded.hidden:
            raise ConfigError("truncate_dim", f"{dim} is more than the {self._loaded.hidden} of the model")

    def _pieces(self, texts: Sequence[str], *, spans: bool = False) -> tuple[list[int], list[Piece]]:
        """Return the pieces of texts, and to which text each belongs."""
        if self.config.long == "truncate":
            return list(range(len(texts))), self.tokenizer.first(texts, spans=spans)
        found = [
            (number, piece)
            for number, text in enumerate(texts)
            for piece in self.tokenizer.pieces(text, spans=spans)
        ]
        return [number for number, _ in found], [piece for _, piece in found]

    def _unknown(self, text: str, piece: Piece) -> Iterator[str]:
        """Yield the parts of ``text`` that are unknown tokens of a piece of it."""
        for number, (start, end) in zip(piece.ids, piece.spans or (), strict=True):
            if number == self.tokenizer.unknown and start >= 0:
                yield text[start : min(end, start + _SHOWN)]

    def _joined(self, vectors: Floats, owners: list[int], pieces: list[Piece], count: int) -> Floats:
        """Return the vectors of texts, (count, H), from those of their pieces, (p, H)."""
        if len(pieces) == count:  # every text is one piece
            return vectors
        parts: dict[int, list[int]] = defaultdict(list)
        for number, owner in enumerate(owners):
            parts[owner].append(number)
        rows = np.zeros((count, vectors.shape[1]), np.float32)
        for owner, numbers in parts.items():
            weights = np.maximum([pieces[number].tokens for number in numbers], 1)
            together = vectors[numbers]
            most = self.config.pooling == "max"
            rows[owner] = together.max(0) if most else np.average(together, 0, weights)
        return rows


def stored_settings(config: EncoderConfig) -> dict[str, Any]:
    """Return the settings as they are stored: without what is a machine's and not a model's.

    That is the device, what computes there, and 8 bits, which each machine calibrates for itself.
    """
    settings = {key: value for key, value in to_mapping(config).items() if key not in {"device", "backend"}}
    return settings | {"dtype": "auto"} if config.dtype == "int8" else settings
