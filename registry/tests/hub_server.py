"""A hub on the loopback: git-like repositories in memory, the Hub's protocol, and faults on request.

Two servers, as the Hub has two hosts: one answers the API and small files, the other ("CDN") gives and takes
the large ones. What each was asked is recorded.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

__all__ = ["Fault", "HubServer", "blob_id"]

LARGE = (".safetensors", ".bin", ".model")
# What has no end, or goes on for ever, ends all the same: who waits for it fails a test and does not hang.
ENDLESS = 2**27  # bytes
EVER = 4.0  # seconds
BOMB = gzip.compress(bytes(2**26), 1)
TOKEN = "hf_writerwriterwriter"  # noqa: S105  the loopback's own
READER = "hf_readerreaderreader"


def blob_id(content: bytes) -> str:
    """Return the id that git gives a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


@dataclass
class Fault:
    """What goes wrong: at requests whose method and path match, so often, in this way.

    ``kind``: drop, stall, corrupt, status, endless, gzip, lose (do it, and do not answer), trickle,
    longer, norange, headers, body (of ``headers["body"]``); and of what is sent to it: cut (hang up after so
    many bytes), deaf (take no more after so many, and do not answer).
    """

    kind: str
    path: str
    times: int = 1_000_000
    method: str = "GET"
    after: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    host: str = "any"
    then: object = None


@dataclass
class Asked:
    """One request: to which host, for what, and with which headers.

    ``got`` bytes of body came with it, ``sent`` bytes of body went back.
    """

    host: str
    method: str
    path: str
    headers: dict[str, str]
    got: int = 0
    sent: int = 0


@dataclass
class Repository:
    """Commits, each a mapping of paths to contents, and the names of some."""

    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def add(self, files: dict[str, bytes], branch: str = "main") -> str:
        listing = "".join(f"{path} {blob_id(content)}\n" for path, content in sorted(files.items()))
        seed = f"{len(self.commits)}\n{self.branches.get(branch)}\n{listing}"
        commit = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = dict(files)
        self.branches[branch] = commit
        return commit

    def resolve(self, revision: str) -> str | None:
        found = self.branches.get(revision) or self.tags.get(revision)
        return found or (revision if revision in self.commits else None)

    @property
    def files(self) -> dict[str, bytes]:
        """The files at the head of main."""
        return self.commits[self.branches["main"]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Say nothing of clients that go away: some are killed."""


class HubServer:
    """The hub and its second host; use it as a context."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.asked: list[Asked] = []
        self.verifies_at = ""  # where uploads are to be verified, if not here
        self.lock = threading.RLock()
        self.stop = threading.Event()
        self._servers = {host: _Server(("127.0.0.1", 0), _handler(self, host)) for host in ("hub", "cdn")}
        self.url, self.cdn = (
            f"http://127.0.0.1:{self._servers[host].server_address[1]}" for host in ("hub", "cdn")
        )

    def __enter__(self):
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for server in self._servers.values():
            server.shutdown()
            server.server_close()

    def repository(self, name: str, files: dict[str, bytes] | None = None, **kinds) -> Repository:
        """Make a repository, with a first commit as the Hub makes one."""
        made = self.repositories[name] = Repository(**kinds)
        made.add({".gitattributes": b"*.safetensors filter=lfs\n", **(files or {})})
        return made

    def fault(self, kind: str, path: str, **how) -> Fault:
        self.faults.append(Fault(kind, path, **how))
        return self.faults[-1]

    def next_fault(self, host: str, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                fits = fault.method == method and re.search(fault.path, path) and fault.host in {"any", host}
                if fault.times > 0 and fits:
                    fault.times -= 1
                    return fault
        return None

    def sent(self, path: str = "") -> int:
        """Return the bytes of bodies that went out for addresses that hold ``path``."""
        return sum(asked.sent for asked in self.asked if path in asked.path)

    def requests(self, method: str = "", path: str = "") -> list[Asked]:
        return [a for a in self.asked if method in {"", a.method} and path in a.path]

    @contextmanager
    def counted(self):
        """Give the list of requests made within."""
        before = len(self.asked)
        found: list[Asked] = []
        yield found
        found.extend(self.asked[before:])


class _RefusalError(Exception):
    def __init__(self, status, message, code=None):
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


def _handler(hub: HubServer, host: str) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"hub": hub, "host": host})


