"""`fata run examples/ping`, on the host's sockets and on our stack over TAP."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from fata.driver.stack import ping_socket
from fata.errors import Unavailable
from tests.fata_command import fata_run
from tests.peers.cable import KERNELS, tap

FOLDER = Path(__file__).parent
REPLY = r"{}: \d: {} octets in \d+\.\d+ ms\n"


def test_without_the_right_to_ping_there_is_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(Unavailable, match="ping_group_range"):
        ping_socket._open()


@pytest.mark.root
def test_on_the_hosts_sockets() -> None:
    done = fata_run(FOLDER, "--host", "localhost", "--count", "2", "--interval", "0.01", "--size", "2000")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(REPLY.format("localhost", 2000) * 2 + "2 sent, 2 received: ", done.stdout)


@pytest.mark.root
@pytest.mark.parametrize("size", [0, 56, 65507])
def test_on_our_stack(size: int) -> None:
    with tap() as cable, cable.near.entered():
        words = ("--host", KERNELS, "--interval", "0.01", "--size", str(size), "--wait", "5", *cable.words)
        done = fata_run(FOLDER, *words)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.match(REPLY.format(re.escape(KERNELS), size) * 4 + "4 sent, 4 received: ", done.stdout)


@pytest.mark.root
def test_a_host_that_is_not_there_is_told() -> None:
    with tap() as cable, cable.near.entered():
        words = ("--host", "10.99.0.77", "--count", "1", "--wait", "0.2", *cable.words)
        done = fata_run(FOLDER, *words)
    assert done.returncode == 2
    assert "10.99.0.77: 1: no reply" in done.stdout
    assert "10.99.0.77 does not answer" in done.stderr
