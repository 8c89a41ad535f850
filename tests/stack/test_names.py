"""Names over our stack: the loop's look-ups, with a DNS server on another host of the simulation."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from fata.sim.network import Simulation
from fata.wire import dns
from fata.wire.dns_name import parse_text

RECORDS = {"web.test": (b"\x0a\x00\x00\x07",), "many.test": tuple(bytes((10, 0, 1, n)) for n in range(120))}


def answer(question: dns.Message, limit: int) -> bytes:
    """Answer as a server would, cut off at `limit` octets."""
    (asked,) = question.questions
    addresses = next((found for name, found in RECORDS.items() if parse_text(name) == asked.name), ())
    records = tuple(dns.Record(asked.name, dns.A, 60, address) for address in addresses)
    flags = dns.RESPONSE | dns.RECURSION_AVAILABLE | (dns.NO_ERROR if addresses else dns.NAME_ERROR)
    whole = dns.Message(question.identifier, flags, (asked,), records)
    octets = dns.serialize(whole)
    if len(octets) > limit:
        octets = dns.serialize(whole._replace(flags=flags | dns.TRUNCATED, answers=()))
    return octets


class Datagrams(asyncio.DatagramProtocol):
    """Answers over UDP, counting."""

    asked = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.asked += 1
        self.transport.sendto(answer(dns.parse(data), 512), addr)


class Streams(asyncio.Protocol):
    """Answers over TCP."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        octets = answer(dns.parse(data[2:]), 65535)
        self.transport.write(len(octets).to_bytes(2, "big") + octets)


def look_up(name: str, *, times: int = 1) -> tuple[list[str], int]:
    """Return the addresses that a host finds, and how often its server was asked over UDP."""
    sim = Simulation(1)
    server = sim.host("server", "10.0.0.1/24")
    client = sim.host("client", "10.0.0.2/24", dns=("10.0.0.1",))

    async def main() -> tuple[list[str], int]:
        _, datagrams = await server.stack.create_datagram_endpoint(Datagrams, ("10.0.0.1", 53))
        await server.stack.create_server(Streams, "10.0.0.1", 53)
        found: list[str] = []
        for _ in range(times):
            found = list(await client.stack.resolve(name))
        return found, datagrams.asked

    with sim:
        return sim.run(main())


def test_a_name_is_looked_up_once_and_remembered() -> None:
    assert look_up("web.test", times=3) == (["10.0.0.7"], 1)


def test_an_answer_too_long_for_a_datagram_comes_over_tcp() -> None:
    found, _ = look_up("many.test")
    assert len(found) == 120


def test_a_name_that_does_not_exist_says_so() -> None:
    with pytest.raises(socket.gaierror, match="no such name") as caught:
        look_up("nobody.test")
    assert caught.value.errno == socket.EAI_NONAME


def test_without_a_server_nothing_is_waited_for() -> None:
    sim = Simulation(1)
    client = sim.host("client")
    with sim, pytest.raises(socket.gaierror, match=r"no name server is known: .*--dns"):
        sim.run(client.stack.resolve("web.test"))


def test_a_server_that_is_silent_is_given_up() -> None:
    sim = Simulation(1)
    client = sim.host("client", dns=("10.0.0.77",))
    with sim, pytest.raises(socket.gaierror, match="no server answers"):
        sim.run(client.stack.resolve("web.test"))
    assert sim.now < 60


def test_names_that_need_no_server() -> None:
    assert look_up("localhost") == (["127.0.0.1"], 0)
    assert look_up("10.9.8.7") == (["10.9.8.7"], 0)
