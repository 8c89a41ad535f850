"""The poller of a Linux process: epoll for descriptors, an eventfd for everything that raises itself."""

from __future__ import annotations

import os
import select
import time
from _thread import RLock
from typing import TYPE_CHECKING, NamedTuple

from fata.device.poller import Interrupt, Readable, Software, Source, Writable
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_WAIT = 86400.0  # seconds; epoll counts milliseconds in 31 bits
# An error or a hang-up counts as both: the read or the write that follows tells which.
READABLE = ~select.EPOLLOUT
WRITABLE = ~select.EPOLLIN


class Watch(NamedTuple):
    """A registration. A later one of the same source is another object, so a stale event is told apart."""

    callback: Callable[[], None]


class EpollPoller:
    """Watches descriptors and software sources. Deadlines are on `time.monotonic`, met within a millisecond."""

    monotonic = staticmethod(time.monotonic)  # without a function of Python around it: the loop asks often

    def __init__(self) -> None:
        self._readers: dict[int, Watch] = {}
        self._writers: dict[int, Watch] = {}
        self._software: dict[Software, Watch] = {}
        self._raised: dict[Software, None] = {}  # a set that keeps the order
        self._closed = False
        # Keeps `wake` in a thread from writing to what `close` has just given back. A signal handler may
        # find its own thread inside it, hence reentrant.
        self._waking = RLock()
        self._epoll = select.epoll()
        self._eventfd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._eventfd, select.EPOLLIN)

    def register(self, source: Source, callback: Callable[[], None]) -> None:
        """Watch `source`. A descriptor that epoll cannot watch (a file on a disk) is a `DeviceError`."""
        self._check_open()
        if isinstance(source, Interrupt):
            raise DeviceError(f"{source}: a process has no interrupts")
        if isinstance(source, Software):
            if source in self._software:
                raise StateError(f"{source} is registered already")
            self._software[source] = Watch(callback)
            return
        watches = self._watches(source)
        if source.number in watches:
            raise StateError(f"{source} is registered already")
        before = self._events(source.number)
        watches[source.number] = Watch(callback)
        try:
            change = self._epoll.modify if before else self._epoll.register
            change(source.number, self._events(source.number))
        except (OSError, ValueError) as error:
            del watches[source.number]
            raise DeviceError(f"{source} cannot be watched: {error}") from error

    def unregister(self, source: Source) -> None:
        """Forget `source`. Its descriptor may be closed already."""
        if isinstance(source, Software) and source in self._software:
            del self._software[source]
            self._raised.pop(source, None)
        elif isinstance(source, Readable | Writable) and source.number in self._watches(source):
            del self._watches(source)[source.number]
            left = self._events(source.number)
            try:
                if left:
                    self._epoll.modify(source.number, left)
                else:
                    self._epoll.unregister(source.number)
            except (OSError, ValueError):
                pass  # it was closed first, and epoll has forgotten it by itself
        else:
            raise StateError(f"{source} is not registered")

    def wait(self, deadline: float | None) -> int:
        """Wait, then call back: software sources first, in the order they were raised."""
        self._check_open()
        if self._raised:  # left over from a callback's exception, or raised since the last wait
            timeout = 0.0
        elif deadline is None:
            timeout = -1.0
        else:
            timeout = min(max(deadline - time.monotonic(), 0.0), LONGEST_WAIT)
        ready: list[tuple[dict[int, Watch], int, Watch]] = []
        for descriptor, events in self._epoll.poll(timeout, len(self._readers) + len(self._writers) + 1):
            if descriptor == self._eventfd:
                os.eventfd_read(self._eventfd)  # first of all: what is raised from here on ends the next wait
            if events & READABLE and descriptor in self._readers:
                ready.append((self._readers, descriptor, self._readers[descriptor]))
            if events & WRITABLE and descriptor in self._writers:
                ready.append((self._writers, descriptor, self._writers[descriptor]))
        called = self._call_software() if self._raised else 0
        for watches, descriptor, watch in ready:
            if watches.get(descriptor) is watch:  # else a callback before it has unregistered it
                watch.callback()
                called += 1
        return called

    def _call_software(self) -> int:
        with self._waking:
            raised = tuple(self._raised)
        called = 0
        for source in raised:
            if source in self._raised:
                del self._raised[source]  # before the call: who raises it from now on has news for the next wait
                self._software[source].callback()
                called += 1
        return called

    def wake(self, source: Software) -> None:
        """Raise `source`, from any thread or signal handler."""
        with self._waking:
            if source in self._software and source not in self._raised:
                self._raised[source] = None
                os.eventfd_write(self._eventfd, 1)

    def close(self) -> None:
        """Give the two descriptors back and forget all sources."""
        with self._waking:
            if self._closed:
                return
            self._closed = True
            self._readers.clear()
            self._writers.clear()
            self._software.clear()
            self._raised.clear()
            self._epoll.close()
            os.close(self._eventfd)

    def _check_open(self) -> None:
        if self._closed:
            raise StateError("the poller is closed")

    def _watches(self, source: Readable | Writable) -> dict[int, Watch]:
        return self._readers if isinstance(source, Readable) else self._writers

    def _events(self, descriptor: int) -> int:
        """Return what epoll is to tell of a descriptor."""
        reading = select.EPOLLIN if descriptor in self._readers else 0
        return reading | (select.EPOLLOUT if descriptor in self._writers else 0)
