"""A learning Ethernet switch in memory (MirageOS's vnetif). Each port is a Net; whatever runs behind it is a host.

A frame sent on a port stands in the queues of others when `send` returns, and their owners are called by the
next `Poller.wait`: no time passes. Delay, loss and rate are the business of `faults.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, Checksum, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Software
from fata.driver.net.sendable import ETHERNET_HEADER, MIN_MTU, check
from fata.driver.net.software_offload import finish, join
from fata.errors import StateError, WireError

if TYPE_CHECKING:
    from fata.device.poller import Poller

BURST = 64  # frames a receive()
QUEUE = 1000  # frames, what Linux gives an interface
MAC_TABLE = 1024  # addresses; the oldest makes room
GROUP = 0x01  # bit of an address's first octet: multicast and broadcast
NO_OFFLOADS = Capabilities()


@dataclass(slots=True)
class PortCounters:
    """What a port did. Frames as they came: one that was not cut counts once."""

    sent: int = 0
    received: int = 0  # put into its queue
    dropped_full: int = 0  # its queue was full
    dropped_large: int = 0  # beyond its MTU


class Switch:
    """Joins ports. A frame goes where its destination was last seen, or to all other ports if it was not.

    With a `poller` of virtual time everything that happens is repeatable; `EpollPoller` serves as well.
    `observe` sees every frame that enters the switch. Only what `passes` from one port to another gets there.
    """

    def __init__(
        self,
        poller: Poller,
        *,
        observe: Callable[[bytes], None] | None = None,
        passes: Callable[[Port, Port], bool] | None = None,
    ) -> None:
        self._poller = poller
        self._observe = observe
        self._passes = passes
        self._ports: list[Port] = []
        self._places: dict[bytes, Port] = {}  # by address, the least recently learned first

    def port(
        self, mac: bytes, *, mtu: int = 1500, capabilities: Capabilities = NO_OFFLOADS, queue: int = QUEUE
    ) -> Port:
        """Add a port for a card with this address. Frames wait for its owner in a queue of `queue` frames.

        The card has the offloads that `capabilities` claims: frames that it sends unfinished reach a port that
        takes such as they are, and are finished in software for any other.
        """
        if len(mac) != 6 or mac[0] & GROUP:
            raise StateError(f"{mac.hex(':')}: no address of a card")
        if mtu < MIN_MTU or queue < 1:
            raise StateError(f"a port with an MTU of {mtu} and a queue of {queue} frames")
        port = Port(self, self._poller, mac, mtu, capabilities, queue)
        self._ports.append(port)
        return port

    def forward(self, source: Port, frame: SentFrame) -> None:
        """Bring a frame to where it belongs."""
        octets = join(frame)
        if self._observe is not None:
            self._observe(octets)
        self._learn(octets[6:12], source)
        place = None if octets[0] & GROUP else self._places.get(octets[:6])
        if place is source:
            return
        made: dict[Capabilities, list[ReceivedFrame]] = {}  # each form is made once
        for port in self._ports if place is None else (place,):
            if port is not source and (self._passes is None or self._passes(source, port)):
                if port.capabilities not in made:
                    made[port.capabilities] = _as_received(frame, octets, port.capabilities)
                port.deliver(made[port.capabilities])

    def _learn(self, mac: bytes, port: Port) -> None:
        if mac[0] & GROUP:
            return
        self._places.pop(mac, None)
        if len(self._places) >= MAC_TABLE:
            del self._places[next(iter(self._places))]
        self._places[mac] = port

    def remove(self, port: Port) -> None:
        """Forget a port that is closed, and who was behind it."""
        self._ports.remove(port)
        self._places = {mac: place for mac, place in self._places.items() if place is not port}


class Port:
    """A Net: one port of a switch. Made by `Switch.port`."""

    def __init__(
        self, switch: Switch, poller: Poller, mac: bytes, mtu: int, capabilities: Capabilities, limit: int
    ) -> None:
        self._switch = switch
        self._poller = poller
        self._mac = mac
        self._mtu = mtu
        self._capabilities = capabilities
        self._limit = limit
        self._queue: deque[ReceivedFrame] = deque()
        self._arrived = Software(f"switch port {mac.hex(':')}")
        self._watched = False
        self._closed = False
        self.counters = PortCounters()

    @property
    def mac(self) -> bytes:
        return self._mac

    @property
    def mtu(self) -> int:
        return self._mtu

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def receive(self) -> list[ReceivedFrame]:
        """Return up to 64 frames."""
        self._check_open()
        queue = self._queue
        frames = [queue.popleft() for _ in range(min(BURST, len(queue)))]
        if queue:
            self._poller.wake(self._arrived)
        return frames

    def send(self, frames: Sequence[SentFrame]) -> int:
        """Send all of them: it is the receiver's queue that may be full, as on a real switch."""
        self._check_open()
        for frame in frames:
            check(frame, self._mtu, self._capabilities)
            self.counters.sent += 1
            try:
                self._switch.forward(self, frame)
            except WireError as error:
                raise StateError(str(error)) from error
        return len(frames)

    def deliver(self, frames: Sequence[ReceivedFrame]) -> None:
        """Take what the switch brings, as far as it fits."""
        for frame in frames:
            if frame.segmentation is Segmentation.NONE and len(frame.data) > self._mtu + ETHERNET_HEADER:
                self.counters.dropped_large += 1
            elif len(self._queue) >= self._limit:
                self.counters.dropped_full += 1
            else:
                self.counters.received += 1
                self._queue.append(frame)
                self._poller.wake(self._arrived)

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        """Call `readable` when frames have arrived; a port is never too full to send."""
        self._check_open()
        if self._watched:
            self._poller.unregister(self._arrived)
        self._watched = True
        self._poller.register(self._arrived, readable)
        if self._queue:
            self._poller.wake(self._arrived)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._queue.clear()
            self._switch.remove(self)
            if self._watched:
                self._poller.unregister(self._arrived)

    def _check_open(self) -> None:
        if self._closed:
            raise StateError(f"{self._arrived.label}: the device is closed")


def _as_received(frame: SentFrame, octets: bytes, capabilities: Capabilities) -> list[ReceivedFrame]:
    """Return the frame in the form that a card with these capabilities gets."""
    if frame.checksum_start < 0:
        return [ReceivedFrame(octets)]
    takes_large = capabilities.receive_segmentation or frame.segmentation is Segmentation.NONE
    if capabilities.receive_checksum and takes_large:
        return [ReceivedFrame(octets, Checksum.PARTIAL, frame.segmentation, frame.segment_size)]
    checksum = Checksum.VERIFIED if capabilities.receive_checksum else Checksum.UNKNOWN
    return [ReceivedFrame(whole, checksum) for whole in finish(frame)]
