"""A TAP interface of Linux: what the kernel sends into it is received here, and the other way round.

With `offload` both sides pass 64 KiB TCP segments whose checksums nobody has computed, through one system
call each, which is worth more than anything else that can be done for speed (docs/design/net.md).
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from typing import TYPE_CHECKING

from fata.device.net import Capabilities, RawForm, ReceivedFrame, Segmentation, SentFrame
from fata.driver.net.descriptor import Counters, Descriptor
from fata.driver.net.interface import Interface, check_mac, derive_mac, find_interface
from fata.driver.net.sendable import check
from fata.driver.net.vnet_header import HEADER_LENGTH, RAW, finish, parse
from fata.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fata.device.poller import Poller

DEVICE = "/dev/net/tun"
# linux/if_tun.h
TUNSETIFF, TUNGETIFF, TUNSETOFFLOAD, TUNSETVNETHDRSZ = 0x400454CA, 0x800454D2, 0x400454D0, 0x400454D8
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6 = 0x01, 0x02, 0x04
IFREQ = struct.Struct("=16sH22x")

OFFLOADS = Capabilities(
    receive_checksum=True,
    send_checksum=True,
    send_segmentation=frozenset({Segmentation.TCP4, Segmentation.TCP6}),
    receive_segmentation=True,
)
NO_HEADER = RawForm(0, None)


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
        self._parse = parse if offload else ReceivedFrame
        self._descriptor = Descriptor(poller, _attach(interface, offload), name, _exists)

    @property
    def mac(self) -> bytes:
        return self._mac

    @property
    def mtu(self) -> int:
        return self._mtu

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def counters(self) -> Counters:
        """What came to nothing."""
        return self._descriptor.counters

    def receive(self) -> list[ReceivedFrame]:
        """Return up to 64 frames."""
        return self._descriptor.receive(self._parse)

    def send(self, frames: Sequence[SentFrame]) -> int:
        return self.send_raw(frames)

    @property
    def raw(self) -> RawForm:
        return RAW if self._offload else NO_HEADER

    def receive_raw(self) -> list[bytes]:
        return self._descriptor.receive_raw()

    def interpret(self, octets: bytes) -> ReceivedFrame | None:
        return self._descriptor.interpret(octets, self._parse)

    def send_raw(self, frames: Sequence[SentFrame | bytes]) -> int:
        if self._offload:
            return self._descriptor.send(finish(frames, self._mtu, self._capabilities))
        finished = []
        for frame in frames:
            assert not isinstance(frame, bytes), "there is no header to complete a checksum by"
            check(frame, self._mtu, self._capabilities)
            finished.append(b"".join(frame.buffers))
        return self._descriptor.send(finished)

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


def _exists(number: int) -> bool:
    """Say whether the interface behind the descriptor has not been removed."""
    try:
        fcntl.ioctl(number, TUNGETIFF, bytes(IFREQ.size))
    except OSError:
        return False
    return True


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
