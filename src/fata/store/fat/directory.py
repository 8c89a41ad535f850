"""A directory in memory: its octets, which slots are used, and its entries by name."""

from __future__ import annotations

from collections.abc import Iterator

from fata.disk.fat import entry as entry_format
from fata.disk.fat import long_name, short_name
from fata.disk.fat.entry import DELETED, DIRECTORY, DOT, DOT_DOT, LABEL, MAX_SLOTS, SIZE, Entry
from fata.disk.fat.long_name import fold
from fata.disk.fat.slots import Found, scan
from fata.store.fat.log import Log
from fata.store.fat.table import Run


class Node:
    """An entry with its name. `first` is its first slot, `slot` that of the short name."""

    __slots__ = ("entry", "first", "name", "runs", "shortened", "slot")

    def __init__(self, name: str, entry: Entry, first: int, slot: int) -> None:
        self.name = name
        self.entry = entry
        self.first = first
        self.slot = slot
        self.runs: list[Run] | None = None  # a file's chain, once it has been read
        self.shortened = -1  # the epoch in which the file was last shortened

    @property
    def is_directory(self) -> bool:
        """Whether it names a directory."""
        return bool(self.entry.attributes & DIRECTORY)


class Directory:
    """Entries by slot and by folded name, long and short. Changes go into the octets and into the log."""

    def __init__(
        self, cluster: int, pieces: list[int], piece_size: int, content: bytearray, *, fixed: bool = False
    ) -> None:
        self.cluster = cluster  # 0 for the root
        self.fixed = fixed  # whether it cannot grow: the root of FAT12 and FAT16
        self.pieces = pieces  # where each part of it lies, in octets on the volume
        self.piece_size = piece_size
        self.content = content
        self.nodes: dict[int, Node] = {}
        self.index: dict[str, Node] = {}
        self.label: Node | None = None
        self._first_tail: dict[str, int] = {}
        self._room_from = 0
        found = scan(content)
        self.used = bytearray(len(content) // SIZE)
        self._stale = found.end if any(content[found.end * SIZE :]) else -1
        for slot in found.orphans:
            self.used[slot] = 1
        for each in found.found:
            self._adopt(each)

    def _adopt(self, found: Found) -> None:
        entry = found.entry
        for slot in range(found.first, found.slot + 1):
            self.used[slot] = 1
        if entry.name in (DOT, DOT_DOT):
            return
        name = found.long if found.long is not None else short_name.text(entry.name, entry.case)
        node = Node(name, entry, found.first, found.slot)
        if entry.attributes & LABEL:
            self.label = self.label or node
        elif name not in (".", ".."):
            self._enter(node)

    def _enter(self, node: Node) -> None:
        self.nodes[node.slot] = node
        self.index.setdefault(fold(node.name), node)
        self.index.setdefault(fold(short_name.text(node.entry.name)), node)

    def hide(self, node: Node) -> None:
        """Let nobody find an entry any more; it is still there."""
        self.nodes.pop(node.slot, None)
        for name in (fold(node.name), fold(short_name.text(node.entry.name))):
            if self.index.get(name) is node:
                del self.index[name]

    def find(self, name: str) -> Node | None:
        """Return the entry that a name means, whatever its case."""
        return self.index.get(name.upper() if name.isascii() else fold(name))

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes.values())

    # --- room

    def short_name_for(self, name: str) -> bytes | None:
        """Return a short name for a new entry; None if there is none left."""
        exact = short_name.exactly(name)
        if exact is not None:
            return exact
        return short_name.make(name, self.index.__contains__, self._first_tail)

    def room_for(self, slots: int) -> int:
        """Return the first of so many free slots in a row; -1 if the directory has to grow."""
        start = self.used.find(0, self._room_from)
        self._room_from = start if start >= 0 else len(self.used)
        return self.used.find(bytes(slots), self._room_from)

    def growth_for(self, slots: int) -> int:
        """Return by how many parts the directory has to grow for so many slots; -1 if it may not."""
        at_end = len(self.used) - len(self.used.rstrip(b"\0"))
        parts = -(-(slots - at_end) * SIZE // self.piece_size)
        beyond = len(self.content) + parts * self.piece_size > MAX_SLOTS * SIZE
        return -1 if self.fixed or beyond else parts

    def grow(self, offset: int) -> None:
        """Take a further part, zeros on the disk, which lies at `offset`."""
        self.pieces.append(offset)
        self.content += bytes(self.piece_size)
        self.used += bytes(self.piece_size // SIZE)

    # --- changes

    def add(self, log: Log, name: str, entry: Entry) -> Node:
        """Write an entry, with a long name unless the short one says it all. There must be room."""
        octets = entry_set(name, entry)
        first = self.room_for(len(octets) // SIZE)
        slot = first + len(octets) // SIZE - 1
        if self._stale >= 0:
            self._clear_stale(log)
        self._write(log, first, octets)
        self.used[first : slot + 1] = b"\1" * (slot + 1 - first)
        node = Node(name, entry, first, slot)
        self._enter(node)
        return node

    def update(self, log: Log, node: Node, entry: Entry) -> None:
        """Write an entry anew; its names stay."""
        node.entry = entry
        self._write(log, node.slot, entry_format.serialize(entry))

    def remove(self, log: Log, node: Node) -> None:
        """Delete an entry: its short name first, which is all that counts."""
        self.hide(node)
        per_sector = log.unit // SIZE
        end = node.slot + 1
        while end > node.first:
            start = max(node.first, (end - 1) // per_sector * per_sector)
            at = start * SIZE
            marked = bytearray(self.content[at : end * SIZE])
            marked[::SIZE] = bytes([DELETED]) * (end - start)
            self._write(log, start, bytes(marked))
            end = start
        self.used[node.first : node.slot + 1] = bytes(node.slot + 1 - node.first)
        self._room_from = min(self._room_from, node.first)

    def set_label(self, log: Log, entry: Entry) -> None:
        """Write the volume's label. There must be room, if there is none yet."""
        if self.label is not None:
            self.update(log, self.label, entry)
            return
        slot = self.room_for(1)
        if self._stale >= 0:
            self._clear_stale(log)
        self._write(log, slot, entry_format.serialize(entry))
        self.used[slot] = 1
        self.label = Node("", entry, slot, slot)

    def remove_label(self, log: Log) -> None:
        """Delete the volume's label."""
        if self.label is not None:
            self._write(log, self.label.slot, bytes([DELETED]))
            self.used[self.label.slot] = 0
            self.label = None

    def point_up(self, log: Log, parent: int) -> None:
        """Write which cluster `..` means, if there is such an entry."""
        entry = entry_format.parse(self.content, SIZE)
        if entry.name == DOT_DOT and entry.cluster != parent:
            self._write(log, 1, entry_format.serialize(entry._replace(cluster=parent)))

    def _clear_stale(self, log: Log) -> None:
        """Put zeros where nothing may be: the slots behind the last would come to light with the next entry."""
        start, self._stale = self._stale, -1
        self._write(log, start, bytes(len(self.content) - start * SIZE))

    def _write(self, log: Log, slot: int, octets: bytes) -> None:
        at = slot * SIZE
        piece, inside = divmod(at, self.piece_size)
        while octets:
            part = octets[: self.piece_size - inside]
            log.patch(self.pieces[piece] + inside, part, self.content, at)
            octets, at = octets[len(part) :], at + len(part)
            piece, inside = piece + 1, 0


def entry_set(name: str, entry: Entry) -> bytes:
    """Return the slots of an entry: the long name's parts, if it needs one, and the short one."""
    short = entry_format.serialize(entry)
    return short if short_name.exactly(name) == entry.name else long_name.parts(name, entry.name) + short


def slots_for(name: str) -> int:
    """Return how many slots an entry of this name takes."""
    if short_name.exactly(name) is not None:
        return 1
    units = len(name) if name.isascii() else len(name.encode("utf-16-le")) // 2
    return -(-units // long_name.UNITS) + 1


def first_entries(cluster: int, parent: int, entry: Entry) -> bytes:
    """Return `.` and `..`, with which every directory but the root begins. `parent` is 0 for the root."""
    dot = entry._replace(name=DOT, attributes=DIRECTORY, cluster=cluster, size=0)
    return entry_format.serialize(dot) + entry_format.serialize(dot._replace(name=DOT_DOT, cluster=parent))
