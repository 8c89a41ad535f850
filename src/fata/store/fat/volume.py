"""A mounted volume: what is in memory of it, and how a path leads to an entry. Opened by `mount`."""

from __future__ import annotations

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, KvError, NoSpace, NotFound, ValueExpected
from fata.disk.fat import stamp as dates
from fata.disk.fat.entry import MAX_SIZE, MAX_SLOTS, SIZE
from fata.disk.fat.errors import CorruptFat
from fata.errors import StateError
from fata.store.fat.directory import Directory, Node
from fata.store.fat.gate import Gate
from fata.store.fat.log import Log
from fata.store.fat.table import Run, Table
from fata.store.fat.writeout import write_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal

    from fata.device.clock import WallClock
    from fata.disk.fat.boot import BootSector
    from fata.disk.fat.layout import Layout
    from fata.store.fat.medium import Medium

ROOT = 0  # as `..` says it
LOG_LIMIT = 4 << 20  # octets of pending entries
HELD_SLOTS = 100_000  # of directories that nobody has changed


class DirectoryFull(NoSpace):
    """A directory has no room for another name: it has 65,536 slots, and the root of FAT12 and FAT16 a fixed number."""

    def __init__(self, key: str) -> None:
        KvError.__init__(self, key, "its directory has no room for another name")


class FileTooLarge(NoSpace):
    """A file would have more octets than FAT can count."""

    def __init__(self, key: str) -> None:
        KvError.__init__(self, key, f"a file on FAT has at most {MAX_SIZE:,} octets")


