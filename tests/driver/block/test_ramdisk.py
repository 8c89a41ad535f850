"""RamDisk: what only a disk in memory can suffer."""

from __future__ import annotations

import pytest

from fata.driver.block.ramdisk import RamDisk
from fata.errors import ConfigError


@pytest.mark.parametrize("sector_size", [0, -512, 1, 500, 513, 8192])
def test_sector_sizes_outside_the_contract_are_refused(sector_size: int) -> None:
    with pytest.raises(ConfigError, match="512, 1024, 2048, 4096"):
        RamDisk(1, sector_size)


def test_a_disk_has_no_negative_size() -> None:
    with pytest.raises(ConfigError):
        RamDisk(-1)


@pytest.mark.parametrize("sectors", [1 << 52, 1 << 80])
def test_a_disk_that_memory_cannot_hold_is_refused(sectors: int) -> None:
    with pytest.raises(ConfigError, match="does not fit into memory"):
        RamDisk(sectors)
