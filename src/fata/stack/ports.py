"""Ports that nobody has asked for by number."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Container

FIRST_EPHEMERAL = 49152  # RFC 6335 6: the dynamic ports go on to the last one
EPHEMERAL = 0x10000 - FIRST_EPHEMERAL  # ports


class PortTaken(OSError):
    """Somebody has the port already."""

    def __init__(self, protocol: str, port: int) -> None:
        super().__init__(errno.EADDRINUSE, f"{protocol} port {port}: {os.strerror(errno.EADDRINUSE)}")


def free_port(taken: Container[int], chance: Callable[[int], bytes], protocol: str) -> int:
    """Return a port that is not taken, hard to foresee (RFC 6056 3.3.1). Raises `PortTaken` when all are."""
    first = int.from_bytes(chance(2), "big") % EPHEMERAL
    for step in range(EPHEMERAL):
        port = FIRST_EPHEMERAL + (first + step) % EPHEMERAL
        if port not in taken:
            return port
    raise PortTaken(protocol, 0)
