"""virtio-console: a terminal of the virtual machine beside its serial port (virtio 1.2, 5.3).

Its first port only: MULTIPORT is not accepted, so a device with several shows the one that is a console. A console
without that feature never says that its input has ended; `close` ends it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fata.driver.console.running import running_loop
from fata.driver.console.utf8 import Lines, encode
from fata.driver.virtio.ring import PAGE
from fata.driver.virtio.session import Session
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable

    from fata.device.poller import Poller, Source
    from fata.driver.virtio.contract import Memory, Transport

KIND = 3
INPUT, OUTPUT = 0, 1  # queues of the first port
BUFFERS = 16  # a page each, in both directions
PAUSE = 0.001  # seconds
PAUSES = 5000  # that a full device may take until somebody reads what was written


class VirtioConsole:
    """A Console, for the loop that runs. `source` is the interrupt. Raises `DeviceError`.

    Input is taken from the device when it is asked for: who types more than 64 KiB ahead is kept waiting.
    `write` waits, as on a terminal, while the device is full; `pause(seconds)` passes that time.
    """

    def __init__(
        self,
        transport: Transport,
        memory: Memory,
        poller: Poller,
        source: Source,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session = Session(transport, memory, 0)
        session.accept(session.features)
        self._pause = pause
        self._poller = poller
        self._source = source
        self._lines = Lines()
        self._reading = False
        self._news: Future[None] | None = None
        self._input = session.ring(INPUT, BUFFERS)
        self._output = session.ring(OUTPUT, BUFFERS)
        address, self._typed = memory.dma(self._input.size)
        for index in range(self._input.size):
            self._input.describe(index, address + index * PAGE, PAGE, writable=True)
            self._input.offer(index, PAGE)
        self._address, self._shown = memory.dma(self._output.size)
        self._free = list(range(self._output.size))
        self._output.ignore()
        self._input.listen()
        poller.register(source, self._interrupt)
        session.start()
        session.publish(INPUT, self._input)

    # Out.

    def write(self, text: str) -> None:
        self._check()
        octets = encode(text)
        try:
            for place in range(0, len(octets), PAGE):
                self._put(octets[place : place + PAGE])
            self._session.publish(OUTPUT, self._output)
        except DeviceError as error:
            raise self._session.fail(error) from None

    def _put(self, octets: bytes) -> None:
        if not self._free:
            self._session.publish(OUTPUT, self._output)
            self._await_room(1)
        slot = self._free.pop()
        start = slot * PAGE
        self._shown[start : start + len(octets)] = octets
        self._output.describe(slot, self._address + start, len(octets))
        self._output.offer(slot, 0)

    def _await_room(self, wanted: int) -> None:
        """Wait until `wanted` buffers are free."""
        for _ in range(PAUSES):
            for _ in range(self._output.waiting()):
                self._free.append(self._output.take()[0])
            if len(self._free) >= wanted:
                return
            self._pause(PAUSE)
        raise DeviceError(f"{self._session.name}: nobody reads what is written to this console")

    # In.

    async def read_line(self) -> str | None:
        if self._reading:
            raise StateError(f"{self._session.name}: another task is reading a line already")
        self._reading = True
        try:
            while True:
                line = self._lines.next()
                if line is None and not self._lines.ended:
                    self._take()
                    line = self._lines.next()
                if line is not None or self._lines.ended:
                    return line
                await self._more()
        finally:
            self._reading = False

    def _take(self) -> None:
        """Take what was typed. Nothing suspends between this and the line, so a cancelled call loses nothing."""
        self._check()
        ring = self._input
        try:
            for _ in range(ring.size):  # bounded: a device could play with its index
                for _ in range(ring.waiting()):
                    self._take_buffer()
                self._session.publish(INPUT, ring)
                if not ring.listen():
                    return
        except DeviceError as error:
            raise self._session.fail(error) from None

    def _take_buffer(self) -> None:
        head, written = self._input.take()
        start = head * PAGE
        if written:  # nothing is not the end
            self._lines.feed(bytes(self._typed[start : start + written]))
        self._input.offer(head, PAGE)

    async def _more(self) -> None:
        loop = running_loop()
        if loop is None:
            raise StateError(f"{self._session.name}: reading waits, and no event loop is running")
        self._news = loop.create_future()
        await self._news

    def _interrupt(self) -> None:
        self._session.transport.acknowledge()
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _check(self) -> None:
        self._session.check_open()
        if self._session.failure is not None:
            raise self._session.failure

    async def close(self) -> None:
        """Let out what was written, then give the device back; a reader gets what is left, and the end."""
        session = self._session
        if session.closed:
            return
        try:
            if session.failure is None:
                self._await_room(self._output.size)
                self._take()
        except DeviceError as error:
            session.fail(error)
        self._poller.unregister(self._source)
        session.close()
        self._lines.feed(b"")
        self._wake()
