"""A console in memory: a test types into it and looks at what it shows."""

from __future__ import annotations

from fata.driver.console.running import running_loop
from fata.driver.console.utf8 import Lines, encode
from fata.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Generator


class MemoryConsole:
    """A Console whose input comes from `feed` and whose output is kept in `output`."""

    def __init__(self) -> None:
        self._lines = Lines()
        self._reading = False
        self._written: list[bytes] = []
        self._input: Future[None] | None = None

    @property
    def output(self) -> str:
        """Everything written so far."""
        return b"".join(self._written).decode()

    def feed(self, text: str | bytes) -> None:
        """Type `text`; a line counts once its newline has been typed. Octets arrive as they are."""
        if text:
            self._take(encode(text) if isinstance(text, str) else text)

    def end(self) -> None:
        """End the input: the reader gets the rest, then None."""
        self._take(b"")

    def _take(self, octets: bytes) -> None:
        if self._lines.ended:
            raise StateError("console: the input has ended already")
        self._lines.feed(octets)
        if self._input is not None and not self._input.done():
            self._input.set_result(None)

    def write(self, text: str) -> None:
        self._written.append(encode(text))

    async def read_line(self) -> str | None:
        if self._reading:
            raise StateError("console: another task is reading a line already")
        self._reading = True
        try:
            while (line := self._lines.next()) is None and not self._lines.ended:
                await self._more()
            return line
        finally:
            self._reading = False

    async def _more(self) -> None:
        loop = running_loop()
        if loop is None:
            await _Suspension()  # whoever drives this coroutine by hand comes back when it likes
            return
        self._input = loop.create_future()
        await self._input


class _Suspension:
    def __await__(self) -> Generator[None, None, None]:
        yield
