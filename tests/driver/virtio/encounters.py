"""Drivers used over hostile devices, one of each kind for a while, from a seed.

Whatever leaves a function here but its value is a fault of the driver: another exception than `DeviceError`, a request
without end, a write to what is not the driver's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple

from fata.device.net import SentFrame
from fata.device.poller import Software
from fata.driver.net.switch import Switch
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio.block import VirtioBlock
from fata.driver.virtio.console import VirtioConsole
from fata.driver.virtio.entropy import VirtioRng
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.net import RECEIVING, VirtioNet
from fata.errors import DeviceError
from fata.runtime.loop import Loop
from tests.conformance.net import EXPERIMENT, FAR_MAC
from tests.driver.virtio.hostile import Hostility, forgive, make_hostile, scribble_on_buffers
from tests.driver.virtio.model import ModelDevice, ModelMemory
from tests.driver.virtio.model_block import ModelBlock
from tests.driver.virtio.model_net import ModelNet
from tests.driver.virtio.model_small import ModelConsole, ModelRng

MAC = bytes.fromhex("020000000001")
FRAME = FAR_MAC + MAC + EXPERIMENT + bytes(100)
STEPS = 60


class Encounter(NamedTuple):
    """How often a device lied, and whether the driver has noticed."""

    lies: int
    failed: bool


def meet_a_card(seed: int) -> Encounter:
    """Send and receive."""
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
        return _end(hostility, card, failed=True)
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
    encounter = _end(hostility, card, failed=given_up)
    with suppress(DeviceError):
        asyncio.run(driver.close())
    return encounter


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


def meet_a_disk(seed: int) -> Encounter:
    """Read, write, flush and discard."""

    async def use(poller: VirtualPoller, hostility: Hostility) -> Encounter:
        line, memory = Software("interrupt"), ModelMemory()
        device = ModelBlock(memory, lambda: poller.wake(line), poller, 1024, seed=seed)
        make_hostile(device, hostility)
        try:
            disk = VirtioBlock(Mmio("disk", device), memory, poller, line)
        except DeviceError:
            return _end(hostility, device, failed=True)
        try:
            failed = await use_a_disk(disk, hostility)
            return _end(hostility, device, failed=failed, reset=False)  # a request may fail, and the disk stays
        except TimeoutError:
            return _end(hostility, device, failed=True, reset=False)
        finally:
            with suppress(DeviceError):
                await disk.close()

    return _in_a_loop(use, seed)


def meet_a_console(seed: int) -> Encounter:
    """Write, and read lines."""

    async def use(poller: VirtualPoller, hostility: Hostility) -> Encounter:
        line, memory = Software("interrupt"), ModelMemory(64)
        device = ModelConsole(memory, lambda: poller.wake(line))
        make_hostile(device, hostility)
        try:
            terminal = VirtioConsole(Mmio("console", device), memory, poller, line, pause=lambda _: None)
        except DeviceError:
            return _end(hostility, device, failed=True)
        failed = False
        for _ in range(STEPS):
            try:
                match hostility.chance.randrange(3):
                    case 0:
                        terminal.write("x" * hostility.chance.randrange(10_000))
                    case 1:
                        typed = b"y" * hostility.chance.randrange(5000) + b"\n"
                        forgive(partial(device.feed, typed), device)
                    case 2:
                        async with asyncio.timeout(0.1):
                            await terminal.read_line()
            except TimeoutError:
                pass
            except DeviceError:
                failed = True
        encounter = _end(hostility, device, failed=failed)
        with suppress(DeviceError):
            await terminal.close()
        return encounter

    return _in_a_loop(use, seed)


def meet_a_source_of_random_octets(seed: int) -> Encounter:
    """Draw from it."""
    hostility = Hostility(seed)
    hostility.rings = max(hostility.rings, 0.05)  # it has few occasions
    device = ModelRng(ModelMemory(16), most=hostility.chance.choice((1, 16, 4096)), seed=seed)
    make_hostile(device, hostility)
    try:
        rng = VirtioRng(Mmio("rng", device), device.memory, lambda _: None)
        for _ in range(STEPS):
            count = hostility.chance.randrange(100)
            assert len(rng.octets(count)) == count
    except DeviceError:
        return _end(hostility, device, failed=True)
    return _end(hostility, device, failed=False)


def _in_a_loop(use: Callable[[VirtualPoller, Hostility], Coroutine[Any, Any, Encounter]], seed: int) -> Encounter:
    poller = VirtualPoller()
    with asyncio.Runner(loop_factory=lambda: Loop(poller)) as runner:
        return runner.run(use(poller, Hostility(seed)))


def _end(hostility: Hostility, device: ModelDevice, *, failed: bool, reset: bool = True) -> Encounter:
    """Look at what is left: memory as it was, and a device that was given up can write no more."""
    device.memory.check()
    if failed and reset:
        assert device.status == 0, "a device that was given up still works"
    return Encounter(hostility.lies, failed)
