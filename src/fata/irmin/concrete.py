"""Trees as plain Python values: dicts of dicts, with contents wrapped so that they cannot be mistaken."""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from fata.disk.git.trees import NORMAL
from fata.irmin.errors import WrongKind
from fata.irmin.node import Leaf, Node, empty
from fata.irmin.objects import Objects
from fata.irmin.path import Steps, steps, text
from fata.irmin.walk import walk

T = TypeVar("T")


class Value(NamedTuple, Generic[T]):
    """Contents in a concrete tree, with git's mode."""

    value: T
    mode: str = NORMAL.decode()


Concrete = dict[str, Any]  # name -> Value or another such dict


async def to_concrete(objects: Objects[T], root: Node | Leaf) -> Concrete:
    """Return a directory as dicts. Everything is read. Raises `WrongKind` for contents."""
    if type(root) is not Node:
        raise WrongKind("contents alone have no dict")
    made: list[Concrete] = []  # the dicts that are being filled, outermost first
    async for path, entry, leaving, _ in walk(objects, root):
        if leaving:
            made.pop() if path else None
        elif type(entry) is Node:
            inner: Concrete = {}
            if path:
                made[-1][text(path[-1])] = inner
            made.append(inner)
        else:
            assert type(entry) is tuple
            made[-1][text(path[-1])] = Value(await objects.value(entry), entry[0].decode())
    return made[0]


async def of_concrete(objects: Objects[T], concrete: Concrete) -> Node:
    """Return the tree of dicts. Empty ones are left out. Raises `InvalidPath`, `WrongKind`."""
    leaves: list[tuple[Steps, Node | Leaf | None]] = []
    work: list[tuple[Steps, Any]] = [((), concrete)]
    while work:
        path, found = work.pop()
        if isinstance(found, Value):
            leaves.append((path, objects.leaf(found.value, found.mode.encode())))
        elif isinstance(found, dict):
            work += [(path + steps((name,)), below) for name, below in found.items()]
        else:
            raise WrongKind(f"{type(found).__name__} in a concrete tree: neither a Value nor a dict")
    return await objects.ask(objects.put_all, empty(), leaves)
