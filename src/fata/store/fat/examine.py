"""Walking a volume: every directory and every chain, once. What is wrong is noted with what would mend it."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from fata.disk.fat import entry as entry_format
from fata.disk.fat.entry import DIRECTORY, DOT, DOT_DOT, MAX_SLOTS, SIZE, Entry, is_later
from fata.disk.fat.layout import FIRST_CLUSTER, Layout
from fata.disk.fat.packing import BAD, END_FROM
from fata.disk.fat.slots import Found, scan
from fata.store.fat.entry_rules import EntryRules
from fata.store.fat.findings import Fault, Finding, Patch
from fata.store.fat.medium import Medium
from fata.store.fat.table import Run, Table

DELETED = bytes([entry_format.DELETED])


class Folder(NamedTuple):
    """A directory that is being looked at. `cluster` is 0 for the root."""

    path: str
    cluster: int
    pieces: list[int]  # where its parts lie
    piece_size: int
    content: bytes

    def offset(self, slot: int) -> int:
        """Return where a slot lies on the volume."""
        piece, inside = divmod(slot * SIZE, self.piece_size)
        return self.pieces[piece] + inside


class Claim(NamedTuple):
    """An entry that names a chain."""

    folder: Folder
    found: Found
    path: str


class Examiner:
    """Findings, and repairs in three kinds: `removals` of entries come first, `patches` after them, `fat` last."""

    def __init__(self, medium: Medium, layout: Layout, table: Table) -> None:
        self.medium = medium
        self.layout = layout
        self.table = table
        self.findings: list[Finding] = []
        self.removals: list[Patch] = []
        self.patches: list[Patch] = []
        self.fat: dict[int, int] = {}
        self.label: bytes | None = None
        self.claimed = bytearray(layout.clusters + FIRST_CLUSTER)
        self._claims: dict[int, Claim] = {}  # by first cluster
        self._parents: dict[int, int] = {}  # of directories
        self._folders: dict[int, Folder] = {}
        self._waiting: deque[tuple[str, int]] = deque()
        self._rules = EntryRules(self)

    def note(self, fault: Fault, path: str, detail: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(fault, path, detail))

    async def walk(self) -> None:
        """Look at everything that can be reached from the root."""
        layout = self.layout
        if layout.root_cluster:
            await self._directory("", 0, layout.root_cluster)
        else:
            content = await self.medium.read(layout.root_offset, layout.root_size)
            self._look(Folder("", 0, [layout.root_offset], layout.root_size, content))
        while self._waiting:
            path, cluster = self._waiting.popleft()
            await self._directory(path, cluster, cluster)
        for cluster, parent in self._parents.items():
            if cluster in self._folders:
                self._check_dots(self._folders[cluster], parent)
        self._check_lost()

    # --- directories

    async def _directory(self, path: str, cluster: int, first: int) -> None:
        layout = self.layout
        limit = max(MAX_SLOTS * SIZE // layout.cluster_size, 1)
        runs, last = self._claim(first, limit)
        if self.table.get(last) < END_FROM[self.table.bits]:
            self.note(Fault.DIRECTORY, path, f"its chain is broken after cluster {last}")
            self.fat[last] = self.table.end
        content = b""
        pieces: list[int] = []
        for start, length in runs:
            offset = layout.offset_of(start)
            content += await self.medium.read(offset, length * layout.cluster_size)
            pieces += range(offset, offset + length * layout.cluster_size, layout.cluster_size)
        self._look(Folder(path, cluster, pieces, layout.cluster_size, content))

    def _look(self, folder: Folder) -> None:
        """Look at each entry of a directory."""
        self._folders[folder.cluster] = folder
        slots = scan(folder.content)
        if slots.orphans:
            self.note(Fault.ORPHAN, folder.path, f"{len(slots.orphans)} slots belong to no entry")
            self.removals += [Patch(folder.offset(slot), DELETED) for slot in slots.orphans]
        if folder.content.count(0, slots.end * SIZE) != len(folder.content) - slots.end * SIZE:
            self.note(Fault.STALE, folder.path, f"octets behind the last slot, {slots.end}")
            for slot in range(slots.end, len(folder.content) // SIZE):
                if any(folder.content[slot * SIZE : (slot + 1) * SIZE]):
                    self.patches.append(Patch(folder.offset(slot), bytes(SIZE)))
        names: dict[str, Found] = {}
        for found in slots.found:
            entry = found.entry
            if folder.cluster and found.slot < 2 and entry.name == (DOT, DOT_DOT)[found.slot]:
                continue
            path = self._rules.accept(folder, found, names)
            if path is not None:
                if entry.attributes & DIRECTORY:
                    self._child(Claim(folder, found, path))
                else:
                    self._file(Claim(folder, found, path))

    def remove(self, folder: Folder, found: Found) -> None:
        """Have an entry deleted, with its long name."""
        self.removals += [Patch(folder.offset(slot), DELETED) for slot in range(found.first, found.slot + 1)]

    def change(self, folder: Folder, found: Found, entry: Entry) -> None:
        """Have an entry written anew."""
        self.patches.append(Patch(folder.offset(found.slot), entry_format.serialize(entry)))

    def _child(self, claim: Claim) -> None:
        """Look at an entry that names a directory."""
        cluster = claim.found.entry.cluster
        if not FIRST_CLUSTER <= cluster <= self.layout.last_cluster or not self._usable(cluster):
            self.note(Fault.DIRECTORY, claim.path, f"it begins with cluster {cluster}, which holds nothing")
            self.remove(claim.folder, claim.found)
        elif self._is_new(claim):
            if self.claimed[cluster] or cluster in self._parents:
                self.note(Fault.CROSSED, claim.path, f"cluster {cluster} belongs to something else")
                self.remove(claim.folder, claim.found)
            else:
                self._claims[cluster] = claim
                self._parents[cluster] = claim.folder.cluster
                self._waiting.append((claim.path, cluster))

    def _is_new(self, claim: Claim) -> bool:
        """Say whether no entry names the same chain that a rename has left behind; if one does, keep the newer."""
        entry = claim.found.entry
        other = self._claims.get(entry.cluster)
        if other is None:
            return True
        known = other.found.entry
        alike = (known.size, known.attributes & DIRECTORY) == (entry.size, entry.attributes & DIRECTORY)
        if not alike or known.created_tenths % 3 == entry.created_tenths % 3:
            return True
        older, newer = (other, claim) if is_later(entry.created_tenths, known.created_tenths) else (claim, other)
        self.note(Fault.RENAMED, older.path, f"it is {newer.path!r} now")
        self.remove(older.folder, older.found)
        self._claims[entry.cluster] = newer
        if entry.attributes & DIRECTORY:
            self._parents[entry.cluster] = newer.folder.cluster
        elif newer is claim and not entry.size:
            self._empty(claim)
        return False

    # --- files

    def _file(self, claim: Claim) -> None:
        """Look at an entry that names a file."""
        entry = claim.found.entry
        if not entry.cluster and not entry.size:
            return
        if not self._is_new(claim):
            return
        self._claims.setdefault(entry.cluster, claim)
        if not entry.size:
            self._empty(claim)
            return
        needed = -(-entry.size // self.layout.cluster_size)
        runs, last = self._claim(entry.cluster, needed)
        held = sum(run.length for run in runs)
        if held < needed:
            self._shorten(claim, held, last)
        elif self.table.get(last) < END_FROM[self.table.bits]:
            self.note(Fault.LONG_CHAIN, claim.path, f"its size of {entry.size} ends in cluster {last}")
            self.fat[last] = self.table.end

    def _empty(self, claim: Claim) -> None:
        entry = claim.found.entry
        self.note(Fault.EMPTY_CHAIN, claim.path, f"it begins with cluster {entry.cluster}")
        self.change(claim.folder, claim.found, entry._replace(cluster=0))

    def _shorten(self, claim: Claim, held: int, last: int) -> None:
        entry = claim.found.entry
        size = held * self.layout.cluster_size
        self.note(Fault.CHAIN, claim.path, f"{size} of {entry.size} octets are left, in {held} clusters")
        self.change(claim.folder, claim.found, entry._replace(size=size, cluster=entry.cluster if held else 0))
        if held:
            self.fat[last] = self.table.end

    def _usable(self, cluster: int) -> bool:
        """Say whether a chain may go through a cluster: it has an entry, and is not bad."""
        value = self.table.get(cluster)
        return value > 1 and value != BAD[self.table.bits]

    def _claim(self, first: int, limit: int) -> tuple[list[Run], int]:
        """Take at most `limit` clusters of a chain, as far as they are nobody's. Return them and the last one."""
        runs: list[Run] = []
        cluster, last = first, self.layout.last_cluster
        previous = 0
        end_from = END_FROM[self.table.bits]
        start = first
        for _ in range(limit):
            if not FIRST_CLUSTER <= cluster <= last or self.claimed[cluster] or not self._usable(cluster):
                if cluster < end_from and FIRST_CLUSTER <= cluster <= last and self.claimed[cluster]:
                    self.note(Fault.CROSSED, "", f"cluster {cluster} belongs to two chains, or one is a loop")
                break
            if cluster != previous + 1 and previous:
                runs.append(Run(start, previous - start + 1))
                start = cluster
            self.claimed[cluster] = 1
            previous, cluster = cluster, self.table.get(cluster)
        if previous:
            runs.append(Run(start, previous - start + 1))
        return runs, previous

    # --- afterwards

    def _check_dots(self, folder: Folder, parent: int) -> None:
        """See that a directory begins with `.` and `..`, and that they mean it and its parent."""
        for slot, (name, cluster) in enumerate(((DOT, folder.cluster), (DOT_DOT, parent))):
            entry = entry_format.parse(folder.content, slot * SIZE)
            wanted = entry._replace(name=name, cluster=cluster, attributes=DIRECTORY, size=0, case=0)
            if entry.name != name or not entry.attributes & DIRECTORY:
                self.note(Fault.DOTS, folder.path, f"slot {slot} is not {name.decode().rstrip()!r}")
                wanted = Entry(name, DIRECTORY, cluster)
            elif entry.cluster != cluster:
                self.note(
                    Fault.DOTS, folder.path, f"{name.decode().rstrip()!r} is cluster {entry.cluster}, not {cluster}"
                )
            else:
                continue
            self.patches.append(Patch(folder.offset(slot), entry_format.serialize(wanted)))

    def _check_lost(self) -> None:
        """Find clusters that are in use and that nobody names."""
        bad, mask = BAD[self.table.bits], self.table.mask
        lost = [
            cluster
            for cluster, (value, claimed) in enumerate(zip(self.table.entries, self.claimed, strict=True))
            if not claimed and value & mask and value & mask != bad and cluster >= FIRST_CLUSTER
        ]
        if lost:
            self.note(Fault.LOST, "", f"{len(lost)} clusters, the first is {lost[0]}")
            self.fat.update(dict.fromkeys(lost, 0))
