"""The changes of KvRw, as functions from one tree to another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, NotFound, ValueExpected
from fata.disk.git.trees import SUBMODULE
from fata.irmin.errors import InvalidPath
from fata.irmin.node import Leaf, Node
from fata.irmin.tree import Tree

Parts = tuple[str, ...]
Octets = Tree[bytes]
Change = Callable[[Octets], Awaitable[Octets]]


async def located(tree: Octets, path: Parts) -> Node | Leaf | None:
    """Return what a path names. Submodules are in other repositories: nothing is there."""
    try:
        found = await tree.locate(path)
    except InvalidPath:  # deeper than any tree is
        return None
    return None if type(found) is tuple and found[0] == SUBMODULE else found


async def value(tree: Octets, path: Parts) -> bytes:
    """Return the value. Raises `NotFound`, `ValueExpected`."""
    found = await located(tree, path)
    if found is None:
        raise NotFound("/".join(path))
    if type(found) is Node:
        raise ValueExpected("/".join(path))
    return await tree.objects.value(found)


async def _check_replaceable(tree: Octets, path: Parts) -> bool:
    """Say whether a value is there; raise if none can be put there."""
    for depth in range(1, len(path)):
        if type(await tree.locate(path[:depth])) is tuple:
            raise DictionaryExpected("/".join(path[:depth]))
    found = await tree.locate(path)
    if type(found) is Node:
        raise ValueExpected("/".join(path))
    return found is not None


def put(path: Parts, octets: bytes) -> Change:
    """Put a value in place."""

    async def change(tree: Octets) -> Octets:
        await _check_replaceable(tree, path)
        return await tree.add(path, octets)

    return change


def write(path: Parts, offset: int, data: bytes) -> Change:
    """Write into a value, with zeros in a gap."""

    async def change(tree: Octets) -> Octets:
        old = await value(tree, path)
        if not data:
            return tree
        gap = bytes(max(offset - len(old), 0))
        return await tree.add(path, b"".join((old[:offset], gap, data, old[offset + len(data) :])))

    return change


def remove(path: Parts) -> Change:
    """Take away what a path names, if anything."""

    async def change(tree: Octets) -> Octets:
        return await tree.remove(path)

    return change


def rename(source: Parts, destination: Parts) -> Change:
    """Move a value or dictionary."""

    async def change(tree: Octets) -> Octets:
        if not source or not destination or (source != destination and destination[: len(source)] == source):
            raise InvalidKey(f"cannot rename {'/'.join(source)!r} to {'/'.join(destination)!r}, inside itself")
        if await located(tree, source) is None:
            raise NotFound("/".join(source))
        moved = await tree.get_tree(source)
        await _check_replaceable(tree, destination)
        return tree if source == destination else await (await tree.remove(source)).add_tree(destination, moved)

    return change


def allocate(path: Parts, size: int) -> Change:
    """Put zeros where no value is."""

    async def change(tree: Octets) -> Octets:
        if await _check_replaceable(tree, path):
            raise AlreadyPresent("/".join(path))
        return await tree.add(path, bytes(size))

    return change
