"""An existing interface of Linux, shared with the kernel through a packet socket: a veth, a bridge's port, a real card.

The kernel sees everything that arrives as well. It must have no IP address there that is ours too, or it
answers in our place.
"""

from __future__ import annotations

import ctypes
import fcntl
import socket
import struct
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, RawForm, ReceivedFrame, SentFrame
from fata.driver.net.descriptor import Counters, Descriptor
from fata.driver.net.interface import IFREQ, SIOCGIFMTU, Interface, check_mac, find_interface
from fata.driver.net.software_offload import finish_received
from fata.driver.net.tap import OFFLOADS
from fata.driver.net.vnet_header import RAW, finish, parse
from fata.errors import Unavailable, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.poller import Poller

ETH_P_ALL = 0x0003  # linux/if_ether.h
# linux/socket.h, linux/if_packet.h
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_STATISTICS, PACKET_VNET_HDR = 1, 6, 15
PACKET_IGNORE_OUTGOING = 23
PACKET_MR_PROMISC = 1
RECEIVE_BUFFER = 4 << 20  # octets; the kernel's default holds three large frames
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26  # asm-generic/socket.h

# Classic BPF, linux/filter.h: let only frames pass that came without a VLAN tag. The kernel takes the tag out
# of the octets, so that others' VLANs would seem to be ours.
UNTAGGED = struct.pack(
    "=HBBI HBBI HBBI HBBI",
    *(0x20, 0, 0, 0xFFFFF000 + 48),  # load SKF_AD_VLAN_TAG_PRESENT
    *(0x15, 0, 1, 0),  # if it is 0, go on, else skip one
    *(0x06, 0, 0, 0xFFFFFFFF),  # all of the frame
    *(0x06, 0, 0, 0),  # nothing of it
)


class Packet:
    """A Net over the Ethernet interface `name`, which must be up. Needs CAP_NET_RAW.

    Our address is the interface's own, or `mac`, for which the interface is made to hear everything. Without
    `offload` every frame is finished in software: it fits the MTU and has its checksums. What is sent while
    the interface is down is lost; one that is removed is a `DeviceError`, which `receive` raises once and
    `send` always. Raises Unavailable with a remedy when it cannot be had.
    """

    def __init__(self, poller: Poller, name: str, *, mac: bytes | None = None, offload: bool = True) -> None:
        interface = find_interface(name, f"Name one of these: ip -brief link. Or make {name}.")
        self._mac = interface.mac if mac is None else check_mac(mac)
        self._mtu = interface.mtu
        self._offload = offload
        self._overflowed = 0
        number = self._open(interface, promiscuous=self._mac != interface.mac)
        self._descriptor = Descriptor(poller, number, name, _exists)

    @property
    def mac(self) -> bytes:
        return self._mac

    @property
    def mtu(self) -> int:
        return self._mtu

    @property
    def capabilities(self) -> Capabilities:
        return OFFLOADS if self._offload else Capabilities()

    @property
    def counters(self) -> Counters:
        """What came to nothing."""
        return self._descriptor.counters

    @property
    def overflowed(self) -> int:
        """Frames that the kernel has dropped so far because we did not fetch them in time."""
        number = self._descriptor.number
        if number >= 0:
            borrowed = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, fileno=number)
            try:  # the kernel begins anew with each answer
                self._overflowed += struct.unpack("=II", borrowed.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
            finally:
                borrowed.detach()
        return self._overflowed

    def receive(self) -> list[ReceivedFrame]:
        """Return up to 64 frames; more when large ones had to be cut."""
        frames = [frame for octets in self.receive_raw() if (frame := self.interpret(octets)) is not None]
        if self._offload:
            return frames
        finished: list[ReceivedFrame] = []
        for frame in frames:
            try:
                finished += map(ReceivedFrame, finish_received(frame))
            except WireError:
                self.counters.malformed += 1
        return finished

    def send(self, frames: Sequence[SentFrame]) -> int:
        return self.send_raw(frames)

    @property
    def raw(self) -> RawForm | None:
        return RAW if self._offload else None

    def receive_raw(self) -> list[bytes]:
        return self._descriptor.receive_raw()

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        return self._descriptor.interpret(octets, parse)

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        return self._descriptor.send(finish(frames, self._mtu, self.capabilities))

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._descriptor.watch(readable, writable)

    async def close(self) -> None:
        self._descriptor.close()

    def _open(self, interface: Interface, promiscuous: bool) -> int:
        """Return the descriptor of a packet socket on the interface."""
        try:
            made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
        except PermissionError as error:
            raise Unavailable(
                f"{interface.name}: this user may not open packet sockets",
                "Run it as root or with CAP_NET_RAW. "
                "A TAP interface needs neither: ip tuntap add NAME mode tap user $USER",
            ) from error
        try:
            self._prepare(made)
            _attach(made, interface, promiscuous)
        except OSError as error:
            made.close()
            raise Unavailable(f"{interface.name}: {error.strerror}", "Name an Ethernet interface.") from error
        return made.detach()

    def _prepare(self, made: socket.socket) -> None:
        """Set the options that decide what a frame looks like.

        PACKET_QDISC_BYPASS is not among them: it gains nothing on a veth (2.15 µs a frame against 2.17), hides what
        we send from the host's tcpdump, and loses every large frame on a card that does not cut by itself.
        """
        for option in (PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING):
            made.setsockopt(SOL_PACKET, option, 1)


def _attach(made: socket.socket, interface: Interface, promiscuous: bool) -> None:
    """Set what decides which frames come, and begin to receive."""
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER)
    except PermissionError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    program = ctypes.create_string_buffer(UNTAGGED, len(UNTAGGED))
    filter_ = struct.pack("HP", len(UNTAGGED) // 8, ctypes.addressof(program))
    made.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, filter_)
    if promiscuous:
        membership = struct.pack("=iHH8x", interface.number, PACKET_MR_PROMISC, 0)
        made.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
    made.bind((interface.name, ETH_P_ALL))


def _exists(number: int) -> bool:
    """Say whether the interface behind the socket has not been removed."""
    borrowed = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0, fileno=number)
    try:
        name = borrowed.getsockname()[0]  # "" once it has gone
        fcntl.ioctl(number, SIOCGIFMTU, IFREQ.pack(name.encode(), b""))
    except OSError:
        return False
    finally:
        borrowed.detach()
    return True
