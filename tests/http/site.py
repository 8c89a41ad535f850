"""What tests of connections share: a site of three values, and a client's connection to it."""

from __future__ import annotations

from fata.http.connection import Connection
from fata.http.files import Files
from fata.http.limits import DEFAULT, Limits
from fata.http.server import Server
from tests.http.loopback import filled
from tests.http.wires import MemoryTransport, connect, server

BIG = bytes(range(256)) * 4096  # 1 MiB


def get(path: str, *lines: str) -> bytes:
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: a", *lines, "", "")).encode("ascii")


async def site_server(limits: Limits = DEFAULT) -> Server:
    return server(Files(await filled({"a": b"A" * 10, "b": b"B" * 20, "big": BIG})), limits)


async def site_wire(limits: Limits = DEFAULT, room: int = 1 << 30) -> tuple[Connection, MemoryTransport]:
    return connect(await site_server(limits), room)
