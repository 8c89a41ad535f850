"""What RFC 9293 asks of a TCP's dealings with IP: Diffserv field, time to live, source routes (3.9.1.9, 3.9.2)."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest

from fata.device.net import SentFrame
from fata.sim.network import Simulation
from fata.wire import ethernet, ipv4, ipv4_options, tcp
from tests.conformance.stack_peers import Echo, Peer

AF11 = 0x28


def packets(frames: list[bytes]) -> list[ipv4.Header]:
    """Return the headers of the IPv4 packets among frames."""
    start = ethernet.HEADER_LENGTH
    return [ipv4.parse(frame, start, len(frame)) for frame in frames if frame[12:14] == b"\x08\x00"]


def play(option: int, value: int) -> list[ipv4.Header]:
    """Set an option of a client's connection, then talk; return the headers of what the client sends afterwards."""
    sim = Simulation(3)
    server, client = sim.host("server", "10.0.0.1/24"), sim.host("client", "10.0.0.2/24")
    frames: list[bytes] = []

    async def main() -> None:
        await server.stack.create_server(Echo, "10.0.0.1", 7)
        transport, peer = await client.stack.create_connection(Peer, "10.0.0.1", 7)
        view: Any = transport.get_extra_info("socket")
        view.setsockopt(socket.IPPROTO_IP, option, value)
        assert view.getsockopt(socket.IPPROTO_IP, option) == value
        sim.observe(lambda _moment, frame: frames.append(frame))
        transport.write(b"x" * 4000)
        transport.write_eof()
        await peer.eof.wait()
        transport.close()

    with sim:
        sim.run(main())
    # The end of the handshake is still under way when the option is set.
    return [header for header in packets(frames) if header.source == b"\x0a\0\0\x02" and header.total_length > 100]


def test_the_diffserv_field_of_a_connection_can_be_set() -> None:
    assert [header.tos for header in play(socket.IP_TOS, AF11)] == [AF11] * 3


def test_the_time_to_live_of_a_connection_can_be_set() -> None:
    assert [header.ttl for header in play(socket.IP_TTL, 3)] == [3] * 3


def test_values_beyond_the_fields_are_refused() -> None:
    for option, value in ((socket.IP_TOS, 256), (socket.IP_TTL, 0)):
        with pytest.raises(OSError) as caught:
            play(option, value)
        assert caught.value.errno == errno.EINVAL


def test_an_application_cannot_ask_for_a_source_route() -> None:
    with pytest.raises(OSError) as caught:
        play(socket.IP_OPTIONS, 0)
    assert caught.value.errno == errno.ENOPROTOOPT


@pytest.mark.parametrize("kind", [ipv4_options.LOOSE_SOURCE_ROUTE, ipv4_options.STRICT_SOURCE_ROUTE])
def test_a_packet_with_a_source_route_gets_no_answer(kind: int) -> None:
    sim = Simulation(3)
    server = sim.host("server", "10.0.0.1/24")
    card = sim.card("stranger")

    async def main() -> None:
        await server.stack.create_server(Echo, "10.0.0.1", 7)
        options = bytes((kind, 7, 8, 10, 0, 0, 9, 0))
        syn = tcp.serialize_header(tcp.Segment(1000, 7, 1, 0, tcp.SYN, 1000))
        source, destination = b"\x0a\0\0\x09", b"\x0a\0\0\x01"
        check = tcp_check(source + destination, syn)
        syn = syn[:16] + check.to_bytes(2, "big") + syn[18:]
        header = ipv4.Header(source, destination, ipv4.TCP, options=options)
        frame = ethernet.serialize(ethernet.Header(server.stack.host.interface.mac, card.mac, ethernet.IPV4))
        card.send([SentFrame((frame + ipv4.serialize(header, len(syn)) + syn,))])
        await asyncio.sleep(1)

    with sim:
        sim.run(main())
    assert server.stack.host.counters.source_routed == 1
    assert not server.stack.host.tcp.host.connections


def tcp_check(addresses: bytes, segment: bytes) -> int:
    """Return the checksum of a segment whose field is zero."""
    number = int.from_bytes(addresses + segment, "big") + ipv4.TCP + len(segment)
    return 0xFFFF - number % 0xFFFF
