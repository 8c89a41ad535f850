"""An example that serves, asked over the host's sockets and over our stack on a TAP."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.http.command import Running
from tests.peers.cable import OURS, tap

PORT = 7
Talk = Callable[[str, int], None]  # to an address and a port


def ask_on_host_sockets(folder: Path, talk: Talk) -> None:
    """Run an example as it is and talk to it; it has nothing to complain about."""
    with Running(folder) as running:
        talk("127.0.0.1", running.port)
    assert "rror" not in running.output


def ask_on_our_stack(folder: Path, talk: Talk) -> None:
    """Run it with `--net direct`, the kernel being the peer. Needs root."""
    with tap() as cable, cable.near.entered(), Running(folder, *cable.words, address=OURS, port=PORT) as running:
        cable.far.await_carrier(cable.far_interface)
        talk(OURS, PORT)
    assert "rror" not in running.output
