"""Real git as a server: git:// by `git daemon`, smart HTTP(S) by `git http-backend` behind Python's HTTP server."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep

from tests.certificates import Certificate

LOOPBACK = "127.0.0.1"
PLAIN = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_CONFIG_COUNT": "1"}
PLAIN |= {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*", "GIT_TERMINAL_PROMPT": "0"}
PLAIN |= {
    f"GIT_{who}_{what}": f"x{at}" for who in ("AUTHOR", "COMMITTER") for what, at in (("NAME", ""), ("EMAIL", "@y"))
}


def git(where: Path, *words: str, stdin: bytes | None = None) -> str:
    """Run git in a directory and return what it says."""
    environment = os.environ | PLAIN
    done = subprocess.run(
        ("git", "-C", str(where), *words), input=stdin, capture_output=True, env=environment, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def bare(where: Path) -> Path:
    """Make a bare repository that takes pushes over HTTP."""
    where.mkdir(parents=True)
    git(where, "init", "--quiet", "--bare", "--initial-branch=main")
    git(where, "config", "http.receivepack", "true")
    return where


@contextmanager
def daemon(base: Path, address: str = LOOPBACK) -> Iterator[str]:
    """Serve the repositories below `base` by git://; gives the URL of `base`."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port = probe.getsockname()[1]
    words = ("--export-all", "--enable=receive-pack", f"--base-path={base}", f"--listen={address}", f"--port={port}")
    with subprocess.Popen(("git", "daemon", "--reuseaddr", *words), env=os.environ | PLAIN) as process:
        try:
            _wait_for(port, address)
            yield f"git://{address}:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, address: str = LOOPBACK) -> None:
    deadline = monotonic() + 10
    while monotonic() < deadline:
        try:
            socket.create_connection((address, port), 1).close()
        except ConnectionRefusedError:
            sleep(0.01)  # a process that is starting: there is nothing to wait on
        else:
            return
    raise TimeoutError(f"nobody listens on port {port}")


class GitHandler(BaseHTTPRequestHandler):
    """Runs `git http-backend` for each request (git-http-backend(1))."""

    base: Path
    token: str | None
    seen: list[Mapping[str, str]]

    def do_GET(self) -> None:
        """Answer a request for references."""
        self._answer()

    def do_POST(self) -> None:
        """Answer a request for a pack, or take one."""
        self._answer()

    def _answer(self) -> None:
        body = self._body()
        if self.token is not None and self.headers.get("Authorization") != self.token:
            self.send_error(403)
            return
        path, _, query = self.path.partition("?")
        environment = os.environ | PLAIN | {
            "GIT_PROJECT_ROOT": str(self.base), "GIT_HTTP_EXPORT_ALL": "1", "PATH_INFO": path, "QUERY_STRING": query,
            "REQUEST_METHOD": self.command, "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""), "REMOTE_USER": "x",
            "CONTENT_LENGTH": str(len(body)), "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }  # fmt: skip
        done = subprocess.run(("git", "http-backend"), input=body, capture_output=True, env=environment, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while length := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(length))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 – the base class's name
        """Say nothing."""


@contextmanager
def smart_http(base: Path, certificate: Certificate | None = None, token: str | None = None) -> Iterator[str]:
    """Serve the repositories below `base` by smart HTTP, or HTTPS; gives the URL of `base`."""
    handler = type("Handler", (GitHandler,), {"base": base, "token": token})
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.chain, certificate.key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield f"http{'s' if certificate else ''}://{LOOPBACK}:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
