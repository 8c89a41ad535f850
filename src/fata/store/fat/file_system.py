"""The file system: operations on a mounted volume, by path.

A path is a key of `fata.device.kv`: "css/site.css", the root is "". Errors are those of the key-value contracts, and
`NameRefused`, `DirectoryNotEmpty`, `CorruptFat`; a failing disk is a DeviceError. What was refused has changed nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, Kind, NotFound, ValueExpected, segments
from fata.disk.fat import boot as boot_format
from fata.disk.fat.boot import NO_LABEL
from fata.disk.fat.entry import LABEL, Entry
from fata.disk.fat.plan import label_of
from fata.disk.fat.short_name import CODE_PAGE
from fata.store.fat import naming, reading, writing
from fata.store.fat.directory import Directory, Node
from fata.store.fat.reading import Stat
from fata.store.fat.volume import ROOT, CaseDiffers, Volume
from fata.store.fat.writeout import close, mark, write_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


WHOLE = 1 << 20  # octets: up to here a part of a file is changed by writing it anew


class Info(NamedTuple):
    """What a volume is; sizes are octets."""

    type: str
    label: str
    volume_id: str
    size: int
    sector_size: int
    cluster_size: int
    clusters: int
    free_clusters: int
    bad_clusters: int
    fats: int


class FileSystem:
    """A mounted volume. Made by `mount`; `close` ends its use and leaves the disk open."""

    def __init__(self, volume: Volume) -> None:
        self.volume = volume

    # --- reading

    async def exists(self, key: str) -> Kind | None:
        """Say what a path names; None when nothing."""
        try:
            return (await self.stat(key)).kind
        except NotFound:
            return None

    async def stat(self, key: str) -> Stat:
        """Return what is known of a path. Raises NotFound."""
        path = segments(key)
        async with _Reading(self.volume):
            return reading.stat(await self.volume.existing(key, path))

    async def size(self, key: str) -> int:
        """Return a file's size in octets. Raises NotFound, ValueExpected."""
        path = segments(key)
        async with _Reading(self.volume):
            return (await self.volume.file(key, path)).entry.size

    async def list(self, key: str = "") -> list[Stat]:
        """Return a directory's entries, by name. Raises NotFound, DictionaryExpected."""
        path = segments(key)
        async with _Reading(self.volume):
            nodes = await reading.entries(self.volume, key, path)
        return sorted(map(reading.stat, nodes), key=lambda entry: entry.name)

    async def read(self, key: str, offset: int = 0, length: int | None = None) -> bytes:
        """Return a file, or `length` octets from `offset` on; fewer only at its end. Raises NotFound, ValueExpected."""
        path = segments(key)
        if offset < 0 or (length is not None and length < 0):
            raise InvalidKey(f"{key!r}: a range of {length} octets at {offset} does not exist")
        async with _Reading(self.volume):
            node = await self.volume.file(key, path)
            return await reading.read(self.volume, node, offset, node.entry.size if length is None else length)

    # --- files

    async def store(self, key: str, data: bytes, *, parents: bool = False) -> None:
        """Give a file this content, whole: it is made, or replaced at once. Raises NoSpace, ValueExpected.

        `parents` makes the directories on the way; without it they must be there (NotFound).
        """
        path = segments(key)
        volume = self.volume
        async with volume.change(key):
            directory, node, missing = await volume.trace(key, path)
            if missing:
                _check_parents(key, missing, parents)
                runs = await writing.store(volume, key, data)
                await naming.create(volume, key, directory, missing, naming.new_file(volume, runs, len(data)), runs)
            else:
                await writing.replace(volume, key, directory, _file(key, node), data)

    async def allocate(self, key: str, size: int, *, parents: bool = False) -> None:
        """Make a file of `size` zeros. Raises AlreadyPresent, NoSpace, ValueExpected."""
        path = segments(key)
        if size < 0:
            raise InvalidKey(f"{key!r}: {size} octets")
        volume = self.volume
        async with volume.change(key):
            directory, node, missing = await volume.trace(key, path)
            if not missing:
                _file(key, node)
                raise AlreadyPresent(key)
            _check_parents(key, missing, parents)
            runs = await writing.store(volume, key, b"", size)
            await naming.create(volume, key, directory, missing, naming.new_file(volume, runs, size), runs)

    async def write(self, key: str, offset: int, data: bytes) -> None:
        """Write into a file, which grows as needed, with zeros in a gap. Raises NotFound, ValueExpected, NoSpace."""
        if offset < 0:
            raise InvalidKey(f"{key!r}: offset {offset}")
        async with self.volume.change(key):
            directory, node = await self._existing_file(key)
            if data:
                await writing.write(self.volume, key, directory, node, offset, data)

    async def patch(self, key: str, offset: int, data: bytes) -> None:
        """Write into a file as `write` does, but whole or not at all as long as it is small (WHOLE)."""
        if offset < 0:
            raise InvalidKey(f"{key!r}: offset {offset}")
        volume = self.volume
        async with volume.change(key):
            directory, node = await self._existing_file(key)
            size, end = node.entry.size, offset + len(data)
            unit = volume.medium.unit
            if (
                data
                and offset < size
                and max(end, size) <= WHOLE
                and (end > size or offset // unit != (end - 1) // unit)
            ):
                old = await reading.read(volume, node, 0, size)
                await writing.replace(volume, key, directory, node, old[:offset] + data + old[end:])
            elif data:
                await writing.write(volume, key, directory, node, offset, data)

    async def append(self, key: str, data: bytes) -> None:
        """Write at a file's end. Raises NotFound, ValueExpected, NoSpace."""
        async with self.volume.change(key):
            directory, node = await self._existing_file(key)
            if data:
                await writing.extend(self.volume, key, directory, node, node.entry.size, data)

    async def truncate(self, key: str, size: int) -> None:
        """Cut a file at `size`, or fill it up to there with zeros. Raises NotFound, ValueExpected, NoSpace."""
        if size < 0:
            raise InvalidKey(f"{key!r}: {size} octets")
        async with self.volume.change(key):
            directory, node = await self._existing_file(key)
            await writing.truncate(self.volume, key, directory, node, size)

    async def _existing_file(self, key: str) -> tuple[Directory, Node]:
        path = segments(key)
        try:
            directory, node, missing = await self.volume.trace(key, path)
        except (DictionaryExpected, CaseDiffers):
            raise NotFound(key) from None
        if missing:
            raise NotFound(key)
        return directory, _file(key, node)

    # --- names

    async def mkdir(self, key: str, *, parents: bool = False) -> None:
        """Make a directory. With `parents`, those on the way too, and one that is there already is fine.

        Raises AlreadyPresent, NotFound (of a parent), NoSpace, NameRefused.
        """
        path = segments(key)
        volume = self.volume
        async with volume.change(key):
            directory, node, missing = await volume.trace(key, path)
            if not missing:
                if parents and (node is None or node.is_directory):
                    return
                raise AlreadyPresent(key)
            _check_parents(key, missing, parents)
            await naming.make_directory(volume, key, directory, missing)

    async def rmdir(self, key: str) -> None:
        """Remove an empty directory. Raises NotFound, DictionaryExpected, DirectoryNotEmpty, InvalidKey of the root."""
        path = segments(key)
        volume = self.volume
        async with volume.change(key):
            node = await volume.existing(key, path)
            if node is None:
                raise InvalidKey("the root cannot be removed")
            if not node.is_directory:
                raise DictionaryExpected(key)
            directory, _, _ = await volume.trace(key, path)
            await naming.remove(volume, directory, node, tree=False, key=key)

    async def remove(self, key: str) -> None:
        """Remove a file. Raises NotFound, ValueExpected."""
        async with self.volume.change(key):
            directory, node = await self._existing_file(key)
            await naming.remove(self.volume, directory, node, tree=False, key=key)

    async def remove_tree(self, key: str) -> None:
        """Remove a file or directory with all that is in it, at once; of the root, all that is in it, one by one.

        Raises NotFound.
        """
        path = segments(key)
        volume = self.volume
        async with volume.change(key):
            node = await volume.existing(key, path)
            directory, _, _ = await volume.trace(key, path)
            if node is None:
                await naming.remove_all(volume, directory)
            else:
                await naming.remove(volume, directory, node, tree=True, key=key)

    async def rename(self, source: str, destination: str, *, parents: bool = False) -> None:
        """Move a file or directory; a file at `destination` is replaced. Raises as `KvRw.rename`."""
        old, new = segments(source), segments(destination)
        async with self.volume.change(source):
            await naming.rename(self.volume, old, new, parents=parents)

    # --- the volume

    def info(self) -> Info:
        """Say what the volume is."""
        layout, table = self.volume.layout, self.volume.table
        return Info(
            f"FAT{layout.bits}",
            self.label(),
            f"{self.volume.boot.volume_id >> 16:04X}-{self.volume.boot.volume_id & 0xFFFF:04X}",
            layout.size,
            layout.sector_size,
            layout.cluster_size,
            layout.clusters,
            table.free_count + table.waiting,
            table.bad_count(),
            layout.fats,
        )

    def label(self) -> str:
        """Return the volume's label, "" for none, as the boot sector has it."""
        raw = bytes(self.volume.boot.label)
        return "" if raw == NO_LABEL else raw.decode(CODE_PAGE).rstrip()

    async def set_label(self, text: str) -> None:
        """Change the label, in the boot sectors and in the root. Raises ConfigError for what is no label, NoSpace."""
        raw = label_of(text) if text else NO_LABEL
        volume = self.volume
        async with volume.change("label"):
            await write_out(volume)
            if not volume.marked:
                await mark(volume)
            backup = await _backup(volume)
            root = await volume.directory(ROOT)
            if text and root.label is None:
                await volume.make_room("label", root, 1)
            now = volume.now()
            if text:
                root.set_label(volume.log, Entry(raw, LABEL, modified_date=now.date, modified_time=now.time))
            else:
                root.remove_label(volume.log)
            at = boot_format.label_offset(volume.boot.wide)
            volume.log.patch(at, raw, volume.boot_octets, at)
            if backup is not None:
                volume.log.patch(volume.layout.backup_offset + at, raw, backup, at)
            volume.boot = volume.boot._replace(label=raw)

    async def flush(self) -> None:
        """Make every operation that has returned durable."""
        volume = self.volume
        volume.check_open()
        await volume.gate.enter_alone()
        try:
            volume.check_open()
            if not volume.medium.read_only:
                await write_out(volume)
                if not volume.medium.barriers:
                    await volume.medium.flush()
        finally:
            volume.gate.leave_alone()

    async def close(self) -> None:
        """Flush, and mark the volume as being in order. A second call does nothing. The disk stays open."""
        volume = self.volume
        await volume.gate.enter_alone()
        try:
            if volume.open:
                if not volume.medium.read_only:
                    await close(volume)
                volume.open = False
                volume.directories.clear()
        finally:
            volume.gate.leave_alone()


async def _backup(volume: Volume) -> bytearray | None:
    """Return the copy of the boot sector, if there is one and it is a copy."""
    if not volume.layout.backup_offset:
        return None
    octets = await volume.medium.read(volume.layout.backup_offset, volume.medium.unit)
    return bytearray(octets) if octets[510:512] == b"\x55\xaa" else None


def _check_parents(key: str, missing: tuple[str, ...], parents: bool) -> None:
    if len(missing) > 1 and not parents:
        raise NotFound(key)


def _file(key: str, node: Node | None) -> Node:
    if node is None or node.is_directory:
        raise ValueExpected(key)
    return node


class _Reading:
    """`async with`: beside other readers."""

    __slots__ = ("_volume",)

    def __init__(self, volume: Volume) -> None:
        self._volume = volume

    async def __aenter__(self) -> None:
        volume = self._volume
        volume.check_open()
        await volume.gate.enter_shared()
        if not volume.log.patches:
            volume.forget_some()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._volume.gate.leave_shared()
