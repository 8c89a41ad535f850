"""Blind attacks on an open connection (RFC 5961, RFC 5927), from a stranger's card, through the whole stack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from fata.device.net import SentFrame
from fata.driver.net.line import Faults
from fata.sim.network import Simulation
from fata.wire import ethernet, icmpv4, ipv4, tcp
from tests.conformance.stack_peers import Accepting, Peer
from tests.sim.stranger import Stranger

CLIENT = b"\x0a\0\0\x02"
ROUTER = b"\x0a\0\0\x63"
MASK = 0xFFFFFFFF


class Field:
    """A connection that is open, and a stranger who knows its ports and perhaps more."""

    def __init__(self) -> None:
        self.sim = Simulation(1)
        self.server, self.client = self.sim.host("server"), self.sim.host("client")
        self.stranger = Stranger(self.sim, self.server)

    async def open(self) -> None:
        accepting = Accepting()
        await self.server.stack.create_server(accepting, port=8)
        self.transport: Any
        self.transport, self.peer = await self.client.stack.host.calls.create_connection(
            Peer, self.server.address, 8, local_addr=(self.client.address, 5000)
        )
        self.accepted: Any = await accepting.accepted.get()

    @property
    def counters(self) -> Any:
        return self.server.stack.host.tcp.host.counters

    def forge(self, flags: int, payload: bytes = b"", *, ahead: int = 0, ack: int = 0, stamped: bool = True) -> bytes:
        """Return a segment as the client's, `ahead` of what would be right, which acknowledges `ack` too much."""
        connection = self.transport._connection
        seq = (connection.snd_nxt + ahead) & MASK
        stamp = connection.stamp(self.sim.now) if stamped else None
        acknowledged = (connection.rcv_nxt + ack) & MASK
        segment = tcp.Segment(5000, 8, seq, acknowledged, flags, 65535, timestamp=stamp)
        return self.stranger.segment(CLIENT, segment, payload)

    async def works(self) -> None:
        """See that the connection carries data, both ways, and only those that were sent."""
        for transport, receiver in ((self.transport, self.accepted), (self.accepted.transport, self.peer)):
            del receiver.received[:]
            transport.write(b"honest")
            await asyncio.sleep(1)
            assert receiver.received == b"honest"


