"""Translation, summaries and plain text to text: what a checkpoint says about each."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lexarium.errors import ConfigError, UnsupportedError
from lexarium_t5.languages import find_language, language_tokens, target_tokens
from lexarium_t5.speech import Frame, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenizers import Tokenizer

__all__ = ["Languages", "plain", "summary", "translation", "usual_settings"]

_log = logging.getLogger("lexarium")
_PAIR = re.compile(r"translation_([A-Za-z-]+)_to_([A-Za-z-]+)")
_ALIKE: Mapping[str, type] = {
    "num_beams": int,
    "no_repeat_ngram_size": int,
    "length_penalty": float,
    "repetition_penalty": float,
    "early_stopping": bool,
    "max_new_tokens": int,
    "min_new_tokens": int,
}
_DRAWN: Mapping[str, type] = {"temperature": float, "top_k": int, "top_p": float}
_OTHERWISE = "write the task yourself: lexarium text2text NAME 'translate ...'"


@dataclass(frozen=True, kw_only=True)
class Languages:
    """From which language to which; ``settings`` are those of the tokenizer, which may name them."""

    source: str | None = None
    target: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


def usual_settings(stated: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the settings of :class:`~lexarium.generation.GenerateConfig` that a checkpoint states.

    Of ``stated``, settings by transformers' names, the earlier go before the later. ``max_length`` and
    ``min_length`` count the token that the decoder begins with.
    """
    said: dict[str, Any] = {}
    for settings in reversed(stated):
        said |= {key: value for key, value in settings.items() if value is not None}
    found = _typed(said, _ALIKE)
    for ours, theirs in (("max_new_tokens", "max_length"), ("min_new_tokens", "min_length")):
        length = said.get(theirs)
        if ours not in found and type(length) is int and length > 1:
            found[ours] = length - 1
    found["do_sample"] = said.get("do_sample") is True
    if found["do_sample"]:
        found |= _typed(said, _DRAWN)
    if "max_new_tokens" in found and found.get("min_new_tokens", 0) > found["max_new_tokens"]:
        found["min_new_tokens"] = found["max_new_tokens"]
    return found


def plain(stated: Sequence[Mapping[str, Any]]) -> Task:
    """Return the task without words or tokens of its own."""
    return Task(usual=usual_settings(stated))


def summary(described: Mapping[str, Any], stated: Sequence[Mapping[str, Any]]) -> Task:
    """Return the task of summaries: with the prefix and the lengths that the config states, if it does."""
    own = _tasks(described).get("summarization", {})
    return Task(prefix=_prefix(own), usual=usual_settings([own, *stated]))


def translation(
    described: Mapping[str, Any],
    stated: Sequence[Mapping[str, Any]],
    tokenizer: Tokenizer,
    frame: Frame,
    languages: Languages,
) -> Task:
    """Return the task of translating.

    A language is said by a token (mBART, M2M-100, NLLB; Marian with several targets), or by a prefix that
    the config states (T5), or by nothing: Marian with one pair.

    :raises ConfigError: the model does not know a language, or one must be named.
    :raises UnsupportedError: nothing says that the model translates.
    """
    tokens = language_tokens(tokenizer)
    if tokens:
        at_start = described["model_type"] == "mbart" and not set(tokens.values()).isdisjoint(frame.trail)
        task = _by_tokens(tokens, frame, languages, "decoder_start" if at_start else "forced_bos")
        return replace(task, usual=usual_settings(stated))
    pairs = {m.groups(): own for name, own in _tasks(described).items() if (m := _PAIR.fullmatch(name))}
    if pairs:
        own = _pair(pairs, languages)
        return Task(prefix=_prefix(own), usual=usual_settings([own, *stated]))
    if described["model_type"] == "marian":
        found = _marian(target_tokens(tokenizer), frame, languages)
        return Task(frame=found, usual=usual_settings(stated))
    what = f"the model ({described['model_type']}) states no languages: neither tokens nor prefixes"
    raise UnsupportedError(what, _OTHERWISE)


def _by_tokens(tokens: Mapping[str, int], frame: Frame, languages: Languages, place: str) -> Task:
    """Return the task where the decoder's first token is the language (mBART-50), or its start is (mBART)."""
    goal = tokens[find_language("to", languages.target, tokens)]
    told = {f"{place}_token_id": goal}
    if languages.source is None:
        return Task(frame=frame, settings=told)
    origin = tokens[find_language("from", languages.source, tokens)]
    every = set(tokens.values())
    lead, trail = (tuple(origin if one in every else one for one in ids) for ids in (frame.lead, frame.trail))
    if origin not in {*lead, *trail}:
        lead = (origin, *lead)
    return Task(frame=Frame(lead=lead, trail=trail), settings=told)


def _marian(goals: Mapping[str, int], frame: Frame, languages: Languages) -> Frame:
    """Return the tokens around a text; languages that the tokenizer's settings deny are an error.

    Where they say none, any is taken, with a warning.
    """
    stated = [("from", languages.source, "source_lang")]
    stated += [] if goals else [("to", languages.target, "target_lang")]
    unknown = []
    for key, asked, name in stated:
        known = languages.settings.get(name)
        if asked is not None and isinstance(known, str) and known:
            find_language(key, asked, known.split("+"))
        elif asked is not None:
            unknown.append(f"{key} {asked}")
    if unknown:
        _log.warning(
            "the model does not say its languages: that it translates %s is taken on trust", " ".join(unknown)
        )
    if not goals:
        return frame
    goal = goals[find_language("to", languages.target, goals)]
    return Frame(lead=(goal, *frame.lead), trail=frame.trail)


def _pair(pairs: Mapping[tuple[str, ...], Mapping[str, Any]], languages: Languages) -> Mapping[str, Any]:
    """Return what is stated for two languages; one that is left open is clear where there is one alone."""
    asked = [one and one.strip().lower() for one in (languages.source, languages.target)]
    fits = [p for p in pairs if all(a is None or a == b.lower() for a, b in zip(asked, p, strict=True))]
    if len(fits) == 1:
        return pairs[fits[0]]
    listed = ", ".join(f"{one} to {other}" for one, other in sorted(pairs))
    what = f"{languages.source or 'any'} to {languages.target or 'any'}"
    problem = "may be several" if fits else "is nothing that the model states"
    raise ConfigError("to", f"{what} {problem}; it states {listed}; for others {_OTHERWISE}")


def _tasks(described: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    stated = described.get("task_specific_params")
    tasks = stated if isinstance(stated, dict) else {}
    return {name: own for name, own in tasks.items() if isinstance(own, dict)}


def _prefix(own: Mapping[str, Any]) -> str:
    prefix = own.get("prefix")
    return prefix if isinstance(prefix, str) else ""


def _typed(said: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Return the settings whose values are of their kind; an integer stands for a float as well."""
    found: dict[str, Any] = {}
    for key, kind in kinds.items():
        value = said.get(key)
        if type(value) is kind or (kind is float and type(value) is int):
            found[key] = value
    return found
