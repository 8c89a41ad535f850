"""Opens a virtio disk over a device in Python, in the loop that runs."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from fata.device.poller import Software
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio.block import VirtioBlock
from fata.driver.virtio.mmio import Mmio
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_block import ModelBlock


class Opened(NamedTuple):
    """A driver and its device."""

    disk: VirtioBlock
    device: ModelBlock


def open_virtio_block(sectors: int, **options: Any) -> Opened:
    """Make a disk; `options` are the model's."""
    loop: Any = asyncio.get_running_loop()
    poller: VirtualPoller = loop.poller
    line = Software("the disk's interrupt")
    memory = ModelMemory()
    device = ModelBlock(memory, lambda: poller.wake(line), poller, sectors, **options)
    return Opened(VirtioBlock(Mmio("disk", device), memory, poller, line), device)
