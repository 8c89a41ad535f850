"""What a request and a connection cost our stack by itself: no kernel, no other process, so that small changes show.

A card of memory hands over HTTP requests of 64 connections, in lists of 16 frames as TAP gives them, and does with the
answers all that TAP does but the system call; then connections that are made and closed, frame by frame.
`benchmarks.net` says what it is worth in the end.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from struct import Struct
from time import process_time
from typing import Any

from benchmarks.net_programs import HTTP, ONCE, REPLY, Http, Once
from benchmarks.table import Table
from fata.device.net import Capabilities, RawForm, ReceivedFrame, SentFrame
from fata.driver.entropy.os import OsEntropy
from fata.driver.net.tap import OFFLOADS
from fata.driver.net.vnet_header import HEADER_LENGTH, RAW, finish, parse
from fata.driver.poller.epoll import EpollPoller
from fata.runtime.loop import Loop
from fata.stack.direct import DirectStack
from fata.stack.ipv4 import Addressing
from fata.wire import ipv4
from fata.wire.tcp import ACK, FIN, PSH, SYN, Options, Segment, serialize_header

CONNECTIONS, BURST, REQUESTS, ROUNDS = 64, 16, 60, 15
CLOSED, HELLO = 400, 6  # connections a round, and octets that each of them gets
LIMIT, CONNECTION_LIMIT = 14.0, 300.0  # µs
OUR_MAC, THEIR_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
OURS, THEIRS = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
PARTIAL = b"\x01" + bytes(HEADER_LENGTH - 1)  # virtio's header: the checksum needs not be verified
REQUEST = b"GET / HTTP/1.1\r\nHost: 10.99.0.2:8080\r\n\r\n"
ACKNOWLEDGED = Struct("!I")


class Card:
    """A Net of memory: `arrive` hands frames over, `sent` holds what came back, as it would be written."""

    mac, mtu = OUR_MAC, 1500
    capabilities: Capabilities = OFFLOADS
    raw: RawForm | None = RAW

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self._frames: list[bytes] = []

    def arrive(self, frames: list[bytes]) -> None:
        """Have the stack receive frames."""
        self._frames = frames
        self._readable()

    def receive(self) -> list[ReceivedFrame]:
        frames, self._frames = self._frames, []
        return [parse(octets) for octets in frames]

    def receive_raw(self) -> list[bytes]:
        frames, self._frames = self._frames, []
        return frames

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        return parse(octets)

    def send(self, frames: Sequence[SentFrame]) -> int:
        return self.send_raw(frames)

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        self.sent += finish(frames, self.mtu, self.capabilities)
        return len(frames)

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._readable = readable

    async def close(self) -> None:
        """Nothing is open."""


def frame(
    port: int,
    seq: int,
    ack: int,
    flags: int,
    payload: bytes = b"",
    options: Options | None = None,
    service: int = HTTP,
) -> bytes:
    """Return a client's frame, as it is read from TAP."""
    rare = options or Options()
    header = serialize_header(
        Segment(port, service, seq, ack & 0xFFFFFFFF, flags, 65000, timestamp=5, echo=0, options=rare)
    )
    packet = header + payload
    ip = ipv4.serialize(ipv4.Header(THEIRS, OURS, ipv4.TCP, dont_fragment=True), len(packet))
    return PARTIAL + OUR_MAC + THEIR_MAC + b"\x08\x00" + ip + packet


def connect(card: Card, port: int, service: int = HTTP) -> int:
    """Connect; return our stack's next sequence number."""
    card.arrive([frame(port, 1000, 0, SYN, options=Options(1460, 7, True), service=service)])
    answer = card.sent.pop()
    (isn,) = ACKNOWLEDGED.unpack_from(answer if isinstance(answer, bytes) else b"".join(answer), HEADER_LENGTH + 38)
    card.arrive([frame(port, 1001, isn + 1, ACK, service=service)])
    return int(isn) + 1


async def connect_and_close(card: Card, port: int) -> None:
    """Connect, be told something to the end, close."""
    number = connect(card, port, ONCE) + HELLO
    await asyncio.sleep(0)
    card.arrive([frame(port, 1001, number + 1, ACK | FIN, service=ONCE)])
    await asyncio.sleep(0)


def bursts(numbers: list[int], first: int) -> list[list[bytes]]:
    """Return requests of all connections in turn, each of which acknowledges the answer before it."""
    found = [
        frame(
            20000 + at,
            1001 + turn * len(REQUEST),
            (numbers[at] + turn * len(REPLY)) & 0xFFFFFFFF,
            ACK | PSH,
            REQUEST,
        )
        for turn in range(first, first + REQUESTS)
        for at in range(CONNECTIONS)
    ]
    return [found[at : at + BURST] for at in range(0, len(found), BURST)]


async def start(card: Card) -> None:
    """Serve through a card that has learnt its neighbor."""
    stack = DirectStack(card, Addressing(OURS, 24), OsEntropy().octets, lend=True)
    loop = asyncio.get_running_loop()
    await loop.create_server(Http, stack.address, HTTP)
    await loop.create_server(Once, stack.address, ONCE)
    arp = b"\x00\x01\x08\x00\x06\x04\x00\x01" + THEIR_MAC + THEIRS + bytes(6) + OURS
    card.arrive([bytes(HEADER_LENGTH) + OUR_MAC + THEIR_MAC + b"\x08\x06" + arp + bytes(18)])
    await asyncio.sleep(0.01)
    card.sent.clear()


async def measure_requests() -> list[float]:
    """Return microseconds for a request, a figure a round."""
    card = Card()
    await start(card)
    numbers = [connect(card, 20000 + at) for at in range(CONNECTIONS)]
    await asyncio.sleep(0.01)
    costs = []
    for turn in range(ROUNDS):
        card.sent.clear()
        lists = bursts(numbers, turn * REQUESTS)
        begin = process_time()
        for frames in lists:
            card.arrive(frames)
        costs.append((process_time() - begin) * 1e6 / (REQUESTS * CONNECTIONS))
        assert len(card.sent) == REQUESTS * CONNECTIONS, len(card.sent)
        await asyncio.sleep(0)
    return costs


async def measure_connections() -> list[float]:
    """Return microseconds for a connection, a figure a round; a tenth of that makes the frames."""
    card = Card()
    await start(card)
    costs = []
    for turn in range(ROUNDS):
        begin = process_time()
        for port in range(CLOSED):
            await connect_and_close(card, 20000 + turn * CLOSED + port)
        costs.append((process_time() - begin) * 1e6 / CLOSED)
        card.sent.clear()
    return costs


def main() -> int:
    """Print the table; return 1 if a limit is missed."""
    rows = (("request and answer", measure_requests, LIMIT), ("connect + close", measure_connections, CONNECTION_LIMIT))
    late = 0
    with Table("network: without system calls", "what", "best µs", "worst µs", "limit µs") as table:
        for title, measure, limit in rows:
            with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
                costs = runner.run(measure())
            table.row(title, min(costs), max(costs), limit)
            late += min(costs) > limit
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main())
