"""What firmware says of a machine in ACPI's tables: its I/O APICs, and virtio devices that no bus would show.

A device of QEMU's microvm stands in the table "DSDT", which is a program. It is not run: a device's name (LNRO0005) is
looked for in its octets, and behind it the two descriptors that say where the device is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fata.driver.virtio.hardware import Hardware

TABLE_HEADER = 36  # octets, ACPI 6.5, 5.2.6
LARGEST_TABLE = 1 << 20  # octets
MADT, MADT_ENTRIES = b"APIC", 44
IO_APIC, OVERRIDE = 1, 2  # types of an entry, ACPI 6.5, 5.2.12
FADT, DSDT_PLACES = b"FACP", ((140, 8), (40, 4))  # 5.2.9: of two pointers the first that is there
VIRTIO_MMIO = b"LNRO0005\0"
FIXED_MEMORY = b"\x86\x09\x00"  # 6.4.3.4: then writable 1, address 4, octets 4
INTERRUPT = b"\x89\x06\x00"  # 6.4.3.6: then flags 1, count 1, line 4


class IoApic(NamedTuple):
    """An I/O APIC and the first line that it has."""

    address: int
    first: int


class Place(NamedTuple):
    """Where a virtio device is: its registers, and its interrupt's line."""

    address: int
    octets: int
    line: int


def io_apics(hardware: Hardware) -> list[IoApic]:
    """Return the I/O APICs that the table "APIC" (MADT) lists."""
    return [IoApic(_number(entry, 4), _number(entry, 8)) for entry in _madt(hardware, IO_APIC, 12)]


def isa_line(hardware: Hardware, line: int) -> int:
    """Return the global line that a line of ISA's sixteen is: the same, unless MADT says another."""
    overrides = (entry for entry in _madt(hardware, OVERRIDE, 10) if entry[3] == line)
    return next((_number(entry, 4) for entry in overrides), line)


def _madt(hardware: Hardware, kind: int, least: int) -> Iterator[bytes]:
    """Yield the entries of a kind that have the `least` octets."""
    for table in _tables(hardware):
        place = MADT_ENTRIES
        while table[:4] == MADT and place + 2 <= len(table) and table[place + 1] >= 2:
            entry = table[place : place + table[place + 1]]
            if entry[0] == kind and len(entry) >= least:
                yield entry
            place += len(entry)


def virtio_places(hardware: Hardware) -> Iterator[Place]:
    """Yield the virtio devices that the table "DSDT" tells."""
    for fadt in _tables(hardware):
        if fadt[:4] == FADT:
            pointers = [_number(fadt, at, width) for at, width in DSDT_PLACES]
            address = next(filter(None, pointers), 0)
            if address:
                yield from _places(_table(hardware, address))


def _places(program: bytes) -> Iterator[Place]:
    for device in program.split(VIRTIO_MMIO)[1:]:
        memory, line = device.find(FIXED_MEMORY), device.find(INTERRUPT)
        if memory >= 0 and line >= 0:
            yield Place(_number(device, memory + 4), _number(device, memory + 8), _number(device, line + 5))


def _tables(hardware: Hardware) -> Iterator[bytes]:
    root = hardware.machine()["rsdp"]
    if not root:
        return
    pointer = bytes(hardware.map(root, TABLE_HEADER, False))
    width, at = (8, 24) if pointer[15] >= 2 else (4, 16)  # XSDT, RSDT
    directory = _table(hardware, _number(pointer, at, width))
    for place in range(TABLE_HEADER, len(directory) - width + 1, width):
        yield _table(hardware, _number(directory, place, width))


def _table(hardware: Hardware, address: int) -> bytes:
    header = bytes(hardware.map(address, TABLE_HEADER, False))
    length = _number(header, 4)
    if not TABLE_HEADER <= length <= LARGEST_TABLE:
        return header
    return bytes(hardware.map(address, length, False))


def _number(octets: bytes, at: int, width: int = 4) -> int:
    return int.from_bytes(octets[at : at + width], "little")
