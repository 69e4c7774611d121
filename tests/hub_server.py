"""A hub on loopback: as much of its protocol as a download needs, and the ways in which it fails."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Files by their path `/{repository}/resolve/{revision}/{file}`."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.digests: dict[str, str] = {}
        """What it says instead of the true hash."""
        self.break_after: list[int] = []
        """Bytes after which each of the next answers breaks off."""
        self.honours_ranges = True
        self.store: Hub | None = None
        """Where large files really lie: the hub only names the place, as the real one does."""
        self.tokens: list[str] = []
        """What clients showed as their right to read."""
        self.asked: list[tuple[str, str, str]] = []
        """Method, path and Range of all requests."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        hub, wanted = self.server, self.headers.get("Range", "")
        hub.asked.append((self.command, self.path, wanted))
        hub.tokens += [token] if (token := self.headers.get("Authorization")) else []
        content = hub.files.get(self.path)
        if content is None:
            self._head(404, {"X-Error-Code": "EntryNotFound"}, 0)
            return
        described = {"X-Repo-Commit": COMMIT} | self._described(content)
        if hub.store is not None and not self.path.endswith(".json"):
            self._head(302, described | {"Location": hub.store.address + self.path}, 0)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and hub.honours_ranges else 0
        if start:
            described["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self._head(206 if start else 200, described, len(content) - start)
        if with_body:
            end = start + hub.break_after.pop(0) if hub.break_after else len(content)
            self.wfile.write(content[start:end])
            if end < len(content):
                self.close_connection = True
                self.connection.close()

    def _described(self, content: bytes) -> dict[str, str]:
        """As the hub does: large files by their sha256 in a header of their own, small ones by git's sha1."""
        said = self.server.digests.get(self.path)
        if self.path.endswith(".json"):
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            return {"ETag": f'"{blob if said is None else said}"'}
        digest = hashlib.sha256(content).hexdigest()
        return {"X-Linked-Etag": f'"{digest if said is None else said}"', "X-Linked-Size": str(len(content))}

    def _head(self, status: int, headers: dict[str, str], length: int) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(length)}).items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Hub]:
    """A hub that runs until the end of the block."""
    hub = Hub(files)
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        thread.join()
        hub.server_close()
