"""A set in which an addition survives a removal that did not know of it (observed-remove set, Shapiro et al., 2011).

`fata.irmin.merge.collections.sets` forgets that a removed element was added again meanwhile; here each addition has a
name, and a removal takes away the names it has seen.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar, Unpack

from fata.irmin.commit import Commit
from fata.irmin.containers.container import Container
from fata.irmin.containers.framing import frame, frames
from fata.irmin.containers.tags import Tags, random_tag
from fata.irmin.contents.contract import Contents
from fata.irmin.contents.plain import Plain
from fata.irmin.merge.collections import sets
from fata.irmin.path import Path
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store

E = TypeVar("E", bound=Hashable)

Additions = frozenset[tuple[str, E]]  # the name of an addition, and what was added


def or_set(contents: Contents[E]) -> Plain[Additions[E]]:
    """Return the type of sets of values of a type. Its merge is commutative and never a conflict."""

    def encode(additions: Additions[E]) -> bytes:
        return b"".join(frame((tag,), body) for tag, body in sorted((tag, contents.encode(e)) for tag, e in additions))

    def decode(octets: bytes) -> Additions[E]:
        return frozenset((tag, contents.decode(body)) for (tag,), body in frames(octets, 1))

    return Plain(f"set of {contents.name}", encode, decode, sets)


class OrSet(Container[Additions[E]]):
    """A set at a path."""

    def __init__(self, store: Store[Additions[E]], path: Path, tags: Tags = random_tag) -> None:
        super().__init__(store, path)
        self._tags = tags

    async def add(self, element: E, **options: Unpack[Options]) -> Commit[Additions[E]] | None:
        """Add an element, also if it is there: a removal elsewhere that does not know of this will not remove it."""
        added = (self._tags(), element)
        return await self._replace(lambda old: self._without(old, element) | {added}, options)

    async def discard(self, element: E, **options: Unpack[Options]) -> Commit[Additions[E]] | None:
        """Remove an element, as far as this replica knows of its additions; one that is not there is fine."""
        return await self._replace(lambda old: self._without(old, element), options)

    async def read(self) -> frozenset[E]:
        """Return the elements."""
        return frozenset(element for _, element in await self.store.find(self.path) or ())

    def _without(self, old: Additions[E] | None, element: E) -> Additions[E]:
        return frozenset(addition for addition in old or () if addition[1] != element)