def play(attack: Callable[[Field], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await field.open()
        await attack(field)

    field = Field()
    with field.sim as sim:
        sim.run(main())


@pytest.mark.parametrize("ahead", [1, 1000, 30_000, -1, 1 << 30])
@pytest.mark.parametrize("flags", [tcp.RST, tcp.SYN, tcp.SYN | tcp.ACK])
def test_resets_and_syns_beside_the_number_end_nothing(flags: int, ahead: int) -> None:
    async def attack(field: Field) -> None:
        for _ in range(20):
            field.stranger.say(field.forge(flags, ahead=ahead))
            await asyncio.sleep(0.01)
        assert field.counters.challenge_acks <= 2
        await field.works()

    play(attack)


def test_a_reset_that_hits_the_number_is_believed() -> None:
    async def attack(field: Field) -> None:
        field.stranger.say(field.forge(tcp.RST))
        await field.accepted.lost.wait()
        assert isinstance(field.accepted.error, ConnectionResetError)

    play(attack)


@pytest.mark.parametrize("ack", [1 << 16, 1 << 30, -(1 << 30)])
def test_data_with_an_acknowledgment_that_cannot_be_are_dropped(ack: int) -> None:
    async def attack(field: Field) -> None:
        field.stranger.say(field.forge(tcp.ACK | tcp.PSH, b"evil", ack=ack))
        await asyncio.sleep(0.1)
        assert field.counters.dropped_bad_ack == 1
        await field.works()

    play(attack)


def test_data_without_a_timestamp_are_dropped() -> None:
    async def attack(field: Field) -> None:
        field.stranger.say(field.forge(tcp.ACK | tcp.PSH, b"evil", stamped=False))
        await asyncio.sleep(0.1)
        assert field.counters.dropped_no_timestamp == 1
        await field.works()

    play(attack)


def too_large(field: Field, seq: int, mtu: int) -> bytes:
    """Return what a router would say of a segment of the server's."""
    quoted = tcp.serialize_header(tcp.Segment(8, 5000, seq & MASK, 0, tcp.ACK, 0))[:8]
    header = ipv4.Header(field.stranger.address, CLIENT, ipv4.TCP, total_length=1500, dont_fragment=True)
    message = icmpv4.Unreachable(icmpv4.FRAGMENTATION_NEEDED, icmpv4.Quoted(header, quoted), mtu)
    return field.stranger.icmp(ROUTER, message)


def test_a_path_with_a_smaller_mtu_is_found_by_a_routers_word() -> None:
    """The line swallows what is larger than 1,000 octets; only the router's ICMP tells why."""

    async def attack(field: Field) -> None:
        field.client.receiving = Faults(delay=50e-6, mtu=1000)
        connection = field.accepted.transport._connection
        first = connection.snd_nxt
        field.accepted.transport.write(bytes(20_000))
        await asyncio.sleep(0.01)
        assert not field.peer.received
        field.stranger.say(too_large(field, first, 1000))
        await asyncio.sleep(2)
        assert len(field.peer.received) == 20_000
        assert field.server.stack.host.ip.path_mtus.lookup(CLIENT) == 1000

    play(attack)


def test_a_path_once_found_is_heeded_by_idle_and_by_new_connections() -> None:
    """Their segments would be swallowed, and the router's second word would tell the host nothing new."""

    async def attack(field: Field) -> None:
        accepting = Accepting()
        server, client = field.server.stack, field.client.stack
        await server.create_server(accepting, port=9)
        idle: Any = (await client.create_connection(Peer, field.server.address, 9))[1]
        field.client.receiving = Faults(delay=50e-6, mtu=1000)
        first = field.accepted.transport._connection.snd_nxt
        field.accepted.transport.write(bytes(2000))
        await asyncio.sleep(0.01)
        field.stranger.say(too_large(field, first, 1000))
        (await accepting.accepted.get()).transport.write(bytes(20_000))
        fresh: Any = (await client.create_connection(Peer, field.server.address, 9))[1]
        (await accepting.accepted.get()).transport.write(bytes(20_000))
        await asyncio.sleep(0.1)
        assert [len(peer.received) for peer in (field.peer, idle, fresh)] == [2000, 20_000, 20_000]

    play(attack)


def test_below_the_floor_routers_may_fragment() -> None:
    """A path of 300 octets: no smaller packets than 552 for anyone's word, but ones that may be cut, each numbered."""
    left: list[ipv4.Header] = []

    async def attack(field: Field) -> None:
        card = field.server.cable
        send = card.send

        def listening(frames: Sequence[SentFrame]) -> int:
            for frame in frames:
                octets = b"".join(frame.buffers)
                left.append(ipv4.parse(octets, ethernet.HEADER_LENGTH, len(octets)))
            return send(frames)

        first = field.accepted.transport._connection.snd_nxt
        field.client.receiving = Faults(delay=50e-6, mtu=300)
        field.accepted.transport.write(bytes(2000))
        await asyncio.sleep(0.01)
        field.client.receiving = Faults(delay=50e-6)  # the router cuts what it may; there is none here
        card.send = listening  # type: ignore[method-assign]
        field.stranger.say(too_large(field, first, 300))
        await asyncio.sleep(1.0)
        field.accepted.transport.write(bytes(2000))
        await asyncio.sleep(0.1)
        assert len(field.peer.received) == 4000

    play(attack)
    assert max(header.total_length for header in left) == 552
    late = [header for header in left if not header.dont_fragment]
    assert len(late) >= 4
    assert len({header.identification for header in late}) == len(late)


def test_a_word_about_a_datagram_is_not_believed() -> None:
    """None of ours leaves with "don't fragment", so nobody can have had to refuse one."""

    async def attack(field: Field) -> None:
        header = ipv4.Header(field.stranger.address, CLIENT, ipv4.UDP, total_length=1500)
        message = icmpv4.Unreachable(icmpv4.FRAGMENTATION_NEEDED, icmpv4.Quoted(header, bytes(8)), 1000)
        field.stranger.say(field.stranger.icmp(ROUTER, message))
        await asyncio.sleep(0.1)
        assert field.server.stack.host.ip.path_mtus.lookup(CLIENT) == 1500

    play(attack)


def test_a_connection_of_the_host_with_itself_cannot_be_reached_from_outside() -> None:
    """Frames that claim to be our own are dropped, though they have a connection's key and the next number."""

    async def attack(field: Field) -> None:
        accepting = Accepting()
        stack, address = field.server.stack, field.stranger.address
        await stack.create_server(accepting, port=9)
        calls = stack.host.calls
        transport: Any = (await calls.create_connection(Peer, field.server.address, 9, local_addr=("", 5000)))[0]
        accepted: Any = await accepting.accepted.get()
        connection = accepted.transport._connection
        for stamped in (True, False):  # the shortest way in, and the next
            stamp = transport._connection.stamp(field.sim.now) if stamped else None
            options = tcp.Options() if stamped else tcp.Options(1000)
            evil = tcp.Segment(
                *(5000, 9, connection.rcv_nxt & MASK, connection.snd_nxt & MASK, tcp.ACK | tcp.PSH, 65535),
                timestamp=stamp,
                options=options,
            )
            field.stranger.say(field.stranger.segment(address, evil, b"evil"))
        await asyncio.sleep(0.1)
        assert accepted.received == b""
        assert stack.host.counters.for_others == 2
        transport.write(b"honest")
        await asyncio.sleep(0.1)
        assert accepted.received == b"honest"
        await field.works()

    play(attack)


def test_a_forged_word_about_a_segment_that_is_not_under_way_changes_nothing() -> None:
    async def attack(field: Field) -> None:
        connection = field.accepted.transport._connection
        for seq in (connection.snd_nxt + 5000, connection.snd_nxt - 1_000_000, 7):
            field.stranger.say(too_large(field, seq, 576))
        await asyncio.sleep(0.1)
        assert field.server.stack.host.ip.path_mtus.lookup(CLIENT) == 1500
        await field.works()

    play(attack)


@pytest.mark.parametrize("code", [icmpv4.PORT_UNREACHABLE, icmpv4.PROTOCOL_UNREACHABLE, icmpv4.HOST_UNREACHABLE])
def test_errors_do_not_end_an_open_connection(code: int) -> None:
    async def attack(field: Field) -> None:
        connection = field.accepted.transport._connection
        sim = field.sim
        sim.cut("server", "client")
        seq = connection.snd_nxt
        field.accepted.transport.write(b"honest")
        await asyncio.sleep(0.01)
        quoted = tcp.serialize_header(tcp.Segment(8, 5000, seq & MASK, 0, tcp.ACK, 0))[:8]
        header = ipv4.Header(field.stranger.address, CLIENT, ipv4.TCP, total_length=40)
        field.stranger.say(field.stranger.icmp(ROUTER, icmpv4.Unreachable(code, icmpv4.Quoted(header, quoted))))
        await asyncio.sleep(0.1)
        sim.heal()
        await asyncio.sleep(2)
        assert field.peer.received == b"honest"
        await field.works()

    play(attack)


def test_pings_to_everybody_and_errors_about_them_get_no_answer() -> None:
    async def attack(field: Field) -> None:
        heard: list[bytes] = []
        card = field.stranger.card
        card.watch(lambda: heard.extend(frame.data for frame in card.receive()), lambda: None)
        broadcast = b"\x0a\0\0\xff"
        field.stranger.address = broadcast
        field.stranger.say(field.stranger.icmp(ROUTER, icmpv4.Echo(True, 1, 1, b"smurf")))
        field.stranger.say(field.stranger.packet(ROUTER, ipv4.UDP, bytes.fromhex("0007270f00080000")))
        await asyncio.sleep(0.1)
        assert not [frame for frame in heard if frame[12:14] == b"\x08\x00"]

    play(attack)
