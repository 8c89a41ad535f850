"""Coroutines that run until they wait."""

from __future__ import annotations

import asyncio

import pytest

from fata.http.eager import run_until_it_waits


def test_what_never_waits_needs_no_task() -> None:
    done: list[int] = []

    async def work() -> None:
        done.append(1)

    async def scenario() -> None:
        assert run_until_it_waits(work()) is None
        assert done == [1]

    asyncio.run(scenario())


def test_what_waits_goes_on_in_a_task_with_what_it_waited_for() -> None:
    async def scenario() -> None:
        futures = [asyncio.get_running_loop().create_future() for _ in range(2)]
        seen: list[str] = []

        async def work() -> None:
            seen.append(await futures[0])
            await asyncio.sleep(0)
            try:
                await futures[1]
            except ValueError:
                seen.append("caught")

        task = run_until_it_waits(work())
        assert task is not None
        futures[0].set_result("first")
        futures[1].set_exception(ValueError())
        await task
        assert seen == ["first", "caught"]

    asyncio.run(scenario())


def test_cancellation_is_handed_on_and_may_be_survived() -> None:
    async def scenario() -> None:
        seen: list[str] = []

        async def work() -> None:
            for number in range(2):
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    seen.append(f"{number}")
            await asyncio.sleep(0)

        task = run_until_it_waits(work())
        assert task is not None
        for _ in range(2):
            await asyncio.sleep(0)
            task.cancel()
        await task
        assert seen == ["0", "1"]

    asyncio.run(scenario())


@pytest.mark.parametrize("waits", [False, True])
def test_failure_is_raised_at_once_or_out_of_the_task(waits: bool) -> None:
    async def work() -> None:
        if waits:
            await asyncio.sleep(0)
        raise ZeroDivisionError

    async def scenario() -> None:
        task = run_until_it_waits(work())
        assert task is not None
        await task

    with pytest.raises(ZeroDivisionError):
        asyncio.run(scenario())
