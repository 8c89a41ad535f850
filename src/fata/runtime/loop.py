"""Loop: asyncio's event loop over a Poller, the only one that fata has.

CPython's `BaseEventLoop` does everything that asyncio promises but the waiting: it asks a selector for what
is ready, and leaves descriptors, signals and sockets to a subclass. Here a `Poller` waits, so one loop
serves a Linux process, a machine without an operating system, and virtual time. docs/design/loop.md says
what is relied on inside CPython.

Sockets are not here: `create_server`, `create_connection` and `create_datagram_endpoint` are those of the network
that a stack has lent to the loop (`runtime/loop_network.py`). Without one, and for `sock_*`, they raise
`NotImplementedError`.
"""

from __future__ import annotations

import asyncio
import inspect
import math
import os
import signal
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from fata.device.poller import Readable, Software, Writable
from fata.errors import DeviceError
from fata.runtime.loop_network import NetworkCalls

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from concurrent.futures import Executor
    from typing import TypeVar, TypeVarTuple

    from _typeshed import FileDescriptorLike

    from fata.device.poller import Poller

    T = TypeVar("T")
    Ts = TypeVarTuple("Ts")

RESOLUTION = 1e-9  # seconds: timers closer together than this fire together


@runtime_checkable
class Holdable(Protocol):
    """A poller whose time can be held: while a thread works for the program, virtual time must not pass."""

    def hold(self) -> None: ...

    def release(self) -> None: ...


class _Selector:
    """What `BaseEventLoop._run_once` believes to be its selector.

    It returns no events: the poller's callbacks have put what is ready into the loop's queue by then.
    """

    def __init__(self, loop: Loop, poller: Poller) -> None:
        self._loop = loop
        self._poller = poller

    def select(self, timeout: float | None) -> tuple[()]:
        """Wait for at most `timeout` seconds, None for ever."""
        try:
            if self._loop.before_wait:
                timeout = self._loop.prepare(timeout)
            deadline = None
            if timeout is not None:
                deadline = self._loop.expect_timer() if timeout > 0 else self._poller.monotonic()
            self._poller.wait(deadline)
        except MemoryError as error:  # a device's callback is no handle, whose errors asyncio reports
            self._loop.call_exception_handler({"message": "no memory for what a device has to say", "exception": error})
        return ()


