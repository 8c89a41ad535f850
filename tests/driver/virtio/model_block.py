"""A disk: virtio-blk over octets in memory, which answers later and in any order."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from random import Random

from fata.driver.poller.virtual import VirtualPoller
from fata.driver.virtio import block
from tests.driver.virtio.model import Chain, ModelDevice, ModelMemory

LATEST = 0.01  # seconds that a request may take


class ModelBlock(ModelDevice):
    """A disk of `sectors` sectors of 512 octets. Writes are lost at a `power_cut` unless they were flushed."""

    kind = block.KIND
    own_features = block.WANTED

    def __init__(
        self,
        memory: ModelMemory,
        interrupt: Callable[[], None],
        poller: VirtualPoller,
        sectors: int,
        *,
        sector_size: int = 512,
        read_only: bool = False,
        masked: int = 0,
        limit: int = 128,
        seed: int = 1,
    ) -> None:
        self.octets = bytearray(sectors * sector_size)
        self.durable = bytes(self.octets)
        self.size = sector_size
        self.asked: list[int] = []  # kinds of request, as they came
        self.under_way = 0
        self.most_under_way = 0
        self.answers = block.OK  # the status of every request
        self._poller = poller
        self._chance = Random(seed)
        super().__init__(memory, interrupt, 1, masked=masked | (0 if read_only else 1 << block.RO), limit=limit)
        struct.pack_into("<QI", self.config, 0, len(self.octets) // 512, 1 << 20)
        struct.pack_into("<I", self.config, 20, sector_size)
        struct.pack_into("<I", self.config, 36, 1024)

    def notice(self, number: int) -> None:
        queue = self.queues[number]
        while (chain := queue.next()) is not None:
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            moment = self._poller.monotonic() + self._chance.random() * LATEST
            self._poller.schedule(moment, partial(self.answer, chain, queue))

    def answer(self, chain: Chain, queue: object) -> None:
        """Do what a request asks for."""
        if queue is not self.queues[0]:
            return  # it was reset meanwhile
        self.under_way -= 1
        asked = chain.read()
        kind, _, sector = block.REQUEST.unpack_from(asked)
        self.asked.append(kind)
        data, start, status = asked[block.REQUEST.size :], sector * 512, self.answers
        room = sum(map(len, chain.writable)) - 1
        written = b""
        if status != block.OK:
            pass
        elif kind == block.READ:
            assert start + room <= len(self.octets)
            written = bytes(self.octets[start : start + room])
        elif kind == block.WRITE:
            assert start + len(data) <= len(self.octets)
            self.octets[start : start + len(data)] = data
            if not self.accepted >> block.FLUSH & 1:
                self.durable = bytes(self.octets)
        elif kind == block.FLUSHING:
            self.durable = bytes(self.octets)
        elif kind == block.DISCARDING:
            start, count, _ = block.RANGE.unpack(data)
            assert start * 512 % self.size == 0
            assert count * 512 % self.size == 0
            assert 0 < count <= 1024
            self.octets[start * 512 : (start + count) * 512] = bytes(count * 512)
        else:
            status = 2
        chain.writable[-1][-1] = status
        chain.write(written)
        self.queues[0].put(chain.head, len(written) + 1)
        self.show(self.queues[0])

    def power_cut(self) -> bytes:
        """Return what a power cut leaves at the least."""
        return self.durable
