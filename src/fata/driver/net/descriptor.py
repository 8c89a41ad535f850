"""A card behind a descriptor of the host: how it is watched, and how it ends."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fata.device.poller import Poller, Readable, Writable
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from collections.abc import Callable


class Descriptor:
    """Owns a descriptor. Watches it for room only while somebody waits for room: it is writable nearly always."""

    def __init__(self, poller: Poller, number: int, name: str) -> None:
        self.number = number  # -1 once closed
        self.name = name
        self._poller = poller
        self._readable: Callable[[], None] | None = None
        self._writable: Callable[[], None] | None = None
        self._awaits_room = False
        self._lost = False
        self._closed = False

    def watch(self, readable: Callable[[], None], writable: Callable[[], None]) -> None:
        """Call these from now on."""
        self.check_open()
        first = self._readable is None
        self._readable, self._writable = readable, writable
        if first and not self._lost:
            self._poller.register(Readable(self.number), self._on_readable)
            if self._awaits_room:
                self._poller.register(Writable(self.number), self._on_writable)

    def _on_readable(self) -> None:
        if self._readable is not None:
            self._readable()

    def _on_writable(self) -> None:
        self._stop_awaiting()
        if self._writable is not None:
            self._writable()

    def await_room(self) -> None:
        """Call `writable`, once, when the device takes more."""
        if not self._awaits_room:
            self._awaits_room = True
            if self._readable is not None:
                self._poller.register(Writable(self.number), self._on_writable)

    def _stop_awaiting(self) -> None:
        if self._awaits_room:
            self._awaits_room = False
            if self._readable is not None:
                self._poller.unregister(Writable(self.number))

    def lose(self, reason: str) -> DeviceError:
        """Stop watching a device that has gone, which would be ready for ever; return what to raise."""
        if not self._lost:
            self._unwatch()
            self._lost = True
        return DeviceError(f"{self.name}: {reason}")

    @property
    def lost(self) -> bool:
        """Whether the device has gone."""
        return self._lost

    def _unwatch(self) -> None:
        self._stop_awaiting()
        if self._readable is not None and not self._lost:
            self._poller.unregister(Readable(self.number))
        self._readable = self._writable = None

    def close(self) -> None:
        """Give it back. A second call does nothing."""
        if not self._closed:
            self._closed = True
            self._unwatch()
            number, self.number = self.number, -1
            os.close(number)

    def check_open(self) -> None:
        """Raise `StateError` after `close`."""
        if self._closed:
            raise StateError(f"{self.name}: the device is closed")
