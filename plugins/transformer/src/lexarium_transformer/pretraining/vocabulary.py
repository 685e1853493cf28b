"""Tokenizers learned from texts: WordPiece, byte-level BPE and Unigram; the same texts give the same one."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing

from lexarium.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["SENTINELS", "described", "learn_bytes", "learn_unigram", "learn_wordpiece"]

SENTINELS = 100  # that T5 has for the spans that are taken out of a text
_WORDPIECE = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_UNIGRAM = ["<pad>", "</s>", "<unk>"]
_END = "<|endoftext|>"
_BYTES = 256
_COVERED = 0.99  # of the letters of a text must be known
_LONGEST = 1 << 16  # bytes of a line for sentencepiece, which leaves out longer ones
_ENLARGE = "raise vocab_size"


def learn_wordpiece(texts: Callable[[], Iterator[str]], most: int, *, lowercase: bool) -> Tokenizer:
    """Learn WordPiece tokens (Schuster and Nakajima, 2012) as BERT has them; Chinese characters stand alone.

    Letters that do not find a place among ``most`` tokens, the rarest, are unknown.

    :raises ConfigError: ``most`` is too few for the letters of 99 % of the text.
    """
    letters, inner = _letters(_empty_wordpiece(lowercase=lowercase), texts(), most)
    learner = _empty_wordpiece(lowercase=lowercase)
    # The trainer numbers letters inside of words ("##e") as it meets them, in an order that changes from run
    # to run, and breaks ties by number. Named as special tokens, they have their numbers before it begins.
    trainer = trainers.WordPieceTrainer(
        vocab_size=most,
        special_tokens=[*_WORDPIECE, *(f"##{letter}" for letter in inner)],
        initial_alphabet=letters,
        limit_alphabet=len(letters),
        show_progress=False,
    )
    learner.train_from_iterator(texts(), trainer)
    tokenizer = _empty_wordpiece(learner.get_vocab(), lowercase=lowercase)
    tokenizer.add_special_tokens(_WORDPIECE)
    ends = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return tokenizer


def _empty_wordpiece(vocabulary: Mapping[str, int] | None = None, *, lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(dict(vocabulary or {}), unk_token="[UNK]"))  # noqa: S106  no password
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def _letters(tokenizer: Tokenizer, texts: Iterator[str], most: int) -> tuple[list[str], list[str]]:
    """Return the letters that have a place, and those of them that stand inside of words, both sorted."""
    normalize, split = tokenizer.normalizer.normalize_str, tokenizer.pre_tokenizer.pre_tokenize_str
    words = Counter(word for text in texts for word, _ in split(normalize(text)))
    counts: Counter[str] = Counter()
    inside: set[str] = set()
    for word, count in words.items():
        for letter in word:
            counts[letter] += count
        inside.update(word[1:])
    room, covered = most - len(_WORDPIECE), 0
    kept: list[str] = []
    for letter, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        room -= 2 if letter in inside else 1
        if room < 0:
            break
        kept.append(letter)
        covered += count
    if covered < _COVERED * counts.total():
        raise ConfigError("vocab_size", f"{most} is too few for the letters of the corpus; {_ENLARGE}")
    return sorted(kept), sorted(inside.intersection(kept))


def learn_bytes(texts: Callable[[], Iterator[str]], most: int, *, lowercase: bool) -> Tokenizer:
    """Learn byte pairs (Sennrich et al., 2016) over UTF-8 bytes as GPT-2 has them: nothing is unknown.

    :raises ConfigError: ``most`` is fewer than the 256 bytes and the token that ends a text.
    """
    if most <= _BYTES:
        raise ConfigError("vocab_size", f"{most} is fewer than the {_BYTES} bytes and the end of a text")
    tokenizer = Tokenizer(models.BPE())
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=most,
        special_tokens=[_END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts(), trainer)
    return tokenizer


def learn_unigram(texts: Callable[[], Iterator[str]], most: int, *, lowercase: bool) -> Tokenizer:
    """Learn a unigram model (Kudo, 2018) as T5 has it, with its 100 sentinels among the ``most`` tokens.

    sentencepiece learns it, T5's own library, on one thread: the trainer of ``tokenizers`` gives other
    probabilities on every run.

    :raises ConfigError: ``most`` is too few for the characters of the corpus.
    :raises DataError: the corpus is too small to learn from.
    """
    import sentencepiece  # noqa: PLC0415  only this tokenizer needs it

    pieces = most - SENTINELS
    if pieces <= len(_UNIGRAM):
        raise ConfigError("vocab_size", f"{most} leaves no token beside {SENTINELS} sentinels; {_ENLARGE}")
    lines = (text.lower() if lowercase else text for text in texts())
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(" ".join(line.split()) for line in lines),
            model_writer=written,
            model_type="unigram",
            vocab_size=pieces,
            hard_vocab_limit=False,
            normalization_rule_name="nfkc",
            max_sentence_length=_LONGEST,
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            pad_piece="<pad>",
            eos_piece="</s>",
            unk_piece="<unk>",
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        if "smaller than required_chars" in str(error):
            problem = f"{most} is too few for the characters of the corpus; {_ENLARGE}"
            raise ConfigError("vocab_size", problem) from error
        reason = (str(error).splitlines() or [""])[0]
        raise DataError(f"no tokens can be learned from this corpus ({reason})", "give more text") from error
    learned = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    scores = [(learned.id_to_piece(i), learned.get_score(i)) for i in range(learned.get_piece_size())]
    return _unigram(scores, lowercase=lowercase)


def _unigram(scores: list[tuple[str, float]], *, lowercase: bool) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=2, byte_fallback=False))
    case = [normalizers.Lowercase()] if lowercase else []
    tokenizer.normalizer = normalizers.Sequence(
        [*case, normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.add_special_tokens(_UNIGRAM)
    # As in T5's own vocabulary, the first sentinel has the highest id.
    sentinels = [f"<extra_id_{number}>" for number in reversed(range(SENTINELS))]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in sentinels])
    end = ("</s>", tokenizer.token_to_id("</s>"))
    tokenizer.post_processor = TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[end]
    )
    return tokenizer


def described(tokenizer: Tokenizer, names: Mapping[str, str], max_length: int) -> dict[str, bytes]:
    """Return the files with which transformers' ``AutoTokenizer`` opens it; ``names`` of special tokens."""
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "clean_up_tokenization_spaces": False,
        **names,
    }
    return {
        "tokenizer.json": tokenizer.to_str().encode(),
        "tokenizer_config.json": (json.dumps(settings, indent=2) + "\n").encode(),
        "special_tokens_map.json": (json.dumps(dict(names), indent=2) + "\n").encode(),
    }
