"""The only door to the Hub: huggingface_hub's client, its session, its tokens and its errors.

All requests go through the library's own session, so that proxies, certificates and a client factory of
the user's hold here, too. The library sets no limits of time or size; hooks on the session set them for
the requests of this module, and for every request that sends (POST, PUT ...), whoever makes it. The
library's cache is not used, its Xet transfers are switched off, and its telemetry is.
"""

from __future__ import annotations

import io
import logging
import os
import re
import threading
import time
import warnings
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants
from huggingface_hub.utils import _http
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils._http import get_session, hf_raise_for_status
from huggingface_hub.utils.tqdm import (
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)

from lexarium.errors import HubCorruptedError, HubNotFoundError
from lexarium_registry.hub_errors import translate
from lexarium_registry.names import HubReference, check_commit, check_header, check_sha256
from lexarium_registry.transfer import Patience, persist

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Hub", "RemoteFile", "Snapshot"]

_MOST = 64 * 2**20  # bytes of an answer that is no file
_LONGEST = 300.0  # seconds of an answer that is no file
_TOO_MANY = 50_000  # files, beyond which the Hub cuts its listing
_SENDING = 120.0  # seconds that the Hub may take to answer what was sent to it
_ROOM = "lexarium_most"  # the extension of a request that says how many bytes its answer may have
_US: dict[str, Any] = {"library_name": "lexarium", "library_version": version("lexarium-core")}
_LATER = "try again later"
#: What a server says of a file, and how many characters it may take; an address that is signed is long.
_HEADERS = {"etag": 512, "x-linked-etag": 512, "x-linked-size": 32, "location": 8192}
_limits: ContextVar[Patience | None] = ContextVar("lexarium_limits", default=None)


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file in a repository: size in bytes, git's id of its blob, and the sha256 where the Hub knows it."""

    path: str
    size: int
    blob: str
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A repository at one commit; ``card`` is what the head of its README.md says.

    ``private`` says that the Hub shows it to those alone who may read it.
    """

    of: HubReference
    commit: str
    files: Mapping[str, RemoteFile]
    card: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False


class Hub:
    """The Hub, or the mirror of it that ``HF_ENDPOINT`` names; the token is the library's own business."""

    def __init__(self, patience: Patience | None = None) -> None:
        """Ask nothing yet."""
        self.patience = patience or Patience()
        self.endpoint = (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")
        self._shown = re.sub(r"//[^/]*@", "//", self.endpoint)  # a password may stand there
        self._api = HfApi(endpoint=self.endpoint, **_US)

    def snapshot(self, of: HubReference) -> Snapshot:
        """Resolve a revision to a commit, with all files of it: one request.

        :raises HubError: there is none, it may not be read, the network fails, or the answer makes no sense.
        """

        def ask() -> Snapshot:
            with self._asking(of):
                info = self._api.model_info(
                    of.repository, revision=of.revision, files_metadata=True, timeout=self.patience.read
                )
                return _snapshot(of, info)

        return persist(self.patience, ask)

    def tags(self, of: HubReference) -> Mapping[str, str]:
        """Return the commits that tags name; errors as in :meth:`snapshot`."""

        def ask() -> dict[str, str]:
            with self._asking(of):
                refs = self._api.list_repo_refs(of.repository)
                return {tag.name: check_commit(tag.target_commit, str(of)) for tag in refs.tags}

        return persist(self.patience, ask)

    @contextmanager
    def open(
        self, snapshot: Snapshot, file: RemoteFile, start: int = 0
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Give where the bytes of a file begin, 0 or ``start``, and the bytes as they come.

        :raises HubError: as in :meth:`snapshot`; the bytes themselves are not checked here.
        """
        of, where = snapshot.of, f"{snapshot.of}, {file.path}"
        url = f"{self.endpoint}/{of.repository}/resolve/{snapshot.commit}/{quote(file.path)}"
        with self._asking(of):
            headers = build_hf_headers(library_name="lexarium", library_version=version("lexarium-core"))
            headers |= {"range": f"bytes={start}-"} if start else {}
            room = {
                _ROOM: file.size + 2**20
            }  # a server may send all; what is too much is refused when hashed
            with get_session().stream("GET", url, headers=headers, extensions=room) as response:
                hf_raise_for_status(response)
                _check_answer(response, snapshot, where)
                begins = start if response.status_code == httpx2.codes.PARTIAL_CONTENT else 0
                if begins and not response.headers.get("content-range", "").startswith(f"bytes {start}-"):
                    raise HubCorruptedError(
                        f"{where}: the server sends another part of it", "try again later"
                    )
                yield begins, response.iter_raw()

    def create(self, of: HubReference, *, private: bool) -> None:
        """Make a repository unless it is there; errors as in :meth:`snapshot`."""
        with self._asking(of):
            self._api.create_repo(of.repository, private=private, exist_ok=True)

    def commit(
        self,
        onto: Snapshot,
        additions: Mapping[str, Path | bytes],
        deletions: Sequence[str],
        message: str,
        told: Callable[[int], None],
    ) -> str:
        """Put files into one commit onto a snapshot and return it; ``told`` hears of every byte that is sent.

        :raises HubConflictError: the branch has moved; nothing was changed.
        :raises HubError: as in :meth:`snapshot`; the branch holds all of it, or is as it was.
        """
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            _Addition(path, content, told) for path, content in additions.items()
        ]
        operations += [CommitOperationDelete(path) for path in deletions]
        with self._asking(onto.of), warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of the library: about its own use of httpx2, and the card's head
            made = self._api.create_commit(
                onto.of.repository,
                operations,
                commit_message=message,
                revision=onto.of.revision,
                parent_commit=onto.commit,
            )
            return check_commit(made.oid, str(onto.of))

    def tag(self, snapshot: Snapshot, tag: str) -> None:
        """Name a commit; errors as in :meth:`snapshot`."""
        with self._asking(snapshot.of):
            self._api.create_tag(snapshot.of.repository, tag=tag, revision=snapshot.commit)

    @contextmanager
    def _asking(self, of: HubReference) -> Iterator[None]:
        """Set the limits, keep the library quiet, and turn its errors into ours."""
        limits = _limits.set(self.patience)
        try:
            with _active.within(self.endpoint):
                yield
        except Exception as error:
            ours = translate(error, of, self._shown)
            if ours is error:
                raise
            raise ours from None  # its text, and what it stems from, may hold addresses that are signed
        finally:
            _limits.reset(limits)


class _Addition(CommitOperationAdd):
    """A file to upload that tells how many of its bytes were read."""

    def __init__(self, path: str, content: Path | bytes, told: Callable[[int], None]) -> None:
        self._told = told
        super().__init__(path_in_repo=path, path_or_fileobj=content)

    @contextmanager
    def as_file(self, with_tqdm: bool = False) -> Iterator[Any]:  # noqa: FBT001, FBT002  the library's signature
        content = self.path_or_fileobj
        if not with_tqdm:  # not an upload
            with super().as_file() as file:
                yield file
            return
        raw = io.BytesIO(content) if isinstance(content, bytes) else io.FileIO(str(content))
        with _Counting(raw, self._told) as file:  # type: ignore[arg-type]
            yield file


class _Counting(io.BufferedReader):
    def __init__(self, raw: io.RawIOBase, told: Callable[[int], None]) -> None:
        super().__init__(raw)
        self._told = told

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self._told(len(found))
        return found


class _Limited(httpx2.SyncByteStream):
    """The body of an answer, up to a number of bytes and of seconds."""

    def __init__(self, inner: Any, most: int, seconds: float) -> None:  # noqa: ANN401  a stream of httpx2
        self._inner, self._most, self._until = inner, most, time.monotonic() + seconds

    def __iter__(self) -> Iterator[bytes]:
        got = 0
        for chunk in self._inner:
            got += len(chunk)
            if got > self._most or time.monotonic() > self._until:
                message = "the answer does not end"
                raise httpx2.DecodingError(message)
            yield chunk

    def close(self) -> None:
        self._inner.close()


def _limit_request(request: httpx2.Request) -> None:
    """Set limits of time, and ask for bodies as they are, where a request is ours or sends.

    An address that an answer names, on another host, does not get the token.
    """
    if not _active.trusts(str(request.url)):
        request.headers.pop("authorization", None)
    patience = _limits.get()
    sends = request.method not in {"GET", "HEAD"}
    if patience is None and not sends:
        return
    patience = patience or Patience()
    read = max(patience.read, _SENDING) if sends and patience.read >= Patience.read else patience.read
    limits = {"connect": patience.connect, "read": read, "write": patience.read, "pool": patience.connect}
    given = request.extensions.get("timeout") or {}
    request.extensions = {
        **request.extensions,
        "timeout": {**limits, **{kind: seconds for kind, seconds in given.items() if seconds is not None}},
    }
    request.headers["accept-encoding"] = "identity"


def _limit_response(response: httpx2.Response) -> None:
    """Bound a body, refuse a compressed one, and shorten the wait that a server asks for."""
    request, patience = response.request, _limits.get()
    if patience is None and request.method in {"GET", "HEAD"}:
        return
    if response.headers.get("content-encoding", "identity") != "identity":
        message = "the answer is compressed, which was not asked for"
        raise httpx2.DecodingError(message)
    longest = (patience or Patience()).longest_wait
    asked = response.headers.get("retry-after", "")
    if asked.isdigit() and float(asked) > longest:
        response.headers["retry-after"] = str(int(longest))
    response.headers.pop("ratelimit", None)  # the library would wait for it without an end
    most = request.extensions.get(_ROOM)
    seconds = _LONGEST if most is None or response.is_error else float("inf")
    body = _MOST if most is None or response.is_error else int(most)
    response.stream = _Limited(response.stream, body, seconds)


def _install() -> None:
    """Have the library's session, whoever made its factory, ask our hooks."""
    previous = getattr(_http, "_GLOBAL_CLIENT_FACTORY", _http.default_client_factory)

    def factory() -> httpx2.Client:
        client = previous()
        hooks = client.event_hooks
        client.event_hooks = {
            "request": [*hooks["request"], _limit_request],
            "response": [*hooks["response"], _limit_response],
        }
        return client

    _http.set_client_factory(factory)


_install()


class _Active:
    """What holds for the whole process while a request of ours is under way, in any number of threads.

    The library's bars, reports, telemetry and Xet are kept away: what goes wrong is an error here.
    """

    def __init__(self) -> None:
        self._lock, self._count = threading.Lock(), 0
        self._undo: Callable[[], object] = lambda: None
        self._origin = ""

    @contextmanager
    def within(self, endpoint: str) -> Iterator[None]:
        """Keep the library quiet until the last who asked for it has ended."""
        origin = _origin(endpoint)
        with self._lock:
            if not self._count:
                self._undo = _hushed()
            self._count, self._origin = self._count + 1, origin
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if not self._count:
                    self._undo()

    def trusts(self, url: str) -> bool:
        """Tell whether an address may be given the token: while we ask, it is the endpoint's own alone."""
        return not self._count or _origin(url) == self._origin


_active = _Active()


def _origin(url: str) -> str:
    found = urlsplit(url)
    return f"{found.scheme}://{found.hostname}:{found.port or {'http': 80}.get(found.scheme, 443)}"


def _hushed() -> Callable[[], object]:
    """Switch off what the library says and does beside the work; return what switches it on again."""
    log = logging.getLogger("huggingface_hub")
    undo = ExitStack()
    undo.callback(log.setLevel, log.level)
    log.setLevel(logging.CRITICAL)
    for name in ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"):
        undo.callback(setattr, constants, name, getattr(constants, name))
        setattr(constants, name, True)
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None and not are_progress_bars_disabled():
        undo.callback(enable_progress_bars)
        disable_progress_bars()
    return undo.close


def _snapshot(of: HubReference, info: Any) -> Snapshot:  # noqa: ANN401  the library's record of what a server said
    where = str(of)
    commit = check_commit(info.sha, where)
    if of.pinned and commit != of.revision:
        raise HubCorruptedError(f"{where}: the server gives the commit {commit}", "ask whoever runs this hub")
    if len(info.siblings) >= _TOO_MANY:
        raise HubCorruptedError(
            f"{where}: it has {_TOO_MANY} files or more", "take a repository of one model"
        )
    files: dict[str, RemoteFile] = {}
    for entry in info.siblings:
        size = entry.lfs.size if entry.lfs else entry.size
        if type(size) is not int or size < 0 or entry.rfilename in files:
            raise HubCorruptedError(
                f"{where}: its listing makes no sense at {entry.rfilename!a}", "try again"
            )
        files[entry.rfilename] = RemoteFile(
            path=entry.rfilename,
            size=size,
            blob=check_commit(entry.blob_id, f"{where}, {entry.rfilename}"),
            sha256=check_sha256(entry.lfs.sha256, where) if entry.lfs else None,
        )
    card = info.card_data.to_dict() if info.card_data is not None else {}
    return Snapshot(of=of, commit=commit, files=files, card=card, private=info.private is True)


def _check_answer(response: httpx2.Response, snapshot: Snapshot, where: str) -> None:
    for answer in [*response.history, response]:
        for name, most in _HEADERS.items():
            check_header(answer.headers.get(name), where, most)
        said = check_header(answer.headers.get("x-repo-commit"), where)
        if said is not None and said != snapshot.commit:
            raise HubCorruptedError(f"{where}: the server gives it from another commit, {said}", _LATER)
    if response.status_code not in {httpx2.codes.OK, httpx2.codes.PARTIAL_CONTENT}:
        raise HubNotFoundError(f"{where}: the server answers {response.status_code}", _LATER)
    if urlsplit(str(response.url)).scheme not in {"http", "https"}:
        raise HubCorruptedError(f"{where}: the server names no web address for it", _LATER)
