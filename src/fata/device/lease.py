"""LeasedStack: a stack whose address DHCP gives."""

from __future__ import annotations

from typing import NamedTuple

from fata.device.protocol import Protocol
from fata.device.stack import Stack


class Lease(NamedTuple):
    """What a DHCP server has granted. Addresses are text; times are seconds from now on, inf for ever."""

    address: str
    prefix: int  # bits
    server: str
    router: str | None  # to everywhere else
    name_servers: tuple[str, ...]
    domain: str  # "" when the server named none
    renews: float  # until this server is asked to prolong it
    rebinds: float  # until every server is asked
    expires: float  # until the address is no longer ours


class LeasedStack(Stack, Protocol):
    """A stack that can tell its lease."""

    async def lease(self, wait: float) -> Lease:
        """Return the lease; ask for one first if need be.

        Raises `Unavailable` when no server has granted one within `wait` seconds, and when the stack was given an
        address instead.
        """
        ...
