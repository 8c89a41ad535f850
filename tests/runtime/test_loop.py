"""asyncio's behaviour on our loop, over a real poller and in virtual time: timers, tasks, exceptions, the end."""

import asyncio
import contextvars
import gc
import signal
import socket
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import pytest

from fata.device.poller import Software
from fata.driver.poller.virtual import VirtualPoller
from fata.errors import StateError
from fata.runtime.loop import Loop

TICK = 0.002  # seconds: real on one of the two


def test_callbacks_run_in_the_order_they_were_asked_for(loop: Loop) -> None:
    seen: list[int] = []
    for number in range(5):
        loop.call_soon(seen.append, number)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert seen == [0, 1, 2, 3, 4]


def test_timers_fire_in_the_order_of_their_moments_and_not_early(loop: Loop) -> None:
    seen: list[tuple[str, bool]] = []
    start = loop.time()

    def fire(name: str, after: float) -> None:
        seen.append((name, loop.time() >= start + after - 1e-6))

    loop.call_later(3 * TICK, fire, "c", 3 * TICK)
    loop.call_later(TICK, fire, "a", TICK)
    loop.call_at(start + 2 * TICK, fire, "b", 2 * TICK)
    loop.call_later(2.5 * TICK, seen.append, ("never", False)).cancel()
    loop.call_later(4 * TICK, loop.stop)
    loop.run_forever()
    assert seen == [("a", True), ("b", True), ("c", True)]


def test_a_timer_in_the_past_fires_at_once(loop: Loop) -> None:
    loop.call_at(loop.time() - 1000, loop.stop)
    loop.run_forever()


def test_many_cancelled_timers_are_forgotten(loop: Loop) -> None:
    for _ in range(500):
        loop.call_later(3600, lambda: None).cancel()
    loop.call_later(TICK, loop.stop)
    loop.run_forever()
    assert len(loop._scheduled) < 100


def test_it_stops_and_runs_again(loop: Loop) -> None:
    seen: list[str] = []
    loop.call_soon(loop.stop)
    loop.call_soon(seen.append, "same turn")
    loop.run_forever()
    loop.call_soon(seen.append, "next run")
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert seen == ["same turn", "next run"]


def test_run_until_complete_gives_the_result_or_raises(loop: Loop) -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise KeyError("x")

    assert loop.run_until_complete(answer()) == 42
    with pytest.raises(KeyError):
        loop.run_until_complete(fail())


def test_a_context_variable_follows_its_task(loop: Loop) -> None:
    variable = contextvars.ContextVar[str]("variable", default="none")

    async def child() -> str:
        await asyncio.sleep(0)
        return variable.get()

    async def main() -> list[str]:
        variable.set("one")
        first = asyncio.create_task(child())
        variable.set("two")
        return [await first, await asyncio.create_task(child())]

    assert loop.run_until_complete(main()) == ["one", "two"]


# Tasks.


def test_gather_a_task_group_and_a_queue_work_together(loop: Loop) -> None:
    async def main() -> list[int]:
        queue: asyncio.Queue[int] = asyncio.Queue(2)
        got: list[int] = []

        async def produce(start: int) -> None:
            for number in range(start, start + 5):
                await queue.put(number)
                await asyncio.sleep(0)

        async def consume() -> None:
            while len(got) < 10:
                got.append(await queue.get())

        async with asyncio.TaskGroup() as group:
            group.create_task(consume())
            await asyncio.gather(produce(0), produce(5))
        return sorted(got)

    assert loop.run_until_complete(main()) == list(range(10))


def test_a_task_group_cancels_the_siblings_of_a_failure(loop: Loop) -> None:
    seen: list[str] = []

    async def patient() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            seen.append("cancelled")

    async def fail() -> None:
        await asyncio.sleep(TICK)
        raise KeyError("x")

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(patient())
            group.create_task(fail())

    with pytest.raises(ExceptionGroup):
        loop.run_until_complete(main())
    assert seen == ["cancelled"]


def test_a_timeout_cancels_what_takes_too_long(loop: Loop) -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(TICK):
                await asyncio.sleep(3600)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), TICK)
        assert await asyncio.wait_for(asyncio.sleep(0, "in time"), 3600) == "in time"

    loop.run_until_complete(main())


def test_a_cancelled_task_may_clean_up(loop: Loop) -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(TICK)
                seen.append("clean")

        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return seen

    assert loop.run_until_complete(main()) == ["clean"]


# Exceptions.


