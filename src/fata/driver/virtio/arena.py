"""A ring of octets: pieces are taken one behind the other, and come free in any order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True)
class _Piece:
    octets: int  # with what was skipped before it
    free: bool = False  # given back, and behind one that is not


class Arena:
    """`size` octets. A piece never wraps: what is left at the end is skipped."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._next = 0
        self._taken = 0  # octets, skipped ones included
        self._pieces: deque[_Piece] = deque()  # oldest first
        self._known: dict[int, _Piece] = {}  # by token, until it is given back

    def take(self, token: int, octets: int) -> int | None:
        """Return where a piece begins, known as `token` until it is given back; None when there is no room."""
        if not self._taken:
            self._next = 0
        rest = self._size - self._next
        wraps = rest < octets
        whole = octets + (rest if wraps else 0)
        if self._taken + whole > self._size:
            return None
        start = 0 if wraps else self._next
        self._next = start + octets
        self._taken += whole
        piece = self._known[token] = _Piece(whole)
        self._pieces.append(piece)
        return start

    def give(self, token: int) -> None:
        """Give a piece back. The token may be used again at once, though older pieces are still out."""
        self._known.pop(token).free = True
        while self._pieces and self._pieces[0].free:
            self._taken -= self._pieces.popleft().octets
