"""From a device that was found to one that works: reset, features, queues (virtio 1.2, 3.1.1); and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.driver.virtio.ring import Ring
from fata.errors import DeviceError, StateError

if TYPE_CHECKING:
    from fata.driver.virtio.contract import Memory, Transport

ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET, FAILED = 1, 2, 4, 8, 64, 128  # status bits, 2.1
EVENT_IDX = 1 << 29
VERSION_1 = 1 << 32
RESET_READS = 10_000  # reads of the status that a reset may take
CONFIG_READS = 16  # tries at reading a configuration that changes
LARGEST_RING = 32768  # descriptors, 2.7


class Session:
    """A device and what was agreed with it. `wanted` are the features that the driver knows.

    Raises `DeviceError` for a device that does not keep to the procedure. Once it has failed it is reset, so that
    it leaves memory alone, and stays so.
    """

    def __init__(self, transport: Transport, memory: Memory, wanted: int) -> None:
        self.name = transport.name
        self.transport = transport
        self.failure: DeviceError | None = None
        self.closed = False
        self.notified = 0  # how often the device was: each time costs an exit from the virtual machine
        self._memory = memory
        self._reset()
        transport.set_status(ACKNOWLEDGE)
        transport.set_status(ACKNOWLEDGE | DRIVER)
        self.features = transport.features() & (wanted | VERSION_1 | EVENT_IDX)
        if not self.features & VERSION_1:
            raise self.fail("the device is older than virtio 1.0")

    def accept(self, features: int) -> None:
        """Accept these of `features`, for good; then the configuration may be read, and rings be made."""
        self.features = features
        self.transport.set_features(features)
        self.transport.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK)
        if not self.transport.status() & FEATURES_OK:
            raise self.fail(f"the device does not accept the features {features:#x}, all of which it has offered")

    def has(self, feature: int) -> bool:
        """Say whether a feature, by its bit, is agreed on."""
        return self.features >> feature & 1 == 1

    def config(self, *fields: tuple[int, int]) -> list[int]:
        """Read fields, each (offset, width), as they were at one moment."""
        transport = self.transport
        for _ in range(CONFIG_READS):
            before = transport.generation()
            values = [transport.config(offset, width) for offset, width in fields]
            if transport.generation() == before:
                return values
        raise self.fail("the device changes its configuration without end")

    def ring(self, number: int, wanted: int, *, least: int = 1) -> Ring:
        """Make a queue with at most `wanted` descriptors."""
        limit = self.transport.queue_limit(number)
        size = 1 << (min(limit, wanted).bit_length() - 1) if limit > 0 else 0
        if not least <= size or limit > LARGEST_RING:
            raise self.fail(f"queue {number} has {limit} descriptors, and {least} to {LARGEST_RING} are possible")
        ring = Ring(self._memory, f"{self.name}, queue {number}", size, event_index=self.features & EVENT_IDX > 0)
        self.transport.set_queue(number, size, *ring.places)
        return ring

    def start(self) -> None:
        """Let the device work."""
        self.transport.set_status(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK)
        if self.transport.status() & (NEEDS_RESET | FAILED):
            raise self.fail("the device has failed at its start")

    def publish(self, number: int, ring: Ring) -> None:
        """Show the device what was offered on queue `number`."""
        if ring.publish():
            self.notified += 1
            self.transport.notify(number)

    def fail(self, reason: str | DeviceError) -> DeviceError:
        """Give the device up: return what to raise."""
        error = reason if isinstance(reason, DeviceError) else DeviceError(f"{self.name}: {reason}")
        if self.failure is None:
            self.failure = error
            self.transport.set_status(0)
        return error

    def close(self) -> None:
        """Have the device let go of all memory."""
        if not self.closed and self.failure is None:
            self._reset()
        self.closed = True

    def check_open(self) -> None:
        """Raise `StateError` after `close`."""
        if self.closed:
            raise StateError(f"{self.name}: the device is closed")

    def _reset(self) -> None:
        self.transport.set_status(0)
        for _ in range(RESET_READS):
            if self.transport.status() == 0:
                return
        self.failure = DeviceError(f"{self.name}: the device does not reset")
        raise self.failure
