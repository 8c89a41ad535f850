"""A card that takes only some frames, or none for a while: nothing is sent twice, out of order, or without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from fata.device.net import SentFrame
from fata.sim.host import Host
from fata.sim.network import Simulation
from fata.stack.interface import MAX_QUEUE
from tests.conformance.stack_peers import Accepting, Peer

DATAGRAM = 100  # octets


class Stingy:
    """In front of a host's card: takes so many frames at a time, then is full until `make_room`."""

    def __init__(self, host: Host, room: int) -> None:
        self.room = room
        self.calls = 0
        self.accepted: list[bytes] = []
        self._host = host
        card: Any = host.cable
        self._send = card.send
        card.send = self._take

    def _take(self, frames: Sequence[SentFrame]) -> int:
        self.calls += 1
        taken = frames[: self.room]
        self.room -= len(taken)
        self.accepted += [b"".join(frame.buffers) for frame in taken]
        assert self._send(taken) == len(taken)
        return len(taken)

    @property
    def datagrams(self) -> list[bytes]:
        """What the datagrams held that were accepted."""
        return [frame[42:] for frame in self.accepted if frame[12:14] == b"\x08\0"]

    def make_room(self, room: int) -> None:
        """Take so many more; the driver calls who waits for that."""
        self.room = room
        self._host.stack.host.interface._writable()


def is_congested(host: Host) -> bool:
    return host.stack.host.interface._full


async def feed(card: Stingy, room: int, enough: Callable[[], bool]) -> None:
    """Have the card take some frames every millisecond."""
    for _ in range(100_000):
        if enough():
            return
        await asyncio.sleep(0.001)
        card.make_room(room)
    raise AssertionError("not all of it was ever sent")


def test_what_was_not_accepted_is_sent_later_once_and_in_order(sim: Simulation) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=7)
        transport, _ = await client.stack.create_connection(Peer, server.address, 7)
        peer = await accepting.accepted.get()
        sent = bytes(range(256)) * 100
        card = Stingy(client, 1)
        transport.write(sent)
        await feed(card, 3, lambda: len(peer.received) == len(sent))
        assert peer.received == sent
        counters = server.stack.host.tcp.host.counters
        assert counters.out_of_order == counters.duplicates == 0
        assert len(set(card.accepted)) == len(card.accepted)
        transport.abort()

    sim.run(main())


def test_a_full_card_is_not_asked_until_it_calls(sim: Simulation) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        sender, _ = await client.stack.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_address=(server.address, 9)
        )
        sender.sendto(b"who has that address?")
        await asyncio.sleep(1)
        card = Stingy(client, 2)
        for number in range(5):
            sender.sendto(b"%d" % number)
        await asyncio.sleep(1)
        assert (card.calls, len(card.accepted)) == (1, 2)
        for number in range(5, 8):
            sender.sendto(b"%d" % number)
            await asyncio.sleep(1)
        assert card.calls == 1
        assert is_congested(client)
        card.make_room(100)
        assert not is_congested(client)
        assert card.datagrams == [b"%d" % number for number in range(8)]

    sim.run(main())


def test_what_waits_for_the_card_is_bounded_and_counted(sim: Simulation) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        sender, _ = await client.stack.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_address=(server.address, 9)
        )
        sender.sendto(b"who has that address?")
        await asyncio.sleep(1)
        counters = client.stack.host.counters
        before = counters.sent
        card = Stingy(client, 0)
        for number in range(MAX_QUEUE + 500):
            sender.sendto(number.to_bytes(4, "big"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert card.calls == 1
        assert counters.send_queue_full == 500  # at once
        for number in range(700):  # while it is full: these are dropped one by one
            sender.sendto(number.to_bytes(4, "big"))
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        card.make_room(1 << 30)
        kept = [int.from_bytes(datagram, "big") for datagram in card.datagrams]
        assert kept == list(range(len(kept)))  # the newest were dropped
        assert counters.sent - before == len(card.accepted) == MAX_QUEUE
        questions = counters.send_queue_full - (500 + 700)  # of ARP's, whether the neighbor is still there
        assert 0 <= questions <= 2

    sim.run(main())


def test_tcp_gets_over_what_a_full_card_has_dropped(sim: Simulation) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def main() -> None:
        accepting = Accepting()
        await server.stack.create_server(accepting, port=7)
        transport, _ = await client.stack.create_connection(Peer, server.address, 7)
        peer = await accepting.accepted.get()
        flood, _ = await client.stack.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_address=(server.address, 9)
        )
        card = Stingy(client, 0)
        for _ in range(MAX_QUEUE):
            flood.sendto(bytes(DATAGRAM))
        await asyncio.sleep(0.001)
        transport.write(b"x" * 50_000)
        await asyncio.sleep(0.1)
        assert client.stack.host.counters.send_queue_full > 0
        card.make_room(1 << 30)
        await asyncio.sleep(5)
        assert len(peer.received) == 50_000
        transport.abort()

    sim.run(main())
