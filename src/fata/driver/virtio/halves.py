"""Numbers of 64 bits behind registers of 32: features half by half, addresses side by side (4.1.4.3 and 4.2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fata.driver.virtio.contract import Registers

HALF = 0xFFFFFFFF


def load_features(registers: Registers, select: int, value: int) -> int:
    """Read the features at register `value`, of which `select` chooses the half."""
    features = 0
    for half in (0, 1):
        registers.store(select, 4, half)
        features |= registers.load(value, 4) << 32 * half
    return features


def store_features(registers: Registers, select: int, value: int, features: int) -> None:
    """Write them likewise."""
    for half in (0, 1):
        registers.store(select, 4, half)
        registers.store(value, 4, features >> 32 * half & HALF)


def store_addresses(registers: Registers, places: Sequence[int], addresses: Sequence[int]) -> None:
    """Write addresses to the pairs of registers that begin at `places`."""
    for place, address in zip(places, addresses, strict=True):
        registers.store(place, 4, address & HALF)
        registers.store(place + 4, 4, address >> 32)


def load_field(registers: Registers, offset: int, width: int) -> int:
    """Read a field of a device's configuration: one of 8 octets as two halves (4.2.2.2)."""
    if width < 8:
        return registers.load(offset, width)
    return registers.load(offset, 4) | registers.load(offset + 4, 4) << 32
