"""A packet socket with rings in memory that is shared with the kernel: `Packet`, in fewer system calls."""

from __future__ import annotations

import errno
import mmap
import os
import socket
from typing import TYPE_CHECKING

from fata.device.poller import Writable
from fata.driver.net.descriptor import BURST, READ_SIZE
from fata.driver.net.packet import PACKET_VNET_HDR, SOL_PACKET, Packet
from fata.driver.net.packet_ring import RECEIVE_SLOTS, SEND_SLOTS, SLOT, ReceiveRing, SendRing, request
from fata.driver.net.vnet_header import finish
from fata.errors import DeviceError, StateError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.net import SentFrame
    from fata.device.poller import Poller

# linux/if_packet.h
PACKET_RX_RING, PACKET_COPY_THRESH, PACKET_VERSION, PACKET_TX_RING = 5, 7, 10, 13
TPACKET_V2 = 1
ORDERED = ("x86_64", "i686")  # others may read a slot's octets before its status, whatever the program's order


class RingPacket(Packet):
    """As `Packet`, which see. Frames too large for a slot are read and written as there.

    The rings take 9 MiB. Raises Unavailable where the kernel has not that much, or the machine may reorder its reads.
    """

    def __init__(self, poller: Poller, name: str, *, mac: bytes | None = None, offload: bool = True) -> None:
        if os.uname().machine not in ORDERED:
            raise Unavailable(f"{name}: no rings on {os.uname().machine}", "Use Packet.")
        super().__init__(poller, name, mac=mac, offload=offload)
        self._poller = poller
        self._awaits_room = False
        self._writable: Callable[[], None] | None = None
        number = self._descriptor.number
        try:
            self._sender = open_sender(name)
            self._sending = SendRing(mmap.mmap(self._sender.fileno(), SEND_SLOTS * SLOT))
            memory = mmap.mmap(number, RECEIVE_SLOTS * SLOT)
        except (OSError, ValueError) as error:
            self._descriptor.close()
            raise Unavailable(f"{name}: {error}", "Use Packet.") from error
        self._receiving = ReceiveRing(memory, lambda: os.read(number, READ_SIZE))
        self._borrowed = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, fileno=number)
        self._closed = False

    def _prepare(self, made: socket.socket) -> None:
        made.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        super()._prepare(made)
        made.setsockopt(SOL_PACKET, PACKET_COPY_THRESH, 1)
        made.setsockopt(SOL_PACKET, PACKET_RX_RING, request(RECEIVE_SLOTS))

    def receive_raw(self) -> list[bytes]:
        descriptor = self._descriptor
        descriptor.check_open()
        if descriptor.gone:
            return []
        frames = self._receiving.take(BURST)
        # An error makes the socket ready until somebody has asked for it.
        if not frames and self._borrowed.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            descriptor.check_exists()
        return frames

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        self._descriptor.check_open()
        finished = finish(frames, self._mtu, self.capabilities)
        accepted = 0
        while accepted < len(finished):
            count = self._sending.put(finished, accepted)
            if count or self._sending.waits():
                self._kick()
            if not count:
                if self._sending.waits():  # nothing may overtake that
                    break
                count = self._descriptor.send(finished[accepted : accepted + 1])
                if not count:
                    break
            accepted += count
        return accepted

    def _kick(self) -> None:
        """Have the kernel send what is in the ring; what it has no room for waits until it has."""
        try:
            self._sender.send(b"")
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOBUFS):
                self._excuse(error)
        if self._sending.waits() and not self._awaits_room:
            self._awaits_room = True
            self._poller.register(Writable(self._sender.fileno()), self._on_room)

    def _excuse(self, error: OSError) -> None:
        """Give up what was not sent; say what that means, unless the kernel just did not take it."""
        lost = self._sending.withdraw()
        self._descriptor.check_exists()
        if error.errno in (errno.EINVAL, errno.EMSGSIZE):
            raise StateError(f"the kernel refuses a frame: {error.strerror}") from error
        self.counters.not_taken += lost

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        super().watch(readable, writable)
        self._writable = writable

    def _on_room(self) -> None:
        self._stop_awaiting_room()
        try:
            self._kick()
        except DeviceError:
            pass  # whoever sends next is told
        if not self._awaits_room and self._writable is not None:
            self._writable()

    def _stop_awaiting_room(self) -> None:
        if self._awaits_room:
            self._awaits_room = False
            self._poller.unregister(Writable(self._sender.fileno()))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._stop_awaiting_room()
            self._borrowed.detach()
            self._receiving.close()
            self._sending.close()
            self._sender.close()
        await super().close()


def open_sender(name: str) -> socket.socket:
    """Return a packet socket with a ring to send from, which receives nothing. Raises `OSError`."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    try:
        made.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
        made.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        made.setsockopt(SOL_PACKET, PACKET_TX_RING, request(SEND_SLOTS))
        made.bind((name, 0))
    except OSError:
        made.close()
        raise
    return made
