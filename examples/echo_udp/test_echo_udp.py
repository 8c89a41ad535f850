"""`fata run examples/echo_udp`, on the host's sockets and on our stack over TAP."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.peers.echo import ask_on_host_sockets, ask_on_our_stack

FOLDER = Path(__file__).parent
MOST = 65507  # octets of a datagram, in 45 fragments on Ethernet


def talk(address: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.settimeout(10)
        datagrams.connect((address, port))
        for size in (1, 1472, 1473, 9000, MOST):
            sent = bytes(number % 251 for number in range(size))
            datagrams.send(sent)
            assert datagrams.recv(1 << 16) == sent


def test_on_the_hosts_sockets() -> None:
    ask_on_host_sockets(FOLDER, talk)


@pytest.mark.root
def test_on_our_stack() -> None:
    ask_on_our_stack(FOLDER, talk)
