"""virtio-rng: random octets from the hypervisor (virtio 1.2, 5.4).

It is asked once, when the program starts, and no interrupt is waited for: a program that draws random numbers need not
have an event loop.
"""

from __future__ import annotations

from fata.driver.virtio.ring import PAGE
from fata.driver.virtio.session import Session
from fata.errors import DeviceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from fata.driver.virtio.contract import Memory, Transport

KIND = 4
REQUESTS = 0  # its queue
PAUSES = 200  # that the device may take for an answer
PAUSE = 0.001  # seconds


class VirtioRng:
    """A source of octets. `pause(seconds)` passes the time until the device has answered. Raises `DeviceError`."""

    def __init__(self, transport: Transport, memory: Memory, pause: Callable[[float], None]) -> None:
        self._session = session = Session(transport, memory, 0)
        session.accept(session.features)
        self._pause = pause
        self._ring = session.ring(REQUESTS, 1)
        self._address, self._view = memory.dma(1)
        self._ring.ignore()
        session.start()

    def octets(self, count: int) -> bytes:
        """Return `count` octets, as the device gives them: a hypervisor may know them."""
        self._session.check_open()
        if self._session.failure is not None:
            raise self._session.failure
        drawn = b""
        try:
            while len(drawn) < count:
                drawn += self._draw(min(PAGE, count - len(drawn)))
        except DeviceError as error:
            raise self._session.fail(error) from None
        return drawn

    def _draw(self, most: int) -> bytes:
        """Return what one answer has, 1 to `most` octets."""
        ring = self._ring
        ring.describe(0, self._address, most, writable=True)
        ring.offer(0, most)
        self._session.publish(REQUESTS, ring)
        for _ in range(PAUSES):
            if ring.waiting():
                _, written = ring.take()
                if not written:
                    break
                octets = bytes(self._view[:written])
                self._view[:written] = bytes(written)  # nobody is to find them here
                return octets
            self._pause(PAUSE)
        raise DeviceError(f"{self._session.name}: the device gives no random octets")

    def close(self) -> None:
        """Reset the device."""
        self._session.close()
