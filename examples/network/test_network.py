"""`fata run examples/network`, on the host's sockets and on our stack over TAP."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.http.command import Running
from tests.peers.cable import OURS, tap

FOLDER = Path(__file__).parent


def talk(address: str, port: int) -> None:
    with socket.create_connection((address, port), timeout=10) as connection:
        connection.sendall("Grüße\nfrom \\ \r afar\n".encode() + b"\xff\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""


def check(output: str, peer: str) -> None:
    lines = [line for line in output.splitlines() if "listening" not in line]
    assert lines[0].startswith(f"{peer}:")
    told = [line.removeprefix(lines[0].removesuffix("connected")) for line in lines]
    assert told == ["connected", "24 octets", "  Grüße", "  from \\ \\r afar", "  \\xff", "closed"]


def test_on_the_hosts_sockets() -> None:
    with Running(FOLDER) as running:
        talk("127.0.0.1", running.port)
    check(running.output, "127.0.0.1")


@pytest.mark.root
def test_on_our_stack() -> None:
    with tap() as cable, cable.near.entered(), Running(FOLDER, *cable.words, address=OURS, port=8080) as running:
        cable.far.await_carrier(cable.far_interface)
        talk(OURS, 8080)
    check(running.output, "10.99.0.1")
