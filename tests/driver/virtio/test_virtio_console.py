"""virtio-console over a terminal in Python; the contract of Console runs over it too."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fata.device.poller import Software
from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import console
from fata.driver.virtio.console import VirtioConsole
from fata.driver.virtio.mmio import Mmio
from fata.driver.virtio.ring import PAGE
from fata.driver.virtio.session import EVENT_IDX
from fata.errors import DeviceError, StateError
from tests.driver.virtio.model import ModelMemory
from tests.driver.virtio.model_small import ModelConsole

pytestmark = pytest.mark.virtual_time
ROOM = console.BUFFERS * PAGE  # octets either way


def open_console(**options: Any) -> tuple[VirtioConsole, ModelConsole, list[float]]:
    """Return a driver, its device, and the pauses that the driver makes."""
    loop: Any = asyncio.get_running_loop()
    poller: VirtualPoller = loop.poller
    line, memory = Software("interrupt"), ModelMemory()
    device = ModelConsole(memory, lambda: poller.wake(line), **options)
    pauses: list[float] = []
    return VirtioConsole(Mmio("console", device), memory, poller, line, pause=pauses.append), device, pauses


@pytest.mark.parametrize("options", [{}, {"masked": EVENT_IDX}, {"limit": 1}])
async def test_much_text_goes_both_ways(options: dict[str, int]) -> None:
    terminal, device, pauses = open_console(**options)
    text = "".join(f"{number}\n" for number in range(40_000))
    terminal.write(text)
    assert device.shown.decode() == text
    assert not pauses
    device.feed(device.shown)
    for number in range(40_000):
        assert await terminal.read_line() == str(number)
    waiting = asyncio.create_task(terminal.read_line())
    await asyncio.sleep(1)
    assert not waiting.done()
    device.feed(b"at last\n")
    assert await waiting == "at last"


async def test_who_types_ahead_is_kept_waiting() -> None:
    terminal, device, _ = open_console()
    device.feed(b"x" * (ROOM - 1) + b"\nmore\n")
    assert device.waiting == b"more\n"
    assert await terminal.read_line() == "x" * (ROOM - 1)
    assert await terminal.read_line() == "more"


async def test_a_write_waits_for_room_and_not_for_ever() -> None:
    terminal, device, pauses = open_console()
    device.stuck = True
    terminal.write("y" * ROOM)
    assert not pauses
    with pytest.raises(DeviceError, match="nobody reads"):
        terminal.write("z")
    assert len(pauses) == console.PAUSES
    assert device.status == 0
    with pytest.raises(DeviceError, match="nobody reads"):
        await terminal.read_line()


async def test_closing_lets_out_what_was_written_and_ends_the_input() -> None:
    terminal, device, _ = open_console()
    device.feed(b"a line\nand a half")
    await terminal.close()
    assert device.status == 0
    assert [await terminal.read_line() for _ in range(3)] == ["a line", "and a half", None]
    with pytest.raises(StateError, match="closed"):
        terminal.write("late")
    await terminal.close()


async def test_a_reader_gets_the_end_when_the_console_is_closed() -> None:
    terminal, _, _ = open_console()
    reader = asyncio.create_task(terminal.read_line())
    await asyncio.sleep(0)
    await terminal.close()
    assert await reader is None


async def test_lines_that_have_arrived_come_before_the_news_of_a_failure() -> None:
    terminal, device, _ = open_console()
    device.feed(b"one\ntwo\n")
    assert await terminal.read_line() == "one"
    queue = device.queues[console.INPUT]
    device.memory.set_number(queue.places[2] + 2, 2, 0x7FFF)  # far more than it was given
    assert await terminal.read_line() == "two"
    with pytest.raises(DeviceError, match="gives 32766 buffers back"):
        await terminal.read_line()
