"""What can be mounted: volumes and archives as one tree of files, for FUSE."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from fata.device.block import Block
from fata.device.clock import WallClock
from fata.device.kv import Kind, KvRo, NotFound
from fata.disk.fat.errors import NotFat
from fata.disk.tar import TarError
from fata.disk.zip import ZipError
from fata.errors import ConfigError
from fata.store.archive import ArchiveKv
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import mount
from fata.store.tar.reading import open_tar
from fata.store.zip import open_zip


class Entry(NamedTuple):
    """What is known of a file or directory."""

    directory: bool
    size: int
    modified: float | None


class Room(NamedTuple):
    """How large a file system is, in pieces of `unit` octets; all 0 where nobody can say."""

    unit: int = 512
    all: int = 0
    free: int = 0


class Tree(Protocol):
    """A tree of files. Errors are those of `fata.device.kv`."""

    @property
    def read_only(self) -> bool:
        """Whether it refuses every change."""
        ...

    async def entry(self, path: str) -> Entry:
        """Return what is known of a path; "" is the root."""
        ...

    async def names(self, path: str) -> list[str]:
        """Return a directory's names."""
        ...

    async def read(self, path: str, offset: int, length: int) -> bytes:
        """Return octets of a file, fewer only at its end."""
        ...

    @property
    def files(self) -> Any:
        """What has `store write truncate mkdir rmdir remove rename flush`; asked for only if it is not read-only."""
        ...

    def room(self) -> Room:
        """Return how much room there is."""
        ...

    async def closed(self, path: str) -> None:
        """Take notice that somebody has closed a file."""
        ...

    async def close(self) -> None:
        """End the use, everything written."""
        ...


class FatTree:
    """A FAT volume, which can be changed through `files`."""

    def __init__(self, files: FileSystem, read_only: bool) -> None:
        self.files = files
        self.read_only = read_only

    async def entry(self, path: str) -> Entry:
        found = await self.files.stat(path)
        return Entry(found.kind is Kind.DICTIONARY, found.size, found.modified)

    async def names(self, path: str) -> list[str]:
        return [each.name for each in await self.files.list(path)]

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await self.files.read(path, offset, length)

    def room(self) -> Room:
        found = self.files.info()
        return Room(found.cluster_size, found.clusters, found.free_clusters)

    async def closed(self, path: str) -> None:
        """Do nothing: what was written is in its place."""

    async def close(self) -> None:
        await self.files.close()


class ArchiveTree:
    """An archive, to read."""

    read_only = True

    def __init__(self, archive: ArchiveKv) -> None:
        self._archive: KvRo = archive

    async def entry(self, path: str) -> Entry:
        kind = await self._archive.exists(path)
        if kind is None:
            raise NotFound(path)
        size = await self._archive.size(path) if kind is Kind.VALUE else 0
        return Entry(kind is Kind.DICTIONARY, size, await self._archive.last_modified(path))

    async def names(self, path: str) -> list[str]:
        return [name for name, _ in await self._archive.list(path)]

    async def read(self, path: str, offset: int, length: int) -> bytes:
        return await self._archive.get_partial(path, offset, length)

    @property
    def files(self) -> Any:
        """Nothing changes an archive."""
        return None

    def room(self) -> Room:
        return Room()

    async def closed(self, path: str) -> None:
        """Do nothing: nothing was written."""

    async def close(self) -> None:
        """Do nothing: nothing was written."""


async def open_tree(disk: Block, clock: WallClock) -> FatTree | ArchiveTree:
    """Open whatever a disk holds. Raises ConfigError, which says why each kind was refused."""
    reasons = []
    try:
        return FatTree(await mount(disk, clock=clock, read_only=disk.read_only), disk.read_only)
    except NotFat as error:
        reasons.append(error.reason)
    try:
        archive = await open_tar(disk)
        if await archive.list("") or archive.skipped:
            return ArchiveTree(archive)
        reasons.append("tar: an empty archive")
    except TarError as error:
        reasons.append(str(error))
    try:
        return ArchiveTree(await open_zip(disk))
    except ZipError as error:
        reasons.append(str(error))
    raise ConfigError(
        f"nothing that can be mounted: {'; '.join(reasons)}",
        remedy="Name a FAT volume, a tar or a zip; --partition chooses one of a disk's partitions.",
    )
