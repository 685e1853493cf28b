"""``translate``, ``summarize`` and ``text2text`` for Python callers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lexarium.errors import UnsupportedError
from lexarium_t5.embedder import T5

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.generation import Generated
    from lexarium.zoo import Zoo

__all__ = ["summarize", "text2text", "translate"]


def translate(
    zoo: Zoo,
    model: str,
    texts: Sequence[str],
    *,
    source: str | None = None,
    target: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> list[Generated]:
    """Translate texts with a stored model: the Python verb of ``lexarium translate``.

    ``source`` and ``target`` are languages, as ``"en"`` or as the model calls them (``"eng_Latn"``).
    ``config`` holds settings of :class:`~lexarium.generation.GenerateConfig`; the rest is the checkpoint's.

    :raises UnsupportedError: the model is no encoder-decoder, or nothing says that it translates.
    :raises ConfigError: the model does not know a language, or a setting.
    :raises InputError: a text is longer than the model can see.
    """
    opened = _opened(zoo, model)
    task = opened.translation(source, target)
    return opened.perform(task, texts, opened.settings(task, config))


def summarize(
    zoo: Zoo, model: str, texts: Sequence[str], *, config: Mapping[str, Any] | None = None
) -> list[Generated]:
    """Summarise texts with a stored model: the Python verb of ``lexarium summarize``.

    The prefix and the lengths are those that the checkpoint's config states for summaries, if it does.

    :raises UnsupportedError: the model is no encoder-decoder.
    :raises ConfigError: a setting does not go with the model.
    :raises InputError: a text is longer than the model can see.
    """
    opened = _opened(zoo, model)
    task = opened.summary()
    return opened.perform(task, texts, opened.settings(task, config))


def text2text(
    zoo: Zoo, model: str, texts: Sequence[str], *, config: Mapping[str, Any] | None = None
) -> list[Generated]:
    """Write a text for each text with a stored model: the Python verb of ``lexarium text2text``.

    :raises UnsupportedError: the model is no encoder-decoder.
    :raises ConfigError: a setting does not go with the model.
    :raises InputError: a text is longer than the model can see.
    """
    opened = _opened(zoo, model)
    task = opened.plain()
    return opened.perform(task, texts, opened.settings(task, config))


def _opened(zoo: Zoo, model: str) -> T5:
    opened = zoo.load(model)
    if not isinstance(opened, T5):
        raise UnsupportedError(f"{model} writes no texts for texts", "name a model that was imported as t5")
    return opened