def test_an_exception_of_a_callback_goes_to_the_handler_and_no_further(loop: Loop) -> None:
    contexts: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))
    loop.call_soon(lambda: 1 / 0)
    loop.call_later(TICK, lambda: [][0])
    loop.call_later(2 * TICK, loop.stop)
    loop.run_forever()
    assert [type(context["exception"]) for context in contexts] == [ZeroDivisionError, IndexError]


def test_an_exception_that_nobody_fetched_is_told(loop: Loop) -> None:
    contexts: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: contexts.append(context))

    async def main() -> None:
        async def fail() -> None:
            raise KeyError("x")

        await asyncio.wait([asyncio.create_task(fail())])

    loop.run_until_complete(main())
    gc.collect()
    assert [context["message"] for context in contexts] == ["Task exception was never retrieved"]


def test_an_exit_leaves_the_loop_which_stays_usable(loop: Loop) -> None:
    def leave() -> None:
        raise SystemExit(3)

    loop.call_soon(leave)
    with pytest.raises(SystemExit):
        loop.run_forever()
    assert loop.run_until_complete(asyncio.sleep(0, "fine")) == "fine"


def test_debug_mode_tells_what_is_slow_and_what_comes_from_the_wrong_thread(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0

    async def main() -> None:
        def meddle() -> None:
            with pytest.raises(RuntimeError, match="Non-thread-safe"):
                loop.call_soon(lambda: None)

        await asyncio.to_thread(meddle)
        if isinstance(loop._poller, VirtualPoller):
            loop._poller.clock.advance(1)

    loop.run_until_complete(main())
    assert any("Executing" in record.getMessage() for record in caplog.records)


def test_asynchronous_generators_are_closed_with_the_loop(loop: Loop) -> None:
    seen: list[str] = []

    async def endless() -> AsyncGenerator[int]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            seen.append("closed")

    kept: list[AsyncIterator[int]] = []

    async def main() -> None:
        kept.append(endless())
        await anext(kept[0])

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    assert seen == ["closed"]
    assert loop.is_closed()


def test_a_runner_cancels_what_is_left(loop: Loop) -> None:
    seen: list[str] = []

    async def left() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        tasks.append(asyncio.create_task(left()))
        await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    assert seen == ["cancelled"]


def test_a_closed_loop_refuses_everything_and_closes_again(loop: Loop) -> None:
    loop.close()
    loop.close()
    for refused in (
        lambda: loop.call_soon(print),
        lambda: loop.call_soon_threadsafe(print),
        lambda: loop.add_reader(0, print),
        lambda: loop.add_signal_handler(signal.SIGUSR1, print),
        lambda: loop.run_in_executor(None, print),
        loop.run_forever,
    ):
        with pytest.raises(RuntimeError, match="closed"):
            refused()
    assert not loop.remove_reader(0)


def test_closing_closes_the_poller(loop: Loop) -> None:
    poller = loop._poller
    loop.close()
    with pytest.raises(StateError, match="closed"):
        poller.wait(0.0)


def test_a_running_loop_cannot_be_closed(loop: Loop) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="running"):
            loop.close()

    loop.run_until_complete(main())


def test_a_closed_loop_is_freed() -> None:
    other = Loop(VirtualPoller())
    other.run_until_complete(asyncio.sleep(1))
    other.close()
    gone = weakref.ref(other)
    del other
    gc.collect()
    assert gone() is None


def test_sockets_are_not_here_yet(loop: Loop) -> None:
    async def main() -> None:
        with socket.socket() as sock:
            sock.setblocking(False)
            with pytest.raises(NotImplementedError):
                await loop.sock_connect(sock, ("127.0.0.1", 9))
            with pytest.raises(NotImplementedError):
                await loop.sock_recv(sock, 1)

    loop.run_until_complete(main())


def test_want_of_memory_in_a_devices_callback_is_reported_and_the_loop_goes_on(loop: Loop) -> None:
    """Whatever else a callback of the poller raises ends the loop: it is a bug of a driver."""
    reported: list[str] = []
    seen: list[str] = []
    loop.set_exception_handler(lambda _loop, context: reported.append(f"{context['exception']!r}"))

    def lacking() -> None:
        raise MemoryError

    source = Software("a device")
    loop.poller.register(source, lacking)
    loop.poller.wake(source)
    loop.call_later(TICK, seen.append, "timer")
    loop.call_later(2 * TICK, loop.call_before_wait, lacking)
    loop.call_later(2 * TICK, loop.call_before_wait, lambda: seen.append("behind it"))
    loop.call_later(3 * TICK, loop.stop)
    loop.run_forever()
    assert seen == ["timer", "behind it"]
    assert reported == ["MemoryError()"] * 2
    loop.poller.unregister(source)
