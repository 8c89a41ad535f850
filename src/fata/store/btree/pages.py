"""Which pages are free. It is kept in memory only: at mount it is derived from the tree, so that nothing can leak."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from fata.store.btree.nodes import Span

STEP = 4096  # pages by which the map grows: a large disk costs memory only as far as it is used
SCRAPS = 16  # pages: shorter gaps are not looked for while there is room at the end


class Pages:
    """One octet for each page below the highest ever used: 1 is in use."""

    def __init__(self, total: int, first: int) -> None:
        """`first` pages at the start and two at the end are never given out."""
        self.total = total
        self.first = first
        self.limit = total - 2
        self.free = self.limit - first
        self._used = bytearray(b"\1" * first)
        self._hint = first
        self._longest = total  # pages: no gap is longer, as far as searches have shown since pages last came back

    @property
    def in_use(self) -> int:
        """Pages given out."""
        return self.limit - self.first - self.free

    def is_used(self, address: int) -> bool:
        """Say whether a page is given out."""
        return address < len(self._used) and bool(self._used[address])

    def mark(self, address: int, count: int = 1) -> bool:
        """Note pages as in use; False if one of them is already, or is none of the store's."""
        if address < self.first or address + count > self.limit:
            return False
        if address + count > len(self._used):
            self._grow(address + count)
        if self._used.find(1, address, address + count) >= 0:
            return False
        self._used[address : address + count] = b"\1" * count
        self.free -= count
        return True

    def take(self, count: int, largest: int = 256) -> list[tuple[int, int]]:
        """Give out `count` pages as (address, count), few pieces of at most `largest`. There must be that many."""
        assert count <= self.free, "space is promised before it is taken"
        taken = []
        while count:
            piece = self._take_piece(min(count, largest))
            taken.append(piece)
            count -= piece[1]
        return taken

    def _take_piece(self, count: int) -> tuple[int, int]:
        wanted = min(count, self._longest)
        while True:
            address = self._find(wanted)
            if address < 0 and wanted <= SCRAPS and self._grow(len(self._used) + STEP):
                continue
            if address >= 0:
                self._used[address : address + wanted] = b"\1" * wanted
                self._hint = address + wanted
                self.free -= wanted
                return address, wanted
            wanted = self._longest = -(-wanted // 2)  # a search that fails has seen the whole map: do not repeat it

    def _find(self, count: int) -> int:
        gap = bytes(count)
        address = self._used.find(gap, self._hint)
        return address if address >= 0 else self._used.find(gap, self.first)

    def _grow(self, size: int) -> bool:
        size = min(max(size, len(self._used) + STEP), self.limit)
        if size <= len(self._used):
            return False
        self._used += bytes(size - len(self._used))
        self._longest = self.total
        return True

    def give_back(self, spans: Iterable[Span]) -> None:
        """Take pages back."""
        used = self._used
        for address, count, _, _ in spans:
            used[address : address + count] = bytes(count)
            self.free += count
        self._longest = self.total

    def restart(self) -> None:
        """Look for free pages from the beginning again."""
        self._hint = self.first

    def adopt(self, other: Pages) -> None:
        """Take over what another map says of the same pages."""
        self.free, self._used, self._hint, self._longest = other.free, other._used, self.first, self.total

    def extend(self, total: int) -> None:
        """Take over a larger device."""
        self.free += total - self.total
        self.total, self.limit, self._longest = total, total - 2, total
