"""virtio-rng over a device in Python."""

from __future__ import annotations

import pytest

from fata.driver.virtio import entropy
from fata.driver.virtio.entropy import VirtioRng
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.session import EVENT_IDX
from fata.errors import DeviceError, StateError
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_small import ModelRng


def open_rng(device: ModelRng) -> tuple[VirtioRng, list[float]]:
    """Return a driver, and the pauses that it makes."""
    pauses: list[float] = []
    return VirtioRng(Mmio("rng", device), device.memory, pauses.append), pauses


@pytest.mark.parametrize("most", [1, 7, 64, 4096])
@pytest.mark.parametrize("count", [0, 1, 64, 5000])
def test_octets_are_those_of_the_device(most: int, count: int) -> None:
    device = ModelRng(ModelMemory(), most=most)
    rng, pauses = open_rng(device)
    drawn = rng.octets(count)
    assert len(drawn) == count
    assert drawn == device.given
    assert not pauses
    if count >= 8 <= most:
        assert device.memory.octets.find(drawn[-8:]) < 0, "octets stay behind"
    rng.close()
    assert device.status == 0
    with pytest.raises(StateError):
        rng.octets(1)


def test_it_works_without_event_indices() -> None:
    device = ModelRng(ModelMemory())
    device.offered &= ~EVENT_IDX
    assert len(open_rng(device)[0].octets(64)) == 64


def test_a_device_that_does_not_answer_is_given_up() -> None:
    device = ModelRng(ModelMemory(), silent=True)
    rng, pauses = open_rng(device)
    for _ in range(2):
        with pytest.raises(DeviceError, match="gives no random octets"):
            rng.octets(64)
    assert pauses == [entropy.PAUSE] * entropy.PAUSES
    assert device.status == 0


def test_an_answer_of_no_octets_is_none() -> None:
    rng, _ = open_rng(ModelRng(ModelMemory(), most=0))
    with pytest.raises(DeviceError, match="gives no random octets"):
        rng.octets(1)
