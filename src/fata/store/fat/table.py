"""The FAT in memory: chains, free clusters, and which sectors of it the disk does not have yet."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from fata.disk.fat.errors import CorruptFat
from fata.disk.fat.layout import FIRST_CLUSTER, Layout
from fata.disk.fat.packing import BAD, END, END_FROM, FREE, MASK, pack, span, unpack

_UPPER = 0xF000_0000  # bits of FAT32's entries that are not ours


class Run(NamedTuple):
    """Clusters that follow one another, on the disk and in a chain."""

    first: int
    length: int


class Table:
    """Entries, and a map of free clusters with one octet each, so that runs are found by `bytes.find`.

    `entries` is the newest state but for what was given up: that stays until `give_back`, when the disk no longer
    names it. `unit` is the disk's sector.
    """

    def __init__(self, layout: Layout, unit: int, fat: bytes) -> None:
        self.layout = layout
        self.bits = layout.bits
        self.mask = MASK[layout.bits]
        self.end = END[layout.bits]
        self.unit = unit
        self.entries = unpack(fat, layout.bits, layout.clusters + FIRST_CLUSTER)
        self.upper = layout.bits == 32 and max(self.entries) > self.mask
        self.free = bytearray()
        self.free_count = 0
        self.count_free()
        self.hint = FIRST_CLUSTER
        self.dirty: set[int] = set()  # units of the FAT
        self.links: dict[int, int] = {}  # entries whose old value the disk must have until what they lead to is there
        self.cuts: set[int] = set()  # clusters that end a chain once it may be shortened
        self.given_up: list[Run] = []
        self.waiting = 0  # clusters in given_up

    def count_free(self) -> None:
        """Make the map of what is free anew."""
        masked = [entry & self.mask for entry in self.entries] if self.upper else self.entries
        self.free = bytearray(map(FREE.__eq__, masked))
        self.free[:FIRST_CLUSTER] = bytes(FIRST_CLUSTER)
        self.free_count = self.free.count(1)

    def get(self, cluster: int) -> int:
        """Return an entry without the bits that are not ours."""
        return self.entries[cluster] & self.mask

    def put(self, cluster: int, value: int) -> None:
        """Change an entry."""
        self.entries[cluster] = self.entries[cluster] & _UPPER | value if self.bits == 32 else value
        first, last = span(cluster, self.bits)
        self.dirty.update((first // self.unit, last // self.unit))

    # --- chains

    def runs(self, first: int, count: int | None) -> list[Run]:
        """Return the runs of a chain: of its first `count` clusters, or of all of it (None).

        Raises CorruptFat if it is shorter, leaves the volume, meets a free or bad cluster, or itself.
        """
        entries, mask, last = self.entries, self.mask, self.layout.last_cluster
        runs: list[Run] = []
        start = previous = first
        limit = count or self.layout.clusters
        if not FIRST_CLUSTER <= first <= last:
            raise CorruptFat(f"a chain begins with cluster {first} of {last}")
        for done in range(1, limit + 1):
            following = entries[previous] & mask
            if following == previous + 1 and done < limit and following <= last:
                previous = following
                continue
            runs.append(Run(start, previous - start + 1))
            if following >= END_FROM[self.bits] and (count is None or done == limit):
                break
            if done == limit and count is not None and following != FREE:
                break  # what a chain has beyond the file's size is not looked at
            if done == limit and count is None:
                raise CorruptFat(f"the chain from cluster {first} has no end")
            if not FIRST_CLUSTER <= following <= last:
                raise CorruptFat(f"the chain from cluster {first} goes from {previous} to {following:#x}")
            start = previous = following
        if len(runs) > 1:
            _check_disjoint(runs, first)
        return runs

    def allocate(self, count: int, *, directory: bool = False) -> list[Run] | None:
        """Reserve free clusters, in one run if there is one; None if there are too few. Changes no entry.

        A directory gets none whose FAT12 entry lies in two sectors.
        """
        if count > self.free_count:
            return None
        if directory and self.bits == 12:
            return self._allocate_unsplit(count)
        at = self.free.find(b"\1" * count, self.hint)
        if at < 0:
            at = self.free.find(b"\1" * count)
        return self._reserve([Run(at, count)] if at >= 0 else list(self._pieces(count)))

    def _pieces(self, count: int) -> Iterator[Run]:
        at = 0
        while count:
            at = self.free.index(1, at)
            end = self.free.find(0, at, at + count)
            run = Run(at, (end if end >= 0 else min(at + count, len(self.free))) - at)
            yield run
            count -= run.length
            at += run.length

    def _allocate_unsplit(self, count: int) -> list[Run] | None:
        found: list[Run] = []
        for cluster in range(FIRST_CLUSTER, len(self.free)):
            first, last = span(cluster, 12)
            if len(found) < count and self.free[cluster] and first // self.unit == last // self.unit:
                found.append(Run(cluster, 1))
        return self._reserve(found) if len(found) == count else None

    def _reserve(self, runs: list[Run]) -> list[Run]:
        for first, count in runs:
            self.free[first : first + count] = bytes(count)
            self.free_count -= count
        last = runs[-1]
        self.hint = last.first + last.length
        return runs

    def release(self, runs: Iterable[Run]) -> None:
        """Make clusters free that nobody names. On a broken volume some may have belonged to two files."""
        for first, count in runs:
            self.free_count += count - self.free.count(1, first, first + count)
            self.free[first : first + count] = b"\1" * count

    def chain(self, runs: list[Run], after: int | None = None) -> None:
        """Make a chain of reserved clusters; link it to the end of another, whose last cluster is `after`."""
        for number, (first, count) in enumerate(runs):
            last = first + count - 1
            following = runs[number + 1].first if number + 1 < len(runs) else self.end
            if count == 1:
                self.put(first, following)
                continue
            if self.upper:
                for cluster in range(first, last):
                    self.put(cluster, cluster + 1)
            else:
                self.entries[first:last] = array(self.entries.typecode, range(first + 1, last + 1))
                low, high = span(first, self.bits)[0], span(last, self.bits)[1]
                self.dirty.update(range(low // self.unit, high // self.unit + 1))
            self.put(last, following)
        if after is not None:
            self.links.setdefault(after, self.entries[after])
            self.put(after, runs[0].first)

    def give_up(self, runs: Iterable[Run], cut: int | None = None) -> None:
        """Note clusters that the newest state does not name, and where a shortened chain is to end."""
        for run in runs:
            self.given_up.append(run)
            self.waiting += run.length
        if cut is not None:
            self.cuts.add(cut)

    def give_back(self) -> None:
        """Make free what was given up: the disk names it no longer. A chain's new end may have been given up since."""
        for cluster in self.cuts:
            self.put(cluster, self.end)
        for first, count in self.given_up:
            if self.upper:
                for cluster in range(first, first + count):
                    self.put(cluster, FREE)
            else:
                self.entries[first : first + count] = array(self.entries.typecode, bytes(count * self.entries.itemsize))
                low, high = span(first, self.bits)[0], span(first + count - 1, self.bits)[1]
                self.dirty.update(range(low // self.unit, high // self.unit + 1))
        self.release(self.given_up)
        self.given_up.clear()
        self.cuts.clear()
        self.waiting = 0

    # --- sectors

    def image(self, unit: int, *, hiding: bool) -> bytes:
        """Return a sector of the FAT, with the old values of `links` if they are to be hidden yet."""
        start = unit * self.unit
        first = start * 8 // self.bits
        if self.bits == 12:
            first &= ~1
        last = min((start + self.unit) * 8 // self.bits + 1, len(self.entries))
        piece = self.entries[first:last]
        if hiding and self.links:
            for cluster, old in self.links.items():
                if first <= cluster < last:
                    piece[cluster - first] = old
        skipped = start - first * self.bits // 8
        return pack(piece, self.bits)[skipped : skipped + self.unit].ljust(self.unit, b"\0")

    def link_units(self) -> set[int]:
        """Return the sectors that hold links."""
        return {octet // self.unit for cluster in self.links for octet in span(cluster, self.bits)}

    def bad_count(self) -> int:
        """Return how many clusters are marked bad."""
        bad = BAD[self.bits]
        return sum(entry & self.mask == bad for entry in self.entries[FIRST_CLUSTER:])


def _check_disjoint(runs: list[Run], first: int) -> None:
    end = 0
    for run in sorted(runs):
        if run.first < end:
            raise CorruptFat(f"the chain from cluster {first} meets itself at cluster {run.first}")
        end = run.first + run.length
