"""A ring of octets: pieces are taken one behind the other, and come free in any order."""

from __future__ import annotations

from collections import deque


class Arena:
    """`size` octets. A piece never wraps: what is left at the end is skipped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = 0
        self._taken = 0  # octets, skipped ones included
        self._pieces: deque[tuple[int, int]] = deque()  # (token, octets), oldest first
        self._given: set[int] = set()  # tokens of pieces that are free, and behind one that is not

    def take(self, token: int, octets: int) -> int | None:
        """Return where a piece begins, known as `token` until it is given back; None when there is no room."""
        if not self._taken:
            self._next = 0
        rest = self._size - self._next
        skipped = rest if rest < octets else 0
        if self._taken + skipped + octets > self._size:
            return None
        start = 0 if skipped else self._next
        self._next = start + octets
        self._taken += skipped + octets
        self._pieces.append((token, skipped + octets))
        return start

    def give(self, token: int) -> None:
        """Give a piece back."""
        self._given.add(token)
        while self._pieces and self._pieces[0][0] in self._given:
            oldest, octets = self._pieces.popleft()
            self._given.discard(oldest)
            self._taken -= octets
