"""Devices open together and close in reverse, with a loop and without one."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from fata.errors import DeviceError, StateError
from fata.runtime.devices import Devices
from fata.runtime.drive import drive
from tests.runtime.parts import Part, SlowPart, pause

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=[drive, asyncio.run], ids=["by hand", "in a loop"])
def run(request: pytest.FixtureRequest) -> Run:
    chosen: Run = request.param
    return chosen


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
