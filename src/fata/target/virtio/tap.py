"""Can QEMU have a TAP interface? Asked before it starts: its own words for a no are hard to read."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct

from fata.errors import ConfigError

DEVICE = "/dev/net/tun"
# linux/if_tun.h, linux/sockios.h, linux/if.h
TUNSETIFF, SIOCGIFFLAGS = 0x400454CA, 0x8913
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR, IFF_UP = 0x0002, 0x1000, 0x4000, 0x1
IFREQ = struct.Struct("=16sH22x")

REASONS = {
    errno.EBUSY: ("another program has it", "End that program; `ss -xp` and `lsof /dev/net/tun` may name it."),
    errno.EINVAL: ("it is not a TAP interface of one queue", "Make one: {make}"),
    errno.EPERM: ("it belongs to another user", "Make one of your own: {make}"),
    errno.EACCES: (f"you may not open {DEVICE}", "Ask for the right to, or take --nic user."),
    errno.ENOENT: (f"there is no {DEVICE}", "Load the module: modprobe tun"),
}


def check_tap(name: str) -> None:
    """Raise ConfigError unless QEMU can have the interface, and frames can pass it."""
    make = f"ip tuntap add {name} mode tap user $USER && ip link set {name} up"
    try:
        socket.if_nametoindex(name)
    except OSError:
        raise ConfigError(f"--nic tap={name}: there is no such interface", remedy=f"Make it: {make}") from None
    request = IFREQ.pack(name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    try:
        descriptor = os.open(DEVICE, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.ioctl(descriptor, TUNSETIFF, request)
        finally:
            os.close(descriptor)
    except OSError as error:
        reason, remedy = REASONS.get(error.errno or 0, (error.strerror, "Look at it with `ip -d link show`."))
        raise ConfigError(f"--nic tap={name}: {reason}", remedy=remedy.format(make=make)) from None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        _, flags = IFREQ.unpack(fcntl.ioctl(any_socket, SIOCGIFFLAGS, IFREQ.pack(name.encode(), 0)))
    if not flags & IFF_UP:
        raise ConfigError(f"--nic tap={name}: the interface is down", remedy=f"Put it up: ip link set {name} up")
