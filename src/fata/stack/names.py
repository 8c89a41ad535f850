"""Names to addresses, as `getaddrinfo` answers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from fata.errors import ConfigError
from fata.stack.services import ALIASES, SERVICES
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
        kinds: Sequence[tuple[Any, int]] = [pair for pair in KINDS if type in (0, pair[0]) and proto in (0, pair[1])]
        if not kinds:
            raise socket.gaierror(socket.EAI_SOCKTYPE, "this stack has TCP and UDP only")
        if flags & socket.AI_NUMERICSERV and service_name(port) is not None:
            raise socket.gaierror(socket.EAI_NONAME, f"{port!r} is no port number")
        number, kinds = find_port(port, kinds)
        name = bytes(host).decode("ascii", "replace") if isinstance(host, bytes | bytearray) else host
        if name is None or name == "":
            addresses = [UNSPECIFIED if flags & socket.AI_PASSIVE or name is not None else LOOPBACK]
        elif flags & socket.AI_NUMERICHOST and numeric(str(name)) is None:
            raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no address")
        else:
            addresses = await self.resolve(str(name))
        rows = [
            (socket.AF_INET, kind, protocol, "", (format_address(address), number))
            for address in addresses
            for kind, protocol in kinds
        ]
        if flags & socket.AI_CANONNAME and name:
            rows[0] = (*rows[0][:3], str(name), rows[0][4])
        return rows


def numeric(text: str) -> bytes | None:
    """Return the address that `text` is already; None if it is a name."""
    try:
        return parse_address(text)
    except ConfigError:
        return None


def service_name(port: Any) -> str | None:
    """Return the text of a port that is no number; None for any other port."""
    text = bytes(port).decode("ascii", "replace") if isinstance(port, bytes | bytearray) else port
    return text if isinstance(text, str) and text[:1].isalpha() else None


def find_port(port: Any, kinds: Sequence[tuple[Any, int]]) -> tuple[int, Sequence[tuple[Any, int]]]:
    """Return a port's number, and those of `kinds` that what is named is spoken over. Raises `socket.gaierror`."""
    name = service_name(port)
    if name is None:
        return port_number(port), kinds
    number, protocols = SERVICES.get(ALIASES.get(name, name), (0, frozenset()))
    kept = [pair for pair in kinds if pair[1] in protocols]
    if not kept:
        raise socket.gaierror(socket.EAI_SERVICE, f"no service is known as {name!r} there")
    return number, kept


def port_number(port: Any) -> int:
    """Return a port, 0 for None. Raises `socket.gaierror` for what is no number."""
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
    """Raise `OSError` for a text that can be no name (RFC 1035 2.3.4), such as an address of IPv6."""
    if ":" in name:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name, and this stack has IPv4 only")
    try:
        octets = name.encode("idna")
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name: {error}") from error
    if not octets.strip(b".") or len(octets) > MAX_NAME:
        raise socket.gaierror(socket.EAI_NONAME, f"{name!r} is no host name")
