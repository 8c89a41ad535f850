"""Everything that can be reached from some objects: what a slice has, what a collector keeps, what a check reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

from fata.disk.git import commits, tags
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, COMMIT, TAG, TREE, Object
from fata.disk.git.trees import SUBMODULE, entries_of, is_directory, parse_shape
from fata.disk.inode import INODE
from fata.disk.inode import parse as parse_fork
from fata.irmin.errors import CorruptObject
from fata.irmin.objects import Objects


class Links(NamedTuple):
    """What an object refers to: parents of a commit, and all else with the kinds that they must have."""

    parents: tuple[bytes, ...]
    others: list[tuple[bytes, bytes]]  # id, kind


def links_of(oid: bytes, found: Object, id_size: int) -> Links:
    """Return what an object refers to. Submodules are in other repositories. Raises `CorruptObject`."""
    kind, body = found
    try:
        if kind == TREE:
            parse_shape(body, id_size)
            return Links((), [(each, TREE if is_directory(mode) else BLOB) for mode, _, each in _own(body, id_size)])
        if kind == INODE:
            parts = parse_fork(body, id_size).values()
            return Links((), [(part.id, INODE if part.fork else TREE) for part in parts])
        if kind == COMMIT:
            tree, parents, _ = commits.parse_links(body, id_size)
            return Links(parents, [(tree, TREE)])
        if kind == TAG:
            tag = tags.parse(body)
            return Links((), [(tag.object, tag.kind)])
    except Malformed as error:
        raise CorruptObject(oid, str(error)) from None
    return Links((), [])


def _own(body: bytes, id_size: int) -> Iterable[tuple[bytes, bytes, bytes]]:
    return (entry for entry in entries_of(body, id_size) if entry[0] != SUBMODULE)


async def reachable(
    objects: Objects[Any],
    roots: Iterable[bytes],
    *,
    depth: int | None = None,
    known: Iterable[bytes] = (),
    contents: bool = True,
    boundary: set[bytes] | None = None,
) -> AsyncIterator[tuple[bytes, Object]]:
    """Yield the objects that roots (commits, tags, trees) lead to, each once, and not those that `known` lead to.

    `depth` is how many commits deep (1: the roots alone); commits whose parents are left out go into `boundary`.
    Without `contents` no contents are read. A commit's parent that is not in the store ends that history.
    """
    seen: set[bytes] = set()
    for oid in known:
        async for each, _ in reachable(objects, [oid], contents=False):
            seen.add(each)
    work: list[tuple[bytes, bytes | None]] = []
    async for oid, found, links in _histories(objects, roots, depth, seen, boundary):
        work += links.others
        yield oid, found
    while work:
        oid, kind = work.pop()
        if oid in seen:
            continue
        seen.add(oid)
        if kind == BLOB and not contents:
            yield oid, (BLOB, b"")
            continue
        found = await _read(objects, oid, kind)
        if kind != BLOB:
            links = links_of(oid, found, objects.id_size)
            work += links.others
            work += [(parent, COMMIT) for parent in links.parents]  # of a commit that a tag leads to
        yield oid, found


async def _histories(
    objects: Objects[Any], roots: Iterable[bytes], depth: int | None, seen: set[bytes], boundary: set[bytes] | None
) -> AsyncIterator[tuple[bytes, Object, Links]]:
    """Yield roots and the commits that led to them, all of one distance before the next."""
    level = [oid for oid in dict.fromkeys(roots) if oid not in seen]
    while level:
        seen.update(level)
        last = depth == 1
        parents: list[bytes] = []
        for oid in level:
            found = await _read(objects, oid, None)
            links = links_of(oid, found, objects.id_size)
            if not last:
                parents += links.parents
            elif links.parents and boundary is not None:
                boundary.add(oid)
            yield oid, found, links
        depth = None if depth is None else depth - 1
        level = [oid for oid in dict.fromkeys(parents) if oid not in seen and await _is_here(objects, oid)]


async def _read(objects: Objects[Any], oid: bytes, kind: bytes | None) -> Object:
    found = objects.peek(oid)
    return await objects.read_any(oid, kind) if found is None or found[0] != kind else found


async def _is_here(objects: Objects[Any], oid: bytes) -> bool:
    return objects.peek(oid) is not None or await objects.backend.contains(oid)
