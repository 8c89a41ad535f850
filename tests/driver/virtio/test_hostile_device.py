"""Whatever a device answers: a typed `DeviceError`, never another exception, a hang, or a stray write.

Not stray: the models know which pages the driver owns, and refuse any address outside them. `FATA_HOSTILE_LIES` is
how many lies each kind of device tells: 100,000 in `make nightly`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

import pytest

from fata.device.net import SentFrame
from fata.device.poller import Software
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio.block import VirtioBlock
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.net import RECEIVING, VirtioNet
from fata.errors import DeviceError
from fata.runtime.loop import Loop
from tests.conformance.net import EXPERIMENT, FAR_MAC
from tests.driver.virtio.hostile import Hostility, make_hostile, scribble_on_buffers
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_block import ModelBlock
from tests.driver.virtio.model_net import ModelNet

pytestmark = pytest.mark.slow  # in all, some seconds

LIES = int(os.environ.get("FATA_HOSTILE_LIES", "200"))
MAC = bytes.fromhex("020000000001")
FRAME = FAR_MAC + MAC + EXPERIMENT + bytes(100)
STEPS = 60
SEED = 20261124


def meet_a_card(seed: int) -> tuple[int, bool]:
    """Use a hostile card; return how often it lied, and whether the driver gave it up."""
    hostility = Hostility(seed)
    poller = VirtualPoller()
    switch = Switch(poller)
    far = switch.port(FAR_MAC)
    line, memory = Software("interrupt"), ModelMemory()
    card = ModelNet(memory, lambda: poller.wake(line), switch, MAC)
    make_hostile(card, hostility)
    given_up = False
    try:
        driver = VirtioNet(Mmio("card", card), memory, poller, line)
    except DeviceError:
        return hostility.lies, True
    driver.watch(lambda: None, lambda: None)
    for _ in range(STEPS):
        try:
            match hostility.chance.randrange(4):
                case 0:
                    driver.send([SentFrame([FRAME])] * hostility.chance.randrange(1, 20))
                case 1:
                    far.send([SentFrame([MAC + FAR_MAC + FRAME[12:]])] * hostility.chance.randrange(1, 20))
                case 2:
                    for frame in driver.receive():
                        assert 14 <= len(frame.data) <= 65549
                case 3:
                    if hostility.wants(hostility.rings) and card.works:
                        scribble_on_buffers(card, RECEIVING, hostility)
            poller.wait(poller.monotonic())
        except DeviceError:
            given_up = True
    with suppress(DeviceError):
        asyncio.run(driver.close())
    return hostility.lies, given_up


async def use_a_disk(disk: VirtioBlock, hostility: Hostility) -> bool:
    """Ask it for much at once, and again; return whether something failed."""
    failed = False
    for _ in range(10):
        sector, count = hostility.chance.randrange(64), hostility.chance.randrange(1, 300)
        count = min(count, max(disk.sectors - sector, 0))
        if not count or disk.read_only:
            return True
        octets = bytes(count * disk.sector_size)
        work = [disk.read(sector, count), disk.write(sector, octets), disk.flush(), disk.discard(sector, count)]
        # A device need not answer: a request to it waits, while everything else goes on.
        answers = await asyncio.wait_for(asyncio.gather(*work, return_exceptions=True), 1.0)
        for answer in answers:
            assert not isinstance(answer, BaseException) or isinstance(answer, DeviceError), repr(answer)
            failed |= isinstance(answer, DeviceError)
    return failed


def meet_a_disk(seed: int) -> tuple[int, bool]:
    """Use a hostile disk likewise."""
    hostility = Hostility(seed)
    poller = VirtualPoller()

    async def main() -> bool:
        line, memory = Software("interrupt"), ModelMemory()
        device = ModelBlock(memory, lambda: poller.wake(line), poller, 1024, seed=seed)
        make_hostile(device, hostility)
        try:
            disk = VirtioBlock(Mmio("disk", device), memory, poller, line)
        except DeviceError:
            return True
        try:
            return await use_a_disk(disk, hostility)
        except TimeoutError:
            return True
        finally:
            with suppress(DeviceError):
                await disk.close()

    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        failed = runner.run(main())
    return hostility.lies, failed


@pytest.mark.parametrize("meet", [meet_a_card, meet_a_disk])
def test_a_hostile_device_is_given_up_and_harms_nobody(meet: Callable[[int], tuple[int, bool]]) -> None:
    lies, given_up, met = 0, 0, 0
    while lies < LIES:
        told, failed = meet(SEED + met)
        lies, given_up, met = lies + told, given_up + failed, met + 1
    assert given_up > met // 4, "hardly any lie was noticed"
    assert given_up < met, "no device was harmless: the lies reach no deep state"
