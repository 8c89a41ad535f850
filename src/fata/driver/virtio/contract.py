"""What a virtio driver stands on: the machine's memory, a device's registers, a way to reach the device."""

from __future__ import annotations

from typing import Protocol


class Memory(Protocol):
    """Memory that devices may read and write. The kernel's `_hw` module is one."""

    def dma(self, pages: int, /) -> tuple[int, memoryview]:
        """Return zeroed pages of 4,096 octets side by side, as a device's address and a view. They are never freed."""
        ...

    def barrier(self) -> None:
        """Let no later load pass an earlier store."""
        ...


class Registers(Protocol):
    """A range of registers, each read and written whole, little endian."""

    def load(self, offset: int, width: int) -> int:
        """Read `width` octets, 1, 2, 4 or 8."""
        ...

    def store(self, offset: int, width: int, value: int) -> None:
        """Write `width` octets."""
        ...


class Transport(Protocol):
    """How a device is reached: mmio or PCI. What it returns is the device's word, which nobody has checked."""

    @property
    def name(self) -> str:
        """Where the device is, for people."""
        ...

    @property
    def kind(self) -> int:
        """The device's type, virtio 1.2 chapter 5; 0 for a slot without a device."""
        ...

    def status(self) -> int:
        """Return the device's status bits."""
        ...

    def set_status(self, status: int) -> None:
        """Set the status; 0 resets the device."""
        ...

    def features(self) -> int:
        """Return the features that the device offers, 64 bits."""
        ...

    def set_features(self, features: int) -> None:
        """Accept these."""
        ...

    def queue_limit(self, number: int) -> int:
        """Return the most descriptors that a queue may have; 0 for a queue that is not there."""
        ...

    def set_queue(self, number: int, size: int, descriptors: int, available: int, used: int) -> None:
        """Tell the device where a queue's three parts lie, and let it use the queue."""
        ...

    def notify(self, number: int) -> None:
        """Tell the device that a queue has news."""
        ...

    def acknowledge(self) -> None:
        """Take note of an interrupt, so that the next one can come. To be called before the rings are looked at."""
        ...

    def config(self, offset: int, width: int) -> int:
        """Read a field of the device's own configuration."""
        ...

    def generation(self) -> int:
        """Return a number that changes when the configuration does."""
        ...
