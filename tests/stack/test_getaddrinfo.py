"""Every form of `getaddrinfo` that libraries use, as the C library answers it, over IPv4."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fata.sim.network import Simulation
from fata.stack.names import Names
from fata.stack.services import ALIASES, SERVICES

SERVICES_FILE = Path("/etc/services")
TCP = (socket.SOCK_STREAM, socket.IPPROTO_TCP)
UDP = (socket.SOCK_DGRAM, socket.IPPROTO_UDP)
KNOWN = {"web.test": (b"\x0a\0\0\x07", b"\x0a\0\0\x08"), "xn--bcher-kva.test": (b"\x0a\0\0\x09",)}


def look_up(host: Any, port: Any, **options: Any) -> list[Any]:
    """Ask; the names that had to be asked for are in `asked`."""
    asked.clear()

    async def ask(name: str) -> Sequence[bytes]:
        asked.append(name)
        if name not in KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return KNOWN[name]

    return asyncio.run(Names(ask).getaddrinfo(host, port, **options))


asked: list[str] = []


def rows(*places: tuple[str, int], kinds: tuple[tuple[int, int], ...] = (TCP, UDP)) -> list[Any]:
    """What is answered: each address once for each kind of socket."""
    return [(socket.AF_INET, kind, protocol, "", place) for place in places for kind, protocol in kinds]


@pytest.mark.parametrize("host", ["web.test", b"web.test", bytearray(b"web.test")])
@pytest.mark.parametrize("port", [80, "80", b"80", " 80 "])
def test_names_and_ports_in_every_type(host: Any, port: Any) -> None:
    assert look_up(host, port) == rows(("10.0.0.7", 80), ("10.0.0.8", 80))
    assert asked == ["web.test"]


@pytest.mark.parametrize("host", ["192.0.2.1", b"192.0.2.1"])
@pytest.mark.parametrize("flags", [0, socket.AI_NUMERICHOST, socket.AI_PASSIVE, socket.AI_NUMERICSERV])
def test_addresses_are_not_asked_for(host: Any, flags: int) -> None:
    assert look_up(host, 1, flags=flags) == rows(("192.0.2.1", 1))
    assert asked == []


def test_nobody_is_this_host_or_every_address() -> None:
    assert look_up(None, 53) == rows(("127.0.0.1", 53))
    for host in (None, "", b""):
        assert look_up(host, 53, flags=socket.AI_PASSIVE) == rows(("0.0.0.0", 53))
    assert look_up("", 53) == rows(("0.0.0.0", 53))  # as asyncio's servers mean it
    assert look_up(None, None) == rows(("127.0.0.1", 0))


@pytest.mark.parametrize("family", [socket.AF_UNSPEC, socket.AF_INET])
def test_kinds_of_sockets(family: int) -> None:
    place = ("10.0.0.9", 7)
    host = "xn--bcher-kva.test"
    assert look_up(host, 7, family=family, type=socket.SOCK_STREAM) == rows(place, kinds=(TCP,))
    assert look_up(host, 7, family=family, type=socket.SOCK_DGRAM) == rows(place, kinds=(UDP,))
    assert look_up(host, 7, family=family, proto=socket.IPPROTO_TCP) == rows(place, kinds=(TCP,))
    assert look_up(host, 7, family=family, proto=socket.IPPROTO_UDP) == rows(place, kinds=(UDP,))


@pytest.mark.parametrize(
    ("options", "number"),
    [
        ({"family": socket.AF_INET6}, socket.EAI_FAMILY),
        ({"family": socket.AF_UNIX}, socket.EAI_FAMILY),
        ({"family": 9999}, socket.EAI_FAMILY),
        ({"type": socket.SOCK_RAW}, socket.EAI_SOCKTYPE),
        ({"proto": socket.IPPROTO_ICMP}, socket.EAI_SOCKTYPE),
        ({"type": socket.SOCK_STREAM, "proto": socket.IPPROTO_UDP}, socket.EAI_SOCKTYPE),
    ],
)
@pytest.mark.parametrize("host", ["web.test", "192.0.2.1", None])
def test_what_this_stack_has_not_is_refused_and_not_asked_for(
    host: str | None, options: dict[str, int], number: int
) -> None:
    with pytest.raises(socket.gaierror) as caught:
        look_up(host, 80, **options)
    assert caught.value.errno == number
    assert asked == []


@pytest.mark.parametrize(
    ("service", "port", "kinds"),
    [
        ("http", 80, (TCP,)),
        ("www", 80, (TCP,)),
        (b"domain", 53, (TCP, UDP)),
        (bytearray(b"https"), 443, (TCP, UDP)),
        ("imap", 143, (TCP,)),
        ("ntp", 123, (UDP,)),
    ],
)
def test_names_of_services(service: Any, port: int, kinds: tuple[tuple[int, int], ...]) -> None:
    assert look_up("192.0.2.1", service) == rows(("192.0.2.1", port), kinds=kinds)
    for kind in (TCP, UDP):
        if kind in kinds:
            assert look_up("192.0.2.1", service, type=kind[0]) == rows(("192.0.2.1", port), kinds=(kind,))
        else:
            with pytest.raises(socket.gaierror) as caught:
                look_up("192.0.2.1", service, type=kind[0])
            assert caught.value.errno == socket.EAI_SERVICE


@pytest.mark.skipif(not SERVICES_FILE.exists(), reason="the system has no list of services to compare with")
@pytest.mark.parametrize("name", [*SERVICES, *ALIASES])
def test_services_are_the_systems(name: str) -> None:
    port, protocols = SERVICES[ALIASES.get(name, name)]
    for number, protocol in ((socket.IPPROTO_TCP, "tcp"), (socket.IPPROTO_UDP, "udp")):
        assert number not in protocols or socket.getservbyname(name, protocol) == port


def test_a_service_where_a_number_was_promised() -> None:
    with pytest.raises(socket.gaierror) as caught:
        look_up("192.0.2.1", "http", flags=socket.AI_NUMERICSERV)
    assert caught.value.errno == socket.EAI_NONAME


@pytest.mark.parametrize("port", ["no-such-service", "HTTP", b"\xff", "", "80x", "0x50", 1.5j, object()])
def test_what_is_neither_a_port_nor_a_service(port: Any) -> None:
    with pytest.raises(socket.gaierror) as caught:
        look_up("192.0.2.1", port)
    assert caught.value.errno == socket.EAI_SERVICE


@pytest.mark.parametrize("port", [-1, 65536, "65536", 1 << 70])
def test_ports_beyond_16_bits(port: Any) -> None:
    with pytest.raises(OverflowError):
        look_up("192.0.2.1", port)


@pytest.mark.parametrize("host", ["web.test", "::1", "300.1.2.3.4.5.6.7.8", b"\xff\xfe"])
def test_a_name_where_an_address_was_promised(host: Any) -> None:
    with pytest.raises(socket.gaierror) as caught:
        look_up(host, 80, flags=socket.AI_NUMERICHOST)
    assert caught.value.errno == socket.EAI_NONAME
    assert asked == []


@pytest.mark.parametrize(
    "host", ["::1", "fe80::1%eth0", "[::1]", "a..b", ".", "x" * 64 + ".test", "a." * 127 + "com", b"\xff"]
)
def test_what_can_be_no_name_is_not_asked_for(host: Any) -> None:
    with pytest.raises(socket.gaierror) as caught:
        look_up(host, 80)
    assert caught.value.errno == socket.EAI_NONAME
    assert asked == []


def test_the_canonical_name_comes_with_the_first_answer() -> None:
    first, *rest = look_up("web.test", 80, flags=socket.AI_CANONNAME)
    assert first[3] == "web.test"
    assert {row[3] for row in rest} == {""}


def test_names_with_letters_of_other_alphabets() -> None:
    assert look_up("bücher.test".encode("idna"), 80) == rows(("10.0.0.9", 80))


def test_the_loop_gives_the_same_answers(sim: Simulation) -> None:
    """What a library calls on the loop of a host whose network it has been lent."""
    host = sim.host("host")

    async def main() -> None:
        calls = host.stack.host.calls
        assert await calls.getaddrinfo(b"10.0.0.5", 80, type=socket.SOCK_STREAM) == rows(("10.0.0.5", 80), kinds=(TCP,))
        assert await calls.getnameinfo(("10.0.0.5", 80)) == ("10.0.0.5", "80")
        with pytest.raises(socket.gaierror, match="IPv4 only"):
            await calls.getaddrinfo("localhost", 80, family=socket.AF_INET6)

    sim.run(main())


@pytest.mark.parametrize("port", ["http", b"http", "80", 80])
def test_a_server_and_its_client_may_name_the_service(sim: Simulation, port: Any) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        serving = await server.stack.host.calls.create_server(asyncio.Protocol, None, port)
        assert serving.addresses == [("0.0.0.0", 80)]
        transport, _ = await client.stack.host.calls.create_connection(asyncio.Protocol, str(server.address), "http")
        assert transport.get_extra_info("peername")[1] == 80
        transport.abort()
        serving.close()
        with pytest.raises(socket.gaierror) as caught:
            await server.stack.host.calls.create_server(asyncio.Protocol, None, "ntp")
        assert caught.value.errno == socket.EAI_SERVICE

    sim.run(main())
