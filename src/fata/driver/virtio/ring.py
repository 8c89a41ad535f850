"""A split virtqueue: how driver and device pass buffers (virtio 1.2, 2.7).

    descriptors   address 8 | length 4 | flags 2 | next 2        one per buffer, `size` of them
    available     flags 2 | index 2 | head 2 … | used event 2    written by the driver: chains for the device
    used          flags 2 | index 2 | head 4, length 4 … | available event 2     written by the device

Nothing that a device has written is believed: each value is read once, then checked against what the driver itself
remembers. What the driver remembers is never read from memory that the device can write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fata.errors import DeviceError

if TYPE_CHECKING:
    from fata.driver.virtio.contract import Memory

PAGE = 4096  # octets
DESCRIPTOR = 16  # octets
HAS_NEXT, DEVICE_WRITES = 1 << 32, 2 << 32  # flags, where they stand in the second half of a descriptor
NO_INTERRUPT = 1  # available flags
NO_NOTIFY = 1  # used flags
WRAP = 0xFFFF  # indices have 16 bits
NOBODYS = -1  # octets of a chain that is not with the device


class Ring:
    """One queue of a device, `size` descriptors, a power of two. `event_index` is the feature, negotiated."""

    def __init__(self, memory: Memory, name: str, size: int, *, event_index: bool) -> None:
        self.size = size
        self.in_flight = 0  # chains that the device has
        self._name = name
        self._memory = memory
        self._event_index = event_index
        self._capacity = [NOBODYS] * size  # by head: octets that the device may write
        self._offered = 0  # chains ever, modulo 2¹⁶
        self._published = 0  # of these, those that the device was shown
        self._seen = 0  # chains ever taken back
        available = DESCRIPTOR * size
        used = available + (6 + 2 * size + 3) // 4 * 4
        address, view = memory.dma(-(-(used + 6 + 8 * size) // PAGE))
        self.places = address, address + available, address + used  # for the device
        self._descriptors = view[:available].cast("Q")
        self._available = view[available : available + 6 + 2 * size].cast("H")
        self._used = view[used : used + 6 + 8 * size].cast("H")
        self._used_chains = view[used + 4 : used + 4 + 8 * size].cast("Q")
        self._available_event = 2 + 4 * size  # in self._used
        self._used_event = 2 + size  # in self._available

    def describe(self, index: int, address: int, length: int, *, writable: bool = False, follow: int = -1) -> None:
        """Write a descriptor; `follow` is the one behind it in its chain. Not while the device has it."""
        flags = DEVICE_WRITES if writable else 0
        if follow >= 0:
            flags |= HAS_NEXT | follow << 48
        self._descriptors[2 * index] = address
        self._descriptors[2 * index + 1] = length | flags

    def offer(self, head: int, capacity: int) -> None:
        """Give the device a chain, of which it may write `capacity` octets; it is shown by `publish`."""
        self._capacity[head] = capacity
        self._available[2 + (self._offered & (self.size - 1))] = head
        self._offered = (self._offered + 1) & WRAP
        self.in_flight += 1

    def publish(self) -> bool:
        """Show the device what was offered; return whether it wants to be notified."""
        before, now = self._published, self._offered
        if before == now:
            return False
        self._available[1] = now
        self._published = now
        self._memory.barrier()
        if not self._event_index:
            return not self._used[0] & NO_NOTIFY
        event = self._used[self._available_event]
        return (now - event - 1) & WRAP < (now - before) & WRAP

    def waiting(self) -> int:
        """Return how many chains the device has given back that were not taken. Raises `DeviceError`."""
        count = (self._used[1] - self._seen) & WRAP
        if count > self.in_flight:
            raise DeviceError(f"{self._name}: the device gives {count} buffers back and has {self.in_flight}")
        return count

    def take(self) -> tuple[int, int]:
        """Take a chain back, of those that `waiting` counted: its head, and the octets that were written."""
        entry = self._used_chains[self._seen & (self.size - 1)]
        head, written = entry & 0xFFFFFFFF, entry >> 32
        capacity = self._capacity[head] if head < self.size else NOBODYS
        if capacity == NOBODYS:
            raise DeviceError(f"{self._name}: the device gives back buffer {head}, which it does not have")
        if written > capacity:
            raise DeviceError(f"{self._name}: the device says {written} octets were written, of {capacity} at most")
        self._capacity[head] = NOBODYS
        self._seen = (self._seen + 1) & WRAP
        self.in_flight -= 1
        return head, written

    def listen(self, after: int = 0) -> bool:
        """Ask for an interrupt once `after` more chains and one have come back; return whether they have already."""
        if self._event_index:
            self._available[self._used_event] = (self._seen + after) & WRAP
        else:
            self._available[0] = 0
            after = 0
        self._memory.barrier()
        return self.waiting() > after

    def ignore(self) -> None:
        """Ask for no interrupts, as far as the device heeds it."""
        if self._event_index:
            self._available[self._used_event] = (self._seen - 1) & WRAP  # an index that has just passed
        else:
            self._available[0] = NO_INTERRUPT
