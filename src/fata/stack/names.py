"""Names to addresses, as `getaddrinfo` answers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from fata.errors import ConfigError
from fata.wire.ipv4 import LOOPBACK, UNSPECIFIED, format_address, parse_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

MAX_NAME = 253  # octets, RFC 1035 2.3.4 in the form that people write
KINDS = ((socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP))


class Names:
    """Answers from text that is an address already, from what every host knows, else from `ask`."""

    def __init__(self, ask: Callable[[str], Awaitable[Sequence[bytes]]]) -> None:
        self._ask = ask

    async def resolve(self, name: str) -> list[bytes]:
        """Return a host's addresses, best first. Raises `OSError` (`socket.gaierror`) when there are none."""
        known = numeric(name)
        if known is not None:
            return [known]
        if name.lower().rstrip(".") == "localhost":  # RFC 6761 6.3: never asked
            return [LOOPBACK]
        check_name(name)
        return list(await self._ask(name))

    async def getaddrinfo(
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002  # asyncio's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> list[tuple[Any, Any, int, str, tuple[str, int]]]:
        """Answer as the C library does, for IPv4. `host` may be text or octets; None is every or the own address."""
        if family not in (socket.AF_UNSPEC, socket.AF_INET):
            raise socket.gaierror(socket.EAI_FAMILY, "this stack has IPv4 only")
        number = port_number(port)
        if host in (None, "", b""):
            addresses = [UNSPECIFIED if flags & socket.AI_PASSIVE or host is not None else LOOPBACK]
        else:
            name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
            if flags & socket.AI_NUMERICHOST and numeric(name) is None:
                raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no address")
            addresses = await self.resolve(name)
        return [
            (socket.AF_INET, kind, protocol, "", (format_address(address), number))
            for address in addresses
            for kind, protocol in KINDS
            if type in (0, kind) and proto in (0, protocol)
        ]


def numeric(text: str) -> bytes | None:
    """Return the address that `text` is already; None if it is a name."""
    try:
        return parse_address(text)
    except ConfigError:
        return None


def port_number(port: Any) -> int:
    """Return a port, 0 for None. Raises `socket.gaierror` for what is no number: there is no list of services here."""
    if port is None:
        return 0
    try:
        number = int(port)
    except (TypeError, ValueError):
        raise socket.gaierror(socket.EAI_SERVICE, f"{port!r} is no port number") from None
    if not 0 <= number <= 0xFFFF:
        raise OverflowError("port must be 0-65535.")
    return number


def check_name(name: str) -> None:
    """Raise `OSError` for a text that can be no name (RFC 1035 2.3.4)."""
    try:
        octets = name.encode("idna")
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name: {error}") from error
    if not octets.strip(b".") or len(octets) > MAX_NAME:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name")
