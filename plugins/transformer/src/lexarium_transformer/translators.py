"""Tokenizers of Marian and M2M-100, which keep models of sentencepiece beside a list of tokens.

transformers 5 has no ``tokenizer.json`` of them: sentencepiece cuts a text, and ``vocab.json`` gives the ids
of the pieces. Here both become one tokenizer. Where a text has characters that are in no piece, sentencepiece
takes all that follow each other for one piece, which may be a token, too; no other token that is no piece is
ever found in a text. Three marks, put into tokens and texts, bring that about.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram
from tokenizers.processors import TemplateProcessing

from lexarium.checkpoint.paths import read_small
from lexarium.errors import CheckpointError, UnsupportedError
from lexarium.strict_json import parse_object
from lexarium_transformer.sentencepieces import BLANK, parse_pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from lexarium_transformer.sentencepieces import SentencePieces

__all__ = ["MARKS", "target_tokenizer", "translator_files"]

_VOCABULARY, _TARGETS = "vocab.json", "target_vocab.json"
_MARIAN = ("source.spm", "target.spm", _VOCABULARY)
_M2M = ("sentencepiece.bpe.model", _VOCABULARY)
_MOST = 32 * 2**20  # bytes of each; the largest, of 128,000 tokens, take some 4 MB
_TARGET = re.compile(r">>[^<>]{1,32}<<")  # what says to Marian with several languages which one to write
_SPECIAL = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}
#: Before and after characters that are in no piece; and before tokens that no text is cut into.
_BEGINS, _ENDS, _HIDDEN = "\U0010fffb", "\U0010fffc", "\U0010fffd"
MARKS = _BEGINS + _ENDS + _HIDDEN
_NEVER = -1e5  # the score of a token that is no piece: below that of any way through a word
_OUTER = "^ +| +$"  # blanks at both ends
_AGAIN = "fetch it again"


def translator_files(path: Path, settings: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of such a tokenizer, and the ``tokenizer.json`` made of them; none if it is no such.

    ``settings`` are those of ``tokenizer_config.json``. A piece that is no token is written with smaller
    ones, where transformers gives the unknown token.

    :raises CheckpointError: a file is damaged, or they do not go together.
    :raises UnsupportedError: what is written has a vocabulary of its own; or sentencepiece cuts in another
        way than by a unigram model or by merges that are tokens.
    """
    names = next((found for found in (_MARIAN, _M2M) if all((path / n).is_file() for n in found)), None)
    if names is None:
        return {}
    if (path / _TARGETS).is_file() or settings.get("separate_vocabs"):
        what = f"{path}: what is written has a vocabulary of its own, {_TARGETS}"
        raise UnsupportedError(what, "take a checkpoint whose languages share one vocabulary")
    files = {name: _read(path / name) for name in names}
    pieces = parse_pieces(files[names[0]], str(path / names[0]))
    tokens = _tokens(files[_VOCABULARY], str(path / _VOCABULARY))
    special = _special(settings)
    for token in special.values():
        if token not in tokens:
            raise CheckpointError(path / _VOCABULARY, f"there is no token {token!r}", _AGAIN)
    marian = names is _MARIAN
    languages = [one for one in tokens if _TARGET.fullmatch(one)] if marian else _m2m_languages(settings)
    lead = [] if marian else [f"__{settings.get('src_lang') or 'en'}__"]
    if not set(lead) <= set(languages):
        raise CheckpointError(path / "tokenizer_config.json", f"{lead[0]} is no language of it", _AGAIN)
    try:
        tokenizer = _join(pieces, tokens, [*special.values(), *languages], special["unk_token"])
        around = [(one, tokenizer.token_to_id(one)) for one in (*lead, special["eos_token"])]
        template = " ".join([*lead, "$A", special["eos_token"]])
        tokenizer.post_processor = TemplateProcessing(single=template, pair=None, special_tokens=around)
        tokenizer.encode("a 电影")  # a damaged map of characters shows at the first text
        made: str = tokenizer.to_str()
    except (KeyboardInterrupt, SystemExit, MemoryError, UnsupportedError):
        raise
    except BaseException as error:  # pyo3's PanicException is no Exception
        first = (f"{error}".splitlines() or [type(error).__name__])[0]
        raise CheckpointError(path, f"there is no tokenizer that can be read ({first})", _AGAIN) from error
    return {**files, "tokenizer.json": made.encode()}


def target_tokenizer(files: Mapping[str, bytes], settings: Mapping[str, Any]) -> Tokenizer | None:
    """Return the tokenizer of what a model of Marian writes, whose ``files`` these are; None of another.

    ``settings`` are those of ``tokenizer_config.json``.

    :raises CheckpointError: a file is damaged.
    """
    if not set(_MARIAN) <= files.keys():
        return None
    side = _MARIAN[1]
    tokens, special = _tokens(files[_VOCABULARY], _VOCABULARY), _special(settings)
    languages = [one for one in tokens if _TARGET.fullmatch(one)]
    pieces = parse_pieces(files[side], side)
    tokenizer = _join(pieces, tokens, [*special.values(), *languages], special["unk_token"])
    end = special["eos_token"]
    around = [(end, tokenizer.token_to_id(end))]
    tokenizer.post_processor = TemplateProcessing(single=f"$A {end}", pair=None, special_tokens=around)
    return tokenizer


