"""Shows a report again and again while the program runs: over itself on a terminal, else now and then."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from fata.runtime.memory import memory_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

ON_TERMINAL, ELSEWHERE = 1.0, 10.0  # seconds between two reports
UP_AND_CLEAR = "\x1b[{}F\x1b[J"  # ECMA-48: to the start of the line that many lines up, and erase from there on


class Display:
    """Writes what `report(seconds)` returns, and the memory in use, to standard error; `close` does so once more."""

    def __init__(self, report: Callable[[float], str], stream: TextIO | None = None) -> None:
        self._report = report
        self._stream = sys.stderr if stream is None else stream
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._shown = 0  # lines that are to be overwritten
        self._terminal = self._stream.isatty()
        self._timer = self._loop.call_later(self._interval, self._again)

    @property
    def _interval(self) -> float:
        return ON_TERMINAL if self._terminal else ELSEWHERE

    def _again(self) -> None:
        self._show()
        self._timer = self._loop.call_later(self._interval, self._again)

    def _show(self) -> None:
        text = f"{self._report(self._loop.time() - self._started)}\n{memory_report()}"
        erase = UP_AND_CLEAR.format(self._shown) if self._terminal and self._shown else ""
        try:
            self._stream.write(f"{erase}{text}\n")
            self._stream.flush()
        except OSError:
            return  # nobody looks any more
        self._shown = text.count("\n") + 1

    def close(self) -> None:
        """Show the last figures."""
        self._timer.cancel()
        self._show()
