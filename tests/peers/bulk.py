"""A bulk peer on the kernel's sockets: `python -m tests.peers.bulk send|receive ADDRESS PORT OCTETS`.

It connects, sends or receives so many octets of the pattern, prints "done" with the seconds that took, and keeps the
connection until a line comes from its standard input, so that it can be looked at.
"""

from __future__ import annotations

import random
import socket
import sys
import time

PERIOD = 1_000_003  # octets; a prime, so that no boundary falls on another
PATTERN = random.Random(1).randbytes(PERIOD) * 2
CHUNK = 256 << 10  # octets


class Checker:
    """Compares a stream with the pattern as it comes."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, data: bytes | memoryview) -> None:
        """Compare the next octets. Raises AssertionError."""
        start = self.count % PERIOD
        for at in range(0, len(data), PERIOD):
            piece = data[at : at + PERIOD]
            begin = (start + at) % PERIOD
            assert piece == PATTERN[begin : begin + len(piece)], f"octets differ after {self.count + at}"
        self.count += len(data)


def chunk(count: int, rest: int) -> bytes:
    """Return the pattern's octets from `count` on, at most `rest` of them."""
    start = count % PERIOD
    return PATTERN[start : start + min(rest, CHUNK)]


def send(connection: socket.socket, octets: int) -> None:
    """Send; wait for the word of the receiver that it has all of it."""
    count = 0
    while count < octets:
        data = chunk(count, octets - count)
        connection.sendall(data)
        count += len(data)
    assert connection.recv(1) == b"!"


def receive(connection: socket.socket, octets: int) -> None:
    """Receive and compare."""
    checker = Checker()
    buffer = bytearray(1 << 20)
    view = memoryview(buffer)
    while checker.count < octets:
        count = connection.recv_into(view)
        assert count, f"the end after {checker.count} octets"
        checker.take(bytes(view[:count]))
    connection.sendall(b"!")


def main(direction: str, address: str, port: str, octets: str) -> None:
    """Connect and do it."""
    with socket.create_connection((address, int(port)), timeout=25) as connection:
        begin = time.monotonic()
        (send if direction == "send" else receive)(connection, int(octets))
        print(f"done {time.monotonic() - begin:.3f}", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
