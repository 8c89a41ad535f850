"""Queries that wait for their responses, and what makes a response theirs (RFC 5452)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fata.wire import dns, dns_name

LEAST_PORT, MOST_PORT = 1024, 0xFFFF  # RFC 6056 3.2
PORT_DRAWS = 32  # before a query fails because no port is free


class Query(NamedTuple):
    """A message to a server's port 53: as a datagram from `port`, or over TCP if that is None."""

    number: int  # tells queries apart
    server: bytes
    port: int | None
    message: bytes


class Exchange(NamedTuple):
    """A query that was sent."""

    number: int
    lookup: dns.Question  # the look-up that it serves
    asked: dns.Question  # the same, or what its alias leads to
    server: bytes
    port: int | None  # ours; None: over TCP
    identifier: int
    mixed: bytes  # the question's octets, if the case of its letters was drawn

    def matches(self, message: dns.Message, octets: bytes) -> bool:
        """Say whether a message, which `octets` hold, responds to this query."""
        if not message.flags & dns.RESPONSE or message.opcode or message.identifier != self.identifier:
            return False
        return message.questions == (self.asked,) and octets.startswith(self.mixed, dns.HEADER_LENGTH)


class Exchanges:
    """The queries under way. All chance is `entropy`'s; `is_free(port)` says whether a UDP port may be used."""

    def __init__(self, entropy: Callable[[int], bytes], is_free: Callable[[int], bool]) -> None:
        self.by_port: dict[int, Exchange] = {}
        self.by_number: dict[int, Exchange] = {}
        self._entropy = entropy
        self._is_free = is_free
        self._last = 0

    def open(
        self, lookup: dns.Question, asked: dns.Question, server: bytes, *, stream: bool, plain: bool, mixed: bool
    ) -> Query | None:
        """Make a query, with EDNS unless `plain`, in any case of letters if `mixed`; None: no port is free."""
        port = None if stream else self._draw_port()
        if port is None and not stream:
            return None
        self._last += 1
        identifier = int.from_bytes(self._entropy(2), "big")
        name = self._mixed(asked.name) if mixed else asked.name
        message = dns.serialize(dns.query(identifier, name, asked.type, 0 if plain else dns.EDNS_UDP))
        question = dns_name.serialize_name(name) if mixed else b""
        exchange = Exchange(self._last, lookup, asked, server, port, identifier, question)
        self.by_number[exchange.number] = exchange
        if port is not None:
            self.by_port[port] = exchange
        return Query(exchange.number, server, port, message)

    def close(self, exchange: Exchange) -> None:
        """Expect no response any more."""
        self.by_number.pop(exchange.number, None)
        if exchange.port is not None:
            self.by_port.pop(exchange.port, None)

    def _draw_port(self) -> int | None:
        for _ in range(PORT_DRAWS):
            port = int.from_bytes(self._entropy(2), "big")
            if port >= LEAST_PORT and port not in self.by_port and self._is_free(port):
                return port
        return None

    def _mixed(self, name: dns_name.Name) -> dns_name.Name:
        """Draw the case of every letter ("0x20")."""
        return tuple(bytes(map(_drawn, label, self._entropy(len(label)))) for label in name)


def _drawn(octet: int, chance: int) -> int:
    return octet - 0x20 if chance & 1 and 0x61 <= octet <= 0x7A else octet
