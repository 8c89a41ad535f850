"""What Linux says of a network interface, by name, in the network namespace of the caller."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import socket
import struct
from typing import NamedTuple

from fata.driver.net.sendable import MIN_MTU
from fata.errors import Unavailable

# linux/sockios.h, linux/if.h
SIOCGIFFLAGS, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFINDEX = 0x8913, 0x8921, 0x8927, 0x8933
IFF_UP = 1
IFREQ = struct.Struct("=16s24s")  # a name and a union
MAX_NAME = 15  # octets, IFNAMSIZ without the closing zero
ARPHRD_ETHER = 1  # linux/if_arp.h

# linux/sockios.h, linux/ethtool.h
SIOCETHTOOL, ETHTOOL_GDRVINFO = 0x8946, 0x00000003
DRIVER_INFO = struct.Struct("=I32s160x")  # the command, the driver's name, more

LOCAL, GROUP = 0x02, 0x01  # bits of an address's first octet, IEEE 802: locally administered, multicast


class Interface(NamedTuple):
    """One interface as it was when asked."""

    name: str
    number: int
    mtu: int  # octets
    mac: bytes


def find_interface(name: str, remedy: str) -> Interface:
    """Ask for an Ethernet interface. Raises Unavailable when there is none, or it is down; `remedy` makes one."""
    octets = name.encode()
    if not 0 < len(octets) <= MAX_NAME or b"\0" in octets or b"/" in octets:
        raise Unavailable(f"{name!r}: no name of an interface: 1 to {MAX_NAME} octets, no slash")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:

        def ask(request: int, form: str) -> tuple[int, ...]:
            try:
                answer = fcntl.ioctl(any_socket, request, IFREQ.pack(octets, b""))
            except OSError as error:
                if error.errno == errno.ENODEV:
                    raise Unavailable(f"{name}: no such interface", remedy) from error
                raise Unavailable(f"{name}: {error.strerror}", "Name an Ethernet interface.") from error
            return struct.unpack_from(form, answer, 16)

        (number,) = ask(SIOCGIFINDEX, "=i")
        (mtu,) = ask(SIOCGIFMTU, "=i")
        family, *mac = ask(SIOCGIFHWADDR, "=H6B")
        if family != ARPHRD_ETHER:
            raise Unavailable(f"{name}: no Ethernet (its hardware type is {family})", "Name an Ethernet interface.")
        if not ask(SIOCGIFFLAGS, "=H")[0] & IFF_UP:
            raise Unavailable(f"{name}: the interface is down", f"ip link set {name} up")
        if mtu < MIN_MTU:
            raise Unavailable(f"{name}: an MTU of {mtu} octets, {MIN_MTU} needed", f"ip link set {name} mtu 1500")
        return Interface(name, number, mtu, bytes(mac))


def driver_of(name: str) -> str | None:
    """Return the driver's name, "tun" for a TAP, "" if it does not tell; None without such an interface.

    The kernel is asked, not /sys, which may be that of another network namespace than ours.
    """
    import ctypes  # not at the top: a unikernel's image, run as a process over TAP, has none

    info = ctypes.create_string_buffer(DRIVER_INFO.pack(ETHTOOL_GDRVINFO, b""), DRIVER_INFO.size)
    request = struct.pack("=16sQ16x", name.encode()[:MAX_NAME], ctypes.addressof(info))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        try:
            fcntl.ioctl(any_socket, SIOCETHTOOL, request)
        except OSError as error:
            return None if error.errno == errno.ENODEV else ""
    driver: bytes = DRIVER_INFO.unpack(info.raw)[1]
    return driver.rstrip(b"\0").decode("ascii", "replace")


def check_mac(mac: bytes) -> bytes:
    """Return `mac` if a card may have it, else raise Unavailable: a user has chosen it."""
    if len(mac) != 6 or mac[0] & GROUP or not any(mac):
        raise Unavailable(
            f"{mac.hex(':')}: no address of a card", "Give 6 octets, the first of them even, not all zero."
        )
    return mac


def derive_mac(interface: Interface) -> bytes:
    """Return our address beside the kernel's on `interface`: the same one for as long as the interface has its own."""
    digest = hashlib.sha256(interface.mac + interface.name.encode()).digest()
    return bytes([digest[0] & ~GROUP | LOCAL]) + digest[1:6]
