"""A TAP interface of Linux: what the kernel sends into it is received here, and the other way round.

With `offload` both sides pass 64 KiB TCP segments whose checksums nobody has computed, through one system
call each, which is worth more than anything else that can be done for speed (docs/design/net.md).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.descriptor import Descriptor
from fata.driver.net.interface import Interface, check_mac, derive_mac, find_interface
from fata.driver.net.sendable import LARGEST_FRAME, check
from fata.driver.net.vnet_header import HEADER_LENGTH, parse, serialize
from fata.errors import StateError, Unavailable, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.poller import Poller

DEVICE = "/dev/net/tun"
# linux/if_tun.h
TUNSETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 0x01, 0x02, 0x04
IFREQ = struct.Struct("=16sH22x")

BURST = 64  # frames a receive(): more would keep the rest of the program waiting
READ_SIZE = HEADER_LENGTH + LARGEST_FRAME + 4  # octets; a VLAN tag may be in it
OFFLOADS = Capabilities(
    receive_checksum=True,
    send_checksum=True,
    send_segmentation=frozenset({Segmentation.TCP4, Segmentation.TCP6}),
    receive_segmentation=True,
)


@dataclass(slots=True)
class TapCounters:
    """Frames that came to nothing."""

    not_taken: int = 0  # sent while the interface was down or the kernel had no memory
    malformed: int = 0  # received with a header that makes no sense


class Tap:
    """A Net over an existing TAP interface, `name`, which must be up. One program at a time may have it.

    `mac` is our side's address; without one it is derived from the interface. The kernel's side has its own.
    Without `offload` every frame fits the MTU and has its checksums, both ways. What is sent while the
    interface is down is lost, as on an unplugged cable; an interface that is removed is a `DeviceError`, which
    `receive` raises once and `send` always. Raises Unavailable with a remedy when it cannot be had.
    """

    def __init__(self, poller: Poller, name: str, *, mac: bytes | None = None, offload: bool = True) -> None:
        interface = find_interface(name, f"ip tuntap add {name} mode tap user $USER && ip link set {name} up")
        self._mac = derive_mac(interface) if mac is None else check_mac(mac)
        self._mtu = interface.mtu
        self._offload = offload
        self._capabilities = OFFLOADS if offload else Capabilities()
        self._descriptor = Descriptor(poller, _attach(interface, offload), name)
        self.counters = TapCounters()

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
        descriptor = self._descriptor
        descriptor.check_open()
        frames: list[ReceivedFrame] = []
        if descriptor.lost:
            return frames
        number, offload = descriptor.number, self._offload
        try:
            for _ in range(BURST):
                octets = os.read(number, READ_SIZE)
                try:
                    frames.append(parse(octets) if offload else ReceivedFrame(octets))
                except WireError:
                    self.counters.malformed += 1
        except BlockingIOError:
            pass
        except OSError as error:
            if not frames:  # else the next call finds the same
                raise descriptor.lose(_reason(error)) from error
        return frames

    def send(self, frames: Sequence[SentFrame]) -> int:
        descriptor = self._descriptor
        descriptor.check_open()
        number, mtu, capabilities, offload = descriptor.number, self._mtu, self._capabilities, self._offload
        for accepted, frame in enumerate(frames):
            check(frame, mtu, capabilities)
            try:
                os.writev(number, (serialize(frame), *frame.buffers) if offload else frame.buffers)
            except BlockingIOError:
                descriptor.await_room()
                return accepted
            except OSError as error:
                self._account_for(error)
        return len(frames)

    def _account_for(self, error: OSError) -> None:
        """Count a frame that the kernel did not take; raise if that is not the end of it."""
        if error.errno == errno.EINVAL:
            raise StateError(f"{self._descriptor.name}: the kernel refuses a frame as malformed") from error
        if error.errno not in (errno.EIO, errno.ENOBUFS, errno.ENOMEM):
            raise self._descriptor.lose(_reason(error)) from error
        self.counters.not_taken += 1

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        self._descriptor.watch(readable, writable)

    async def close(self) -> None:
        self._descriptor.close()


def _attach(interface: Interface, offload: bool) -> int:
    """Return a descriptor of the TAP interface."""
    name = interface.name
    try:
        number = os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        remedy = "modprobe tun" if error.errno == errno.ENOENT else f"Give this user the right to open {DEVICE}."
        raise Unavailable(f"{DEVICE}: {error.strerror}", remedy) from error
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if offload else 0)
    try:
        fcntl.ioctl(number, TUNSETIFF, IFREQ.pack(name.encode(), flags))
        # The interface remembers what its last user has set, so that "nothing" must be said as well.
        fcntl.ioctl(number, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 if offload else 0)
        if offload:
            fcntl.ioctl(number, TUNSETVNETHDRSZ, struct.pack("=i", HEADER_LENGTH))
    except OSError as error:
        os.close(number)
        raise Unavailable(f"{name}: {_refusal(error)}", _remedy(error, name)) from error
    return number


def _refusal(error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return "another program has it open"
    if error.errno == errno.EINVAL:
        return "no TAP interface with one queue"
    if error.errno == errno.EPERM:
        return "this user may not open it"
    return str(error.strerror)


def _remedy(error: OSError, name: str) -> str:
    if error.errno == errno.EBUSY:
        return f"Stop that one, or make another: ip tuntap add NAME mode tap user $USER ({name} stays its own)"
    if error.errno == errno.EPERM:
        return f"As root: ip tuntap del {name} mode tap; ip tuntap add {name} mode tap user $USER"
    return "Make another: ip tuntap add NAME mode tap user $USER"


def _reason(error: OSError) -> str:
    return "the interface has been removed" if error.errno == errno.EBADFD else str(error.strerror)
