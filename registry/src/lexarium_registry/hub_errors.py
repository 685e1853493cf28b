"""What can go wrong with the Hub, told in one line: the library's errors, and httpx2's, turned into ours.

The library's classes are known by their names, so that only :mod:`lexarium_registry.hub` imports it. No text
of a foreign error is passed on, but for what the Hub itself says: others hold signed addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2

from lexarium.errors import (
    HubAccessError,
    HubConflictError,
    HubCorruptedError,
    HubError,
    HubNetworkError,
    HubNotFoundError,
    HubOfflineError,
    LexariumError,
    StoreError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lexarium_registry.names import HubReference

__all__ = ["translate"]

_LOG_IN = "log in (hf auth login), or set HF_TOKEN"
_LATER = "try again later"
_SHOWN = 200


def translate(error: Exception, of: HubReference, endpoint: str) -> Exception:
    """Return an error of ours for what a request about ``of`` met; what is ours, or the disk's, stays.

    An upload that fails in a thread of the library's comes wrapped: what counts is what it stems from.
    """
    if isinstance(error, LexariumError) or _is_of_the_disk(error):
        return error
    if type(error) is RuntimeError and isinstance(error.__cause__, Exception):
        return translate(error.__cause__, of, endpoint)
    said = _Said(error, of, endpoint)
    for cls in type(error).__mro__:
        make = _BY_CLASS.get(cls.__name__)
        if make is not None:
            return make(said)
    return said.odd()


def _is_of_the_disk(error: Exception) -> bool:
    network = isinstance(error, ConnectionError | TimeoutError) or hasattr(error, "response")
    return isinstance(error, OSError) and error.errno is not None and not network


class _Said:
    """A foreign error, and the sentences that can be made of it."""

    def __init__(self, error: Exception, of: HubReference, endpoint: str) -> None:
        self.error, self.of, self.endpoint = error, of, endpoint
        self.response: Any = getattr(error, "response", None)

    def offline(self) -> HubError:
        return HubOfflineError(f"{self.of}: HF_HUB_OFFLINE forbids to ask the network", "unset it")

    def gated(self) -> HubError:
        where = f"{self.endpoint}/{self.of.repository}"
        return HubAccessError(f"{self.of} is gated", f"ask for access at {where}, then {_LOG_IN}")

    def disabled(self) -> HubError:
        return HubAccessError(f"{self.of} has been disabled by the Hub", "take another repository")

    def no_repository(self) -> HubError:
        problem = f"{self.endpoint} shows no repository {self.of.repository}"
        return HubNotFoundError(problem, f"check the name; if it is private, {_LOG_IN}")

    def no_revision(self) -> HubError:
        problem = f"{self.of.repository} has no revision {self.of.revision!a}"
        return HubNotFoundError(problem, f"for the newest type {self.of.reference}")

    def no_file(self) -> HubError:
        return HubNotFoundError(f"{self.of}: a file has vanished from it", _LATER)

    def no_token(self) -> HubError:
        return HubAccessError(f"{self.of}: a token is needed, and none can be had", _LOG_IN)

    def by_status(self) -> HubError:
        status = int(self.response.status_code)
        if status in _BY_STATUS:
            return _BY_STATUS[status](self)
        if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.REQUEST_TIMEOUT:
            return self._network(f"{self.endpoint} answers {status}")
        return HubError(f"{self.of}: {self.endpoint} refuses with {status}{self._reason()}", _LATER)

    def unauthorised(self) -> HubError:
        return HubAccessError(
            f"{self.of}: the token is refused{self._reason()}", f"if it has expired, {_LOG_IN}"
        )

    def forbidden(self) -> HubError:
        remedy = "take a token that may: reading needs a read token, pushing a write token of the owner's"
        return HubAccessError(f"{self.of}: this token may not do that{self._reason()}", remedy)

    def limited(self) -> HubError:
        return self._network(f"{self.endpoint} says: too many requests (429)")

    def moved(self) -> HubError:
        return HubConflictError(f"{self.of} has moved meanwhile{self._reason()}", "type the same again")

    def unreachable(self) -> HubError:
        kind = "cannot be reached" if isinstance(self.error, _NOT_THERE) else "breaks off"
        return self._network(f"{self.endpoint} {kind} ({type(self.error).__name__})")

    def odd_body(self) -> HubError:
        known = (
            str(self.error) if str(self.error).startswith("the answer ") else "its answer cannot be decoded"
        )
        return HubCorruptedError(f"{self.of}: {known}", f"{_LATER}, or check HF_ENDPOINT ({self.endpoint})")

    def no_address(self) -> HubError:
        problem = f"{self.endpoint} is no address of a hub, or leads nowhere"
        return HubCorruptedError(problem, "set HF_ENDPOINT to one, or unset it")

    def odd(self) -> HubError:
        problem = f"{self.of}: {self.endpoint} answers what is not understood ({type(self.error).__name__})"
        return HubCorruptedError(problem, f"{_LATER}, or check HF_ENDPOINT")

    def refused(self) -> Exception:
        return StoreError(f"the Hub's client refuses the name {self.of}", "check it: hf://org/repo")

    def _network(self, problem: str) -> HubError:
        headers: Mapping[str, str] = {} if self.response is None else self.response.headers
        asked = headers.get("retry-after", "")
        wait = float(asked) if asked.isascii() and asked.isdigit() else None
        return HubNetworkError(f"{self.of}: {problem}", _LATER, retry_after=wait)

    def _reason(self) -> str:
        """Return what the Hub says of it, in one printable line; it knows no token, and repeats none."""
        text = str(getattr(self.error, "server_message", None) or "")
        sent = self.response.request.headers.get("authorization", "").removeprefix("Bearer ")
        text = "".join(c if c.isprintable() else " " for c in (text.replace(sent, "***") if sent else text))
        return f": {text[:_SHOWN]}" if text.strip() else ""


_NOT_THERE = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
_BY_STATUS: Mapping[int, Callable[[_Said], HubError]] = {
    401: _Said.unauthorised,
    403: _Said.forbidden,
    404: _Said.no_repository,
    409: _Said.moved,
    412: _Said.moved,
    429: _Said.limited,
}
#: The nearest of these in a class's line of ancestors decides.
_BY_CLASS: Mapping[str, Callable[[_Said], Exception]] = {
    "OfflineModeIsEnabled": _Said.offline,
    "GatedRepoError": _Said.gated,
    "DisabledRepoError": _Said.disabled,
    "RepositoryNotFoundError": _Said.no_repository,
    "RevisionNotFoundError": _Said.no_revision,
    "EntryNotFoundError": _Said.no_file,
    "RemoteEntryNotFoundError": _Said.no_file,
    "LocalTokenNotFoundError": _Said.no_token,
    "OIDCError": _Said.no_token,
    "DeviceCodeError": _Said.no_token,
    "HFValidationError": _Said.refused,
    "HfHubHTTPError": _Said.by_status,
    "HTTPStatusError": _Said.by_status,
    "DecodingError": _Said.odd_body,
    "UnsupportedProtocol": _Said.no_address,
    "TooManyRedirects": _Said.no_address,
    "InvalidURL": _Said.no_address,
    "TransportError": _Said.unreachable,
    "StreamError": _Said.unreachable,
    "ConnectionError": _Said.unreachable,
}
