"""Text to tokens: the choices that every counting and static method offers, by name.

``unicode``     runs of two or more word characters, scikit-learn's default
``words``       runs of word characters and each punctuation mark by itself (what static vectors expect)
``pattern``     what a regular expression of one's own finds
``characters``  every character that is not white space: Chinese without a dictionary
``whitespace``  what white space separates: text that is already segmented
``jieba``       Chinese segmentation with jieba, an extra
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from itertools import islice
from typing import Literal, TypeAlias, get_args

from lexarium.config import require
from lexarium.errors import ConfigError, MissingExtraError

__all__ = ["Tokenize", "TokenizerName", "check_choice", "is_mostly_chinese", "tokenizer"]

TokenizerName: TypeAlias = Literal["unicode", "words", "pattern", "characters", "whitespace", "jieba"]
Tokenize: TypeAlias = Callable[[str], list[str]]

#: What ``unicode`` finds; scikit-learn's default ``token_pattern``.
UNICODE_WORDS = r"(?u)\b\w\w+\b"
_WORDS_AND_MARKS = r"\w+|[^\w\s]"
_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTERS = re.compile(r"[^\W\d_]")
_SAMPLE = 200


def tokenizer(name: TokenizerName, pattern: str | None = None) -> Tokenize:
    """Return the function that turns a text into its tokens.

    :raises ConfigError: there is no choice of that name; the pattern is not a regular expression, or has more
        than one group.
    :raises MissingExtraError: ``jieba`` is asked for and not installed.
    """
    if name == "pattern":
        return _find(pattern or UNICODE_WORDS)
    if name == "unicode":
        return _find(UNICODE_WORDS)
    if name == "words":
        return _find(_WORDS_AND_MARKS)
    if name == "characters":
        return lambda text: [character for character in text if not character.isspace()]
    if name == "whitespace":
        return str.split
    if name == "jieba":
        return _jieba()
    raise ConfigError("tokenizer", f"{name!r:.60} is none", known=get_args(TokenizerName))


def check_choice(name: TokenizerName, pattern: str | None) -> None:
    """Check a method's two settings about tokens against each other.

    :raises ConfigError: ``pattern`` is missing though needed, has no effect, or is no regular expression.
    """
    given = pattern is not None
    require("token_pattern", given or name != "pattern", "is missing; tokenizer=pattern needs one")
    require("token_pattern", not given or name == "pattern", "has no effect unless tokenizer=pattern")
    if pattern is not None:
        _find(pattern)


def is_mostly_chinese(texts: Iterable[str]) -> bool:
    """Tell whether more than 30 % of the letters in the first 200 texts are Chinese characters."""
    sample = " ".join(islice(texts, _SAMPLE))
    return len(_CHINESE.findall(sample)) > 0.3 * max(1, len(_LETTERS.findall(sample)))


def _find(pattern: str) -> Tokenize:
    require("token_pattern", isinstance(pattern, str), f"{pattern!r:.60} is not text")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ConfigError("token_pattern", f"{pattern!r} is not a regular expression: {error}") from error
    if compiled.groups > 1:
        raise ConfigError(
            "token_pattern", f"{pattern!r} has {compiled.groups} groups; at most one may capture"
        )
    return compiled.findall


@cache
def _jieba() -> Tokenize:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's own: old escapes, pkg_resources
        try:
            import jieba  # noqa: PLC0415  an extra
        except ImportError as error:
            raise MissingExtraError("tokenizer=jieba", "jieba", "lexarium-core[jieba]") from error
    segmenter = jieba.Tokenizer()
    # jieba would keep its dictionary with marshal in the shared temporary folder, where others write too.
    segmenter.FREQ, segmenter.total = segmenter.gen_pfdict(segmenter.get_dict_file())
    segmenter.initialized = True
    return lambda text: [token for token in segmenter.lcut(text) if not token.isspace()]
