"""Interrupt lines that several devices share, as PCI's INTx: the line stays up until each of them was asked.

A line is routed as an edge (see `fata.driver.virtio.interrupts`). If one device raises it again while another still
holds it up, no new edge comes. So all are asked, in turn, until none has anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.device.poller import Interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 16  # then the rest of the program has its turn: a device could hold its line up for ever


class Line(Interrupt):
    """A device at the line that raises event `number`; `asks` says whether it wants attention, and takes note of it.

    Compared by identity: each device at a line is a source of its own.
    """

    __slots__ = ("asks",)

    def __init__(self, number: int, asks: Callable[[], bool]) -> None:
        super().__init__(number)
        self.asks = asks

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = object.__hash__


class SharedLine:
    """The devices at one line that are watched."""

    def __init__(self) -> None:
        self.devices: dict[Line, Callable[[], None]] = {}

    def serve(self) -> bool:
        """Call back for every device that asks, until none does; return whether one may still."""
        for _ in range(ROUNDS):
            asking = [line for line in self.devices if line.asks()]
            if not asking:
                return False
            for line in asking:
                callback = self.devices.get(line)  # one before it may have unregistered it
                if callback is not None:
                    callback()
        return True
