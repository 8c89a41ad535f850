"""`fata run examples/echo_tcp`, on the host's sockets and on our stack over TAP."""

from __future__ import annotations

import random
import socket
import threading
from pathlib import Path

import pytest

from tests.peers.echo import ask_on_host_sockets, ask_on_our_stack

FOLDER = Path(__file__).parent
CONTENT = random.Random(7).randbytes(3_000_000)


def talk(address: str, port: int) -> None:
    """Send all of it while it comes back, end, and read to the end."""
    with socket.create_connection((address, port), timeout=10) as connection:

        def send() -> None:
            connection.sendall(CONTENT)
            connection.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        received = bytearray()
        while piece := connection.recv(1 << 16):
            received += piece
        sending.join()
        assert received == CONTENT


def test_on_the_hosts_sockets() -> None:
    ask_on_host_sockets(FOLDER, talk)


@pytest.mark.root
def test_on_our_stack() -> None:
    ask_on_our_stack(FOLDER, talk)
