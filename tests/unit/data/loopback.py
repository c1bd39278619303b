"""A hub on the loopback address that answers as huggingface.co does, as far as reading a data set goes.

Repository information, file listing in pages, downloads by range behind a redirect to storage, the hub's error codes;
and, where a test asks for them, faults: a status, or a connection that drops in the middle of an answer.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 2  # files of one answer of the listing; 1,000 on the hub


@dataclass
class Fault:
    """What the next `times` requests whose path matches are answered: a status with headers; 0 drops the connection."""

    path: str
    status: int
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Hub:
    """Repositories by name, revision and path; every request is logged as "METHOD path range"."""

    repositories: dict[str, dict[str, dict[str, bytes]]]
    endpoint: str = ""
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def asked(self, path: str) -> list[str]:
        """The requests for a path."""
        return [request for request in self.log if re.search(path, request)]

    def fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.times and re.search(fault.path, path):
                fault.times -= 1
                return fault
        return None


@contextmanager
def serve(repositories: dict[str, dict[str, dict[str, bytes]]]) -> Iterator[Hub]:
    """A running hub."""
    hub = Hub(repositories)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        """Nothing on the terminal."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        self.hub.log.append(f"{self.command} {path} {self.headers.get('Range', '')}".strip())
        fault = self.hub.fault(path)
        if fault and fault.status:
            self._send(fault.status, b'{"error": "made up by a test"}', fault.headers)
        elif fault and not path.startswith("/storage/"):
            self.close_connection = True  # without a word; storage drops in the middle of its answer
        elif path.startswith("/api/datasets/"):
            self._api(path.removeprefix("/api/datasets/"), parse_qs(url.query))
        elif path.startswith("/datasets/"):
            self._resolve(path.removeprefix("/datasets/"))
        else:
            self._storage(path.removeprefix("/storage/"), drop=fault is not None)

    def _files(self, repository: str, revision: str) -> dict[str, bytes] | None:
        """The files of a revision; None after an answer that there are none."""
        revisions = self.hub.repositories.get(repository)
        if revisions is None:
            self._refuse(401, "RepoNotFound")
        elif revision not in revisions:
            self._refuse(404, "RevisionNotFound")
        return (revisions or {}).get(revision)

    def _api(self, path: str, query: dict[str, list[str]]) -> None:
        owner, name, what, revision, *rest = [*path.split("/"), "revision", "main"][: max(4, path.count("/") + 1)]
        repository = f"{owner}/{name}"
        files = self._files(repository, revision)
        if files is None:
            return
        if what == "revision":
            self._json({"id": repository, "sha": revision, "siblings": [{"rfilename": file} for file in files]})
            return
        folder = "/".join(rest)
        inside = sorted(file for file in files if file.startswith(f"{folder}/" if folder else ""))
        if not inside:
            self._refuse(404, "EntryNotFound")
            return
        start = int(query.get("cursor", ["0"])[0])
        page = [
            {"type": "file", "path": file, "size": len(files[file]), "oid": "0" * 40, "lfs": _lfs(files[file])}
            for file in inside[start : start + PAGE]
        ]
        more = start + PAGE < len(inside)
        link = f'<{self.hub.endpoint}{urlsplit(self.path).path}?cursor={start + PAGE}>; rel="next"'
        self._json(page, {"Link": link} if more else {})

    def _resolve(self, path: str) -> None:
        owner, name, _, revision, file = path.split("/", 4)
        files = self._files(f"{owner}/{name}", revision)
        if files is None:
            return
        if file not in files:
            self._refuse(404, "EntryNotFound")
            return
        self._send(302, b"", {"Location": f"{self.hub.endpoint}/storage/{revision}/{owner}/{name}/{file}"})

    def _storage(self, path: str, drop: bool) -> None:
        revision, owner, name, file = path.split("/", 3)
        content = self.hub.repositories[f"{owner}/{name}"][revision][file]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2] or len(content) - 1)) if asked else (0, len(content) - 1)
        part = content[first : last + 1]
        headers = {"X-Repo-Commit": revision, "ETag": f'"{_lfs(content)["oid"]}"'}
        headers |= {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(content)}"} if asked else {}
        self._send(206 if asked else 200, part, headers, cut=len(part) // 2 if drop else None)

    def _json(self, value: Any, headers: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b'{"error": "not found"}', {"X-Error-Code": code, "X-Error-Message": code})

    def _send(self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True


def _lfs(content: bytes) -> dict[str, Any]:
    return {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
