"""Names from DNS servers. (The machine follows.)"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from fata.stack.tcp import Tcp
    from fata.stack.udp import Udp


class Resolver:
    """Asks `servers`."""

    def __init__(self, udp: Udp, tcp: Tcp, loop: asyncio.AbstractEventLoop, chance: Callable[[int], bytes]) -> None:
        self.servers: tuple[bytes, ...] = ()

    async def ask(self, name: str) -> Sequence[bytes]:
        """Return a host's addresses. Raises `OSError` when there are none."""
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r}: no name server is known")

    def close(self) -> None:
        """Ask nobody any more."""
