"""Packets that wait for their neighbor's MAC: few for each neighbor, few in all, the oldest dropped first."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Packet = TypeVar("Packet")


class HeldPackets(Generic[Packet]):
    """Queues by neighbor, with one order over all of them."""

    def __init__(self, capacity: int, capacity_per_neighbor: int) -> None:
        self.dropped = 0  # packets beyond the caps
        self._capacity = capacity
        self._capacity_per_neighbor = capacity_per_neighbor
        self._packets: OrderedDict[int, tuple[bytes, Packet]] = OrderedDict()  # by number, the oldest first
        self._numbers: dict[bytes, deque[int]] = {}  # of the packets for a neighbor, the oldest first
        self._last = 0

    def __len__(self) -> int:
        return len(self._packets)

    def put(self, address: bytes, packet: Packet) -> None:
        """Add a packet for a neighbor."""
        self._last += 1
        self._packets[self._last] = (address, packet)
        numbers = self._numbers.setdefault(address, deque())
        numbers.append(self._last)
        if len(numbers) > self._capacity_per_neighbor:
            self._drop(numbers[0])
        elif len(self._packets) > self._capacity:
            self._drop(next(iter(self._packets)))

    def _drop(self, number: int) -> None:
        address, _packet = self._packets.pop(number)
        numbers = self._numbers[address]
        numbers.popleft()  # the oldest in all is the oldest of its neighbor too
        if not numbers:
            del self._numbers[address]
        self.dropped += 1

    def take(self, address: bytes) -> list[Packet]:
        """Remove and return the packets for a neighbor, the oldest first."""
        return [self._packets.pop(number)[1] for number in self._numbers.pop(address, ())]