class DirectoryNotEmpty(KvError):
    """A directory that is to be removed has entries."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "is a directory that is not empty")


class CaseDiffers(AlreadyPresent):
    """An entry has this name in another case, so that FAT has no room for this one."""


class NameRefused(KvError):
    """FAT cannot hold such a name."""


class Volume:
    """State, without operations: those are in `reading`, `writing` and `naming`, and `FileSystem` offers them."""

    def __init__(
        self,
        medium: Medium,
        layout: Layout,
        boot: BootSector,
        boot_octets: bytes,
        table: Table,
        *,
        clock: WallClock | None = None,
        sync: Literal["flush", "op"] = "flush",
    ) -> None:
        self.medium = medium
        self.layout = layout
        self.boot = boot
        self.boot_octets = bytearray(boot_octets)  # as the disk has them: a whole sector of it
        self.table = table
        self.log = Log(medium.unit)
        self.gate = Gate()
        self.clock = clock
        self.sync = sync
        self.directories: dict[int, Directory] = {}
        self.held_slots = 0
        self.epoch = 0  # counts the times that the log has become empty
        self.fresh_data = False  # written into clusters that were free, and not made durable yet
        self.overwritten = False  # octets that a file had, and not made durable yet
        self.marked = False  # the disk says that the volume is in use
        self.open = True
        self.exact_case = False  # whether names that differ in case only are different names

    def now(self) -> dates.Stamp:
        """Return the present moment as FAT keeps it."""
        return dates.UNKNOWN if self.clock is None else dates.stamp(self.clock.wall())

    def check_open(self) -> None:
        """Refuse what comes after `close`."""
        if not self.open:
            raise StateError("the volume is closed")

    def change(self, key: str) -> Change:
        """Return the block in which one operation changes the volume."""
        return Change(self, key)

    # --- directories

    async def directory(self, cluster: int) -> Directory:
        """Return a directory by its first cluster; ROOT is the root. Raises CorruptFat."""
        known = self.directories.get(cluster)
        if known is not None:
            return known
        layout = self.layout
        if cluster == ROOT and not layout.root_cluster:
            content = bytearray(await self.medium.read(layout.root_offset, layout.root_size))
            loaded = Directory(ROOT, [layout.root_offset], layout.root_size, content, fixed=True)
        else:
            loaded = await self._read_directory(cluster)
        known = self.directories.setdefault(cluster, loaded)  # another reader may have been faster
        if known is loaded:
            self.held_slots += len(loaded.used)
        return known

    async def _read_directory(self, cluster: int) -> Directory:
        layout = self.layout
        runs = self.table.runs(cluster or layout.root_cluster, None)
        if sum(run.length for run in runs) * layout.cluster_size > max(MAX_SLOTS * SIZE, layout.cluster_size):
            raise CorruptFat(f"the directory at cluster {cluster} has more than {MAX_SLOTS} slots")
        content = bytearray()
        pieces: list[int] = []
        for first, length in runs:
            start = layout.offset_of(first)
            content += await self.medium.read(start, length * layout.cluster_size)
            pieces += range(start, start + length * layout.cluster_size, layout.cluster_size)
        return Directory(cluster, pieces, layout.cluster_size, content)

    def forget(self, cluster: int) -> None:
        """Drop a directory from memory: it is gone from the volume, or can be read again."""
        dropped = self.directories.pop(cluster, None)
        if dropped is not None:
            self.held_slots -= len(dropped.used)

    def forget_some(self) -> None:
        """Drop the directories that have been held longest, if there are many.

        Only while the disk has everything, and never in the midst of a change, which would go on with one that is
        no longer the volume's. Readers may: what they have stays right as long as they are inside.
        """
        if self.held_slots > HELD_SLOTS:
            for cluster in list(self.directories):
                if self.held_slots <= HELD_SLOTS // 2:
                    break
                self.forget(cluster)

    # --- paths

    async def trace(
        self, key: str, path: tuple[str, ...], *, outside: Node | None = None
    ) -> tuple[Directory, Node | None, tuple[str, ...]]:
        """Follow a path: the last directory on it, the entry if all of it is there, and else the names that are not.

        For the root, nothing is missing and there is no entry. Raises DictionaryExpected if a file is in the way,
        InvalidKey if `outside` is, CorruptFat if a directory contains itself, CaseDiffers if case matters.
        """
        directory = await self.directory(ROOT)
        node: Node | None = None
        seen = [ROOT, self.layout.root_cluster]
        for depth, name in enumerate(path):
            if node is not None:
                if node is outside:
                    raise InvalidKey(f"key {key!r} lies inside what is to be moved")
                if not node.is_directory:
                    raise DictionaryExpected(key)
                if node.entry.cluster in seen:
                    raise CorruptFat(f"{key!r}: a directory on the way contains itself")
                seen.append(node.entry.cluster)
                directory = await self.directory(node.entry.cluster)
            node = directory.find(name)
            if node is None:
                return directory, None, path[depth:]
            if self.exact_case and node.name != name and node is not outside:
                raise CaseDiffers(key)
        if node is not None and node.is_directory and node.entry.cluster in seen:
            raise CorruptFat(f"{key!r}: the directory contains itself")
        return directory, node, ()

    async def existing(self, key: str, path: tuple[str, ...]) -> Node | None:
        """Return the entry of a path; None is the root. Raises NotFound."""
        try:
            _, node, missing = await self.trace(key, path)
        except (DictionaryExpected, CaseDiffers):
            raise NotFound(key) from None
        if missing:
            raise NotFound(key)
        return node

    async def file(self, key: str, path: tuple[str, ...]) -> Node:
        """Return the entry of a file. Raises NotFound, ValueExpected."""
        node = await self.existing(key, path)
        if node is None or node.is_directory:
            raise ValueExpected(key)
        return node

    # --- chains

    def file_runs(self, node: Node) -> list[Run]:
        """Return a file's chain, as far as its size goes. Raises CorruptFat."""
        if node.runs is None:
            size = self.layout.cluster_size
            count = -(-node.entry.size // size)
            node.runs = self.table.runs(node.entry.cluster, count) if count else []
        return node.runs

    async def allocate(self, key: str, clusters: int, *, directory: bool = False) -> list[Run]:
        """Reserve clusters; flush first if only clusters that wait can be enough. Raises NoSpace."""
        if not clusters:
            return []
        runs = self.table.allocate(clusters, directory=directory)
        if runs is None and self.table.waiting:
            await write_out(self)
            runs = self.table.allocate(clusters, directory=directory)
        if runs is None:
            raise NoSpace(key)
        return runs

    async def make_room(self, key: str, directory: Directory, slots: int) -> None:
        """See to it that a directory has so many slots in a row. Raises NoSpace."""
        if directory.room_for(slots) >= 0:
            return
        parts = directory.growth_for(slots)
        if parts < 0:
            raise DirectoryFull(key)
        layout = self.layout
        runs = await self.allocate(key, parts, directory=True)
        try:
            for first, length in runs:
                await self.medium.write(layout.offset_of(first), bytes(length * layout.cluster_size))
        except BaseException:
            self.table.release(runs)
            raise
        self.fresh_data = True
        end = (directory.pieces[-1] - layout.data_offset) // layout.cluster_size + 2
        self.table.chain(runs, after=end)
        for first, length in runs:
            for cluster in range(first, first + length):
                directory.grow(layout.offset_of(cluster))
        self.held_slots += parts * layout.cluster_size // SIZE


class Change:
    """`async with volume.change(key):` alone on the volume; flushes at the end if each operation is to be."""

    __slots__ = ("_key", "_volume")

    def __init__(self, volume: Volume, key: str) -> None:
        self._volume = volume
        self._key = key

    async def __aenter__(self) -> None:
        volume = self._volume
        volume.check_open()
        if volume.medium.read_only:
            raise StateError(f"{self._key!r}: the volume is read-only")
        await volume.gate.enter_alone()
        try:
            volume.check_open()
            if volume.log.octets > LOG_LIMIT or (volume.held_slots > HELD_SLOTS and volume.log.patches):
                await write_out(volume)
            volume.forget_some()
        except BaseException:
            volume.gate.leave_alone()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and self._volume.sync == "op":
                await write_out(self._volume)
        finally:
            self._volume.gate.leave_alone()
