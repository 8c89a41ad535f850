"""Devices: the program's devices and jobs, opened together, closed in reverse.

With a running event loop every device starts in a task of its own, then every job; the awaits inside them
say what waits for what. Without one the same coroutines are driven by hand: devices in the order of their
declaration, then jobs, one after the other.
"""

from __future__ import annotations

import sys

from fata.errors import StateError
from fata.runtime.generic import Generic, T
from fata.runtime.group import Group
from fata.runtime.traces import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Iterator
    from types import ModuleType
    from typing import Any


def report_error(what: str, error: BaseException) -> None:
    """Print an error that no caller gets to see: `what` happened, and its traceback."""
    print(f"{what}:", file=sys.stderr)
    show(error)


class Devices:
    """The devices and jobs of one program, and its run.

    A device's object is closed by its `close()`, plain or async, if it has one. `report` is told of errors
    that another error has overtaken.
    """

    def __init__(self, report: Callable[[str, BaseException], None] = report_error) -> None:
        self.closing = False  # whether the run is over but for the closing: nothing is left to interrupt
        self._report = report
        self._devices: list[Device[Any]] = []
        self._jobs: list[Callable[[], Coroutine[Any, Any, object]]] = []
        self._opened: list[Device[Any]] = []  # in the order of their completion
        self._openings: Group | None = None
        self._ran = False

    def device(self, open_it: Callable[[], Coroutine[Any, Any, T]]) -> Device[T]:
        """Declare a device (a decorator): `open_it` opens it, the name it leaves behind asks for it."""
        device = Device(self, open_it)
        self._declare(self._devices, device)
        return device

    def job(self, work: Callable[[], Coroutine[Any, Any, object]]) -> Callable[[], Coroutine[Any, Any, object]]:
        """Declare a job (a decorator): it runs once every device is open, and the run ends with the last job."""
        self._declare(self._jobs, work)
        return work

    def _declare(self, declared: list[T], new: T) -> None:
        if self._ran:
            raise StateError("devices and jobs are declared before the run")
        declared.append(new)

    async def run(self) -> None:
        """Open all devices, run all jobs, close what was opened; once.

        Whatever fails first (an opening, a job, being cancelled) stops the rest, and is raised once
        everything is closed. Closings are not cancelled, and one that fails does not stop the next.
        """
        if self._ran:
            raise StateError("devices run once")
        self._ran = True
        library = running_asyncio()
        failures: list[BaseException] = []
        try:
            await (self._work_alone() if library is None else self._work(library))
        except BaseException as error:  # noqa: BLE001  # raised again when everything is closed
            failures.append(error)
        self.closing = True
        failures += await (self._close() if library is None else self._close_shielded(library))
        if not failures:
            return
        first, *others = failures
        for other in others:
            self._report("error while closing the program's devices", other)
        try:
            raise first
        finally:
            del first, others, failures  # they hold this frame

    async def _work(self, library: ModuleType) -> None:
        for device in self._devices:
            device.start(library)
        if self._openings is not None:
            await self._openings.join(lambda error: self._report("another device failed to open", error))
        jobs = Group(library)
        for job in self._jobs:
            jobs.start(job(), getattr(job, "__name__", "job"))
        await jobs.join(lambda error: self._report("another job failed", error))

    async def _work_alone(self) -> None:
        for device in self._devices:
            await device()
        for job in self._jobs:
            await job()

    async def _close_shielded(self, library: ModuleType) -> list[BaseException]:
        """Close in a task that cancelling this one does not reach. The cancellation comes back as an error."""
        closing: asyncio.Task[list[BaseException]] = library.create_task(self._close())
        cancelled: list[BaseException] = []
        while not closing.done():
            try:
                await library.wait([closing])
            except library.CancelledError as error:
                cancelled = [error]
        return cancelled + closing.result()

    async def _close(self) -> list[BaseException]:
        """Close every object once, where the first device that named it has its place; return what failed."""
        objects = {id(device.value): device.value for device in self._opened}
        failures: list[BaseException] = []
        for value in reversed(objects.values()):
            close = getattr(value, "close", None)
            if close is None:
                continue
            try:
                waiting = close()
                if hasattr(waiting, "__await__"):
                    await waiting
            except BaseException as error:  # noqa: BLE001  # the next device closes first
                failures.append(error)
        return failures

    def openings(self, library: ModuleType) -> Group:
        """Return the group in which devices open."""
        if self._openings is None:
            self._openings = Group(library)
        return self._openings

    def opened(self, device: Device[Any]) -> None:
        """Remember to close `device`."""
        self._opened.append(device)

    def opening_in(self, task: asyncio.Task[Any] | None) -> Device[Any] | None:
        """Return the device that `task` opens, if it does."""
        return next((device for device in self._devices if task is not None and device.task is task), None)


class Device(Generic[T]):
    """A device to be: awaiting a call of it opens the device once; every await gets the same object.

    A failure to open is remembered likewise. Cancelling one who waits does not cancel the opening.
    """

    def __init__(self, devices: Devices, open_it: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.name: str = getattr(open_it, "__name__", "device")
        self.value: Any = None  # the object, once the device is open
        self.task: asyncio.Task[None] | None = None
        self._devices = devices
        self._open_it = open_it
        self._error: BaseException | None = None
        self._state = "new"  # "opening", "done"
        self._waits_for: Device[Any] | None = None

    async def __call__(self) -> T:
        if self._state != "done":
            library = running_asyncio()
            await (self._open() if library is None else self._wait(library))
        if self._error is not None:
            raise self._error
        value: T = self.value
        return value

    def start(self, library: ModuleType) -> asyncio.Task[None]:
        """Begin to open in a task, unless that has begun already."""
        if self.task is None:
            self.task = self._devices.openings(library).start(self._open(), self.name)
        return self.task

    async def _wait(self, library: ModuleType) -> None:
        task = self.start(library)
        waiting = self._devices.opening_in(library.current_task())
        if waiting is None:
            await library.shield(task)
            return
        if waiting in self._chain():
            raise StateError(f"device {waiting.name} needs itself to open, by way of {self.name}")
        waiting._waits_for = self
        try:
            await library.shield(task)
        finally:
            waiting._waits_for = None

    def _chain(self) -> Iterator[Device[Any]]:
        """Yield this device, the one it waits for, the one that waits for, and so on."""
        device: Device[Any] | None = self
        while device is not None:
            yield device
            device = device._waits_for

    async def _open(self) -> None:
        if self._state == "opening":
            raise StateError(f"device {self.name} needs itself to open")
        self._state = "opening"
        try:
            self.value = await self._open_it()
            self._devices.opened(self)
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._state = "done"


def running_asyncio() -> ModuleType | None:
    """Return the module asyncio if a loop of it is running.

    It is looked up, never imported: a program that does not import it must not get it from here, neither
    when it runs nor when its image is put together from the imports of its modules.
    """
    library = sys.modules.get("asyncio")
    if library is None:
        return None
    try:
        library.get_running_loop()
    except RuntimeError:
        return None
    return library
