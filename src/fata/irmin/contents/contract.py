"""A type of contents."""

from __future__ import annotations

from typing import Protocol, TypeVar

from fata.irmin.merge.contract import Merge

T = TypeVar("T")


class Contents(Protocol[T]):
    """How values of one type are written, read and merged."""

    @property
    def name(self) -> str:
        """What the type is called on the command line and in errors."""
        ...

    @property
    def merge(self) -> Merge[T]:
        """The three-way merge that a store uses where both sides have a value."""
        ...

    def encode(self, value: T, /) -> bytes:
        """Return the octets; equal values give equal octets."""
        ...

    def decode(self, octets: bytes, /) -> T:
        """Return the value. Raises ValueError on octets that are none: the store says which object it was."""
        ...
