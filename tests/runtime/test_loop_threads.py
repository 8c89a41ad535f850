"""Threads and signals beside the event loop."""

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fata.runtime.loop import Loop

TICK = 0.002  # seconds: real on one of the two


def test_a_thread_wakes_the_loop(loop: Loop) -> None:
    async def main() -> str:
        future: asyncio.Future[str] = loop.create_future()
        await asyncio.to_thread(lambda: loop.call_soon_threadsafe(future.set_result, "woken"))
        return await future

    assert loop.run_until_complete(main()) == "woken"


def test_executors_work_and_time_out_and_fail(loop: Loop) -> None:
    def fail() -> None:
        raise KeyError("x")

    async def main() -> None:
        assert await loop.run_in_executor(None, pow, 2, 10) == 1024
        with ThreadPoolExecutor(2) as own:
            results = await asyncio.gather(*(loop.run_in_executor(own, pow, 2, n) for n in range(20)))
        assert results == [2**n for n in range(20)]
        with pytest.raises(KeyError):
            await asyncio.to_thread(fail)

    loop.run_until_complete(main())


def test_a_coroutine_can_be_run_from_a_thread(loop: Loop) -> None:
    async def answer() -> int:
        await asyncio.sleep(0)  # not longer: virtual time stands still while threads work
        return 42

    async def main() -> int:
        return await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result(10))

    assert loop.run_until_complete(main()) == 42


def test_nothing_that_threads_ask_for_is_lost(loop: Loop) -> None:
    async def main() -> int:
        seen: list[int] = []

        def speak() -> None:
            for number in range(200):
                loop.call_soon_threadsafe(seen.append, number)

        await asyncio.gather(*(asyncio.to_thread(speak) for _ in range(4)))
        await asyncio.sleep(0)
        return len(seen)

    assert loop.run_until_complete(main()) == 800


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGINT])
def test_a_signal_is_handled_in_the_loop(loop: Loop, number: signal.Signals) -> None:
    seen: list[str] = []

    def handle(word: str) -> None:
        asyncio.get_running_loop()
        seen.append(word)
        loop.stop()

    loop.add_signal_handler(number, print)
    loop.add_signal_handler(number, handle, "told")
    loop.call_soon(signal.raise_signal, number)
    loop.run_forever()
    assert seen == ["told"]
    assert loop.remove_signal_handler(number)
    assert not loop.remove_signal_handler(number)
    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    assert signal.getsignal(number) is default


def test_a_signal_ends_a_long_wait(epoll: Loop) -> None:
    epoll.add_signal_handler(signal.SIGALRM, epoll.stop)
    signal.setitimer(signal.ITIMER_REAL, TICK)
    epoll.run_forever()


def test_closing_forgets_the_signals(loop: Loop) -> None:
    loop.add_signal_handler(signal.SIGUSR1, print)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    assert signal.set_wakeup_fd(-1) == -1


def test_signals_that_cannot_be_handled_are_refused(loop: Loop) -> None:
    async def coroutine() -> None: ...

    with pytest.raises(RuntimeError, match="cannot be caught"):
        loop.add_signal_handler(signal.SIGKILL, print)
    with pytest.raises(ValueError, match="no signal"):
        loop.add_signal_handler(1000, print)
    with pytest.raises(TypeError, match="must be an int"):
        loop.add_signal_handler("SIGINT", print)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="coroutine"):
        loop.add_signal_handler(signal.SIGUSR1, coroutine)
    assert signal.set_wakeup_fd(-1) == -1


def test_signals_belong_to_the_main_thread(loop: Loop) -> None:
    errors: list[Exception] = []

    def elsewhere() -> None:
        try:
            loop.add_signal_handler(signal.SIGUSR1, print)
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert "main thread" in str(errors[0])


def test_every_signal_ends_a_wait_until_the_loop_is_closed(loop: Loop) -> None:
    loop.notice_signals()
    loop.add_signal_handler(signal.SIGUSR1, print)
    assert loop.remove_signal_handler(signal.SIGUSR1)
    noticed = signal.set_wakeup_fd(-1)
    assert noticed >= -1  # a simulation has no descriptors, and waits take no time
    signal.set_wakeup_fd(noticed)
    loop.close()
    assert signal.set_wakeup_fd(-1) == -1
