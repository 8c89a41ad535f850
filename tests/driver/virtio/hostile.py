"""Devices that answer nonsense: registers, configuration, rings and headers, at random from a seed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from tests.driver.virtio.model import ModelDevice, Queue

EDGES = (0, 1, 2, 3, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0xFFFFFFFF)
ACCESSES = 50_000  # of registers; a driver that makes more hangs


class Hostility:
    """Decides when a device lies, and how. `lies` counts its answers that were not the model's."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.lies = 0
        self.accesses = 0
        # Some lie at every turn, others once in a while: deep states are reached as well.
        self.registers = self.chance.choice((0.0, 0.002, 0.02, 0.2))
        self.rings = self.chance.choice((0.0, 0.02, 0.2, 0.6))

    def number(self, octets: int) -> int:
        """Return a number that hurts."""
        self.lies += 1
        limit = (1 << 8 * octets) - 1
        return self.chance.choice((self.chance.choice(EDGES) & limit, self.chance.randrange(limit + 1)))

    def wants(self, share: float) -> bool:
        return self.chance.random() < share


def make_hostile(device: ModelDevice, hostility: Hostility) -> None:
    """Let a device lie from now on: what it is asked for, and what it leaves in the rings."""
    honest_load, honest_show, honest_store = device.load, device.show, device.store

    def load(offset: int, width: int) -> int:
        hostility.accesses += 1
        assert hostility.accesses < ACCESSES, "the driver asks without end"
        if hostility.wants(hostility.registers):
            return hostility.number(width)
        return honest_load(offset, width)

    def store(offset: int, width: int, value: int) -> None:
        hostility.accesses += 1
        assert hostility.accesses < ACCESSES, "the driver tells without end"
        forgive(lambda: honest_store(offset, width, value), device)

    def show(queue: Queue) -> None:
        honest_show(queue)
        if device.works and hostility.wants(hostility.rings):
            _scribble(device, queue, hostility)
            device.pending |= 1
            device.interrupt()

    device.load, device.store, device.show = load, store, show  # type: ignore[method-assign]
    for name in ("arrive", "answer"):  # what happens to a model on its own
        if hasattr(device, name):
            setattr(device, name, partial(_forgiving, getattr(device, name), device))


def _forgiving(action: Callable[..., None], device: ModelDevice, *words: Any) -> None:
    forgive(partial(action, *words), device)


def forgive(action: Callable[[], None], device: ModelDevice) -> None:
    """Do what a driver asks for, also when lies have led it to ask for what an honest device would not allow."""
    try:
        action()
    except AssertionError as error:
        # What matters whatever the device says: the driver points to its own memory only.
        if "the driver" in str(error):
            raise
        device.status = 0


def _scribble(device: ModelDevice, queue: Queue, hostility: Hostility) -> None:
    """Change what the device may write: the used ring, and the buffers it was given."""
    used, size = queue.places[2], queue.size
    memory = device.memory
    match hostility.chance.randrange(6):
        case 0:
            memory.set_number(used, 2, hostility.number(2))
        case 1:
            memory.set_number(used + 2, 2, hostility.number(2))
        case 2:
            memory.set_number(used + 4 + 8 * hostility.chance.randrange(size), 4, hostility.number(4))
        case 3:
            memory.set_number(used + 8 + 8 * hostility.chance.randrange(size), 4, hostility.number(4))
        case 4:
            memory.set_number(used + 4 + 8 * size, 2, hostility.number(2))
        case 5:
            # An answer that nobody waits for, or twice the same.
            queue.put(hostility.number(2) % (2 * size), hostility.number(2))
            memory.set_number(used + 2, 2, queue.used)


def scribble_on_buffers(device: ModelDevice, number: int, hostility: Hostility) -> None:
    """Fill the buffers of a queue's descriptors with noise, as far as the device may write them."""
    queue = device.queues[number]
    for index in range(queue.size):
        place = queue.places[0] + 16 * index
        address, length = device.memory.number(place, 8), device.memory.number(place + 8, 4)
        if address and device.memory.number(place + 12, 2) & 2:
            count = min(length, 16)
            device.memory.at(address, count)[:] = hostility.chance.randbytes(count)
    hostility.lies += 1
