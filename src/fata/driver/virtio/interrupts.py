"""Lines of devices on their way to the processor: through the I/O APICs.

A line is routed as an edge, whatever it is: the drivers acknowledge an interrupt before they look at their rings, so a
line goes down and up again for what comes later. A level would interrupt without end until Python has run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.driver.virtio.acpi import IoApic, io_apics
from fata.driver.virtio.hardware import Window
from fata.errors import DeviceError

if TYPE_CHECKING:
    from fata.driver.virtio.hardware import Hardware

DEFAULT = IoApic(0xFEC00000, 0)  # of a machine without ACPI
REGISTERS = 32  # octets: a select register at 0, a data register at 16
VERSION, TABLE = 1, 16  # numbers of registers


def route(hardware: Hardware, line: int, event: int) -> None:
    """Have line `line` (a global system interrupt) raise event `event`. Raises `DeviceError` for one there is not."""
    apics = [apic for apic in io_apics(hardware) or [DEFAULT] if apic.first <= line]
    if not apics:
        raise DeviceError(f"interrupt line {line}: no I/O APIC has it")
    apic = max(apics, key=lambda each: each.first)
    registers = Window(hardware, "I/O APIC", apic.address, REGISTERS)
    registers.store(0, 4, VERSION)
    pins = (registers.load(16, 4) >> 16 & 0xFF) + 1
    pin = line - apic.first
    if pin >= pins:
        raise DeviceError(f"interrupt line {line}: the I/O APIC has lines {apic.first} to {apic.first + pins - 1}")
    registers.store(0, 4, TABLE + 2 * pin + 1)
    registers.store(16, 4, 0)  # to the first processor
    registers.store(0, 4, TABLE + 2 * pin)
    registers.store(16, 4, hardware.FIRST_VECTOR + event)
