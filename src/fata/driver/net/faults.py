"""A Net over a Net, with a faulty cable between them."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, Checksum, Net, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Software
from fata.driver.net.line import Faults, Line
from fata.driver.net.sendable import ETHERNET_HEADER, check
from fata.driver.net.software_offload import finish_received
from fata.errors import DeviceError, StateError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.poller import Poller

    # `Loop.call_at` or `VirtualPoller.schedule`: calls at a moment on the poller's clock.
    CallAt = Callable[[float, Callable[[], None]], object]

BURST = 64  # frames a receive()
QUEUE = 1000  # frames that wait to be received, or to be taken by the device beneath
NO_FAULTS = Faults()
NO_OFFLOADS = Capabilities()


class FaultyNet:
    """`net` behind a cable that loses, delays and spoils. Seeded: equal frames at equal times fare equally.

    It offloads nothing: a cable carries finished segments, and only those can be lost one by one. What the
    device beneath has joined is cut before the faults strike. `call_at` is how frames come later. The lines may
    be changed while they are in use: `sending.faults`, `receiving.faults`, and `unplug` for both.
    """

    def __init__(
        self,
        net: Net,
        poller: Poller,
        call_at: CallAt,
        *,
        seed: int,
        sending: Faults = NO_FAULTS,
        receiving: Faults = NO_FAULTS,
    ) -> None:
        self.sending = Line(f"{seed} sending", sending)
        self.receiving = Line(f"{seed} receiving", receiving)
        self.dropped = 0  # frames beyond the bounded queues on both sides
        self._net = net
        self._poller = poller
        self._call_at = call_at
        self._arrived: deque[ReceivedFrame] = deque()
        self._leaving: deque[SentFrame] = deque()  # what the device beneath has not taken yet
        self._refused = False  # whether somebody waits for room
        self._signal = Software(f"faulty cable at {net.mac.hex(':')}")
        self._readable: Callable[[], None] | None = None
        self._writable: Callable[[], None] | None = None
        self._closed = False

    @property
    def mac(self) -> bytes:
        return self._net.mac

    @property
    def mtu(self) -> int:
        return self._net.mtu

    @property
    def capabilities(self) -> Capabilities:
        return NO_OFFLOADS

    def unplug(self) -> None:
        """Let nothing pass in either direction; what is on its way is lost as well."""
        self.sending.plugged = self.receiving.plugged = False

    def plug(self) -> None:
        """Let frames pass again."""
        self.sending.plugged = self.receiving.plugged = True

    # From the device beneath to the owner.

    def receive(self) -> list[ReceivedFrame]:
        """Return up to 64 frames."""
        self._check_open()
        self._carry_in()
        arrived = self._arrived
        frames = [arrived.popleft() for _ in range(min(BURST, len(arrived)))]
        if arrived:
            self._poller.wake(self._signal)
        return frames

    def _carry_in(self) -> None:
        now = self._poller.monotonic()
        for frame in self._net.receive():
            try:
                segments = finish_received(frame)
            except WireError:
                continue  # nothing that a cable could carry
            for segment in segments:
                for moment, octets in self.receiving.carry(segment, now):
                    if moment <= now:
                        self._arrive(octets)
                    else:
                        self._call_at(moment, partial(self._arrive_late, octets))

    def _arrive(self, octets: bytes) -> None:
        if len(self._arrived) < QUEUE:
            self._arrived.append(ReceivedFrame(octets, Checksum.UNKNOWN, Segmentation.NONE))
        else:
            self.dropped += 1

    def _arrive_late(self, octets: bytes) -> None:
        if self._closed:
            return
        if self.receiving.is_dark(self._poller.monotonic()):
            self.receiving.counters.unplugged += 1
            return
        self._arrive(octets)
        self._poller.wake(self._signal)

    # From the owner to the device beneath.

    def send(self, frames: Sequence[SentFrame]) -> int:
        """Put frames on the cable; none while the device beneath is full."""
        self._check_open()
        now = self._poller.monotonic()
        for accepted, frame in enumerate(frames):
            if self._leaving and not self._push():
                self._refused = True
                return accepted
            check(frame, self.mtu, NO_OFFLOADS)
            for moment, octets in self.sending.carry(b"".join(frame.buffers), now):
                if moment <= now:
                    self._leave(octets)
                else:
                    self._call_at(moment, partial(self._leave_late, octets))
        return len(frames)

    def _leave(self, octets: bytes) -> None:
        if len(self._leaving) >= QUEUE:
            self.dropped += 1
            return
        self._leaving.append(SentFrame([octets[: self.mtu + ETHERNET_HEADER]]))  # rubbish behind it may be too much
        if len(self._leaving) == 1:
            self._push()

    def _leave_late(self, octets: bytes) -> None:
        if self._closed:
            return
        if self.sending.is_dark(self._poller.monotonic()):
            self.sending.counters.unplugged += 1
            return
        try:
            self._leave(octets)
        except DeviceError:  # its owner learns it from `receive` or the next `send`
            self._leaving.clear()

    def _push(self) -> bool:
        """Hand over what the device beneath takes now; say whether that was all."""
        leaving = self._leaving
        for _ in range(self._net.send(tuple(leaving))):
            leaving.popleft()
        return not leaving

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._check_open()
        if self._readable is not None:
            self._poller.unregister(self._signal)
        self._readable, self._writable = readable, writable
        self._poller.register(self._signal, readable)
        self._net.watch(readable, self._on_writable)
        if self._arrived:
            self._poller.wake(self._signal)

    def _on_writable(self) -> None:
        if self._push() and self._refused and self._writable is not None:
            self._refused = False
            self._writable()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            if self._readable is not None:
                self._poller.unregister(self._signal)
            await self._net.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StateError(f"{self._signal.label}: the device is closed")
