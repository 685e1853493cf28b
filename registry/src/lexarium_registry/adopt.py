"""Repositories that are not ours: which plugin reads one, and which of its files may be fetched at all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from lexarium.checkpoint.manifest import About
from lexarium.errors import PluginError, UnsupportedError
from lexarium_registry.licences import from_hub
from lexarium_registry.names import check_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lexarium.host import Host
    from lexarium_registry.hub import Snapshot

__all__ = ["Adoption", "about", "recognise"]

#: All that is data and nothing else; ``.model`` is sentencepiece's, templates are never rendered on the way.
_KINDS = frozenset({".safetensors", ".json", ".txt", ".model", ".spm", ".md", ".jinja"})
_PICKLES = frozenset({".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack"})
_LONGEST = 200  # characters of a language


@dataclass(frozen=True)
class Adoption:
    """The method that reads a repository, and the files that it needs."""

    method: str
    files: tuple[str, ...]


def recognise(host: Host, snapshot: Snapshot, config: Mapping[str, Any]) -> Adoption:
    """Ask the installed methods, the cheapest first, which of them reads a repository.

    ``config`` is what its ``config.json`` says, empty where there is none.

    :raises UnsupportedError: none does, or one asks for files that are not plain data.
    :raises CheckpointError: one does, and refuses what the config says, code of its own for instance.
    :raises HubCorruptedError: a file has a name that no folder can hold.
    """
    listing = {path: file.size for path, file in snapshot.files.items()}
    blamed = []
    for offer in sorted(host.methods(), key=lambda o: (getattr(o.descriptor, "cost", 0), o.descriptor.name)):
        method = host.method(offer.descriptor.name)
        if method.adopter is None or method.reader is None:
            continue
        try:
            adopt = method.load_adopter()
        except PluginError as error:
            blamed.append(str(error))
            continue
        wanted = None if adopt is None else adopt(listing, config)
        if wanted is not None:
            return Adoption(method.name, _checked(wanted, snapshot, method.name))
    raise UnsupportedError(_why(snapshot, config), "; ".join(blamed) or _remedy(host))


def about(snapshot: Snapshot, hashes: Mapping[str, str]) -> About:
    """Return what the manifest says of an adopted model: where it is from, and what its card says.

    ``hashes`` are the sha256 of the files that it was read from. What the card leaves open stays open.
    """
    files = {path: {"sha256": digest, "git": snapshot.files[path].blob} for path, digest in hashes.items()}
    base = {
        "model": snapshot.of.reference,
        "revision": snapshot.commit,
        "relation": "adopted",
        "files": dict(sorted(files.items())),
    }
    languages = snapshot.card.get("language")
    said = [languages] if isinstance(languages, str) else languages if isinstance(languages, list) else []
    return About(
        license=from_hub(snapshot.card),
        lineage={"base": base},
        languages=tuple(each for each in said if _is_word(each)),
    )


def _is_word(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= _LONGEST


def _checked(wanted: Sequence[str], snapshot: Snapshot, method: str) -> tuple[str, ...]:
    missing = [path for path in wanted if path not in snapshot.files]
    other = [path for path in wanted if PurePosixPath(path).suffix not in _KINDS]
    for path in missing + other:
        what = "is not in the repository" if path in missing else "is none of the kinds that hold data alone"
        raise UnsupportedError(f"{snapshot.of}: the method {method} asks for {path!r}, which {what}", _MEND)
    check_files(wanted, str(snapshot.of))
    return tuple(dict.fromkeys(wanted))


_MEND = "its plugin is at fault: lexarium plugins doctor"


def _why(snapshot: Snapshot, config: Mapping[str, Any]) -> str:
    kinds = {PurePosixPath(path).suffix for path in snapshot.files}
    if kinds & _PICKLES and ".safetensors" not in kinds:
        return (
            f"{snapshot.of}: its weights are pickles or the like, which are never opened, and not safetensors"
        )
    said = config.get("model_type")
    what = f" (config.json says {said[:_LONGEST]!a})" if isinstance(said, str) else ""
    return f"{snapshot.of}: no installed method reads this repository{what}"


def _remedy(host: Host) -> str:
    readers = [o.descriptor.name for o in host.methods() if getattr(o.descriptor, "adopter", None)]
    return f"these read repositories of others: {', '.join(readers) or 'none that is installed'}"
