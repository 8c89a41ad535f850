"""Blind attacks on an open connection (RFC 5961, RFC 5927), from a stranger's card, through the whole stack."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fata.driver.net.line import Faults
from fata.sim.network import Simulation
from fata.wire import icmpv4, ipv4, tcp
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
