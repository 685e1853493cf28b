"""Languages as people and models call them: ``zh`` is ``zh_CN``, ``__zh__``, ``zho_Hans``, ``>>zho<<``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lexarium.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tokenizers import Tokenizer

__all__ = ["find_language", "language_tokens", "target_tokens"]

#: M2M-100's ``__zh__``, mBART's ``zh_CN``, NLLB's ``zho_Hans`` (FLORES-200).
_LANGUAGE = re.compile(r"__([a-z]{2,3})__|([a-z]{2,3}_[A-Z]{2})|([a-z]{3}_[A-Z][a-z]{3})")
#: What models of Marian with several target languages have at the beginning of a text.
_TARGET = re.compile(r">>([A-Za-z_]{2,16})<<")
#: ISO 639-1 to the ISO 639-3 codes that FLORES-200 and OPUS-MT use.
_THREE = {
    "af": "afr", "am": "amh", "ar": "arb", "az": "azj", "be": "bel", "bg": "bul", "bn": "ben", "bs": "bos",
    "ca": "cat", "cs": "ces", "cy": "cym", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "eo": "epo",
    "es": "spa", "et": "est", "eu": "eus", "fa": "pes", "fi": "fin", "fr": "fra", "ga": "gle", "gl": "glg",
    "gu": "guj", "ha": "hau", "he": "heb", "hi": "hin", "hr": "hrv", "hu": "hun", "hy": "hye", "id": "ind",
    "ig": "ibo", "is": "isl", "it": "ita", "ja": "jpn", "ka": "kat", "kk": "kaz", "km": "khm", "kn": "kan",
    "ko": "kor", "ky": "kir", "lo": "lao", "lt": "lit", "lv": "lvs", "mk": "mkd", "ml": "mal", "mn": "khk",
    "mr": "mar", "ms": "zsm", "my": "mya", "ne": "npi", "nl": "nld", "no": "nob", "pa": "pan", "pl": "pol",
    "ps": "pbt", "pt": "por", "ro": "ron", "ru": "rus", "sd": "snd", "si": "sin", "sk": "slk", "sl": "slv",
    "so": "som", "sq": "als", "sr": "srp", "sv": "swe", "sw": "swh", "ta": "tam", "te": "tel", "th": "tha",
    "tl": "tgl", "tr": "tur", "uk": "ukr", "ur": "urd", "uz": "uzn", "vi": "vie", "xh": "xho", "yo": "yor",
    "zh": "zho", "zu": "zul",
}  # fmt: skip
#: Which script is meant where a model has several of a language and none was named.
_USUAL = ("zho_Hans", "arb_Arab")
_SHOWN = 60


def language_tokens(tokenizer: Tokenizer) -> dict[str, int]:
    """Return the languages that a model has a special token for, by the model's code, with its id."""
    found = {}
    for number, token in tokenizer.get_added_tokens_decoder().items():
        code = _LANGUAGE.fullmatch(token.content)
        if code and token.special:
            found[next(part for part in code.groups() if part)] = int(number)
    return found


def target_tokens(tokenizer: Tokenizer) -> dict[str, int]:
    """Return the languages that a Marian model writes, where a token says which: ``>>zho<<``."""
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    matches = ((_TARGET.fullmatch(token), number) for token, number in vocabulary.items())
    return {code[1]: int(number) for code, number in matches if code}


def find_language(key: str, asked: str | None, known: Mapping[str, object] | Sequence[str]) -> str:
    """Return the model's code of a language: the same, or the one whose first part it is.

    :raises ConfigError: none is named, the model does not know it, or it has several of that name.
    """
    codes = sorted(known)
    listed = ", ".join(codes[:_SHOWN]) + (f" and {len(codes) - _SHOWN} more" if len(codes) > _SHOWN else "")
    if asked is None:
        raise ConfigError(key, f"say which language; the model knows {listed}")
    wanted = asked.strip().lower().replace("-", "_")
    exact = [code for code in codes if code.lower() == wanted]
    names = {wanted, _THREE.get(wanted, wanted)}
    found = exact or [code for code in codes if code.lower().partition("_")[0] in names]
    usual = [code for code in found if code in _USUAL]
    if len(found) > 1 and len(usual) != 1:
        raise ConfigError(key, f"{asked!r} may be {' or '.join(found)}: say which")
    if not found:
        raise ConfigError(key, f"the model does not know the language {asked!r}; it knows {listed}")
    return (usual or found)[0]
