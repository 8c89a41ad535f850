"""The terminal that the program was started on: standard input and output."""

from __future__ import annotations

import posix  # `os` is this with much around it: importing it takes 18 ms of an emulated machine's start
import sys

from fata.driver.console.running import running_loop
from fata.driver.console.utf8 import Lines, encode
from fata.errors import DeviceError, StateError

TYPE_CHECKING = False  # every program loads this module: typing would cost more than all of it
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future

CHUNK = 65536  # octets a read: a pipe's capacity


class StdioConsole:
    """A Console over two descriptors, which stay open and whose flags stay as they are: they are shared with a shell.

    `read_line` waits for input through the event loop when one runs, and blocks otherwise.
    """

    def __init__(self, source: int = 0, sink: int = 1) -> None:
        self._source = source
        self._sink = sink
        self._lines = Lines()
        self._reading = False

    def write(self, text: str) -> None:
        octets = memoryview(encode(text))
        try:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()  # what the program has printed comes first
            while octets:
                octets = octets[self._write_once(octets) :]
        except BrokenPipeError as error:
            raise DeviceError("standard output: nobody reads it any more") from error
        except OSError as error:
            raise DeviceError(f"standard output: {error.strerror}") from error

    def _write_once(self, octets: memoryview) -> int:
        try:
            return posix.write(self._sink, octets)
        except BlockingIOError:  # another program with this terminal has made it non-blocking
            _wait_for(self._sink, writing=True)
            return 0

    async def read_line(self) -> str | None:
        if self._reading:
            raise StateError("standard input: another task is reading a line already")
        self._reading = True
        try:
            while (line := self._lines.next()) is None and not self._lines.ended:
                loop = running_loop()
                if loop is not None:
                    await self._readable(loop)
                self._read(loop is None)
            return line
        finally:
            self._reading = False

    def _read(self, wait: bool) -> None:
        """Take what is there. Nothing suspends between the read and the line, so a cancelled call loses nothing."""
        try:
            self._lines.feed(posix.read(self._source, CHUNK))
        except BlockingIOError:
            if wait:
                _wait_for(self._source, writing=False)
        except OSError as error:
            raise DeviceError(f"standard input: {error.strerror}") from error

    async def _readable(self, loop: AbstractEventLoop) -> None:
        ready: Future[None] = loop.create_future()
        try:
            loop.add_reader(self._source, _settle, ready)
        except (PermissionError, DeviceError):
            return  # epoll(7) does not watch files and /dev/null: they are always readable
        try:
            await ready
        finally:
            loop.remove_reader(self._source)


def _settle(ready: Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _wait_for(descriptor: int, *, writing: bool) -> None:
    import select

    poll = select.poll()
    poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
    poll.poll()
