"""Interface: a card with the neighbors it reaches, and what waits to be sent through it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from fata.device.net import Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.errors import DeviceError
from fata.stack.alarm import Alarm
from fata.wire import arp, ethernet

if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.device.net import Net, RawForm, RawNet
    from fata.proto.neighbors import Neighbors
    from fata.stack.counters import Counters

LOG = logging.getLogger("network")
POLL_INTERVAL = 0.005  # seconds between two looks at what is held, when closing
MAX_QUEUE = 4096  # frames that wait for a full device; what comes on top of them is dropped
IPV4_TYPE = ethernet.IPV4.to_bytes(2, "big")
ARP_TYPE = ethernet.ARP.to_bytes(2, "big")
UNRESOLVED = bytes(14)  # in the Ethernet header's place, until the neighbor's MAC is known


class Interface:
    """Frames in lists, both ways. `send` collects; `transmit` hands over what was collected."""

    def __init__(
        self,
        net: Net,
        neighbors: Neighbors[SentFrame],
        loop: asyncio.AbstractEventLoop,
        counters: Counters,
    ) -> None:
        self.net = net
        self.mac = net.mac
        self.mtu = net.mtu
        self.capabilities = net.capabilities
        self.raw: RawForm | None = getattr(net, "raw", None)
        self._raw_net = cast("RawNet", net)  # which it is, if `raw` is not None
        self.neighbors = neighbors
        self.failed: DeviceError | None = None
        self.conflict: Callable[[float], None] = lambda _now: None  # called when others use our address
        self._receive: Callable[[list[ReceivedFrame]], None]
        self._receive_raw: Callable[[list[bytes]], None]
        self._undeliverable: Callable[[SentFrame, float], None]
        self._lost: Callable[[DeviceError], None]
        self._loop = loop
        self._counters = counters
        self._own_link = self.mac + self.mac + IPV4_TYPE
        self._queue: list[SentFrame | bytes] = []
        self._own: list[ReceivedFrame] = []  # what this host sends to itself
        self.inside = False  # whether what is being received comes from this host itself
        self.look_again = False  # something was sent whose answer may be there as soon as that has left
        self._full = False  # the device has refused a frame and not called since
        self._due = False
        self._alarm = Alarm(loop, self._tick)
        self._before_wait = getattr(loop, "call_before_wait", loop.call_soon)

    def start(
        self,
        receive: Callable[[list[ReceivedFrame]], None],
        receive_raw: Callable[[list[bytes]], None],
        undeliverable: Callable[[SentFrame, float], None],
        lost: Callable[[DeviceError], None],
    ) -> None:
        """Watch the card: `receive` or `receive_raw` takes what comes, `undeliverable` what no neighbor answers for.

        `lost` is called once, when the card has gone.
        """
        self._receive = receive
        self._receive_raw = receive_raw
        self._undeliverable = undeliverable
        self._lost = lost
        self.net.watch(self._readable if self.raw is None else self._readable_raw, self._writable)

    # In.

    def _readable(self) -> None:
        try:
            frames = self.net.receive()
        except DeviceError as error:
            self._lose(error)
            return
        if frames:
            self._due = True
            try:
                self._receive(frames)
            finally:
                self.transmit()

    def _readable_raw(self) -> None:
        self.look_again = False
        self._take_raw()
        if self.look_again:  # once: others want to run as well
            self._take_raw()

    def _take_raw(self) -> None:
        try:
            frames = self._raw_net.receive_raw()
        except DeviceError as error:
            self._lose(error)
            return
        if frames:
            self._due = True  # what is sent meanwhile leaves at the end
            try:
                self._receive_raw(frames)
            finally:
                self.transmit()

    def receive_arp(self, data: bytes, now: float) -> None:
        """Handle an ARP frame. Raises `WireError`."""
        self.neighbors.receive(arp.parse(data, ethernet.HEADER_LENGTH, len(data)), now)
        self.settle_neighbors(now)

    # Out.

    def link(self, next_hop: bytes, now: float) -> bytes:
        """Return the Ethernet header for a next hop, 14 octets; `UNRESOLVED` while its MAC is not known."""
        mac = self.neighbors.lookup(next_hop, now)
        return UNRESOLVED if mac is None else mac + self.mac + IPV4_TYPE

    def own_link(self) -> bytes:
        """Return the Ethernet header of what this host sends to itself."""
        return self._own_link

    def group_link(self, mac: bytes) -> bytes:
        """Return the Ethernet header for a broadcast or multicast address."""
        return mac + self.mac + IPV4_TYPE

    def send(self, link: bytes, next_hop: bytes, frames: list[SentFrame], now: float) -> None:
        """Collect frames that begin with `link`, as `link` or another method here has returned it."""
        if link is UNRESOLVED:
            for frame in frames:
                self.neighbors.hold(next_hop, frame, now)
            self.settle_neighbors(now)
        elif link is self._own_link:
            self._send_to_self(frames)
        else:
            self._queue += frames
            if not self._due:
                self.transmit_soon()

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        """Return what a raw frame is; None if the card makes nothing of it."""
        return self._raw_net.interpret(octets)

    def send_raw(self, frames: list[bytes]) -> None:
        """Collect frames with the card's header before them, whose link is known."""
        self._queue += frames
        if not self._due:
            self.transmit_soon()

    def transmit_soon(self) -> None:
        """Hand over what was collected before the loop waits."""
        if not self._due:
            self._due = True
            self._before_wait(self.transmit)

    def transmit(self) -> None:
        """Hand over what was collected, as far as the device takes it; it calls when it takes more."""
        self._due = False
        frames = self._queue
        if not frames:
            return
        if self._full:
            self._limit()
            return
        self._queue = []
        if self.failed is not None:
            self._counters.unreachable += len(frames)
            return
        try:
            if self.raw is None:
                accepted = self.net.send(cast("list[SentFrame]", frames))
            else:
                accepted = self._raw_net.send_raw(frames)
        except DeviceError as error:
            self._lose(error)
            return
        except MemoryError:
            self._counters.no_memory += len(frames)
            return
        self._counters.sent += accepted
        if accepted < len(frames):
            self._full = True
            self._queue = frames[accepted:] + self._queue
            self._limit()

    def _limit(self) -> None:
        """Drop the newest of what waits for a full card."""
        self._counters.send_queue_full += max(0, len(self._queue) - MAX_QUEUE)
        del self._queue[MAX_QUEUE:]

    def _lose(self, error: DeviceError) -> None:
        """Note that the card has gone. Told later: this may be in the middle of somebody's flush."""
        if self.failed is None:
            self.failed = error
            self._full = False
            self._alarm.cancel()
            self._loop.call_soon(self._lost, error)

    def _writable(self) -> None:
        self._full = False
        self.transmit()

    def _send_to_self(self, frames: list[SentFrame]) -> None:
        if not self._own:
            self._loop.call_soon(self._receive_from_self)
        for frame in frames:
            data = b"".join(frame.buffers)
            kind = Checksum.UNKNOWN if frame.checksum_start < 0 else Checksum.PARTIAL
            self._own.append(ReceivedFrame(data, kind, Segmentation.NONE, 0))
        if len(self._own) > MAX_QUEUE:
            self._counters.send_queue_full += len(self._own) - MAX_QUEUE
            del self._own[MAX_QUEUE:]

    def _receive_from_self(self) -> None:
        frames, self._own = self._own, []
        self.inside = True
        try:
            self._receive(frames)
        finally:
            self.inside = False

    # Neighbors.

    def settle_neighbors(self, now: float) -> None:
        """Send what the ARP machine has to say and what it has set free."""
        neighbors = self.neighbors
        for mac, packet in neighbors.take_packets():
            self._queue.append(SentFrame((mac + self.mac + ARP_TYPE + arp.serialize(packet),)))
        for mac, frame in neighbors.take_released():
            header = mac + self.mac + IPV4_TYPE + bytes(frame.buffers[0])[14:]
            self._queue.append(frame._replace(buffers=(header, *frame.buffers[1:])))
        for _address, frame in neighbors.take_unreachable():
            self._counters.unreachable += 1
            self._undeliverable(frame, now)
        for mac in neighbors.own.take_conflicts():
            LOG.warning("%s uses this host's address as well", ethernet.format_mac(mac))
            self.conflict(now)
        if self._queue:
            self.transmit_soon()
        self._alarm.set(neighbors.next_deadline())

    def _tick(self, now: float) -> None:
        self.neighbors.tick(now)
        self.settle_neighbors(now)

    async def close(self, patience: float) -> None:
        """Send what is collected and give the card back.

        What is held for a neighbor that has just been asked for, such as a DHCP server, may wait `patience` seconds.
        """
        deadline = self._loop.time() + patience
        while len(self.neighbors.held) and self.failed is None and self._loop.time() < deadline:
            await asyncio.sleep(POLL_INTERVAL)
        self._alarm.cancel()
        self.transmit()
        await self.net.close()
