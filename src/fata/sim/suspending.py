"""Devices that make the caller wait at every operation, whatever the device beneath does.

Each operation suspends before it takes effect and again before it returns: so a cancellation strikes both
a request that was never made and one whose answer is lost. A wrapped RAM disk shows everything that a slow
disk could do to its user.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, TypeVar

from fata.device.block import Block, Buffer
from fata.device.kv import Kind, KvRo, KvRw, KvTx
from fata.sim.exploring_loop import pause

T = TypeVar("T")


async def _around(label: str, operation: Coroutine[Any, Any, T]) -> T:
    try:
        await pause(label)
    except BaseException:
        operation.close()
        raise
    result = await operation
    await pause(f"{label}, done")
    return result


class SuspendingBlock:
    """A Block over a Block. With `tear` a write goes out sector by sector, with a suspension between them."""

    def __init__(self, block: Block, *, tear: bool = False) -> None:
        self._block = block
        self._tear = tear

    @property
    def sector_size(self) -> int:
        return self._block.sector_size

    @property
    def sectors(self) -> int:
        return self._block.sectors

    @property
    def read_only(self) -> bool:
        return self._block.read_only

    async def read(self, sector: int, count: int) -> bytes:
        return await _around(f"read {sector}+{count}", self._block.read(sector, count))

    async def write(self, sector: int, data: Buffer) -> None:
        octets = bytes(data)
        step = self.sector_size if self._tear and self._accepts(sector, octets) else max(len(octets), 1)
        for start in range(0, max(len(octets), 1), step):
            at = sector + start // self.sector_size
            await _around(f"write {at}", self._block.write(at, octets[start : start + step]))

    def _accepts(self, sector: int, octets: bytes) -> bool:
        """Say whether the write is valid as a whole: one that is not must not begin."""
        count, rest = divmod(len(octets), self.sector_size)
        return not rest and 0 <= sector <= self.sectors - count and not self.read_only

    async def flush(self) -> None:
        await _around("flush", self._block.flush())

    async def discard(self, sector: int, count: int) -> None:
        await _around(f"discard {sector}+{count}", self._block.discard(sector, count))

    async def close(self) -> None:
        await _around("close", self._block.close())


class SuspendingKvRo:
    """A KvRo over a KvRo."""

    def __init__(self, store: KvRo) -> None:
        self._readable = store

    async def exists(self, key: str) -> Kind | None:
        return await _around(f"exists {key!r}", self._readable.exists(key))

    async def get(self, key: str) -> bytes:
        return await _around(f"get {key!r}", self._readable.get(key))

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        return await _around(f"get {key!r} {offset}+{length}", self._readable.get_partial(key, offset, length))

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        return await _around(f"list {key!r}", self._readable.list(key))

    async def size(self, key: str) -> int:
        return await _around(f"size {key!r}", self._readable.size(key))

    async def digest(self, key: str) -> bytes:
        return await _around(f"digest {key!r}", self._readable.digest(key))

    async def last_modified(self, key: str) -> float | None:
        return await _around(f"last_modified {key!r}", self._readable.last_modified(key))


class SuspendingKvRw(SuspendingKvRo):
    """A KvRw over a KvRw."""

    def __init__(self, store: KvRw) -> None:
        super().__init__(store)
        self._writable = store

    async def set(self, key: str, value: bytes) -> None:
        await _around(f"set {key!r}", self._writable.set(key, value))

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        await _around(f"set {key!r} {offset}+{len(data)}", self._writable.set_partial(key, offset, data))

    async def remove(self, key: str) -> None:
        await _around(f"remove {key!r}", self._writable.remove(key))

    async def rename(self, source: str, destination: str) -> None:
        await _around(f"rename {source!r} {destination!r}", self._writable.rename(source, destination))

    async def allocate(self, key: str, size: int) -> None:
        await _around(f"allocate {key!r}", self._writable.allocate(key, size))

    async def flush(self) -> None:
        await _around("flush", self._writable.flush())


class SuspendingKvTx(SuspendingKvRw):
    """A KvTx over a KvTx, whose batches suspend as well."""

    def __init__(self, store: KvTx) -> None:
        super().__init__(store)
        self._atomic = store

    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        return _SuspendingBatch(self._atomic.batch())

    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        return await _around(f"test_and_set {key!r}", self._atomic.test_and_set(key, test, new))


class _SuspendingBatch:
    def __init__(self, batch: AbstractAsyncContextManager[KvRw]) -> None:
        self._batch = batch

    async def __aenter__(self) -> KvRw:
        await pause("batch begins")
        return SuspendingKvRw(await self._batch.__aenter__())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool | None:
        if kind is None:
            try:
                await pause("batch ends")
            except BaseException as late:
                await self._batch.__aexit__(type(late), late, late.__traceback__)
                raise
        result = await self._batch.__aexit__(kind, error, traceback)
        if kind is None:
            await pause("batch ends, done")
        return result
