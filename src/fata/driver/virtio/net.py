"""virtio-net: a network card (virtio 1.2, 5.1).

Received frames are copied once out of the ring's buffers of a page each; with MRG_RXBUF a frame of 64 KiB lies in
17 of them. Sent frames are copied into one arena, so that each needs one descriptor.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, Checksum, RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.device.poller import Software
from fata.driver.net.sendable import ETHERNET_HEADER, LARGEST_FRAME, MIN_MTU, check
from fata.driver.net.vnet_header import RAW, parse, serialize
from fata.driver.virtio.arena import Arena
from fata.driver.virtio.ring import PAGE
from fata.driver.virtio.session import Session
from fata.errors import DeviceError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.poller import Poller, Source
    from fata.driver.virtio.contract import Memory, Transport
    from fata.driver.virtio.ring import Ring

KIND = 1
CSUM, GUEST_CSUM, MTU, MAC, GUEST_TSO4, GUEST_TSO6 = 0, 1, 3, 5, 7, 8  # feature bits, 5.1.3
HOST_TSO4, HOST_TSO6, MRG_RXBUF = 11, 12, 15
WANTED = sum(1 << bit for bit in (CSUM, GUEST_CSUM, MTU, MAC, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, MRG_RXBUF))
REQUIRES = {GUEST_TSO4: GUEST_CSUM, GUEST_TSO6: GUEST_CSUM, HOST_TSO4: CSUM, HOST_TSO6: CSUM}  # 5.1.3.1
RECEIVING, SENDING = 0, 1  # queues
MTU_FIELD = (10, 2)  # of the configuration
RING = 256  # descriptors, QEMU's own limit
BURST = 64  # frames a receive()
HEADER = 12  # octets, with the number of merged buffers at 10
MERGED = 10
RECEIVE_ROOM = RING * PAGE  # octets of buffers to receive into; a large MTU without MRG_RXBUF gets fewer of them
ARENA = 128 * PAGE  # octets of sent frames under way: seven of the largest
VLAN_TAG = 4  # octets, which the MTU does not count
GROUP = 0x01  # bit of an address's first octet
DEFAULT_MTU = 1500  # octets
REST = bytes(2)  # of a header, behind what Linux has
PLAIN, UNKNOWN = Segmentation.NONE, Checksum.UNKNOWN  # looked up once: an enumeration's member costs as much as a call


class VirtioNet:
    """A Net. `source` is the interrupt; `masked` are feature bits not to be used. Raises `DeviceError`."""

    def __init__(
        self, transport: Transport, memory: Memory, poller: Poller, source: Source, *, masked: int = 0
    ) -> None:
        self._session = session = Session(transport, memory, WANTED)
        features = session.features & ~masked
        for bit, other in REQUIRES.items():
            if not features >> other & 1:
                features &= ~(1 << bit)
        if not features >> MRG_RXBUF & 1:  # else 64 KiB would have to lie ready for every frame
            features &= ~(1 << GUEST_TSO4 | 1 << GUEST_TSO6)
        session.accept(features)
        self.mac, self.mtu = self._identity()
        self._largest = self.mtu + ETHERNET_HEADER + VLAN_TAG  # octets of a frame that is not segmented
        self.capabilities = _capabilities(session)
        self.raw = RawForm(HEADER, RAW.tcp_header + REST if RAW.tcp_header and session.has(CSUM) else None)
        self._merges = session.has(MRG_RXBUF)
        self._poller = poller
        self._source = source
        self._more = Software(f"{session.name}: frames are left")
        self._readable: Callable[[], None] | None = None
        self._writable: Callable[[], None] | None = None
        self._awaits_room = False
        self._told = False  # of its failure, by receive()
        self.malformed = 0  # frames received with a header that makes no sense
        self.no_memory = 0  # frames received that there was no memory for
        self._lacking = False  # for the one that is being taken
        self.interrupts = 0
        self._receiving = session.ring(RECEIVING, RING)
        self._sending = session.ring(SENDING, RING)
        self._fill(memory)
        self._room, self._out = memory.dma(ARENA // PAGE)
        self._arena = Arena(ARENA)
        self._free = list(range(self._sending.size))
        self._sending.ignore()
        self._receiving.listen()
        session.start()
        session.publish(RECEIVING, self._receiving)

    def _identity(self) -> tuple[bytes, int]:
        """Read address and MTU."""
        session = self._session
        mac = b"\x02" + os.urandom(5)  # a local one
        if session.has(MAC):
            mac = bytes(octet & 0xFF for octet in session.config(*((number, 1) for number in range(6))))
        mtu = session.config(MTU_FIELD)[0] if session.has(MTU) else DEFAULT_MTU
        if mac[0] & GROUP or mac == bytes(6):
            raise session.fail(f"{mac.hex(':')} is no address of a card")
        if not MIN_MTU <= mtu <= LARGEST_FRAME - ETHERNET_HEADER:
            raise session.fail(f"an MTU of {mtu} octets, where {MIN_MTU} to {LARGEST_FRAME - ETHERNET_HEADER} are due")
        return mac, mtu

    def _fill(self, memory: Memory) -> None:
        """Give the device the buffers to receive into: descriptor n is buffer n, for ever."""
        ring = self._receiving
        least = HEADER + ETHERNET_HEADER + VLAN_TAG + self.mtu
        self._buffer = PAGE if self._merges else -(-least // 64) * 64  # octets
        count = min(ring.size, RECEIVE_ROOM // self._buffer)
        address, self._in = memory.dma(-(-self._buffer * count // PAGE))
        for index in range(count):
            ring.describe(index, address + index * self._buffer, self._buffer, writable=True)
            ring.offer(index, self._buffer)

    # In.

    def receive(self) -> list[ReceivedFrame]:
        """Return up to 64 frames."""
        return [frame for octets in self.receive_raw() if (frame := self.interpret(octets)) is not None]

    def receive_raw(self) -> list[bytes]:
        """Return up to 64 frames with the header before each."""
        session, ring = self._session, self._receiving
        session.check_open()
        frames: list[bytes] = []
        try:
            if session.failure is None:
                waiting = ring.waiting()
                while waiting > 0 and len(frames) < BURST:
                    waiting -= self._take(ring, waiting, frames)
                if waiting or ring.listen():
                    self._poller.wake(self._more)
                session.publish(RECEIVING, ring)
        except DeviceError as error:
            session.fail(error)
        if session.failure is not None and not self._told:
            if frames:
                self._poller.wake(self._more)  # what has arrived first, the news later
            else:
                self._told = True
                raise session.failure
        return frames

    def _take(self, ring: Ring, waiting: int, frames: list[bytes]) -> int:
        """Take a frame, of `waiting` buffers at most; return how many it was in."""
        octets = self._buffer_back(ring)
        count = 1
        if self._merges:
            count = octets[MERGED] | octets[MERGED + 1] << 8
            if not 1 <= count <= waiting:
                raise DeviceError(f"{self._session.name}: a frame in {count} buffers, where {waiting} came back")
            if count > 1:
                octets = self._joined(octets, [self._buffer_back(ring) for _ in range(count - 1)])
        if self._lacking:
            self._lacking = False
            self.no_memory += 1
        else:
            frames.append(octets)
        return count

    def _joined(self, first: bytes, others: list[bytes]) -> bytes:
        if not self._lacking:
            try:
                return b"".join((first, *others))
            except MemoryError:
                self._lacking = True
        return first

    def _buffer_back(self, ring: Ring) -> bytes:
        """Take a buffer back: copy what is in it, the header at least, and give it to the device again."""
        head, written = ring.take()
        if written < HEADER:
            raise DeviceError(f"{self._session.name}: a buffer with {written} octets, where {HEADER} are the least")
        start = head * self._buffer
        try:
            octets = bytes(self._in[start : start + written])
        except MemoryError:  # the frame is dropped; the device goes on
            self._lacking = True
            octets = bytes(self._in[start : start + HEADER])
        ring.offer(head, self._buffer)
        return octets

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        """Return the frame behind a header; None, and count it, if that is not what was agreed on."""
        try:
            frame = parse(octets, HEADER)
        except WireError:
            frame = None
        if frame is None or not self._makes_sense(frame):
            self.malformed += 1
            return None
        return frame

    def _makes_sense(self, frame: ReceivedFrame) -> bool:
        """Say whether a frame is what was agreed on."""
        data, checksum, segmentation, segment_size = frame
        limit = self._largest
        if segmentation is not PLAIN:
            limit = LARGEST_FRAME
            if not self._session.has(GUEST_TSO4 if segmentation is Segmentation.TCP4 else GUEST_TSO6):
                return False
            if segment_size < 1:
                return False
        if checksum is not UNKNOWN and not self.capabilities.receive_checksum:
            return False
        return ETHERNET_HEADER <= len(data) <= limit

    # Out.

    def send(self, frames: Sequence[SentFrame]) -> int:
        return self.send_raw(frames)

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        session = self._session
        session.check_open()
        if session.failure is not None:
            raise session.failure
        accepted = 0
        try:
            for frame in frames:
                if isinstance(frame, bytes):
                    octets = frame
                else:
                    check(frame, self.mtu, self.capabilities)
                    octets = b"".join((serialize(frame), REST, *frame.buffers))
                if not self._put(octets):
                    self._awaits_room = True
                    break
                accepted += 1
        except DeviceError as error:
            raise session.fail(error) from None
        finally:
            if session.failure is None:
                session.publish(SENDING, self._sending)
        return accepted

    def _put(self, octets: bytes) -> bool:
        """Put a frame with its header into the arena; say whether there was room."""
        ring, length = self._sending, len(octets)
        if not self._free:
            self._reclaim()
        start = self._arena.take(self._free[-1], length) if self._free else None
        if start is None:
            start = self._make_room(length)
            if start is None:
                return False
        index = self._free.pop()
        self._out[start : start + length] = octets
        ring.describe(index, self._room + start, length)
        ring.offer(index, 0)
        return True

    def _make_room(self, length: int) -> int | None:
        """Return where there is room after all; else an interrupt will come, when half of what is under way has left.

        Bounded: a device could play with its index, so that something always seems to have left.
        """
        ring = self._sending
        for _ in range(ring.size):
            if not self._reclaim() and not ring.listen(ring.in_flight // 2):
                return None
            start = self._arena.take(self._free[-1], length) if self._free else None
            if start is not None:
                return start
        self._poller.wake(self._more)
        return None

    def _reclaim(self) -> int:
        """Take back what has left; return how many frames that were."""
        ring = self._sending
        count = ring.waiting()
        for _ in range(count):
            head, _ = ring.take()
            self._arena.give(head)
            self._free.append(head)
        return count

    # Who is called.

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._session.check_open()
        first = self._readable is None
        self._readable, self._writable = readable, writable
        if first:
            self._poller.register(self._source, self._interrupt)
            self._poller.register(self._more, self._look)
        self._poller.wake(self._more)

    def _interrupt(self) -> None:
        self.interrupts += 1
        self._session.transport.acknowledge()
        self._look()

    def _look(self) -> None:
        """Call whoever has something to do."""
        session, has_room = self._session, False
        try:
            if session.failure is None and self._awaits_room:
                has_room = self._reclaim() > 0 or self._sending.listen(self._sending.in_flight // 2)
            news = session.failure is not None or self._receiving.waiting() > 0
        except DeviceError as error:
            session.fail(error)
            news = True
        if has_room:
            self._awaits_room = False
            self._sending.ignore()
        if news and not self._told and self._readable is not None:
            self._readable()
        if has_room and self._writable is not None:
            self._writable()

    def report(self) -> str:
        """Return what it took to move the frames, for people."""
        told = f"card: {self._session.notified:,} notifications, {self.interrupts:,} interrupts"
        if self.malformed:
            told += f", {self.malformed:,} malformed frames"
        if self.no_memory:
            told += f", no memory for {self.no_memory:,} frames"
        return told

    async def close(self) -> None:
        session = self._session
        if session.closed:
            return
        if self._readable is not None:
            self._poller.unregister(self._source)
            self._poller.unregister(self._more)
            self._readable = self._writable = None
        session.close()


def _capabilities(session: Session) -> Capabilities:
    kinds = ((HOST_TSO4, Segmentation.TCP4), (HOST_TSO6, Segmentation.TCP6))
    return Capabilities(
        receive_checksum=session.has(GUEST_CSUM),
        send_checksum=session.has(CSUM),
        send_segmentation=frozenset(kind for bit, kind in kinds if session.has(bit)),
        receive_segmentation=session.has(GUEST_TSO4) or session.has(GUEST_TSO6),
    )
