"""Merging trees: name by name where they differ, contents by the merge of their type."""

from __future__ import annotations

from typing import TypeVar

from fata.disk.git.trees import DIRECTORY, EXECUTABLE, NORMAL, SUBMODULE
from fata.irmin.errors import Conflict, CorruptObject
from fata.irmin.merge.contract import known
from fata.irmin.merge.default import default
from fata.irmin.merge.rules import merge_at
from fata.irmin.node import Leaf, Node, empty
from fata.irmin.objects import Objects
from fata.irmin.path import Steps, beneath, text, texts

T = TypeVar("T")

Entry = Node | Leaf | None
Edit = tuple[Steps, Entry]
Sides = tuple[Steps, Entry, Entry, Entry]  # a path, and what is there in base, ours, theirs


async def merge_trees(objects: Objects[T], base: Entry, ours: Node, theirs: Node) -> Node:
    """Return `ours` with what `theirs` has changed since `base`. Raises `Conflict`, with path and both sides.

    Equal changes of both sides are asked about as any other two: of a counter that each has increased by one, both
    count. It does not recurse, so a tree may be as deep as it likes.
    """
    settled = objects.contents.merge is default  # equal sides stay, whatever they were
    edits: list[Edit] = []
    work: list[Sides] = [((), base, ours, theirs)]
    while work:
        path, old, our, their = work.pop()
        our_id, their_id, old_id = (identity(objects, side) for side in (our, their, old))
        if old_id == their_id or (our_id == their_id and (settled or our is None)):
            continue
        if old_id == our_id:
            edits.append((path, their))
        elif type(our) is Node and type(their) is Node:
            work += await _beneath(objects, path, old, our, their, settled=settled)
        else:
            edits.append((path, await _merge_leaves(objects, path, old, our, their)))
    if edits and not edits[0][0]:
        return edits[0][1] if type(edits[0][1]) is Node else ours
    return await objects.ask(objects.put_all, ours, edits) if edits else ours


async def _beneath(
    objects: Objects[T], path: Steps, old: Entry, our: Node, their: Node, *, settled: bool
) -> list[Sides]:
    """Return the names at which somebody has changed a directory, each with what the three sides have there."""
    before = old if type(old) is Node else empty()

    def compare() -> list[Sides]:
        names = objects.differing(our, their)
        if not settled:
            names = sorted({*names, *objects.differing(our, before)})
        return [
            (beneath(path, name), *(objects.entry(side, name) for side in (before, our, their)))  # type: ignore[misc]
            for name in names
        ]

    return await objects.ask(compare)


async def _merge_leaves(objects: Objects[T], path: Steps, old: Entry, our: Entry, their: Entry) -> Leaf:
    """Merge contents that both sides have changed."""
    if type(our) is not tuple or type(their) is not tuple:
        reason = "removed and changed" if our is None or their is None else "contents and a directory"
        raise Conflict(reason, texts(path), await _shown(objects, our), await _shown(objects, their))
    old = old if type(old) is tuple else None
    mode = _merge_modes(path, None if old is None else old[0], our[0], their[0])
    equal = objects.leaf_id(our) == objects.leaf_id(their)
    if equal and (mode not in (NORMAL, EXECUTABLE) or not await _is_value(objects, our)):
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


async def _is_value(objects: Objects[T], leaf: Leaf) -> bool:
    """Whether octets are contents of the store's type: others' files need not be, and equal ones are no conflict."""
    try:
        await objects.value(leaf)
    except CorruptObject:
        return False
    return True


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
