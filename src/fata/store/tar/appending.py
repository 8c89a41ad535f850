"""A tar archive as a store that can be changed, by appending."""

from __future__ import annotations

import asyncio

from fata.device.kv import (
    AlreadyPresent,
    DictionaryExpected,
    InvalidKey,
    KvError,
    NoSpace,
    NotFound,
    ValueExpected,
    segments,
)
from fata.disk.tar import Member, padded, serialize
from fata.errors import StateError
from fata.store.archive import Dictionary, Tree
from fata.store.tar.end import ArchiveEnd, open_end, patched
from fata.store.tar.reading import WHITEOUT, TarKv, planted, scanned_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.device.clock import WallClock
    from fata.store import archive

Path = tuple[str, ...]

LONGEST_KEY = 4096  # octets; names may be longer, by the sign that hides them


class AppendingTarKv(TarKv):
    """A KvRw over a tar archive. Made by `open_appending_tar`.

    A `flush` is atomic: a power cut leaves the archive as it was after the last one that returned, or as the one under
    way was to make it. What is replaced or removed keeps its space. Keys whose segments begin with ".wh." are refused.
    """

    def __init__(
        self, block: Block, tree: Tree, skipped: list[tuple[bytes, str]], end: ArchiveEnd, clock: WallClock | None
    ) -> None:
        super().__init__(block, tree, skipped)
        self._end = end
        self._clock = clock
        self._changing = asyncio.Lock()

    async def _read(self, key: str, member: archive.Member, offset: int, length: int) -> bytes:
        held = self._end.held()  # before the disk is asked: a commit may write it meanwhile, and hold the next
        data = await super()._read(key, member, offset, length)
        place: Member = member  # type: ignore[assignment]  # the tree holds no others
        return patched(place.offset + offset, data, held)

    async def set(self, key: str, value: bytes) -> None:
        path = self._path(key)
        async with self._changing:
            self._check_place(key, path)
            await self._append(key, path, bytes(value))

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        path = self._path(key)
        if offset < 0:
            raise InvalidKey(f"key {key!r}: nothing can be written at {offset}")
        async with self._changing:
            old = self._member(key)
            if not data:
                return
            if offset + len(data) - self._end.room > 0:
                raise NoSpace(key)
            value = await self._read(key, old, 0, old.size)
            gap = bytes(max(offset - len(value), 0))
            await self._append(key, path, b"".join((value[:offset], gap, data, value[offset + len(data) :])))

    async def allocate(self, key: str, size: int) -> None:
        path = self._path(key)
        if size < 0:
            raise InvalidKey(f"key {key!r}: a size of {size} octets does not exist")
        async with self._changing:
            self._check_place(key, path)
            if self._tree.find(path) is not None:
                raise AlreadyPresent(key)
            if size > self._end.room:
                raise NoSpace(key)
            await self._append(key, path, bytes(size))

    async def remove(self, key: str) -> None:
        path = segments(key)
        async with self._changing:
            if self._tree.find(path) is None:
                return
            paths = [path] if path else [(name,) for name in self._tree.root.children]
            await self._end.settle()
            mark = self._end.mark()
            try:
                for each in paths:
                    await self._sign(each)
            except BaseException:
                self._end.rewind(mark)
                raise
            for each in paths:
                self._tree.remove(each)

    async def rename(self, source: str, destination: str) -> None:
        old, new = self._path(source), self._path(destination)
        if not old or not new or (old != new and new[: len(old)] == old):
            raise InvalidKey(f"cannot rename {source!r} to {destination!r}, inside itself")
        async with self._changing:
            node = self._tree.find(old)
            if node is None:
                raise NotFound(source)
            self._check_place(destination, new)
            if old == new:
                return
            await self._end.settle()
            mark = self._end.mark()
            try:
                members = list(node.members()) if isinstance(node, Dictionary) else [("", node)]
                copied = [await self._copy(source, name, member, (*new, *segments(name))) for name, member in members]
                await self._sign(old)
            except BaseException:
                self._end.rewind(mark)
                raise
            self._tree.remove(old)
            for path, member in copied:
                self._tree.plant(path, member)

    async def flush(self) -> None:
        async with self._changing:
            await self._end.commit()

    def _path(self, key: str) -> Path:
        path = segments(key)
        if any(segment.startswith(WHITEOUT) for segment in path):
            raise KvError(key, f"a segment begins with {WHITEOUT!r}, which hides names in this archive")
        if len(key.encode()) > LONGEST_KEY:
            raise KvError(key[:40] + "…", f"more than {LONGEST_KEY} octets are too long for this archive")
        return path

    def _check_place(self, key: str, path: Path) -> None:
        node: archive.Member | Dictionary | None = self._tree.root
        for depth, segment in enumerate(path):
            if not isinstance(node, Dictionary):
                raise DictionaryExpected("/".join(path[:depth]))
            node = node.children.get(segment)
            if node is None:
                return
        if isinstance(node, Dictionary):
            raise ValueExpected(key)

    async def _append(self, key: str, path: Path, value: bytes) -> None:
        self._tree.plant(path, await self._written(key, value))

    async def _written(self, key: str, value: bytes) -> Member:
        """Append a member; it is not in the tree yet. Raises NoSpace."""
        headers = self._headers(key, len(value))
        octets = padded(headers + value)
        if len(octets) > self._end.room:
            raise NoSpace(key)
        begin = await self._end.append(octets)
        return Member(begin + len(headers), len(value), self._now())

    async def _copy(self, source: str, name: str, member: archive.Member, path: Path) -> tuple[Path, Member]:
        value = await self._read(f"{source}/{name}", member, 0, member.size)
        return path, await self._written("/".join(path), value)

    async def _sign(self, path: Path) -> None:
        """Append the sign that hides a name."""
        await self._written("/".join((*path[:-1], WHITEOUT + path[-1])), b"")

    def _headers(self, key: str, size: int) -> bytes:
        return serialize(key, size, self._now())

    def _now(self) -> float | None:
        now = None if self._clock is None else self._clock.wall()
        return None if now is None else float(int(now))


async def open_appending_tar(block: Block, clock: WallClock | None = None) -> AppendingTarKv:
    """Open an archive that begins in sector 0, or a disk that begins with zeros: an empty one. Raises `TarError`.

    Without a clock nothing knows when it was changed.
    """
    if block.read_only:
        raise StateError("the disk is read-only: open its archive with `open_tar`")
    scanned = await scanned_from(block)
    tree, skipped = planted(scanned.found)
    return AppendingTarKv(block, tree, skipped, await open_end(block, scanned.end), clock)
