"""What one HTTP request costs our stack by itself: no kernel, no other process, so that small changes can be seen.

A card of memory hands over requests of 64 connections, in lists of 16 frames as TAP gives them, and does with the
answers all that TAP does but the system call. `benchmarks.net` says what it is worth in the end.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from struct import Struct
from time import process_time
from typing import Any

from benchmarks.net_programs import HTTP, REPLY, Http
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
from fata.wire.tcp import ACK, PSH, SYN, Options, Segment, serialize_header

CONNECTIONS, BURST, REQUESTS, ROUNDS = 64, 16, 60, 15
LIMIT = 14.0  # µs
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


def frame(port: int, seq: int, ack: int, flags: int, payload: bytes = b"", options: Options | None = None) -> bytes:
    """Return a client's frame, as it is read from TAP."""
    rare = options or Options()
    header = serialize_header(Segment(port, HTTP, seq, ack, flags, 65000, timestamp=5, echo=0, options=rare))
    packet = header + payload
    ip = ipv4.serialize(ipv4.Header(THEIRS, OURS, ipv4.TCP, dont_fragment=True), len(packet))
    return PARTIAL + OUR_MAC + THEIR_MAC + b"\x08\x00" + ip + packet


def connect(card: Card, port: int) -> int:
    """Connect; return our stack's next sequence number."""
    card.arrive([frame(port, 1000, 0, SYN, options=Options(1460, 7, True))])
    answer = card.sent.pop()
    (isn,) = ACKNOWLEDGED.unpack_from(answer if isinstance(answer, bytes) else b"".join(answer), HEADER_LENGTH + 38)
    card.arrive([frame(port, 1001, isn + 1, ACK)])
    return int(isn) + 1


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


async def measure() -> list[float]:
    """Return microseconds for a request, a figure a round."""
    card = Card()
    stack = DirectStack(card, Addressing(OURS, 24), OsEntropy().octets, lend=True)
    await asyncio.get_running_loop().create_server(Http, stack.address, HTTP)
    arp = b"\x00\x01\x08\x00\x06\x04\x00\x01" + THEIR_MAC + THEIRS + bytes(6) + OURS
    card.arrive([bytes(HEADER_LENGTH) + OUR_MAC + THEIR_MAC + b"\x08\x06" + arp + bytes(18)])
    await asyncio.sleep(0.01)
    card.sent.clear()
    numbers = [connect(card, 20000 + at) for at in range(CONNECTIONS)]
    await asyncio.sleep(0.01)
    costs = []
    for turn in range(ROUNDS):
        card.sent.clear()
        lists = bursts(numbers, turn * REQUESTS)
        start = process_time()
        for frames in lists:
            card.arrive(frames)
        costs.append((process_time() - start) * 1e6 / (REQUESTS * CONNECTIONS))
        assert len(card.sent) == REQUESTS * CONNECTIONS, len(card.sent)
        await asyncio.sleep(0)
    return costs


def main() -> int:
    """Print the table; return 1 if the limit is missed."""
    with Table("network: a request", "what", "best µs", "worst µs", "limit µs") as table:
        with asyncio.Runner(loop_factory=lambda: Loop(EpollPoller())) as runner:
            costs = runner.run(measure())
        table.row("request and answer, without system calls", min(costs), max(costs), LIMIT)
    return int(min(costs) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
