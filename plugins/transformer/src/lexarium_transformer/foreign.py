"""Encoders that transformers computes: its own class by ``model_type``, never code from a checkpoint."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from lexarium.errors import CheckpointError, LexariumError, UnsupportedError
from lexarium.strict_json import FLOAT
from lexarium_transformer.encoders import compare_names, modern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ENCODERS",
    "REFUSED",
    "REQUIRED",
    "Foreign",
    "HeadKind",
    "Kind",
    "base_prefix",
    "causal_model",
    "class_of",
    "empty_model",
    "kind_of",
    "masked_model",
    "number_of",
    "open_foreign",
    "quiet",
    "refused",
    "seq2seq_model",
    "text_model",
    "tied_names",
    "why_refused",
]

Kind = str  # encoder, decoder, encoder-decoder or other
#: What stands on the network: nothing, the head that fills masks, the one that predicts the next token, or
#: that of an encoder and a decoder together; or ``text``: the encoder of such a pair without its decoder.
HeadKind: TypeAlias = Literal["none", "masked", "causal", "seq2seq", "text"]
_POOLER = "pooler."
_SHOWN = 200  # characters of what transformers says
#: Encoders whose vectors tests hold to what each text has alone, beside a longer one as well. Others may see
#: what a text is filled up with (FNet mixes all places, ConvBERT those next to each other): they are given
#: texts of one length.
ENCODERS = (
    "albert", "bert", "big_bird", "camembert", "data2vec-text", "deberta", "deberta-v2", "distilbert",
    "electra", "ernie", "eurobert", "flaubert", "longformer", "luke", "megatron-bert", "modernbert", "mpnet",
    "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer", "xlm", "xlm-roberta",
    "xlm-roberta-xl", "xmod",
)  # fmt: skip
#: What the config of an architecture must say, so that no text's states depend on another's: BigBird's sparse
#: attention draws blocks at random, and is given up for good at the first short text.
REQUIRED = {"big_bird": {"attention_type": "original_full"}}
_FETCHES = "transformers fetches and builds a program for it"  # without which MRA leaves its attention out
_NOT_ALONE = "it is no encoder of texts alone"
#: Architectures that are not read, and why.
REFUSED = {
    "recurrent_gemma": "it keeps in itself what it has read, from one text to the next",
    **dict.fromkeys(("mra", "yoso"), _FETCHES),
    **dict.fromkeys(("layoutlmv2", "lxmert", "modernvbert", "neomme", "perceiver", "ultravbert"), _NOT_ALONE),
}
_INFINITE = ({FLOAT: "Infinity"}, {FLOAT: "-Infinity"})
#: In the names of settings that name a program for a part of the network, which transformers may fetch.
_PROGRAM = "implementation"


def why_refused(name: str) -> str:
    """Return what is said of an architecture of ``REFUSED``."""
    return f"the architecture {name!r} is not read: {REFUSED[name]}"


def kind_of(config: Mapping[str, Any]) -> Kind:
    """Return what a checkpoint is: encoder, decoder, encoder-decoder, or other."""
    from transformers.models.auto import modeling_auto as auto  # noqa: PLC0415  takes seconds

    name, causal = str(config["model_type"]), bool(config.get("is_decoder"))
    if name in auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES:
        return "encoder-decoder"
    if name in REFUSED or name not in auto.MODEL_MAPPING_NAMES:
        return "other"
    writes = name in auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    fills = name in auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
    reads = name in auto.MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES
    if not causal and (fills or (reads and not writes)):
        return "encoder"
    return "decoder" if writes and (causal or not fills) else "other"


def empty_model(config: Mapping[str, Any], where: str, head: HeadKind = "none") -> nn.Module:
    """Build transformers' own class for a config without numbers.

    :raises CheckpointError: the class refuses the config.
    :raises UnsupportedError: transformers has no such class.
    """
    cls, settings = class_of(config, where, head)
    with refused(where), quiet(), torch.device("meta"):
        model: nn.Module = cls(settings)
    return model


def base_prefix(config: Mapping[str, Any], where: str) -> str:
    """Return what stands before the encoder's names where a checkpoint holds a head as well."""
    return str(class_of(config, where)[0].base_model_prefix)


