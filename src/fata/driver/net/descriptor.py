"""A card behind a descriptor of the host: frames through it, who is called for them, and how it ends."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING

from fata.device.net import ReceivedFrame
from fata.device.poller import Poller, Readable, Writable
from fata.driver.net.allocator import keep_freed
from fata.driver.net.sendable import LARGEST_FRAME
from fata.driver.net.vnet_header import HEADER_LENGTH, Octets
from fata.errors import DeviceError, StateError, WireError

if TYPE_CHECKING:
    Parse = Callable[[bytes], ReceivedFrame]

BURST = 64  # frames a receive(): more would keep the rest of the program waiting
READ_SIZE = HEADER_LENGTH + LARGEST_FRAME + 4  # octets; a VLAN tag may be in it
READ_SIZES = repeat(READ_SIZE)
MAX_BUFFERS = 1024  # IOV_MAX, linux/uio.h


@dataclass(slots=True)
class Counters:
    """Frames that came to nothing."""

    not_taken: int = 0  # sent while the interface was down, or the kernel had no room left for them
    malformed: int = 0  # received with a header that makes no sense


class Descriptor:
    """Owns a descriptor. Watches it for room only while somebody waits for room: it is writable nearly always.

    `exists` says whether the interface behind it is still there; it is asked when a system call fails.
    """

    def __init__(self, poller: Poller, number: int, name: str, exists: Callable[[int], bool]) -> None:
        keep_freed()
        self.counters = Counters()
        self.number = number  # -1 once closed
        self._name = name
        self._poller = poller
        self._exists = exists
        self._readable: Callable[[], None] | None = None
        self._writable: Callable[[], None] | None = None
        self._awaits_room = False
        self.gone = False

    def receive(self, parse: Parse) -> list[ReceivedFrame]:
        """As `receive_raw`, parsed; what `parse` refuses is counted and dropped."""
        return [frame for octets in self.receive_raw() if (frame := self.interpret(octets, parse)) is not None]

    def interpret(self, octets: bytes, parse: Parse) -> ReceivedFrame | None:
        """Parse one frame; None, and counted, if it is refused."""
        try:
            return parse(octets)
        except WireError:
            self.counters.malformed += 1
            return None

    def receive_raw(self) -> list[bytes]:
        """Return up to 64 frames as they were read. A device that has gone is told once; later calls return []."""
        self.check_open()
        frames: list[bytes] = []
        if self.gone:
            return frames
        number = self.number
        try:  # what comes before an error stays in the list
            frames.extend(map(os.read, repeat(number, BURST), READ_SIZES))
        except BlockingIOError:
            pass
        except OSError as error:
            # With frames in hand the next call finds out. An interface that went down says so once.
            if not frames and not self._exists(number):
                raise self._lose() from error
        return frames

    def send(self, frames: Sequence[Octets]) -> int:
        """Write frames, each in one piece or several; return how many there was room for.

        If that is not all of them, `writable` is called when there is room.
        """
        self.check_open()
        number, write, write_several = self.number, os.write, os.writev
        left = iter(frames)
        while True:
            try:
                for frame in left:
                    if isinstance(frame, bytes):
                        write(number, frame)
                    elif len(frame) <= MAX_BUFFERS:
                        write_several(number, frame)
                    else:
                        write(number, b"".join(frame))
                return len(frames)
            except BlockingIOError:
                self.await_room()
                return len(frames) - 1 - length_hint(left)
            except OSError as error:
                self._excuse(error)  # and go on behind it

    def _excuse(self, error: OSError) -> None:
        """Raise what a failed write means, unless it is a frame that the kernel did not take just now."""
        if not self._exists(self.number):
            raise self._lose() from error
        if error.errno in (errno.EINVAL, errno.EMSGSIZE):
            raise StateError(f"{self._name}: the kernel refuses a frame: {error.strerror}") from error
        self.counters.not_taken += 1

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        """Call these from now on."""
        self.check_open()
        first = self._readable is None
        self._readable, self._writable = readable, writable
        if first and not self.gone:
            self._poller.register(Readable(self.number), self._on_readable)
            if self._awaits_room:
                self._poller.register(Writable(self.number), self._on_writable)

    def _on_readable(self) -> None:
        if self._readable is not None:
            self._readable()

    def _on_writable(self) -> None:
        self._stop_awaiting_room()
        if self._writable is not None:
            self._writable()

    def await_room(self) -> None:
        """Have `writable` called when there is room."""
        if not self._awaits_room:
            self._awaits_room = True
            if self._readable is not None:
                self._poller.register(Writable(self.number), self._on_writable)

    def _stop_awaiting_room(self) -> None:
        if self._awaits_room:
            self._awaits_room = False
            if self._readable is not None:
                self._poller.unregister(Writable(self.number))

    def _lose(self) -> DeviceError:
        """Stop watching what has gone, which would be ready for ever; return what to raise."""
        self._unwatch()
        self.gone = True
        return DeviceError(f"{self._name}: the interface has been removed")

    def _unwatch(self) -> None:
        self._stop_awaiting_room()
        if self._readable is not None and not self.gone:
            self._poller.unregister(Readable(self.number))
        self._readable = self._writable = None

    def close(self) -> None:
        """Give it back. A second call does nothing."""
        if self.number >= 0:
            self._unwatch()
            number, self.number = self.number, -1
            os.close(number)

    def check_exists(self) -> None:
        """Raise `DeviceError` if the interface has been removed; it is not watched any more then."""
        if not self._exists(self.number):
            raise self._lose()

    def check_open(self) -> None:
        """Raise `StateError` once it is closed."""
        if self.number < 0:
            raise StateError(f"{self._name}: the device is closed")