class Loop(NetworkCalls):
    """An event loop that waits with `poller`, tells its time, and closes it when it is closed itself."""

    _scheduled: list[asyncio.TimerHandle]  # a heap
    _ready: deque[asyncio.Handle]
    if TYPE_CHECKING:

        def _check_closed(self) -> None: ...

        def _add_callback(self, handle: asyncio.Handle) -> None: ...

        def _add_callback_signalsafe(self, handle: asyncio.Handle) -> None: ...

    def __init__(self, poller: Poller) -> None:
        super().__init__()
        self._clock_resolution = RESOLUTION
        self._poller = poller
        self.time = poller.monotonic  # type: ignore[method-assign]  # a call less: everybody asks all the time
        self.before_wait: list[Callable[[], object]] = []  # see `call_before_wait`
        self._selector = _Selector(self, poller)
        self._woken = Software("event loop")
        self._readers: dict[int, asyncio.Handle] = {}
        self._writers: dict[int, asyncio.Handle] = {}
        self._signals: dict[int, asyncio.Handle] = {}
        self._notices_signals = False
        self._signal_pipe: tuple[int, int] | None = None
        poller.register(self._woken, _nothing)

    # What BaseEventLoop asks of a subclass.

    def time(self) -> float:
        """Seconds on the poller's clock."""
        return self._poller.monotonic()

    def expect_timer(self) -> float:
        """Return when the first timer is due. There must be one.

        Virtual time arrives there exactly: `now + (moment - now)` is not `moment` in floating point. And
        BaseEventLoop calls what is due before `now + resolution`, which must be more than `now`.
        """
        moment = self._scheduled[0].when()
        self._clock_resolution = max(RESOLUTION, math.ulp(moment))
        return moment

    @property
    def poller(self) -> Poller:
        """Who waits for the loop: drivers register what wakes them here."""
        return self._poller

    def call_before_wait(self, callback: Callable[[], object]) -> None:
        """Call `callback` once, when everything that is ready has run and before the loop looks for more.

        A network sends there what many callbacks of one turn have written. From the loop's thread only.
        """
        self.before_wait.append(callback)

    def prepare(self, timeout: float | None) -> float | None:
        """Make the calls that are due before a wait of `timeout` seconds; return how long to wait after them."""
        callbacks, self.before_wait = iter(self.before_wait), []
        try:
            for callback in callbacks:
                callback()
        except MemoryError:
            self.before_wait[:0] = callbacks  # those behind
            raise
        if timeout == 0 or self._ready or self.before_wait:
            return 0
        return math.inf if self._scheduled else None  # the moment is the first timer's, whatever the number

    def _process_events(self, event_list: tuple[()]) -> None:
        """Do nothing: see `_Selector`."""

    def _write_to_self(self) -> None:
        """Wake the loop, from a thread or a signal handler."""
        self._poller.wake(self._woken)

    def close(self) -> None:
        """Close the loop and its poller. Signals are handled as before."""
        if self.is_running():
            raise RuntimeError("Cannot close a running event loop")
        if self.is_closed():
            return
        for number in tuple(self._signals):
            self.remove_signal_handler(number)
        self._notices_signals = False
        self._close_signal_pipe()
        super().close()
        self._readers.clear()
        self._writers.clear()
        self._poller.close()

    # Descriptors.

    def add_reader(self, fd: FileDescriptorLike, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        """Call `callback` whenever `fd` can be read, instead of the one that was called before.

        Raises `DeviceError` for a descriptor that the poller cannot watch.
        """
        self._watch(self._readers, Readable(_number(fd)), callback, args)

    def add_writer(self, fd: FileDescriptorLike, callback: Callable[[*Ts], Any], *args: *Ts) -> None:
        """Call `callback` whenever `fd` can be written, likewise."""
        self._watch(self._writers, Writable(_number(fd)), callback, args)

    def remove_reader(self, fd: FileDescriptorLike) -> bool:
        """Stop watching `fd` for reading; say whether it was watched."""
        return self._unwatch(self._readers, Readable(_number(fd)))

    def remove_writer(self, fd: FileDescriptorLike) -> bool:
        """Stop watching `fd` for writing; say whether it was watched."""
        return self._unwatch(self._writers, Writable(_number(fd)))

    def _watch(
        self,
        handles: dict[int, asyncio.Handle],
        source: Readable | Writable,
        callback: Callable[[*Ts], Any],
        args: tuple[*Ts],
    ) -> None:
        self._check_closed()
        before = handles.get(source.number)
        if before is None:
            self._poller.register(source, lambda: self._add_callback(handles[source.number]))
        else:
            before.cancel()
        handles[source.number] = asyncio.Handle(callback, args, self)

    def _unwatch(self, handles: dict[int, asyncio.Handle], source: Readable | Writable) -> bool:
        handle = handles.pop(source.number, None)
        if handle is None:
            return False
        handle.cancel()
        self._poller.unregister(source)
        return True

    # Signals.

    def add_signal_handler(self, sig: int, callback: Callable[[*Ts], object], *args: *Ts) -> None:
        """Call `callback` from the loop when the process gets signal `sig`, instead of what happens now.

        For the main thread. Raises `RuntimeError` for a signal that nobody can catch.
        """
        if inspect.iscoroutinefunction(callback):
            raise TypeError("a signal is handled by a plain callback, not by a coroutine")
        _check_signal(sig)
        self._check_closed()
        before = self._signals.get(sig)
        self._signals[sig] = asyncio.Handle(callback, args, self)
        try:
            self._open_signal_pipe()
            signal.signal(sig, self._receive_signal)
            signal.siginterrupt(sig, False)  # system calls that the program makes meanwhile go on
        except (OSError, ValueError) as error:
            del self._signals[sig]
            self._close_signal_pipe()
            raise RuntimeError(f"signal {sig} cannot be caught here: {error}") from error
        if before is not None:
            before.cancel()

    def remove_signal_handler(self, sig: int) -> bool:
        """Let signal `sig` do again what it does to a program that does not care; say whether it was handled."""
        _check_signal(sig)
        if self._signals.pop(sig, None) is None:
            return False
        signal.signal(sig, signal.default_int_handler if sig == signal.SIGINT else signal.SIG_DFL)
        self._close_signal_pipe()
        return True

    def _receive_signal(self, number: int, _frame: object) -> None:
        handle = self._signals.get(number)
        if handle is not None:
            self._add_callback_signalsafe(handle)

    def _open_signal_pipe(self) -> None:
        """Have the C part of Python's signal handling write to a descriptor that ends the poller's wait.

        Otherwise a signal that comes just before the wait begins is noted, and handled after the wait. A
        poller without descriptors is a simulation, whose waits take no time.
        """
        if self._signal_pipe is not None:
            return
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
            self._poller.register(Readable(reading), lambda: _drain(reading))
        except (ValueError, DeviceError) as error:
            os.close(reading)
            os.close(writing)
            if isinstance(error, ValueError):  # not the main thread
                raise
            signal.set_wakeup_fd(-1)
            return
        self._signal_pipe = reading, writing

    def notice_signals(self) -> None:
        """Have every signal end the poller's wait, whoever handles it. For the main thread, until `close`."""
        self._notices_signals = True
        self._open_signal_pipe()

    def _close_signal_pipe(self) -> None:
        if self._signal_pipe is None or self._signals or self._notices_signals:
            return
        reading, writing = self._signal_pipe
        self._signal_pipe = None
        signal.set_wakeup_fd(-1)
        self._poller.unregister(Readable(reading))
        os.close(reading)
        os.close(writing)

    # Threads.

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run `func` in a thread; virtual time stands still until the future is done."""
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        if isinstance(self._poller, Holdable):
            self._poller.hold()
            future.add_done_callback(self._release)
        return future

    def _release(self, _future: object) -> None:
        if isinstance(self._poller, Holdable):
            self._poller.release()

    async def shutdown_default_executor(self, *timeout: Any, **named_timeout: Any) -> None:
        """Wait for the default executor's threads; virtual time stands still meanwhile."""
        if isinstance(self._poller, Holdable):
            self._poller.hold()
        try:
            await super().shutdown_default_executor(*timeout, **named_timeout)
        finally:
            self._release(None)


def _nothing() -> None:
    """Be called: to be woken is all that was wanted."""


def _number(fd: FileDescriptorLike) -> int:
    return fd if isinstance(fd, int) else int(fd.fileno())


def _check_signal(sig: int) -> None:
    if not isinstance(sig, int):
        raise TypeError(f"signal number must be an int, not {sig!r}")
    if sig not in signal.valid_signals():
        raise ValueError(f"{sig} is no signal")


def _drain(descriptor: int) -> None:
    """Take everything out of a pipe."""
    try:
        while os.read(descriptor, 4096):
            pass
    except BlockingIOError:
        pass