def open_foreign(config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str) -> Foreign:
    """Build transformers' own encoder over ``tensors``.

    :raises CheckpointError: a tensor is missing, is none of this architecture, or has another shape.
    """
    alone = kind_of(config) == "encoder" and str(config["model_type"]) not in ENCODERS
    model = _filled(config, tensors, where, "none")
    try:
        return Foreign(model, alone=alone)
    except (AttributeError, TypeError, NotImplementedError) as error:
        what = f"{where}: the architecture {config['model_type']!r} is no encoder of texts"
        raise UnsupportedError(what, "take an encoder, as BERT is one") from error


def masked_model(config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str) -> nn.Module:
    """Build transformers' own encoder with the head that fills masks.

    :raises CheckpointError: a tensor of either is missing.
    """
    return _filled(config, tensors, where, "masked")


def causal_model(config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str) -> nn.Module:
    """Build transformers' own decoder with the head that predicts the next token.

    :raises CheckpointError: a tensor of either is missing.
    """
    return _filled(config, tensors, where, "causal")


def seq2seq_model(config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str) -> nn.Module:
    """Build transformers' own encoder and decoder with the head that predicts the next token.

    :raises CheckpointError: a tensor of them is missing.
    """
    return _filled(config, tensors, where, "seq2seq")


def text_model(config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str) -> nn.Module:
    """Build the encoder of transformers' own encoder-decoder, without the decoder.

    :raises CheckpointError: a tensor of it is missing.
    :raises UnsupportedError: transformers has no class for it.
    """
    return _filled(config, tensors, where, "text")


class Foreign:
    """One of transformers' encoders with its weights, as :class:`lexarium_transformer.encoders.Loaded`."""

    def __init__(self, model: nn.Module, *, alone: bool = False) -> None:
        """Take over ``model``; ``alone``: its texts are never filled up."""
        self.alone = alone
        self.encoder = _Alone(model) if alone else _Adapter(model)
        settings: Any = model.config
        self.hidden = int(settings.hidden_size)
        self.depth = int(settings.num_hidden_layers)
        self.vocabulary = len(model.get_input_embeddings().weight)  # type: ignore[operator]

    def blocks(self) -> list[nn.Module]:
        """Return embeddings, then each layer; layers that share their weights (ALBERT) are one module."""
        model: Any = self.encoder.model
        lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module)]
        layers: Any = next((each for each in lists if len(each) == self.depth), lists[0] if lists else [])
        return [model.get_input_embeddings(), *layers]

    def weights(self) -> dict[str, Tensor]:
        """Return the weights by the checkpoint's names, those without the prefix of a head."""
        return dict(self.encoder.model.state_dict())


class _Adapter(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor, mask: Tensor | None, *, every: bool = False) -> list[Tensor]:
        mask = torch.ones_like(ids) if mask is None else mask.to(ids.dtype)
        found = self.model(input_ids=ids, attention_mask=mask, output_hidden_states=every)
        return list(found.hidden_states) if every else [found.last_hidden_state]


class _Alone(_Adapter):
    """Computes each text without what fills it up, together with those of its own length."""

    def forward(self, ids: Tensor, mask: Tensor | None, *, every: bool = False) -> list[Tensor]:
        if mask is None:
            return super().forward(ids, None, every=every)
        lengths = mask.sum(1)
        found: list[Tensor] = []
        for length in sorted(set(lengths.tolist())):
            rows = lengths == length
            states = super().forward(ids[rows, :length], None, every=every)
            found = found or [state.new_zeros(*ids.shape, state.shape[-1]) for state in states]
            for whole, state in zip(found, states, strict=True):
                whole[rows, :length] = state
        return found


