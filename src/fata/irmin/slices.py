"""Slices: a part of a repository, to be carried into another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from fata.disk.git.objects import COMMIT, Object, object_id
from fata.irmin.commit import Commit
from fata.irmin.errors import CorruptObject
from fata.irmin.history.reachable import reachable

if TYPE_CHECKING:
    from fata.irmin.repo import Repo

T = TypeVar("T")

BATCH = 20_000  # objects that are written at once: a backend may make one file of them
OCTETS = 16 << 20  # of their bodies, at most: they wait in memory

Slice = AsyncIterator[tuple[bytes, Object]]


def export(
    repo: Repo[T],
    *,
    full: bool = True,
    depth: int | None = None,
    min: Iterable[Commit[T]] = (),  # noqa: A002 – Irmin's words
    max: Iterable[Commit[T]] | None = None,  # noqa: A002
) -> Slice:
    """Yield the objects that the commits `max` (None: all heads) lead to, without those that `min` lead to.

    `depth` is how many commits deep. Without `full` only commits. Nothing is read before it is asked for.
    """

    async def objects() -> Slice:
        heads = await repo.heads() if max is None else list(max)
        known = [commit.oid for commit in min]
        async for oid, found in reachable(repo.objects, [head.oid for head in heads], depth=depth, known=known):
            if full or found[0] == COMMIT:
                yield oid, found

    return objects()


async def import_slice(
    repo: Repo[Any], objects: Slice | Iterable[tuple[bytes, Object]], *, checked: bool = False
) -> int:
    """Write the objects of a slice; return how many. No branch is moved. Raises `CorruptObject` for a wrong hash.

    `checked` says that whoever read the objects has compared their hashes, as a store of ours does.
    """
    batch: dict[bytes, Object] = {}
    count = size = 0
    async for oid, found in objects if isinstance(objects, AsyncIterator) else _each(objects):
        if not checked and object_id(*found, repo.objects.new) != oid:
            raise CorruptObject(oid, "its octets have another hash")
        batch[oid] = found
        count += 1
        size += len(found[1])
        if len(batch) == BATCH or size >= OCTETS:
            await repo.objects.write(batch)
            batch, size = {}, 0
    await repo.objects.write(batch)
    return count


async def _each(objects: Iterable[tuple[bytes, Object]]) -> Slice:
    for each in objects:
        yield each
