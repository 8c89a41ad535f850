"""The event loop in virtual time."""

import asyncio
import threading

import pytest

from fata.driver.poller.virtual import VirtualPoller
from fata.errors import StateError
from fata.runtime.loop import Loop


def test_an_hour_takes_no_time(virtual: Loop) -> None:
    virtual.run_until_complete(asyncio.sleep(3600))
    assert virtual.time() == 3600.0


def test_a_century_is_exact(virtual: Loop) -> None:
    century = 100 * 365.25 * 86400.0 + 0.1
    moments: list[float] = []
    virtual.call_at(century, lambda: moments.append(virtual.time()))
    virtual.call_at(century, virtual.stop)
    virtual.run_forever()
    assert moments == [century]


def test_a_program_runs_equally_every_time() -> None:
    def history() -> list[tuple[float, int]]:
        seen: list[tuple[float, int]] = []

        async def ticker(number: int) -> None:
            for turn in range(20):
                await asyncio.sleep(0.1 * (1 + (number * 7 + turn * 3) % 5))
                seen.append((asyncio.get_running_loop().time(), number))

        async def main() -> None:
            async with asyncio.timeout(1000), asyncio.TaskGroup() as group:
                for number in range(20):
                    group.create_task(ticker(number))

        with asyncio.Runner(loop_factory=lambda: Loop(VirtualPoller())) as runner:
            runner.run(main())
        return seen

    first = history()
    assert len(first) == 400
    assert all(history() == first for _ in range(3))
    assert [moment for moment, _ in first] == sorted(moment for moment, _ in first)


def test_time_stands_still_while_a_thread_works(virtual: Loop) -> None:
    started, go_on = threading.Event(), threading.Event()

    def work() -> str:
        started.set()
        go_on.wait(10)
        return "worked"

    async def main() -> str:
        future = virtual.run_in_executor(None, work)
        assert started.wait(10)
        virtual.call_soon(go_on.set)
        async with asyncio.timeout(0.001):
            return await future

    assert virtual.run_until_complete(main()) == "worked"
    assert virtual.time() == 0.0
    virtual.run_until_complete(virtual.shutdown_default_executor())


def test_waiting_for_what_never_comes_is_a_deadlock_that_is_told(virtual: Loop) -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    task = virtual.create_task(main())
    with pytest.raises(StateError, match="deadlock"):
        virtual.run_until_complete(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        virtual.run_until_complete(task)
