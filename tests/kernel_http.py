"""A small HTTP or HTTPS server on the kernel's sockets, in a thread, for clients of ours."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.certificates import Certificate

PAGE = "<p>Grüße</p>\n" * 5000


class Answer(BaseHTTPRequestHandler):
    """Gives the page for /, 404 for all else."""

    def do_GET(self) -> None:
        body = PAGE.encode() if self.path == "/" else b"nothing here\n"
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing."""


class Quiet(HTTPServer):
    """A server that does not print what clients do wrong."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


@contextmanager
def serving(address: str, certificate: Certificate | None = None) -> Iterator[int]:
    """Serve at a free port of `address`, which is returned; in the network namespace of the caller."""
    with Quiet((address, 0), Answer) as server:
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
