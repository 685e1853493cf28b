"""T5 as an embedder, and as a writer of texts for texts."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lexarium.config import from_mapping
from lexarium.errors import CheckpointError, ConfigError, UnsupportedError
from lexarium.generation import GenerateConfig, Generated
from lexarium.inputs import check_texts
from lexarium.strict_json import parse_object
from lexarium_t5.config import T5Config
from lexarium_t5.model import open_model
from lexarium_t5.network import EncoderDecoderNetwork
from lexarium_t5.small import small_parts
from lexarium_t5.speech import Room, Speech, Task
from lexarium_t5.targets import Targets
from lexarium_t5.tasks import Languages, plain, summary, translation
from lexarium_transformer.architecture import padding_of, positions_of
from lexarium_transformer.dtypes import device_of, dtype_of
from lexarium_transformer.embedder import TransformerEmbedder
from lexarium_transformer.generation_file import GENERATION
from lexarium_transformer.generative import writing_tokenizer
from lexarium_transformer.small import small_settings
from lexarium_transformer.tokens import parse_tokenizer
from lexarium_transformer.translators import target_tokenizer
from lexarium_transformer.writing import Voice, special_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tokenizers import Tokenizer

    from lexarium_transformer.generative import Generative

__all__ = ["T5"]

_TOKENIZER, _TOKENIZER_CONFIG = "tokenizer.json", "tokenizer_config.json"
#: What a checkpoint says of the tokens that it writes; all else is said by :class:`GenerateConfig`.
_KEPT = (
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
)


class T5(TransformerEmbedder):
    """An encoder and a decoder (Raffel et al., "Exploring the limits of transfer learning", 2020)."""

    name: ClassVar[str] = "t5"
    config_class: ClassVar[type[T5Config]] = T5Config
    _loaded: Generative

    def generate(
        self,
        prompts: Sequence[str],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> list[Generated]:
        """Return what the decoder writes for each prompt, in order; nothing is put before a prompt.

        As :meth:`lexarium.generation.Generator.generate` says. Without ``config`` the checkpoint's own
        settings are taken: beams, lengths, penalties.

        :raises UnsupportedError: the checkpoint came without its decoder.
        """
        task = self.plain()
        return self.perform(task, prompts, config or self.settings(task), on_text)

    def perform(
        self,
        task: Task,
        texts: Sequence[str],
        config: GenerateConfig,
        on_text: Callable[[str], object] | None = None,
    ) -> list[Generated]:
        """Return what the decoder writes for each text of a task; errors as in :meth:`generate`."""
        return self._speech.write(check_texts(texts), task, config, on_text)

    def plain(self) -> Task:
        """Return the task that puts nothing around a text."""
        return plain(self._stated)

    def summary(self) -> Task:
        """Return the task of summaries, as the checkpoint's config states it."""
        return summary(self.described, self._stated)

    def translation(self, source: str | None, target: str | None) -> Task:
        """Return the task of translating from one language to another.

        :raises ConfigError: the model does not know a language, or one must be named.
        :raises UnsupportedError: nothing says that the model translates.
        """
        asked = Languages(source=source, target=target, settings=self._tokenizer_settings)
        speech = self._speech
        return translation(self.described, self._stated, speech.voice.tokenizer, speech.frame, asked)

    def settings(self, task: Task, given: Mapping[str, Any] | None = None) -> GenerateConfig:
        """Return how a task is written: what is ``given``, and for the rest what the checkpoint says.

        :raises ConfigError: a setting is unknown or out of range.
        :raises CheckpointError: one of the checkpoint is.
        """
        usual, own = dict(task.usual), dict(given or {})
        try:
            from_mapping(GenerateConfig, usual)
        except ConfigError as error:
            raise CheckpointError(self.name, f"its settings of writing: {error}", "give others") from error
        most = own.get("max_new_tokens")
        if type(most) is int and "min_new_tokens" in usual:
            usual["min_new_tokens"] = min(usual["min_new_tokens"], most)
        return from_mapping(GenerateConfig, {**usual, **own})

    def network(self) -> EncoderDecoderNetwork:
        """Return a copy that can be trained; this embedder stays as it is."""

        def _made() -> Tokenizer:
            own = target_tokenizer(self.files, self._tokenizer_settings)
            return own or parse_tokenizer(self._file(_TOKENIZER), _TOKENIZER)

        targets = Targets(_made, self.tokenizer.max_length, lowercase=bool(self.config.do_lower_case))
        padding = padding_of(self.described)
        return EncoderDecoderNetwork(self._load(), (self.tokenizer, targets), self.config, padding)

    def layout(self) -> dict[str, bytes]:
        """Return no files: sentence-transformers pools what the decoder of most of these models says."""
        return {}

    @classmethod
    def tiny(cls) -> Self:
        """Return two layers of 32 components each, drawn with a fixed seed, over words and single bytes."""
        tensors, files = small_parts()
        return cls(small_settings(cls.config_class, "mean", 256), tensors, files)

    @cached_property
    def _speech(self) -> Speech:
        """What writes; made on first use."""
        whole = self._loaded.whole
        if not whole.can_generate():
            raise UnsupportedError(
                "this checkpoint came without its decoder: it writes nothing",
                "use it for vectors, or take the checkpoint with both parts",
            )
        tokenizer = writing_tokenizer(self._file(_TOKENIZER), _TOKENIZER)
        own: dict[str, Any] = whole.config.to_dict()
        stated = [*self._stated, own]
        padding = padding_of(self.described)
        whole.generation_config = _tokens_alone(stated)
        positions = positions_of(self.described)
        room = Room(read=self.tokenizer.max_length, written=None if positions is None else positions - 1)
        voice = Voice(whole, tokenizer, special_ids(stated, "eos_token_id"), padding)
        return Speech(voice, room, padding)

    @property
    def _tokenizer_settings(self) -> dict[str, Any]:
        raw = self.files.get(_TOKENIZER_CONFIG)
        return parse_object(raw, _TOKENIZER_CONFIG) if raw is not None else {}

    @property
    def _stated(self) -> list[Mapping[str, Any]]:
        """What the checkpoint says of writing, the weightier first; as transformers, one file alone."""
        if GENERATION in self.files:
            return [parse_object(self.files[GENERATION], GENERATION)]
        return [self.described]

    def _load(self) -> Generative:
        dtype = dtype_of(self.config.dtype, device_of(self.config.device))
        return open_model(self.described, self.tensors, dtype, self.name)


def _tokens_alone(stated: Sequence[Mapping[str, Any]]) -> Any:  # noqa: ANN401  transformers' GenerationConfig
    """Return transformers' settings of the special tokens that a model begins and ends with."""
    from transformers import GenerationConfig  # noqa: PLC0415  takes seconds

    found: dict[str, Any] = {}
    for settings in reversed(stated):
        found |= {key: settings[key] for key in _KEPT if settings.get(key) is not None}
    if "decoder_start_token_id" not in found:
        begins = special_ids(stated, "bos_token_id")
        if not begins:
            raise CheckpointError("config.json", "says no 'decoder_start_token_id'", "fetch it again")
        found["decoder_start_token_id"] = begins[0]
    return GenerationConfig(**found)  # type: ignore[no-untyped-call]