def _special(settings: Mapping[str, Any]) -> dict[str, str]:
    return {key: _named(settings.get(key)) or usual for key, usual in _SPECIAL.items()}


def _join(
    pieces: SentencePieces, tokens: Mapping[str, int], special: Collection[str], unknown: str
) -> Tokenizer:
    """Return a tokenizer that cuts text into ``pieces``, with the ids of ``tokens``."""
    alphabet = frozenset(" " + BLANK).union(*pieces.scores)
    names = {token: _name(token, pieces, special, alphabet) for token in tokens}
    if pieces.unigram:
        order = sorted(tokens, key=tokens.__getitem__)
        scored = [(names[token], pieces.scores.get(token, _NEVER)) for token in order]
        model: Any = Unigram(scored, unk_id=tokens[unknown], byte_fallback=False)
    else:
        ids = {names[token]: number for token, number in tokens.items()}
        merges = _merges(pieces.scores, tokens)
        model = BPE(ids, merges, unk_token=unknown, fuse_unk=True, ignore_merges=True)  # whole strange parts
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(_steps(pieces, alphabet))
    scheme = "always" if pieces.prefix else "never"
    words = not any(BLANK in piece[1:] for piece in pieces.scores)  # no piece goes beyond a word
    cut: list[Any] = [pre_tokenizers.Metaspace(BLANK, scheme, split=words)]
    cut += [] if pieces.unigram else [pre_tokenizers.Split(Regex(f"{_BEGINS}[^{_ENDS}]*{_ENDS}"), "isolated")]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(cut)
    plain: list[Any] = [decoders.Replace(mark, "") for mark in MARKS]
    joined: list[Any] = [
        decoders.Metaspace(BLANK, scheme),
        decoders.Fuse(),
        decoders.Replace(Regex(_OUTER), ""),
    ]
    tokenizer.decoder = decoders.Sequence([*plain, *joined])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def _name(token: str, pieces: SentencePieces, special: Collection[str], alphabet: frozenset[str]) -> str:
    """Return a token as the tokenizer knows it: with marks where it is neither a piece nor special."""
    if token in pieces.scores or token in special:
        return token
    return f"{_BEGINS}{token}{_ENDS}" if alphabet.isdisjoint(token) else _HIDDEN + token


def _steps(pieces: SentencePieces, alphabet: Collection[str]) -> list[Any]:
    """Return what is done to a text before it is cut."""
    steps: list[Any] = [normalizers.Precompiled(pieces.charsmap)] if pieces.charsmap else []
    if pieces.tidy:
        steps += [normalizers.Replace(Regex(_OUTER), ""), normalizers.Replace(Regex(" {2,}"), " ")]
    strange = f"[^{_ranges(alphabet)}]"
    return [
        *steps,
        normalizers.Replace(Regex(f"(?<!{strange})(?={strange})"), _BEGINS),
        normalizers.Replace(Regex(f"(?<={strange})(?!{strange})"), _ENDS),
    ]


def _ranges(letters: Collection[str]) -> str:
    """Return letters as the inside of a class of a regular expression."""
    found: list[list[int]] = []
    for number in sorted(map(ord, letters)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return "".join(f"\\x{{{first:x}}}-\\x{{{last:x}}}" for first, last in found)


def _merges(scores: Mapping[str, float], tokens: Collection[str]) -> list[tuple[str, str]]:
    """Return the pairs that become one piece, in the order of the pieces' scores.

    :raises UnsupportedError: a piece that is no token is a part of another.
    """
    merges = []
    for piece in sorted(scores, key=lambda piece: -scores[piece]):
        pairs = [(piece[:at], piece[at:]) for at in range(1, len(piece))]
        made = [pair for pair in pairs if pair[0] in scores and pair[1] in scores]
        absent = next((part for pair in made for part in pair if part not in tokens), None)
        if absent is not None:
            what = f"sentencepiece merges {absent!r}, which is no token of {_VOCABULARY}"
            raise UnsupportedError(what, "take a checkpoint with a tokenizer.json")
        merges += made if piece in tokens else []
    return merges


def _m2m_languages(settings: Mapping[str, Any]) -> list[str]:
    from transformers.models.m2m_100.tokenization_m2m_100 import (  # noqa: PLC0415  takes seconds
        FAIRSEQ_LANGUAGE_CODES,
    )

    group = str(settings.get("language_codes") or "m2m100")
    return [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES.get(group, [])]


def _tokens(raw: bytes, where: str) -> dict[str, int]:
    """Return the tokens with their ids, which are 0 to n - 1."""
    found = parse_object(raw, where)
    ids = [number for number in found.values() if type(number) is int]
    if len(ids) != len(found) or sorted(ids) != list(range(len(ids))):
        raise CheckpointError(where, f"its ids are not the numbers from 0 to {len(found) - 1}", _AGAIN)
    return found


def _read(path: Path) -> bytes:
    try:
        return read_small(path, _MOST)
    except OSError as error:
        raise CheckpointError(path, f"cannot be read: {error.strerror or error}", _AGAIN) from error


def _named(token: Any) -> str:  # noqa: ANN401  a token is a text, or an object that holds one
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else ""
