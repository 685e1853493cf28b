"""What models that write text are asked for by name: the Python verbs of the commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from lexarium.errors import UnsupportedError
from lexarium.generation import Chats, Generator, Predicts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lexarium.generation import GenerateConfig, Generated, Perplexity
    from lexarium.zoo import Zoo

__all__ = ["ChatsTogether", "chat", "generate", "generator_of", "perplexity"]


@runtime_checkable
class ChatsTogether(Chats, Protocol):
    """Models that answer several conversations at a time."""

    def chat_all(
        self, chats: Sequence[Sequence[Mapping[str, str]]], config: GenerateConfig | None = None
    ) -> list[Generated]:
        """Return the answer to each conversation, as :meth:`chat` gives it, in order."""
        ...


def generate(
    zoo: Zoo, model: str, prompts: Sequence[str], config: GenerateConfig | None = None
) -> list[Generated]:
    """Go on with prompts: the Python verb of ``lexarium generate``.

    :raises UnsupportedError: the model writes no text.
    """
    return generator_of(zoo, model).generate(prompts, config)


def chat(
    zoo: Zoo,
    model: str,
    messages: Sequence[Mapping[str, str]],
    config: GenerateConfig | None = None,
    on_text: Callable[[str], object] | None = None,
) -> Generated:
    """Answer messages of ``role`` and ``content``: the Python verb of ``lexarium generate --chat``.

    :raises UnsupportedError: the model writes no text, or was not trained on conversations.
    """
    opened = generator_of(zoo, model)
    if not isinstance(opened, Chats):
        raise UnsupportedError(f"{model} answers no messages", "give it a plain prompt, without --chat")
    return opened.chat(messages, config, on_text)


def perplexity(zoo: Zoo, model: str, texts: Sequence[str], stride: int | None = None) -> list[Perplexity]:
    """Say how well a model predicts each text: the Python verb of ``lexarium perplexity``.

    :raises UnsupportedError: the model predicts no next token.
    """
    opened = zoo.load(model)
    if not isinstance(opened, Predicts):
        raise UnsupportedError(f"{model} predicts no next token", "name a model that was imported as gpt")
    return opened.perplexity(texts, stride)


def generator_of(zoo: Zoo, model: str) -> Generator:
    """Open a stored model that writes text.

    :raises UnsupportedError: it writes none.
    """
    opened = zoo.load(model)
    if not isinstance(opened, Generator):
        raise UnsupportedError(f"{model} writes no text", "name a model that does, one imported as gpt")
    return opened
