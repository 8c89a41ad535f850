"""Echo requests through a socket of the host: one for ping where users may have it, else a raw one."""

from __future__ import annotations

import asyncio
import os
import socket

from fata.errors import Unavailable, WireError
from fata.wire import icmpv4, ipv4

REMEDY = "As root: sysctl net.ipv4.ping_group_range='0 2147483647', or give the interpreter CAP_NET_RAW."
COOKIE = 8  # octets of payload that tell our reply from others; a ping socket changes the identifier


async def ping(address: str, size: int, wait: float) -> float:
    """Send an echo request with `size` octets to an IPv4 address; return the seconds until its reply."""
    loop = asyncio.get_running_loop()
    payload = (os.urandom(min(size, COOKIE)) + bytes(range(256)) * (size // 256 + 1))[:size]
    identifier, sequence = int.from_bytes(os.urandom(2), "big"), int.from_bytes(os.urandom(2), "big")
    with _open() as made:
        made.setblocking(False)
        made.connect((address, 0))
        reply: asyncio.Future[float] = loop.create_future()

        def read() -> None:
            try:
                octets = made.recv(ipv4.MAX_LENGTH)
            except BlockingIOError:
                return
            except OSError as error:  # what ICMP has reported
                if not reply.done():
                    reply.set_exception(error)
                return
            message = _message(octets, raw=made.type == socket.SOCK_RAW)
            if reply.done() or not isinstance(message, icmpv4.Echo) or message.request:
                return
            if (message.sequence, message.data) == (sequence, payload):
                reply.set_result(loop.time())

        loop.add_reader(made, read)
        try:
            sent = loop.time()
            made.send(icmpv4.serialize(icmpv4.Echo(True, identifier, sequence, payload)))
            async with asyncio.timeout(wait):
                return await reply - sent
        finally:
            loop.remove_reader(made)


def _open() -> socket.socket:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(socket.AF_INET, kind | socket.SOCK_CLOEXEC, socket.IPPROTO_ICMP)
        except PermissionError:
            pass
    raise Unavailable("this user may not send echo requests", REMEDY)


def _message(octets: bytes, *, raw: bool) -> icmpv4.Message | None:
    """Return what has come; None for what breaks the format."""
    try:
        start = ipv4.parse(octets, 0, len(octets)).header_length if raw else 0
        return icmpv4.parse(octets, start, len(octets))
    except WireError:
        return None
