"""DHCP messages (RFC 2131 2; long options: RFC 3396). Options: wire/dhcp_options.py.

+---------------+---------------+---------------+---------------+
|   operation   |  hw type = 1  | hw length = 6 |     hops      |
+---------------+---------------+---------------+---------------+
|                        transaction                            |
+-------------------------------+-+-----------------------------+
|            seconds            |B|             0               |
+-------------------------------+-+-----------------------------+
|  client's, "your", next server's and relay's address          |
+---------------------------------------------------------------+
|  client's MAC (16), server's name (64), boot file (128)       |
+---------------------------------------------------------------+
|                    magic = 99 130 83 99                       |
+---------------+---------------+-------------------------------+
|    option     |    length     |  data …   until option 255    |
+---------------+---------------+-------------------------------+
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from fata.errors import WireError
from fata.wire.dhcp_options import Options, decode, encode

HEADER = Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
HEADER_LENGTH = 240  # octets, magic included
MIN_LENGTH = 300  # octets: BOOTP's relays drop shorter messages (RFC 1542 2.1)
MAGIC = bytes((99, 130, 83, 99))
SERVER_PORT, CLIENT_PORT = 67, 68
REQUEST, REPLY = 1, 2  # operations: from and to clients
HARDWARE_ETHERNET = 1
BROADCAST = 0x8000

PAD, OVERLOAD, END = 0, 52, 255
IN_FILE, IN_SERVER_NAME = 1, 2  # what OVERLOAD says: there are options in these fields too (RFC 2132 9.3)
UNSPECIFIED = bytes(4)


class Message(NamedTuple):
    """A message; addresses have 4 octets."""

    operation: int
    transaction: int
    client_mac: bytes
    options: Options = Options()
    client_address: bytes = UNSPECIFIED  # the client's, if it can answer ARP for it
    your_address: bytes = UNSPECIFIED  # what the server gives to the client
    next_server: bytes = UNSPECIFIED
    relay: bytes = UNSPECIFIED
    seconds: int = 0  # since the client began
    broadcast: bool = False  # whether replies have to be broadcast
    hops: int = 0
    server_name: bytes = b""
    boot_file: bytes = b""


def parse(data: bytes, start: int, end: int) -> Message:
    """Read the message in `data[start:end]`. Raises `WireError`."""
    if end - start < HEADER_LENGTH:
        raise WireError(f"dhcp: {end - start} octets are no header of {HEADER_LENGTH}")
    fields = HEADER.unpack_from(data, start)
    operation, hardware, length, hops, transaction, seconds, flags = fields[:7]
    client, your, next_server, relay, mac, name, file, magic = fields[7:]
    if magic != MAGIC:
        raise WireError(f"dhcp: {magic.hex()} is not the magic number {MAGIC.hex()}")
    if operation not in (REQUEST, REPLY):
        raise WireError(f"dhcp: operation {operation} is neither {REQUEST} nor {REPLY}")
    if (hardware, length) != (HARDWARE_ETHERNET, 6):
        raise WireError(f"dhcp: hardware {hardware} with addresses of {length} octets, not Ethernet's 1 and 6")
    found: dict[int, bytes] = {}
    _gather(bytes(data[start + HEADER_LENGTH : end]), found)
    overload = _overload(found)
    if overload & IN_FILE:
        _gather(file, found)
        file = b""
    if overload & IN_SERVER_NAME:
        _gather(name, found)
        name = b""
    found.pop(OVERLOAD, None)
    return Message(
        operation,
        transaction,
        mac[:6],
        decode(found),
        client,
        your,
        next_server,
        relay,
        seconds,
        bool(flags & BROADCAST),
        hops,
        name.partition(b"\0")[0],
        file.partition(b"\0")[0],
    )


def _overload(found: dict[int, bytes]) -> int:
    value = found.get(OVERLOAD, b"\0")
    if len(value) != 1 or value[0] > IN_FILE | IN_SERVER_NAME:
        raise WireError(f"dhcp: option overload is {value.hex()}, not 1, 2 or 3")
    return value[0]


def _gather(octets: bytes, found: dict[int, bytes]) -> None:
    """Add options to those already found; the parts of one are put together (RFC 3396 7)."""
    for code, value in _options(octets):
        found[code] = found.get(code, b"") + value


def _options(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(octets):
        code = octets[at]
        if code == END:
            return
        if code == PAD:
            at += 1
            continue
        if at + 2 > len(octets) or at + 2 + octets[at + 1] > len(octets):
            raise WireError(f"dhcp: option {code} is cut off, {len(octets) - at} octets are left")
        length = octets[at + 1]
        yield code, octets[at + 2 : at + 2 + length]
        at += 2 + length


def serialize(message: Message) -> bytes:
    """Return a message's octets, padded to BOOTP's 300; options beyond 255 octets become several (RFC 3396 5)."""
    header = HEADER.pack(
        message.operation,
        HARDWARE_ETHERNET,
        6,
        message.hops,
        message.transaction,
        message.seconds,
        BROADCAST if message.broadcast else 0,
        message.client_address,
        message.your_address,
        message.next_server,
        message.relay,
        message.client_mac,
        message.server_name,
        message.boot_file,
        MAGIC,
    )
    parts = [header]
    for code, value in encode(message.options):
        for at in range(0, len(value) or 1, 255):
            piece = value[at : at + 255]
            parts.append(bytes((code, len(piece))) + piece)
    return (b"".join(parts) + bytes((END,))).ljust(MIN_LENGTH, b"\0")
