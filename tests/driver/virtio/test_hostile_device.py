"""Whatever a device answers: a typed `DeviceError`, never another exception, a hang, or a stray write.

Not stray: the models know which pages the driver owns, refuse any address outside them, and have guards around them.
`FATA_HOSTILE_LIES` is how many lies each kind of device tells: 100,000 in `make nightly`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count

import pytest

from fata.driver.virtio import mmio, session
from fata.driver.virtio.ring import WRAP, Ring
from fata.driver.virtio.session import Session
from fata.errors import DeviceError, StateError
from tests.driver.virtio.encounters import (
    Encounter,
    meet_a_card,
    meet_a_console,
    meet_a_disk,
    meet_a_source_of_random_octets,
)
from tests.driver.virtio.model import ModelDevice, ModelMemory

pytestmark = pytest.mark.slow  # in all, some seconds

Meet = Callable[[int], Encounter]
LIES = int(os.environ.get("FATA_HOSTILE_LIES", "1000"))
SEED = 20261124
KINDS = [meet_a_card, meet_a_disk, meet_a_console, meet_a_source_of_random_octets]


@pytest.mark.parametrize("meet", KINDS)
def test_a_hostile_device_is_given_up_and_harms_nobody(meet: Meet) -> None:
    lies, given_up, met = 0, 0, 0
    while lies < LIES:
        told, failed = meet(SEED + met)
        lies, given_up, met = lies + told, given_up + failed, met + 1
    assert given_up > met // 4, "hardly any lie was noticed"
    assert given_up < met, "no device was harmless: the lies reach no deep state"


# The test is tested: each of these drivers has a fault, and is found out.


def believes_heads(ring: Ring) -> tuple[int, int]:
    """Take a chain back without a look at whether the device has it."""
    entry = ring._used_chains[ring._seen & (ring.size - 1)]
    head, written = entry & 0xFFFFFFFF, entry >> 32
    ring._capacity[head] = -1
    ring._seen = (ring._seen + 1) & WRAP
    ring.in_flight -= 1
    return head, written


def lets_it_write_more(
    ring: Ring, index: int, address: int, length: int, *, writable: bool = False, follow: int = -1
) -> None:
    """Describe a buffer as longer than it is."""
    ring._descriptors[2 * index] = address
    flags = 2 << 32 if writable else 0
    ring._descriptors[2 * index + 1] = length + 4096 | flags | (1 << 32 | follow << 48 if follow >= 0 else 0)


def does_not_reset(self: Session, reason: str | DeviceError) -> DeviceError:
    """Give a device up that goes on writing."""
    self.failure = error = reason if isinstance(reason, DeviceError) else DeviceError(reason)
    return error


FAULTS: list[tuple[object, str, object]] = [
    (Ring, "take", believes_heads),
    (Ring, "describe", lets_it_write_more),
    (Session, "fail", does_not_reset),
]


@pytest.mark.parametrize(("owner", "name", "fault"), FAULTS, ids=[str(name) for _, name, _ in FAULTS])
@pytest.mark.parametrize("meet", [meet_a_card, meet_a_console])
def test_a_driver_with_a_fault_is_found_out(
    meet: Meet, owner: object, name: str, fault: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, fault)
    with pytest.raises((AssertionError, IndexError, KeyError, ValueError, StateError)):
        meet_many(meet)


def test_a_driver_that_asks_without_end_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "RESET_READS", 1 << 60)
    monkeypatch.setattr(session, "CONFIG_READS", 1 << 60)
    with pytest.raises(AssertionError, match="without end"):
        meet_many(meet_one_that_never_settles)


def meet_many(meet: Callable[[int], object]) -> None:
    """Meet a hundred."""
    for seed in range(100):
        meet(seed)


def meet_one_that_never_settles(seed: int) -> None:
    """Meet a disk whose configuration changes at every look."""
    generation = count()

    def load(device: ModelDevice, offset: int, width: int) -> int:
        return next(generation) if offset == mmio.GENERATION else honest(device, offset, width)

    honest = ModelDevice.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelDevice, "load", load)
        meet_a_disk(seed)


def test_a_stray_write_is_found_out() -> None:
    memory = ModelMemory()
    memory.dma(1)
    address, _ = memory.dma(2)
    memory.check()
    for place in (address - 1, address + 2 * 4096):
        octet = memory.octets[place - 0x1000_0000]
        memory.octets[place - 0x1000_0000] = 0
        with pytest.raises(AssertionError, match="stray"):
            memory.check()
        memory.octets[place - 0x1000_0000] = octet
