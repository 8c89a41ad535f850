"""Boot: from words to an exit status. The last line of every generated program calls it.

Nothing of the runtime's imports asyncio. If the application does, directly or through a device, the program
runs in an event loop; if not, its coroutines are driven by hand, and it starts in a quarter of the time. So
asyncio is looked up in `sys.modules`, where the program has put it or not.
"""

from __future__ import annotations

import sys

from fata.errors import ConfigError, Unavailable
from fata.runtime.arguments import LOGS, Asked, parse
from fata.runtime.devices import Devices, report_error
from fata.runtime.drive import drive
from fata.runtime.logs import set_up_logs
from fata.runtime.signals import SHELL_BASE, Signals, interrupt, stdout_has_a_reader
from fata.runtime.traces import show, show_source_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any, NoReturn

    from fata.runtime.arguments import Argument, Values

    Wire = Callable[[Devices, Values], None]
    NewLoop = Callable[[], AbstractEventLoop]

BAD_ARGUMENT = 2  # as a shell's own commands exit
NO_READER = SHELL_BASE + 13  # what a shell reports of a program that SIGPIPE ended


def boot(
    name: str,
    version: str,
    arguments: Sequence[Argument[Any]],
    wire: Wire,
    *,
    new_loop: NewLoop | None = None,
) -> NoReturn:
    """Run the program that `wire` declares, with the process's arguments, and exit.

    `new_loop` makes the event loop if one is needed; without it asyncio's own is used.
    """
    show_source_lines()
    if "_hw" in sys.builtin_module_names:
        from fata.runtime.snapshot import keep  # a process has no use for it

        keep()
    status = _run(name, version, arguments, wire, new_loop)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        status = NO_READER
    if status == NO_READER:
        _drop_stdout()
    raise SystemExit(status)


def _drop_stdout() -> None:
    import os  # not at the top: see fata.driver.console.stdio

    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter fails to flush, and says so


def _run(name: str, version: str, arguments: Sequence[Argument[Any]], wire: Wire, new_loop: NewLoop | None) -> Any:
    """Run and return what to exit with: a status, or an application's own SystemExit's argument."""
    with Signals() as signals:
        try:
            given = parse(name, version, arguments, sys.argv[1:])
            set_up_logs(given[LOGS])
            devices = Devices(_report)
            wire(devices, given)
            asyncio = sys.modules.get("asyncio")
            if asyncio is None:
                _drive(devices, signals)
            else:
                _loop(asyncio, devices, signals, new_loop)
        except Asked as asked:
            print(asked.text)
        except SystemExit as way_out:
            return way_out.code
        except BaseException as error:  # noqa: BLE001  # this is where every exception ends
            return _status_of(name, error, signals)
    return 0 if signals.received is None else signals.status


def _status_of(name: str, error: BaseException, signals: Signals) -> int:
    """Say what went wrong, once and as briefly as it deserves; return the status."""
    if isinstance(error, KeyboardInterrupt):
        return signals.status
    cause = _sole(error)
    if isinstance(cause, ConfigError | Unavailable):
        print(f"{name}: {_place(cause)}{cause}", file=sys.stderr)
        return BAD_ARGUMENT
    if _lost_its_reader(cause):
        return NO_READER
    show(error)
    return 1


def _report(what: str, error: BaseException) -> None:
    if not _lost_its_reader(error):
        report_error(what, error)


def _place(error: BaseException) -> str:
    """Return "file:line: " of the application's own line that was running; "" when there is none."""
    place = ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package not in ("fata", "__main__") and package not in sys.stdlib_module_names:
            place = f"{frame.f_code.co_filename}:{trace.tb_lineno}: "
        trace = trace.tb_next
    return place


def _sole(error: BaseException) -> BaseException:
    """Unwrap an exception that task groups have put into groups of one."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _lost_its_reader(error: BaseException | None) -> bool:
    """Say whether the program could not go on, or not close, because nobody reads its output any more."""
    while error is not None and not isinstance(error, BrokenPipeError):
        error = error.__cause__ or error.__context__
    return error is not None and not stdout_has_a_reader()


def _drive(devices: Devices, signals: Signals) -> None:
    def stop() -> None:
        if not devices.closing:
            interrupt()

    signals.stop = stop
    drive(devices.run())


def _loop(asyncio: ModuleType, devices: Devices, signals: Signals, new_loop: NewLoop | None) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()

        def stop() -> None:
            task.cancel()
            loop.call_soon_threadsafe(_nothing)  # the signal may have come while the loop slept

        signals.stop = stop
        forget = _notice_signals(loop) if signals.handled else _nothing
        try:
            await devices.run()
        finally:
            signals.stop = _nothing  # what is left is the closing of the loop
            forget()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        try:
            runner.run(main())
        except asyncio.CancelledError:
            if signals.received is None:
                raise  # not by a signal: somebody's mistake
            interrupt()


def _notice_signals(loop: AbstractEventLoop) -> Callable[[], None]:
    """Have every signal end the loop's wait; return how to undo that.

    Otherwise one that comes just before a wait begins is noted, and handled after the wait.
    """
    notice: Callable[[], None] | None = getattr(loop, "notice_signals", None)
    if notice is not None:
        notice()
        return _nothing  # its closing does
    import os  # asyncio has brought both
    import signal

    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    loop.add_reader(reading, os.read, reading, 4096)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def forget() -> None:
        signal.set_wakeup_fd(before)
        loop.remove_reader(reading)
        os.close(reading)
        os.close(writing)

    return forget


def _nothing() -> None:
    pass
