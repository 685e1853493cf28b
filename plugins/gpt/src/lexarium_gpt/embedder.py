"""GPT as an embedder and as a writer."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lexarium.config import require
from lexarium.errors import InputError, UnsupportedError
from lexarium.generation import GenerateConfig, Generated, Perplexity
from lexarium.inputs import check_texts
from lexarium.strict_json import parse_object
from lexarium_gpt.config import GptConfig
from lexarium_gpt.decoder import open_decoder, require_causal
from lexarium_gpt.echo import EchoTokenizer
from lexarium_gpt.generating import generate
from lexarium_gpt.network import DecoderNetwork
from lexarium_gpt.predicting import text_loss
from lexarium_gpt.small import small_parts
from lexarium_transformer.architecture import padding_of, positions_of
from lexarium_transformer.chat import encode_chat, render_chats, unmarked
from lexarium_transformer.dtypes import device_of, dtype_of
from lexarium_transformer.embedder import TransformerEmbedder
from lexarium_transformer.generation_file import GENERATION
from lexarium_transformer.generative import Generative, writing_tokenizer
from lexarium_transformer.prompts import encode_prompt
from lexarium_transformer.small import small_settings
from lexarium_transformer.tokens import clean, cut, parse_tokenizer
from lexarium_transformer.writing import Voice, special_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lexarium_transformer.encoders import Loaded
    from lexarium_transformer.tokens import TextTokenizer

__all__ = ["Gpt"]

_TOKENIZER = "tokenizer.json"
_BLOCK = 1 << 16  # characters of a text that are tokenised together


class Gpt(TransformerEmbedder):
    """A decoder-only model (Radford et al., "Language models are unsupervised multitask learners", 2019)."""

    name: ClassVar[str] = "gpt"
    config_class: ClassVar[type[GptConfig]] = GptConfig

    def generate(
        self,
        prompts: Sequence[str],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> list[Generated]:
        """Return one text per prompt, as :meth:`lexarium.generation.Generator.generate` says.

        :raises UnsupportedError: the checkpoint came without the head that writes.
        """
        chosen = config or GenerateConfig()
        voice = self._voice
        rows = [self._prompt(clean(text), chosen, self._encode) for text in check_texts(prompts)]
        return generate(voice, rows, chosen, self._limit, on_text)

    def chat_prompt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """Return messages as the model's template writes them, up to where the answer begins.

        :raises UnsupportedError: the model has no template of conversations.
        :raises InputError: a message is not ``role`` and ``content``, or the template refuses them.
        """
        return unmarked(render_chats(self.files, [messages], self._voice.tokenizer)[0])

    def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> Generated:
        """Return the answer to messages of ``role`` (system, user, assistant) and ``content``.

        Special tokens that a message spells out are text to the model.

        :raises UnsupportedError: the model has no template of conversations, or came without its head.
        :raises InputError: a message is not ``role`` and ``content``, or they are longer than the model sees.
        """
        return self.chat_all([messages], config, on_text)[0]

    def chat_all(
        self,
        chats: Sequence[Sequence[Mapping[str, str]]],
        config: GenerateConfig | None = None,
        on_text: Callable[[str], object] | None = None,
    ) -> list[Generated]:
        """Return the answer to each conversation, in order; all are rendered and answered together.

        ``on_text`` is told the answer to a single one as it grows. Errors are those of :meth:`chat`.
        """
        chosen = config or GenerateConfig()
        voice = self._voice

        def _ids(part: str) -> list[int]:
            return encode_chat(part, voice.tokenizer)

        texts = render_chats(self.files, chats, voice.tokenizer)
        rows = [self._prompt(clean(text), chosen, _ids) for text in texts]
        return generate(voice, rows, chosen, self._limit, on_text)

    def perplexity(self, texts: Sequence[str], stride: int | None = None) -> list[Perplexity]:
        """Return how well each text is predicted, each from its own beginning.

        A text longer than the model can see is read in windows that start ``stride`` tokens apart, by
        default half of what it sees; each token counts once.

        :raises ConfigError: ``stride`` is not from 1 to the length that the model sees.
        :raises UnsupportedError: the checkpoint came without its head.
        """
        window = self.config.max_length or 1
        step = max(window // 2, 1) if stride is None else stride
        require("stride", 1 <= step < max(window, 2), f"{step} is not from 1 to {window - 1}")
        found = []
        for text in check_texts(texts):
            total, tokens = text_loss(self._voice.model, self._whole(clean(text)), window, step)
            size = len(text.encode("utf-8", "replace"))
            loss = total / tokens if tokens else float("nan")
            found.append(Perplexity(loss=loss, tokens=tokens, size=size))
        return found

    def check_causal(self, where: str) -> None:
        """Refuse, under the name ``where``, a network that is no decoder.

        :raises UnsupportedError: a token sees what comes after it.
        """
        require_causal(self._loaded, where)

    def network(self) -> DecoderNetwork:
        """Return a copy that can be trained; this embedder stays as it is."""
        return DecoderNetwork(self._load(), self.tokenizer, self.config, padding_of(self.described))

    @classmethod
    def tiny(cls) -> Self:
        """Return two layers of 32 components, drawn with a fixed seed, over single bytes."""
        tensors, files = small_parts()
        return cls(small_settings(cls.config_class, "last", 256), tensors, files)

    @cached_property
    def _voice(self) -> Voice:
        """What writes; made on first use."""
        if not isinstance(self._loaded, Generative):
            raise UnsupportedError(
                "this checkpoint came without the head that predicts the next token: it writes nothing",
                "use it for vectors, or take a checkpoint with its head",
            )
        tokenizer = writing_tokenizer(self._file(_TOKENIZER), _TOKENIZER)
        ends = special_ids(self._settings, "eos_token_id")
        return Voice(self._loaded.whole, tokenizer, ends, padding_of(self.described))

    @property
    def _settings(self) -> list[dict[str, Any]]:
        """What the checkpoint says of its special tokens, the weightier first."""
        own = [parse_object(self.files[GENERATION], GENERATION)] if GENERATION in self.files else []
        return [*own, self.described]

    @cached_property
    def _limit(self) -> int | None:
        """How many tokens the model sees, those that it writes among them."""
        return positions_of(self.described)

    def _tokenize(self) -> TextTokenizer:
        if self.config.pooling != "echo":
            return super()._tokenize()
        raw = parse_tokenizer(self._file(_TOKENIZER), _TOKENIZER)
        lowercase = bool(self.config.do_lower_case)
        return EchoTokenizer(raw, self.config.max_length or 1, prompt=self.config.prompt, lowercase=lowercase)

    def _load(self) -> Loaded:
        dtype = dtype_of(self.config.dtype, device_of(self.config.device))
        return open_decoder(self.described, self.tensors, dtype, self.name)

    def _encode(self, text: str) -> list[int]:
        return list(self._voice.tokenizer.encode(text).ids)

    def _prompt(self, text: str, config: GenerateConfig, encode: Callable[[str], list[int]]) -> list[int]:
        room = (1 << 20 if self._limit is None else self._limit) - 1
        ids = encode_prompt(text, encode, room, config.truncate)
        if not ids:
            ids = special_ids(self._settings, "bos_token_id")[:1]
        if not ids:
            raise InputError(
                "prompt", "it is empty, and the model has no token to begin with", "write something"
            )
        return ids

    def _whole(self, text: str) -> list[int]:
        """Return the ids of a text of any length, tokenised 65,536 characters at a time."""
        tokenizer = self._voice.tokenizer
        first = cut(text, 0, _BLOCK)
        ids = list(tokenizer.encode(first).ids)
        at = len(first)
        while at < len(text):
            block = cut(text, at, _BLOCK)
            ids += tokenizer.encode(block, add_special_tokens=False).ids
            at += len(block)
        return ids
