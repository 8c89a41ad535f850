"""Proofs: that a computation turns one tree into another, for somebody who has neither.

Whoever has the tree runs the computation and notes every object that it reads. With these objects anybody can run it
again: each is found by its hash, so none can be forged, and what was not read is not needed. The proof of one look-up
among a million files is a few directories.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import NamedTuple, TypeVar

from fata.disk.git.objects import KINDS, Object, object_id
from fata.disk.inode import INODE
from fata.irmin.backend.contract import Backend, Capabilities, Listener, Objects, RefChange
from fata.irmin.errors import BadProof, MissingObject
from fata.irmin.node import Node
from fata.irmin.objects import Objects as Reading
from fata.irmin.tree import Tree

T = TypeVar("T")
R = TypeVar("R")

Computation = Callable[[Tree[T]], Awaitable[tuple[Tree[T], R]]]


class Proof(NamedTuple):
    """That the tree `before` becomes the tree `after`; `objects` are all that has to be read for it."""

    before: bytes
    after: bytes
    objects: tuple[Object, ...]

    def serialize(self) -> bytes:
        """Write the proof: both ids with their length, then kind, length and body of each object."""
        pieces = [bytes((len(self.before),)), self.before, self.after]
        for kind, body in self.objects:
            pieces.append(b"%b %d\0%b" % (kind, len(body), body))
        return b"".join(pieces)

    @classmethod
    def parse(cls, octets: bytes) -> Proof:
        """Read a proof. Raises `BadProof`."""
        size = octets[0] if octets else 0
        at = 1 + 2 * size
        if size < 16 or len(octets) < at:
            raise BadProof(f"a proof of {len(octets)} octets")
        objects = []
        while at < len(octets):
            end = octets.find(b"\0", at, at + 32)
            kind, _, digits = octets[at:end].partition(b" ")
            if end < 0 or kind not in (*KINDS, INODE) or not digits.isdigit() or end + 1 + int(digits) > len(octets):
                raise BadProof(f"no object at octet {at} of {len(octets)}")
            at = end + 1 + int(digits)
            objects.append((kind, octets[end + 1 : at]))
        return cls(octets[1 : 1 + size], octets[1 + size : 1 + 2 * size], tuple(objects))


class _Objects:
    """A backend of objects alone: those of a proof, or another backend's, noting what is read."""

    capabilities = Capabilities()

    def __init__(self, source: Backend | None, objects: dict[bytes, Object]) -> None:
        self._source = source
        self.objects = objects

    async def read(self, oid: bytes) -> Object | None:
        found = self.objects.get(oid)
        if found is None and self._source is not None:
            found = await self._source.read(oid)
            if found is not None:
                self.objects[oid] = found
        return found

    async def contains(self, oid: bytes) -> bool:
        return await self.read(oid) is not None

    async def write(self, objects: Objects) -> None:
        raise BadProof("a proof cannot be written to")

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        raise BadProof("a proof cannot be written to")

    async def ref(self, name: str) -> bytes | None:
        return None

    async def refs(self, prefix: str) -> dict[str, bytes]:
        return {}

    async def default_branch(self) -> str:
        return "main"

    def listen(self, listener: Listener) -> Callable[[], None]:
        return lambda: None  # nothing ever changes

    async def ids(self) -> AsyncIterator[bytes]:
        for oid in tuple(self.objects):
            yield oid

    async def delete(self, oids: Iterable[bytes]) -> None:
        raise BadProof("a proof cannot be written to")

    async def flush(self) -> None:
        """Nothing is written."""

    async def close(self) -> None:
        """Nothing is held."""


async def produce(tree: Tree[T], computation: Computation[T, R]) -> tuple[Proof, R]:
    """Run a computation on a stored tree; return the proof of it, and what it returned beside the new tree."""
    source = tree.objects
    noted: dict[bytes, Object] = {}
    reading = _like(source, _Objects(source.backend, noted))
    before = tree.hash()
    after, result = await computation(Tree(reading, Node(before)))
    return Proof(before, after.hash(), tuple(noted.values())), result


def _like(other: Reading[T], backend: Backend) -> Reading[T]:
    """Return objects of the same format and type over another backend."""
    return Reading(backend, other.contents, other.new, inodes=other.wide is not None)


def partial_tree(proof: Proof, like: Reading[T]) -> Tree[T]:
    """Return the tree of a proof: what was not read in making it raises `MissingObject`."""
    objects = {object_id(kind, body, like.new): (kind, body) for kind, body in proof.objects}
    return Tree(_like(like, _Objects(None, objects)), Node(proof.before))


async def verify(proof: Proof, computation: Computation[T, R], like: Reading[T]) -> tuple[Tree[T], R]:
    """Run a computation on what a proof has. Returns the new tree and the result, or raises `BadProof`.

    That `proof.before` is the tree that was meant has to be seen to by the caller (`Repo.verify_proof`).
    """
    try:
        after, result = await computation(partial_tree(proof, like))
    except MissingObject as missing:
        raise BadProof(f"the proof lacks {missing.oid.hex()}") from None
    if after.hash() != proof.after:
        raise BadProof(f"the computation gives {after.hash().hex()}, the proof says {proof.after.hex()}")
    return after, result
