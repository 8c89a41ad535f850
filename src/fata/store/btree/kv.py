"""The store as a KvTx: paths instead of octets, and batches that do not wait for each other."""

from __future__ import annotations

from contextlib import asynccontextmanager
from math import nan

from fata.device.kv import BatchConflict, InvalidKey, KvError, NoSpace, ValueExpected, segments
from fata.errors import StateError
from fata.store.btree import paths
from fata.store.btree.errors import OutOfSpace, TooLarge
from fata.store.btree.opening import UUID_SIZE, open_or_format
from fata.store.btree.overlay import Overlay
from fata.store.btree.paths import HEADER, HEADER_SIZE, Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from fata.device.block import Block
    from fata.device.clock import WallClock
    from fata.device.entropy import Entropy
    from fata.device.kv import Kind, KvRw
    from fata.store.btree.paths import Changing, Entries
    from fata.store.btree.store import Btree, Durability


class _PathKv:
    """A KvRw over a tree's entries."""

    def __init__(self, store: Btree, clock: WallClock | None = None) -> None:
        self._store = store
        self._clock = clock

    def _read(self) -> Entries:
        """Return what reads see."""
        return self._store

    def _change(self, key: str) -> AbstractAsyncContextManager[Changing]:
        """Open what a change is made in; it happens at the end of the block."""
        return _transaction(self._store, key)

    def _value(self, content: bytes) -> bytes:
        now = None if self._clock is None else self._clock.wall()
        return HEADER.pack(self._store.new_version(), nan if now is None else now) + content

    async def exists(self, key: str) -> Kind | None:
        return await paths.kind_of(self._read(), segments(key))

    async def get(self, key: str) -> bytes:
        return (await paths.value_of(self._read(), segments(key)))[HEADER_SIZE:]

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        _check_range(key, offset, length)
        return (await paths.value_of(self._read(), segments(key)))[HEADER_SIZE:][offset : offset + length]

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        names = await paths.names_in(self._read(), segments(key))
        return sorted(names.items(), key=lambda entry: entry[0])

    async def size(self, key: str) -> int:
        return len(await paths.value_of(self._read(), segments(key))) - HEADER_SIZE

    async def digest(self, key: str) -> bytes:
        from hashlib import sha256  # brings OpenSSL in: only for those who ask

        path = segments(key)
        entries = self._read()
        if await paths.kind_of(entries, path) is not None and not await _is_value(entries, path):
            whole = sha256()
            start = len(paths.inside(path))
            for name in await paths.keys_in(entries, path):
                content = (await entries.get(name) or b"")[HEADER_SIZE:]
                whole.update(len(name[start:]).to_bytes(8) + name[start:] + sha256(content).digest())
            return whole.digest()
        return sha256((await paths.value_of(entries, path))[HEADER_SIZE:]).digest()

    async def last_modified(self, key: str) -> float | None:
        path = segments(key)
        entries = self._read()
        if await paths.kind_of(entries, path) is None or await _is_value(entries, path):
            return paths.modified_of(await paths.value_of(entries, path))
        return None  # when something was removed from a dictionary is not kept

    async def set(self, key: str, value: bytes) -> None:
        path = segments(key)
        async with self._change(key) as entries:
            await paths.place(entries, path, self._value(bytes(value)))

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        _check_range(key, offset, 0)
        path = segments(key)
        async with self._change(key) as entries:
            old = (await paths.value_of(entries, path))[HEADER_SIZE:]
            if data:
                try:
                    gap = bytes(max(offset - len(old), 0))
                    content = b"".join((old[:offset], gap, data, old[offset + len(data) :]))
                except (MemoryError, OverflowError):
                    raise NoSpace(key) from None
                await entries.put(paths.name_of(path), self._value(content))

    async def remove(self, key: str) -> None:
        path = segments(key)
        async with self._change(key) as entries:
            await paths.remove(entries, path)

    async def rename(self, source: str, destination: str) -> None:
        old, new = segments(source), segments(destination)
        async with self._change(destination) as entries:
            await paths.rename(entries, old, new)

    async def allocate(self, key: str, size: int) -> None:
        path = segments(key)
        _check_range(key, 0, size)
        try:
            content = bytes(size)
        except (MemoryError, OverflowError):
            raise NoSpace(key) from None
        async with self._change(key) as entries:
            await paths.allocate(entries, path, self._value(content))

    async def flush(self) -> None:
        await self._store.flush()


