"""Devices and jobs in a loop: at the same time, and cancelled at any moment."""

import asyncio
import gc

import pytest

from fata.errors import DeviceError
from fata.runtime.devices import Devices
from tests.runtime.parts import Part, SlowPart, pause


def test_devices_open_at_the_same_time(devices: Devices) -> None:
    barrier = asyncio.Barrier(3)

    for _ in range(3):

        @devices.device
        async def meeting() -> None:
            await barrier.wait()  # opening one after the other would never get past this

    asyncio.run(asyncio.wait_for(devices.run(), 5))


def test_a_slow_device_does_not_hold_up_those_beside_it(devices: Devices, log: list[str]) -> None:
    built = asyncio.Event()

    @devices.device
    async def slow() -> Part:
        await built.wait()
        return Part("slow", log)

    @devices.device
    async def quick() -> Part:
        return Part("quick", log)

    @devices.device
    async def on_quick() -> Part:
        await quick()
        built.set()
        return Part("on_quick", log)

    asyncio.run(asyncio.wait_for(devices.run(), 5))
    assert log == ["open quick", "open on_quick", "open slow", "close slow", "close on_quick", "close quick"]


def test_a_device_that_fails_at_once_leaves_those_not_yet_begun_in_good_order(devices: Devices) -> None:
    @devices.device
    async def broken() -> None:
        raise DeviceError("no such interface")

    @devices.device
    async def later() -> None:
        raise AssertionError("never begun")

    with pytest.raises(DeviceError, match="no such interface"):
        asyncio.run(devices.run())
    gc.collect()  # a coroutine that nobody has awaited would warn here


def test_a_failed_job_cancels_the_others(devices: Devices, log: list[str], reported: list[str]) -> None:
    @devices.job
    async def server() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            log.append("server stopped")

    @devices.job
    async def sore_loser() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise DeviceError("while stopping")

    @devices.job
    async def broken() -> None:
        await pause(2)
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(devices.run())
    assert log == ["server stopped"]
    assert len(reported) == 1
    assert "while stopping" in reported[0]


def cancelled_after(devices: Devices, turns: int, times: int = 1) -> bool:
    """Run, cancel after so many turns of the loop; say whether the cancellation came out."""

    async def main() -> bool:
        task = asyncio.create_task(devices.run())
        await pause(turns)
        for _ in range(times):
            task.cancel()
            await pause()
        try:
            await task
        except asyncio.CancelledError:
            return True
        assert len(asyncio.all_tasks()) == 1
        return False

    return asyncio.run(main())


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("turns", range(12))
def test_whenever_it_is_cancelled_everything_that_opened_is_closed(
    log: list[str], devices: Devices, turns: int, times: int
) -> None:
    @devices.device
    async def disk() -> Part:
        await pause()
        return SlowPart("disk", log)

    @devices.device
    async def store() -> Part:
        await disk()
        await pause()
        return SlowPart("store", log)

    @devices.job
    async def work() -> None:
        await asyncio.Event().wait()

    assert cancelled_after(devices, turns, times)
    opened = [line.removeprefix("open ") for line in log if line.startswith("open")]
    closed = [line.removeprefix("close ") for line in log if line.startswith("close")]
    assert closed == opened[::-1]


def test_a_cancellation_reaches_every_job(devices: Devices, log: list[str]) -> None:
    for name in ("one", "two"):

        async def work(name: str = name) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                log.append(name)
                raise

        devices.job(work)

    assert cancelled_after(devices, 4)
    assert log == ["one", "two"]


def test_cancelling_one_who_waits_does_not_cancel_the_opening(devices: Devices, log: list[str]) -> None:
    opening = asyncio.Event()

    @devices.device
    async def disk() -> Part:
        await opening.wait()
        return Part("disk", log)

    @devices.device
    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await disk()
        waiting = asyncio.create_task(disk())
        await pause(2)
        waiting.cancel()
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        opening.set()

    asyncio.run(devices.run())
    assert log == ["open disk", "close disk"]
