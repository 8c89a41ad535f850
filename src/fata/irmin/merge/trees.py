"""Merging trees: name by name where they differ, contents by the merge of their type."""

from __future__ import annotations

from typing import TypeVar

from fata.disk.git.trees import DIRECTORY, SUBMODULE
from fata.irmin.errors import Conflict
from fata.irmin.merge.contract import known
from fata.irmin.merge.rules import merge_at
from fata.irmin.node import Leaf, Node
from fata.irmin.objects import Objects
from fata.irmin.path import Steps, beneath, text, texts

T = TypeVar("T")

Entry = Node | Leaf | None
Edit = tuple[Steps, Entry]
Sides = tuple[Steps, Entry, Entry, Entry]  # a path, and what is there in base, ours, theirs


async def merge_trees(objects: Objects[T], base: Entry, ours: Node, theirs: Node) -> Node:
    """Return `ours` with what `theirs` has changed since `base`. Raises `Conflict`, with path and both sides.

    It does not recurse, so a tree may be as deep as it likes.
    """
    edits: list[Edit] = []
    work: list[Sides] = [((), base, ours, theirs)]
    while work:
        path, old, our, their = work.pop()
        our_id, their_id, old_id = (identity(objects, side) for side in (our, their, old))
        if our_id == their_id or old_id == their_id:
            continue
        if old_id == our_id:
            edits.append((path, their))
        elif type(our) is Node and type(their) is Node:
            work += await _beneath(objects, path, old, our, their)
        else:
            edits.append((path, await _merge_leaves(objects, path, old, our, their)))
    if edits and not edits[0][0]:
        return edits[0][1] if type(edits[0][1]) is Node else ours
    return await objects.ask(objects.put_all, ours, edits) if edits else ours


async def _beneath(objects: Objects[T], path: Steps, old: Entry, our: Node, their: Node) -> list[Sides]:
    """Return the names at which two directories differ, each with what the three sides have there."""

    def compare() -> list[Sides]:
        found = []
        for name in objects.differing(our, their):
            before = objects.entry(old, name) if type(old) is Node else None
            found.append((beneath(path, name), before, objects.entry(our, name), objects.entry(their, name)))
        return found

    return await objects.ask(compare)


async def _merge_leaves(objects: Objects[T], path: Steps, old: Entry, our: Entry, their: Entry) -> Leaf:
    """Merge contents that both sides have changed."""
    if type(our) is not tuple or type(their) is not tuple:
        reason = "removed and changed" if our is None or their is None else "contents and a directory"
        raise Conflict(reason, texts(path), await _shown(objects, our), await _shown(objects, their))
    old = old if type(old) is tuple else None
    mode = _merge_modes(path, None if old is None else old[0], our[0], their[0])
    if objects.leaf_id(our) == objects.leaf_id(their):
        return (mode, our[1], our[2])
    if mode == SUBMODULE:
        raise Conflict("submodules at different commits", texts(path), our[1], their[1])
    mine, yours = await objects.value(our), await objects.value(their)
    before = None if old is None else await objects.value(old)
    try:
        merge = merge_at(objects.contents.merge, texts(path))
        merged = await merge(known(before), mine, yours)
    except Conflict as conflict:
        raise conflict.at(*map(text, path)) from None
    return objects.leaf(merged, mode)


def _merge_modes(path: Steps, old: bytes | None, our: bytes, their: bytes) -> bytes:
    if our == their or their == old:
        return our
    if our == old:
        return their
    raise Conflict("different modes", texts(path), our.decode(), their.decode())


async def _shown(objects: Objects[T], side: Entry) -> object:
    if type(side) is tuple:
        return side[1] if side[0] == SUBMODULE else await objects.value(side)
    return None if side is None else "a directory"


def identity(objects: Objects[T], side: Entry) -> tuple[bytes, bytes] | None:
    """Return mode and id: what tells two entries apart."""
    if side is None:
        return None
    if type(side) is Node:
        return DIRECTORY, objects.hash(side)
    assert type(side) is tuple
    return side[0], objects.leaf_id(side)
