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
        wanted = self.headers.get("Range", "")
        self.server.asked.append((self.command, self.path, wanted))
        content = self.server.files.get(self.path)
        if content is None:
            self.send_response(404)
            self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.honours_ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        # As the hub does: large files by their sha256 in a header of their own, small ones by git's sha1.
        if self.path.endswith(".json"):
            blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
            self.send_header("ETag", f'"{self.server.digests.get(self.path, blob)}"')
        else:
            digest = self.server.digests.get(self.path, hashlib.sha256(content).hexdigest())
            self.send_header("X-Linked-Etag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(content)))
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if with_body:
            end = start + self.server.break_after.pop(0) if self.server.break_after else len(content)
            self.wfile.write(content[start:end])
            if end < len(content):
                self.close_connection = True
                self.connection.close()

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