def class_of(config: Mapping[str, Any], where: str, head: HeadKind = "none") -> tuple[Any, Any]:
    """Return transformers' class for a config, and the config as that class takes it.

    :raises CheckpointError: transformers refuses the config.
    :raises UnsupportedError: transformers has no such class, or it is one of ``REFUSED``.
    """
    import transformers  # noqa: PLC0415  takes seconds

    name = str(config["model_type"])
    if name in REFUSED:
        raise UnsupportedError(f"{where}: {why_refused(name)}", "take another checkpoint")
    table: Any = {
        "none": transformers.MODEL_MAPPING,
        "masked": transformers.MODEL_FOR_MASKED_LM_MAPPING,
        "causal": transformers.MODEL_FOR_CAUSAL_LM_MAPPING,
        "seq2seq": transformers.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING,
        "text": transformers.MODEL_FOR_TEXT_ENCODING_MAPPING,
    }[head]
    known = name in transformers.CONFIG_MAPPING
    described: Any = known and transformers.CONFIG_MAPPING[name]
    if not known or described not in table:
        writes = "writes no text"
        lacks = {"none": "is not known", "masked": "has no head that fills masks"}
        lacks |= {"text": "is no encoder alone"}
        what = lacks.get(head, writes)
        problem = f"{where}: the architecture {name!r} {what} to transformers {transformers.__version__}"
        raise UnsupportedError(problem, "take another checkpoint, or upgrade transformers")
    with refused(where):
        settings = described.from_dict(_plain({**config, **REQUIRED.get(name, {})}))
    cls = table[described]
    return (cls[0] if isinstance(cls, tuple) else cls), settings


@contextmanager
def refused(where: str) -> Iterator[None]:
    """Turn what transformers raises over a checkpoint into one line: a config meets code that is not ours.

    :raises CheckpointError: says what it raised.
    """
    try:
        yield
    except (LexariumError, MemoryError):
        raise
    except Exception as error:
        said = " ".join(f"{error}".split())[:_SHOWN] or type(error).__name__
        raise CheckpointError(where, f"transformers refuses it: {said}", "fetch it again") from error


def _plain(value: Any) -> Any:  # noqa: ANN401  what JSON may hold
    """Return a config without settings that name a program and with its infinite numbers, at any depth."""
    if isinstance(value, dict):
        if value in _INFINITE:
            return float(value[FLOAT])
        return {key: _plain(one) for key, one in value.items() if _PROGRAM not in str(key)}
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _filled(
    config: Mapping[str, Any], tensors: Mapping[str, Tensor], where: str, head: HeadKind
) -> nn.Module:
    empty = empty_model(config, where, head)
    expected = {name: tuple(tensor.shape) for name, tensor in empty.state_dict().items()}
    tied = tied_names(empty)
    prefix = f"{empty.base_model_prefix}."
    given = {modern(name): tensor for name, tensor in tensors.items()}
    if head == "none":
        given = {name.removeprefix(prefix): tensor for name, tensor in given.items()}
    absent = [name for name in expected if name not in given and (name in tied or _POOLER in name)]
    kept = {name: shape for name, shape in expected.items() if name not in absent}
    compare_names(
        kept, {n: tuple(t.shape) for n, t in given.items() if n in expected or head == "none"}, where
    )
    cls, settings = class_of(config, where, head)
    dtype = number_of(given, where)
    with refused(where), quiet():
        model: Any = cls.from_pretrained(None, config=settings, state_dict=given, dtype=dtype)
    if getattr(model, "pooler", None) is not None and any(_POOLER in name for name in absent):
        model.pooler = nn.Identity()  # it would be random, and no vector needs it
    ready: nn.Module = model.eval().requires_grad_(requires_grad=False)
    return ready


def number_of(tensors: Mapping[str, Tensor], where: str) -> torch.dtype:
    """Return the kind of number that a checkpoint's weights are.

    :raises CheckpointError: there are no weights.
    """
    found = next((tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()), None)
    if found is None:
        raise CheckpointError(where, "no tensor holds weights", "fetch it again")
    return found


def tied_names(model: nn.Module) -> set[str]:
    """Return the names of tensors that are others over again: a head's share of the embeddings."""
    # Those of the class would also name the ones that this config does not tie.
    own: Any = getattr(model, "all_tied_weights_keys", None)
    keys: Any = getattr(model, "_tied_weights_keys", None) if own is None else own
    return set(keys or ())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the reports and bars of transformers' loader away: what they say is an error here."""
    from transformers.utils import logging as reports  # noqa: PLC0415  takes seconds

    log = logging.getLogger("transformers")
    level, bars = log.level, reports.is_progress_bar_enabled()
    log.setLevel(logging.ERROR)
    reports.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        log.setLevel(level)
        if bars:
            reports.enable_progress_bar()  # type: ignore[no-untyped-call]
