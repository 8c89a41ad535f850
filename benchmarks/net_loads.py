"""The loads of `benchmarks.net`: each runs for some seconds against one address and says what it has moved.

They run in the kernel's namespace, over its sockets, on the machine's other core. Bulk transfers check that what
was sent has arrived.
"""

from __future__ import annotations

import itertools
import socket
from collections import defaultdict
from collections.abc import Iterator
from time import monotonic
from typing import NamedTuple

from benchmarks import net_programs as ports
from benchmarks.http import wrk

CHUNK = bytes(1 << 18)  # octets a write
DATAGRAM = b"x" * 64
MESSAGE = b"y" * 64
IN_FLIGHT = 32  # datagrams that wait for their echo
PATIENCE = 5.0  # seconds
FIRST_PORT, LAST_PORT = 10_000, 60_000  # net_systems.py keeps the kernel's own choice above them
# A port that came back while its last connection is in TIME-WAIT would measure that: lwIP lets it wait for a second.
_own_ports: dict[str, Iterator[int]] = defaultdict(lambda: itertools.cycle(range(FIRST_PORT, LAST_PORT)))


class Moved(NamedTuple):
    """What a load has moved: Gbit for bulk transfers, else requests, echoes or connections."""

    amount: float
    seconds: float
    p99: float = 0.0  # milliseconds, where it was measured


def receive(address: str, seconds: float) -> Moved:
    """Have it receive as much as it can."""
    sent, start = 0, monotonic()
    with socket.create_connection((address, ports.SINK), PATIENCE) as connection:
        while monotonic() - start < seconds:
            sent += connection.send(CHUNK)
        connection.shutdown(socket.SHUT_WR)
        taken = int(connection.recv(100))
    if taken != sent:
        raise RuntimeError(f"{sent} octets were sent, {taken} have arrived")
    return Moved(sent * 8e-9, monotonic() - start)


def send(address: str, seconds: float) -> Moved:
    """Have it send as much as it can."""
    buffer = bytearray(1 << 20)
    taken, start = 0, monotonic()
    with socket.create_connection((address, ports.SOURCE), PATIENCE) as connection:
        while monotonic() - start < seconds:
            taken += connection.recv_into(buffer)
    return Moved(taken * 8e-9, monotonic() - start)


def echo_datagrams(address: str, seconds: float) -> Moved:
    """Have datagrams echoed, some in flight at a time."""
    echoed, start = 0, monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.connect((address, ports.DATAGRAMS))
        port.settimeout(0.2)
        for _ in range(IN_FLIGHT):
            port.send(DATAGRAM)
        while monotonic() - start < seconds:
            try:
                port.recv(100)
                echoed += 1
            except TimeoutError:  # all of them are lost
                for _ in range(IN_FLIGHT - 1):
                    port.send(DATAGRAM)
            port.send(DATAGRAM)
    return Moved(echoed, monotonic() - start)


def connect_and_close(address: str, seconds: float) -> Moved:
    """Connect, read to the end, close; again and again."""
    made, start = 0, monotonic()
    while monotonic() - start < seconds:
        source = "", next(_own_ports[address])
        with socket.create_connection((address, ports.ONCE), PATIENCE, source) as connection:
            while connection.recv(100):
                pass
        made += 1
    return Moved(made, monotonic() - start)


def echo(address: str, seconds: float) -> Moved:
    """Have one message after the other echoed on one connection."""
    echoed, start = 0, monotonic()
    with socket.create_connection((address, ports.ECHO), PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while monotonic() - start < seconds:
            connection.send(MESSAGE)
            connection.recv(100)
            echoed += 1
    return Moved(echoed, monotonic() - start)


def web(port: int, address: str, seconds: float) -> Moved:
    """Ask for a page over 64 connections."""
    seen = wrk(f"http://{address}:{port}/", max(1, round(seconds)))
    return Moved(seen.requests, seen.requests / seen.rate, seen.p99)