class _Handler(BaseHTTPRequestHandler):
    """One connection to one of the two hosts."""

    protocol_version = "HTTP/1.1"
    hub: HubServer
    host: str
    asked: Asked
    fault: Fault | None

    def setup(self):
        """Keep what is sent and not yet taken small, so that ``sent`` says what a client has taken."""
        super().setup()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**17)

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve("GET")

    def do_HEAD(self):
        self._serve("HEAD")

    def do_POST(self):
        self._serve("POST")

    def do_PUT(self):
        self._serve("PUT")

    def _serve(self, method):
        self.fault = self.hub.next_fault(self.host, method, self.path)
        length = int(self.headers.get("Content-Length") or 0)
        partly = self._kind in {"cut", "deaf"}
        body = self.rfile.read(min(length, self.fault.after) if partly else length)
        self.asked = Asked(self.host, method, self.path, dict(self.headers), len(body))
        with self.hub.lock:
            self.hub.asked.append(self.asked)
        if partly:
            self.close_connection = True
            if self._kind == "deaf":
                self.hub.stop.wait(EVER)
            return
        if self.fault is not None and self.fault.then is not None:
            self.fault.then()
        with suppress(BrokenPipeError, ConnectionResetError):
            if self.fault is not None and self.fault.kind == "status":
                self.answer(self.fault.status, b'{"error":"asked for"}', self.fault.headers)
                return
            try:
                self._route(method, body)
            except _RefusalError as refusal:
                code = {"X-Error-Code": refusal.code} if refusal.code else {}
                named = {"X-Error-Message": refusal.message, **code}
                self.answer(refusal.status, json.dumps({"error": refusal.message}).encode(), named)

    def _route(self, method, body):
        path = unquote(urlsplit(self.path).path)
        query = parse_qs(urlsplit(self.path).query)
        if self.host == "cdn":
            return _cdn(self, self.hub, method, path, body)
        for pattern, verb, act in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return act(self, self.hub, found.groupdict(), body, query)
        raise _RefusalError(404, f"no route {path}")

    def document(self, value, status=200):
        self.answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def file(self, content, headers=None):
        """Answer with a file, or with the range of it that was asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        start = int(asked[1]) if asked and self._kind != "norange" else 0
        headers = dict(headers or {})
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.answer(206 if start else 200, content[start:], headers)

    def answer(self, status, body, headers=None):
        """Send an answer, or what the fault makes of it."""
        if self._kind == "lose":
            self.close_connection = True
            self.connection.close()
            return
        body, headers = self._spoilt(body, dict(headers or {}))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        endless = self._kind == "endless"
        self.send_header(
            *(("Transfer-Encoding", "chunked") if endless else ("Content-Length", str(len(body))))
        )
        self.end_headers()
        if self.command != "HEAD":
            self._send_body(body)

    @property
    def _kind(self):
        return self.fault.kind if self.fault is not None else ""

    def _spoilt(self, body, headers):
        if self._kind == "corrupt":
            return bytes([body[0] ^ 1]) + body[1:], headers
        if self._kind == "body":
            return self.fault.headers["body"], headers
        if self._kind == "gzip":
            return BOMB, headers | {"Content-Encoding": "gzip"}
        if self._kind == "headers":
            return body, headers | self.fault.headers
        if self._kind == "longer":
            return body + bytes(self.fault.after or 1), headers
        return body, headers

    def _send_body(self, body):
        if self._kind == "endless":
            self.close_connection = True
            while self.asked.sent < ENDLESS and not self.hub.stop.is_set():
                self._write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        elif self._kind in {"drop", "stall"}:
            self._write(body[: self.fault.after])
            if self._kind == "stall":
                self.hub.stop.wait(EVER)
            self.close_connection = True
        elif self._kind == "trickle":
            self.close_connection = True
            for n in range(int(EVER / 0.05)):
                self._write(body[n : n + 1])
                if self.hub.stop.wait(0.05):
                    return
        else:
            for n in range(0, len(body), 65536):
                self._write(body[n : n + 65536])

    def _write(self, data):
        self.wfile.write(data)
        self.asked.sent += len(data)

    def token(self):
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")


def _repository(handler, hub, name, *, write=False):
    token = handler.token()
    if token and token not in {TOKEN, READER}:
        raise _RefusalError(401, "Invalid credentials in Authorization header")
    found = hub.repositories.get(name)
    if found is None or (found.private and not token):
        raise _RefusalError(401 if not token else 404, "Repository not found", "RepoNotFound")
    if found.gated and not token:
        raise _RefusalError(401, "Access to this model is restricted", "GatedRepo")
    if write and token != TOKEN:
        raise _RefusalError(403, "You need a write token")
    return found


def _commit_of(repository, revision):
    commit = repository.resolve(revision)
    if commit is None:
        raise _RefusalError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit


def _sibling(path, content):
    entry = {"rfilename": path, "size": len(content), "blobId": blob_id(content)}
    if path.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        pointer = (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n".encode()
        )
        entry["blobId"] = blob_id(pointer)
        entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": len(pointer)}
    return entry


def _info(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"])
    commit = _commit_of(repository, at.get("rev") or "main")
    files = repository.commits[commit]
    card = {}
    head = re.match(r"---\n(.*?)\n---\n", files.get("README.md", b"").decode("utf-8", "replace"), re.DOTALL)
    for line in head[1].splitlines() if head else ():
        key, colon, value = line.partition(": ")
        if colon and not line.startswith("#"):
            with suppress(ValueError):
                value = json.loads(value)
            card[key] = value
    info = {
        "id": at["repo"],
        "sha": commit,
        "private": repository.private,
        "gated": repository.gated,
        "cardData": card or None,
        "siblings": [_sibling(path, content) for path, content in sorted(files.items())],
    }
    handler.document(info)


def _tree(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"])
    files = sorted(repository.commits[_commit_of(repository, at["rev"])].items())
    start, page = int(query.get("cursor", ["0"])[0]), 2
    entries = []
    for path, content in files[start : start + page]:
        sibling = _sibling(path, content)
        entry = {"type": "file", "path": path, "size": len(content), "oid": sibling["blobId"]}
        if "lfs" in sibling:
            entry["lfs"] = {"oid": sibling["lfs"]["sha256"], "size": len(content), "pointerSize": 1}
        entries.append(entry)
    more = {}
    if start + page < len(files):
        address = f"{hub.url}/api/models/{at['repo']}/tree/{at['rev']}?recursive=True&cursor={start + page}"
        more = {"Link": f'<{address}>; rel="next"'}
    handler.answer(200, json.dumps(entries).encode(), more)


def _create(handler, hub, at, body, query):
    asked = json.loads(body)
    name = f"{asked['organization']}/{asked['name']}"
    if handler.token() != TOKEN:
        raise _RefusalError(401 if not handler.token() else 403, "You need a write token")
    with hub.lock:
        if name in hub.repositories:
            raise _RefusalError(409, "You already created this model repo")
        hub.repository(name, private=asked.get("visibility") == "private")
    handler.document({"url": f"{hub.url}/{name}"})


def _preupload(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"], write=True)
    files = repository.commits[_commit_of(repository, at["rev"])]
    ignored = files.get(".gitignore", b"").decode().split()
    found = []
    for entry in json.loads(body)["files"]:
        path = entry["path"]
        large = path.endswith(LARGE) or entry["size"] > 10_000_000
        known = {}
        if path in files:
            digest = hashlib.sha256(files[path]).hexdigest()
            known = {"oid": digest if path.endswith(LARGE) else blob_id(files[path])}
        found.append(
            {
                "path": path,
                "uploadMode": "lfs" if large else "regular",
                "shouldIgnore": path in ignored,
                **known,
            }
        )
    handler.document({"files": found})


def _batch(handler, hub, at, body, query):
    _repository(handler, hub, at["repo"], write=True)
    objects = []
    for entry in json.loads(body)["objects"]:
        answer = {"oid": entry["oid"], "size": entry["size"]}
        if entry["oid"] not in hub.large:
            upload = {"href": f"{hub.cdn}/upload/{entry['oid']}?X-Amz-Signature=secret"}
            verify = {"href": f"{hub.verifies_at or hub.url}/verify/{entry['oid']}"}
            answer["actions"] = {"upload": upload, "verify": verify}
        objects.append(answer)
    handler.document({"transfer": "basic", "objects": objects})


def _verify(handler, hub, at, body, query):
    if at["oid"] not in hub.large:
        raise _RefusalError(404, "not uploaded")
    handler.document({})


def _commit(handler, hub, at, body, query):
    with hub.lock:
        repository = _repository(handler, hub, at["repo"], write=True)
        lines = [json.loads(line) for line in body.decode().splitlines()]
        head = lines[0]["value"]
        parent = _commit_of(repository, at["rev"])
        if head.get("parentCommit") not in {None, parent}:
            raise _RefusalError(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repository.commits[parent])
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                del files[value["path"]]
        commit = repository.add(files, at["rev"])
    address = f"{hub.url}/{at['repo']}/commit/{commit}"
    handler.document({"commitUrl": address, "commitOid": commit, "success": True})


def _tag(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"], write=True)
    tag = json.loads(body)["tag"]
    if tag in repository.tags:
        raise _RefusalError(409, "Tag reference exists already")
    repository.tags[tag] = _commit_of(repository, at["rev"])
    handler.document({})


def _refs(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"])
    found = {
        kind: [{"name": n, "ref": f"refs/{where}/{n}", "targetCommit": c} for n, c in names.items()]
        for kind, where, names in (
            ("branches", "heads", repository.branches),
            ("tags", "tags", repository.tags),
        )
    }
    handler.document({**found, "converts": []})


def _yaml(handler, hub, at, body, query):
    handler.document({"errors": [], "warnings": []})


def _whoami(handler, hub, at, body, query):
    if handler.token() not in {TOKEN, READER}:
        raise _RefusalError(401, "Invalid username or password.")
    handler.document({"name": "me", "type": "user"})


def _resolve(handler, hub, at, body, query):
    repository = _repository(handler, hub, at["repo"])
    commit = _commit_of(repository, at["rev"])
    content = repository.commits[commit].get(at["path"])
    if content is None:
        raise _RefusalError(404, "Entry not found", "EntryNotFound")
    headers = {"X-Repo-Commit": commit, "ETag": f'"{blob_id(content)}"'}
    if not at["path"].endswith(LARGE):
        return handler.file(content, headers)
    digest = hashlib.sha256(content).hexdigest()
    with hub.lock:
        hub.large[digest] = content
    headers |= {"X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
    return handler.answer(
        302, b"", {**headers, "Location": f"{hub.cdn}/large/{digest}?X-Amz-Signature=secret"}
    )


def _cdn(handler, hub, method, path, body):
    kind, _, digest = path.strip("/").partition("/")
    if kind == "verify":
        return handler.document({})
    if method == "PUT" and kind == "upload":
        if hashlib.sha256(body).hexdigest() != digest:
            raise _RefusalError(400, "another hash")
        with hub.lock:
            hub.large[digest] = body
        return handler.answer(200, b"")
    if digest not in hub.large:
        raise _RefusalError(404, "nothing here")
    return handler.file(hub.large[digest])


_REPO, _REV = r"(?P<repo>[^/]+/[^/]+)", r"(?P<rev>.+?)"
_ROUTES = [
    (rf"/api/models/{_REPO}", "GET", _info),
    (rf"/api/models/{_REPO}/revision/{_REV}", "GET", _info),
    (rf"/api/models/{_REPO}/tree/{_REV}", "GET", _tree),
    (rf"/api/models/{_REPO}/refs", "GET", _refs),
    (rf"/api/models/{_REPO}/preupload/{_REV}", "POST", _preupload),
    (rf"/api/models/{_REPO}/commit/{_REV}", "POST", _commit),
    (rf"/api/models/{_REPO}/tag/{_REV}", "POST", _tag),
    (r"/api/repos/create", "POST", _create),
    (r"/api/validate-yaml", "POST", _yaml),
    (r"/api/whoami-v2", "GET", _whoami),
    (rf"/{_REPO}\.git/info/lfs/objects/batch", "POST", _batch),
    (r"/verify/(?P<oid>[0-9a-f]+)", "POST", _verify),
    (rf"/{_REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "GET", _resolve),
    (rf"/{_REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)", "HEAD", _resolve),
]
