"""A virtio-rng and the machine's own random octets, without a machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fata.device.poller import Interrupt
from fata.driver.virtio.mmio import Mmio
from fata.runtime import machine_entropy
from fata.runtime.drive import drive
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_small import ModelRng


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that what is to be stirred in is written to."""
    monkeypatch.setattr(machine_entropy, "POOL", str(tmp_path / "pool"))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    return tmp_path / "pool"


def plug(monkeypatch: pytest.MonkeyPatch, device: ModelRng | None) -> None:
    """Give the machine a device, or none."""
    found = None if device is None else (Mmio("rng", device), Interrupt(0))
    monkeypatch.setattr(machine_entropy, "device", lambda _kind, _number: found)
    monkeypatch.setattr(machine_entropy, "hardware", lambda: None if device is None else device.memory)


def test_octets_of_the_hypervisor_are_stirred_in(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = ModelRng(ModelMemory(16), most=16)
    plug(monkeypatch, device)
    entropy = drive(machine_entropy.open_entropy())
    assert pool.read_bytes() == device.given
    assert len(device.given) == machine_entropy.SEED
    assert device.status == 0
    assert entropy.secure
    assert len(entropy.octets(5)) == 5


def test_a_machine_without_one_has_its_own(pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, None)
    assert len(drive(machine_entropy.open_entropy()).octets(5)) == 5
    assert not pool.exists()


def test_one_that_fails_is_told_and_is_missed_by_nobody(
    pool: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plug(monkeypatch, ModelRng(ModelMemory(16), silent=True))
    assert len(drive(machine_entropy.open_entropy()).octets(5)) == 5
    assert "gives no random octets" in caplog.text
    assert not pool.exists()
