"""Ctrl-C and SIGTERM: the first asks the program to stop, the second ends it where it stands."""

from __future__ import annotations

import posix  # `os` is this with much around it: see fata.driver.console.stdio
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from collections.abc import Callable
    from typing import Any
else:
    import _signal  # `signal` is this with enumerations around it, which no start should have to pay for

SHELL_BASE = 128  # a shell reports a program that signal n ended as 128 + n


class Signals:
    """A context in which SIGINT and SIGTERM call `stop`, from the main thread, between two of its steps.

    `stop` raises KeyboardInterrupt until somebody who knows better replaces it. A signal that the parent
    had ignored (nohup) stays ignored.
    """

    def __init__(self) -> None:
        self.stop: Callable[[], None] = interrupt
        self.received: int | None = None  # the first signal's number
        self._before: dict[int, Any] = {}

    @property
    def status(self) -> int:
        """The exit status of a program that a signal has stopped."""
        return SHELL_BASE + (_signal.SIGINT if self.received is None else self.received)

    @property
    def handled(self) -> bool:
        """Whether there are any: not outside the main thread, nor if the parent ignores all."""
        return bool(self._before)

    def __enter__(self) -> Signals:
        for number in (_signal.SIGINT, _signal.SIGTERM):
            if _signal.getsignal(number) is _signal.SIG_IGN:
                continue
            try:
                self._before[number] = _signal.signal(number, self._receive)
            except ValueError:  # not the main thread: whoever owns that one handles signals
                break
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            _signal.signal(number, handler)

    def _receive(self, number: int, _frame: object) -> None:
        if self.received is not None:
            posix.write(2, b"stopped again: leaving at once, devices may not be closed\n")
            posix._exit(SHELL_BASE + number)
        self.received = number
        self.stop()


def interrupt() -> None:
    """Raise KeyboardInterrupt where the program is."""
    raise KeyboardInterrupt


def stdout_has_a_reader() -> bool:
    """Say whether what is written to standard output can still arrive: `program | head` closes the pipe early."""
    import select

    if sys.stdout is None:
        return True
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLOUT)
        return not any(events & select.POLLERR for _, events in poll.poll(0))
    except (OSError, ValueError):  # closed, or no descriptor behind it
        return True
