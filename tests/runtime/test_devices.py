"""Devices open together and close in reverse, with a loop and without one."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from fata.errors import DeviceError, StateError
from fata.runtime.devices import Devices
from fata.runtime.drive import drive

Run = Callable[[Coroutine[Any, Any, None]], None]


class Part:
    """A device that writes its life into a log."""

    def __init__(self, name: str, log: list[str], failure: BaseException | None = None) -> None:
        self.name = name
        self.log = log
        self.failure = failure
        log.append(f"open {name}")

    def close(self) -> None:
        self.log.append(f"close {self.name}")
        if self.failure is not None:
            raise self.failure


class SlowPart(Part):
    """One whose close takes its time where there is a loop to take it from."""

    async def close(self) -> None:  # type: ignore[override]
        await pause()
        super().close()


async def pause(turns: int = 1) -> None:
    """Let others run, where there is a loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    for _ in range(turns):
        await asyncio.sleep(0)


@pytest.fixture(params=[drive, asyncio.run], ids=["by hand", "in a loop"])
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def reported() -> list[str]:
    return []


@pytest.fixture
def devices(reported: list[str]) -> Devices:
    return Devices(lambda what, error: reported.append(f"{what}: {error!r}"))


def test_a_device_opens_once_and_everybody_gets_it(devices: Devices, log: list[str], run: Run) -> None:
    @devices.device
    async def disk() -> Part:
        await pause()
        return Part("disk", log)

    @devices.device
    async def store() -> tuple[Part, Part]:
        return await disk(), await disk()

    @devices.job
    async def work() -> None:
        first, second = await store()
        assert first is second is await disk()
        log.append("work")

    run(devices.run())
    assert log == ["open disk", "work", "close disk"]


def test_closing_goes_backwards(devices: Devices, log: list[str], run: Run) -> None:
    @devices.device
    async def top() -> Part:
        await middle()
        return SlowPart("top", log)

    @devices.device
    async def middle() -> Part:
        await bottom()
        return Part("middle", log)

    @devices.device
    async def bottom() -> Part:
        await pause(3)
        return SlowPart("bottom", log)

    run(devices.run())
    assert log == ["open bottom", "open middle", "open top", "close top", "close middle", "close bottom"]


def test_an_object_with_two_names_closes_once_and_not_before_its_users(
    devices: Devices, log: list[str], run: Run
) -> None:
    @devices.device
    async def disk() -> Part:
        return Part("disk", log)

    @devices.device
    async def store() -> Part:
        await disk()
        return Part("store", log)

    @devices.device
    async def alias() -> Part:
        await store()
        return await disk()

    run(devices.run())
    assert log == ["open disk", "open store", "close store", "close disk"]


def test_a_device_without_a_close_is_left_alone(devices: Devices, run: Run) -> None:
    @devices.device
    async def figure() -> int:
        return 42

    run(devices.run())


def test_a_failed_start_closes_what_was_open(devices: Devices, log: list[str], run: Run) -> None:
    @devices.device
    async def disk() -> Part:
        return Part("disk", log)

    @devices.device
    async def store() -> Part:
        await disk()
        raise DeviceError("no superblock")

    @devices.job
    async def work() -> None:
        log.append("work")

    with pytest.raises(DeviceError, match="no superblock"):
        run(devices.run())
    assert log == ["open disk", "close disk"]


def test_a_failed_opening_fails_everyone_who_needs_it_once(devices: Devices, reported: list[str], run: Run) -> None:
    tries: list[int] = []

    @devices.device
    async def disk() -> Part:
        tries.append(1)
        await pause()
        raise DeviceError("gone")

    @devices.device
    async def one() -> Part:
        return await disk()

    @devices.device
    async def other() -> Part:
        return await disk()

    with pytest.raises(DeviceError, match="gone"):
        run(devices.run())
    assert tries == [1]
    assert reported == []


def test_a_failed_job_closes_everything(devices: Devices, log: list[str], run: Run) -> None:
    @devices.device
    async def disk() -> Part:
        return Part("disk", log)

    @devices.job
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run(devices.run())
    assert log == ["open disk", "close disk"]


@pytest.mark.parametrize("way_out", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_a_job_that_leaves_the_program_closes_everything(
    devices: Devices, log: list[str], run: Run, way_out: BaseException
) -> None:
    @devices.device
    async def disk() -> Part:
        return SlowPart("disk", log)

    @devices.job
    async def work() -> None:
        raise way_out

    with pytest.raises(type(way_out)):
        run(devices.run())
    assert log == ["open disk", "close disk"]


def test_a_failed_close_hides_neither_the_first_error_nor_the_next_close(
    devices: Devices, log: list[str], reported: list[str], run: Run
) -> None:
    @devices.device
    async def disk() -> Part:
        return Part("disk", log)

    @devices.device
    async def store() -> Part:
        return Part("store", log, DeviceError("dirty"))

    @devices.job
    async def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run(devices.run())
    assert log[2:] == ["close store", "close disk"]
    assert len(reported) == 1
    assert "dirty" in reported[0]


def test_a_failed_close_is_a_failure(devices: Devices, log: list[str], reported: list[str], run: Run) -> None:
    @devices.device
    async def disk() -> Part:
        return Part("disk", log, DeviceError("first opened, last closed"))

    @devices.device
    async def store() -> Part:
        return Part("store", log, DeviceError("dirty"))

    with pytest.raises(DeviceError, match="dirty"):
        run(devices.run())
    assert len(reported) == 1
    assert "last closed" in reported[0]


def test_a_cycle_is_told_instead_of_waited_for(devices: Devices, run: Run) -> None:
    @devices.device
    async def hen() -> Part:
        return await egg()

    @devices.device
    async def egg() -> Part:
        return await nest()

    @devices.device
    async def nest() -> Part:
        await pause()
        part: Part = await hen()
        return part

    with pytest.raises(StateError, match="needs itself"):
        run(devices.run())


def test_devices_run_once(devices: Devices, run: Run) -> None:
    run(devices.run())
    with pytest.raises(StateError, match="once"):
        run(devices.run())


def test_a_running_program_declares_nothing(devices: Devices, run: Run) -> None:
    @devices.job
    async def work() -> None:
        @devices.device
        async def late() -> int:
            return 0

    with pytest.raises(StateError, match="before the run"):
        run(devices.run())


def test_jobs_by_hand_run_one_after_the_other(devices: Devices, log: list[str]) -> None:
    for name in ("one", "two"):

        async def work(name: str = name) -> None:
            log.append(name)

        devices.job(work)

    drive(devices.run())
    assert log == ["one", "two"]


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
    @devices.device
    async def disk() -> Part:
        await pause(3)
        return Part("disk", log)

    @devices.device
    async def impatient() -> None:
        waiting: Awaitable[Part] = asyncio.ensure_future(disk())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 0)

    asyncio.run(devices.run())
    assert log == ["open disk", "close disk"]
