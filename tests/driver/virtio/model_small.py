"""A source of random octets and a console: virtio-rng and virtio-console over memory."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fata.driver.virtio import console, entropy
from tests.driver.virtio.model import ModelDevice, ModelMemory


class ModelRng(ModelDevice):
    """Answers each request with up to `most` octets of a seeded stream; one that is `silent`, not at all."""

    kind = entropy.KIND

    def __init__(self, memory: ModelMemory, *, most: int = 4096, silent: bool = False, seed: int = 1) -> None:
        self.most = most
        self.silent = silent
        self.given = b""
        self._chance = Random(seed)
        super().__init__(memory, lambda: None, 1, limit=8)

    def notice(self, number: int) -> None:
        queue = self.queues[number]
        while not self.silent and (chain := queue.next()) is not None:
            octets = self._chance.randbytes(min(self.most, sum(map(len, chain.writable))))
            self.given += octets
            queue.put(chain.head, chain.write(octets))
        self.show(queue)


class ModelConsole(ModelDevice):
    """A terminal: `feed` types, `shown` is what was written. One that is `stuck` takes nothing."""

    kind = console.KIND

    def __init__(self, memory: ModelMemory, interrupt: Callable[[], None], *, masked: int = 0, limit: int = 64) -> None:
        self.shown = b""
        self.stuck = False
        self.waiting = b""
        super().__init__(memory, interrupt, 2, masked=masked, limit=limit)

    def feed(self, octets: bytes) -> None:
        self.waiting += octets
        self.notice(console.INPUT)

    def notice(self, number: int) -> None:
        queue = self.queues[number]
        if number == console.OUTPUT:
            while not self.stuck and (chain := queue.next()) is not None:
                self.shown += chain.read()
                queue.put(chain.head, 0)
        elif self.works:
            while self.waiting and (chain := queue.next()) is not None:
                count = chain.write(self.waiting)
                self.waiting = self.waiting[count:]
                queue.put(chain.head, count)
        if self.works:
            self.show(queue)