class BtreeKv(_PathKv):
    """A KvTx on a disk. A key of more than an eighth of a node, in UTF-8, is a `KvError`."""

    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        return _Batch(self._store, self._clock)

    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        path = segments(key)
        async with self._change(key) as entries:
            if path and not await _is_value(entries, path) and await paths.kind_of(entries, path) is not None:
                raise ValueExpected(key)
            value = await entries.get(paths.name_of(path)) if path else None
            if not path:
                raise ValueExpected(key)
            if (None if value is None else value[HEADER_SIZE:]) != test:
                return False
            if new is None:
                await paths.remove(entries, path)
            else:
                await paths.place(entries, path, self._value(bytes(new)))
        return True

    async def close(self) -> None:
        """Make everything durable and end."""
        await self._store.close()


async def open_btree_kv(
    block: Block, clock: WallClock | None, entropy: Entropy, durability: Durability = "sync"
) -> BtreeKv:
    """Open the store on a disk; a blank disk is formatted first. Raises `NotAStore`, `Corrupt`."""
    return BtreeKv(await open_or_format(block, entropy.octets(UUID_SIZE), durability=durability), clock)


class _Batch(_PathKv):
    """Changes over a snapshot. At the end whatever was looked at must be as it was; then they are made, as one."""

    def __init__(self, store: Btree, clock: WallClock | None) -> None:
        super().__init__(store, clock)
        self._state = "new"  # "open", "ended"
        self._overlay: Overlay | None = None

    async def __aenter__(self) -> KvRw:
        if self._state != "new":
            raise StateError("a batch is opened once; ask the store for another")
        self._state = "open"
        self._overlay = Overlay(self._store.snapshot())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state = "ended"
        overlay = self._open()
        try:
            if kind is None:
                await self._apply(overlay)
        finally:
            overlay.snapshot.close()

    async def _apply(self, overlay: Overlay) -> None:
        async with _transaction(self._store, "") as transaction:
            changed = await overlay.first_difference(transaction)
            if changed is not None:
                raise BatchConflict(changed.replace(b"\0", b"/").decode())
            for key, value in overlay.changes.items():
                if value is None:
                    await transaction.delete(key)
                else:
                    await transaction.put(key, value)

    def _open(self) -> Overlay:
        assert self._overlay is not None
        return self._overlay

    def _read(self) -> Entries:
        self._check_open()
        return self._open()

    @asynccontextmanager
    async def _change(self, key: str) -> AsyncIterator[Changing]:
        """Let a change happen in the overlay, or nothing of it."""
        self._check_open()
        overlay = self._open()
        before = dict(overlay.changes)
        try:
            yield overlay
        except BaseException:
            overlay.changes = before
            raise

    async def flush(self) -> None:
        """Do nothing: what has not been applied cannot be made durable."""
        self._check_open()

    def _check_open(self) -> None:
        if self._state != "open":
            raise StateError("a batch can be used only inside its `async with`")


@asynccontextmanager
async def _transaction(store: Btree, key: str) -> AsyncIterator[Changing]:
    """Open a transaction whose refusals are a KvRw's."""
    try:
        async with store.transaction() as transaction:
            yield transaction
    except OutOfSpace as error:
        raise NoSpace(key) from error
    except TooLarge as error:
        raise KvError(key, str(error)) from error


async def _is_value(entries: Entries, path: Path) -> bool:
    return bool(path) and await entries.raw(paths.name_of(path)) is not None


def _check_range(key: str, offset: int, length: int) -> None:
    if offset < 0 or length < 0:
        raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")
