"""What a frame costs at a card: processor time of receive() and send(), without a stack on top.

The other side is a raw socket in a network namespace of its own. Lists of 64 frames, medians. Needs root.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable
from typing import Protocol

from benchmarks.table import Table
from fata.device.net import Net, Segmentation, SentFrame
from fata.driver.net.allocator import keep_freed
from fata.driver.net.packet import Packet
from fata.driver.net.ring_packet import RingPacket
from fata.driver.net.switch import Switch
from fata.driver.net.tap import OFFLOADS, Tap
from fata.driver.poller.epoll import EpollPoller
from tests.conformance.net_offload import large_frame, pattern
from tests.network_namespace import Namespace, namespace

LIST = 64  # frames
ROUNDS = 60
GLIBC_DEFAULT = 128 << 10  # octets
SO_SNDBUFFORCE = 32  # asm-generic/socket.h
OTHER_MAC = bytes.fromhex("02000000aaaa")
MTU_FRAME = SentFrame([bytes.fromhex("020000000fa0020000000001") + b"\x88\xb5" + bytes(1500)])


class Source(Protocol):  # a Net that only sends
    """Whoever sends to a card."""

    def send(self, frames: list[SentFrame]) -> int: ...


def typical(prepare: Callable[[], object], measured: Callable[[], int]) -> float:
    """Return the median microseconds of processor time per frame; `measured` says how many frames it handled."""
    costs = []
    for _ in range(ROUNDS):
        prepare()
        start = time.process_time()
        frames = measured()
        costs.append((time.process_time() - start) * 1e6 / frames)
    return statistics.median(costs)


def receive_cost(net: Net, source: Source, frame: SentFrame) -> float:
    """Return what receive() costs for each of a list of such frames, and giving them back all at once."""
    frames = [frame] * LIST
    return typical(lambda: source.send(frames), lambda: len(net.receive()))


def send_cost(net: Net, frame: SentFrame) -> float:
    """Return what send() costs for each of a list of such frames."""
    frames = [frame] * LIST
    return typical(lambda: None, lambda: net.send(frames))


def rows(table: Table, name: str, net: Net, source: Source) -> None:
    """Measure one card."""
    large = large_frame(Segmentation.TCP4, pattern(64_000), net.mac)._replace(segment_size=1448)
    inwards = large_frame(Segmentation.TCP4, pattern(64_000), OTHER_MAC, net.mac)._replace(segment_size=1448)
    table.row(name, "1,514 octets", receive_cost(net, source, MTU_FRAME), send_cost(net, MTU_FRAME))
    for threshold, memory in ((GLIBC_DEFAULT, "given back"), (64 << 20, "kept")):
        keep_freed(threshold)
        title = f"64 KiB, memory {memory}"
        table.row(name, title, receive_cost(net, source, inwards), send_cost(net, large))


def cards(space: Namespace, poller: EpollPoller) -> dict[str, tuple[Net, Source]]:
    """Open one card of each kind, and what sends to it."""
    space.ip("tuntap add tap0 mode tap")
    space.ip("link set tap0 up")
    space.add_veth("near", "far")
    space.add_veth("ringed", "ringed_far")
    switch = Switch(poller)
    with space.entered():
        tap = Tap(poller, "tap0")
        space.await_carrier("tap0")
        made: dict[str, tuple[Net, Source]] = {
            "TAP": (tap, Packet(poller, "tap0")),
            "AF_PACKET on a veth": (Packet(poller, "near"), Packet(poller, "far")),
            "the same with rings": (RingPacket(poller, "ringed"), Packet(poller, "ringed_far")),
        }
    for _card, source in made.values():
        widen(source)
    port, other = (switch.port(bytes((2, 0, 0, 0, 0, last)), capabilities=OFFLOADS, mtu=1500) for last in (1, 2))
    made["switch in memory"] = (port, other)
    return made


def widen(source: object) -> None:
    """Let a packet socket have a whole list of large frames under way."""
    if isinstance(source, Packet):
        borrowed = socket.socket(fileno=source._descriptor.number)
        borrowed.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, LIST << 18)
        borrowed.detach()


def main() -> None:
    """Print the table."""
    if os.geteuid():
        sys.exit("frames: needs root, for network namespaces")
    with namespace() as space, Table("frames", "card", "frame", "receive µs", "send µs") as table:
        poller = EpollPoller()
        opened = cards(space, poller)
        for name, (net, source) in opened.items():
            rows(table, name, net, source)
        for pair in opened.values():
            for card in pair:
                asyncio.run(card.close())  # type: ignore[attr-defined]
        poller.close()


if __name__ == "__main__":
    main()
