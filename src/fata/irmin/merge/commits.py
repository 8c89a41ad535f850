"""Merging commits: their trees, against the trees of their common ancestors."""

from __future__ import annotations

from typing import TypeVar

from fata.irmin.commit import Commit
from fata.irmin.commits import Commits
from fata.irmin.merge.trees import merge_trees
from fata.irmin.node import Node, empty

T = TypeVar("T")


async def merged_tree(
    commits: Commits[T], ours: Commit[T], theirs: Commit[T], max_depth: int | None = None, n: int | None = None
) -> Commit[T] | Node:
    """Return the tree of a merge, or one of the commits if it has the other behind it. Raises `Conflict`."""
    found = await commits.graph.lcas(ours.oid, theirs.oid, max_depth, n)
    if theirs.oid in found:
        return ours
    if ours.oid in found:
        return theirs
    base = await virtual_base(commits, found, max_depth, n)
    return await merge_trees(commits.objects, base, ours.root, theirs.root)


async def virtual_base(commits: Commits[T], found: list[bytes], max_depth: int | None, n: int | None) -> Node:
    """Return the merge of several common ancestors, one after the other; the empty tree for none.

    What the third and all before it have in common is more than what it has with the first.
    """
    if not found:
        return empty()
    base = (await commits.commit(found[0])).root
    for count, oid in enumerate(found[1:], 1):
        other = await commits.commit(oid)
        beneath = await commits.graph.shared(found[:count], oid, max_depth, n)
        base = await merge_trees(commits.objects, await virtual_base(commits, beneath, max_depth, n), base, other.root)
    return base
