"""Collecting garbage: objects that no reference leads to are forgotten, and, if wanted, old history.

Writers and the collector exclude each other while objects are being deleted, so that a commit that uses an object
again finds it. Trees that a program holds but has not committed may lose what they were made from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fata.errors import StateError
from fata.irmin.backend.contract import Holding, Shallow
from fata.irmin.history.reachable import reachable

if TYPE_CHECKING:
    from fata.irmin.repo import Repo


class Collected(NamedTuple):
    """How many objects were kept and forgotten; `young` ones stay for now: another program may be at work on them."""

    kept: int
    deleted: int
    young: int


async def collect(repo: Repo[Any], depth: int | None = None) -> Collected:
    """Forget what no reference leads to, and commits more than `depth` deep (1: heads alone).

    What git has staged, and what its reflogs name, stays with all that it leads to.
    Raises `StateError` if history is to be cut where the backend cannot note that (git would take it for damage).
    """
    backend, objects = repo.backend, repo.objects
    if depth is not None and (depth < 1 or (backend.capabilities.git and not isinstance(backend, Shallow))):
        raise StateError(f"history cannot be cut at depth {depth} here")
    async with objects.gate.exclusive():
        roots = set((await backend.refs("refs/")).values())
        boundary: set[bytes] = set()
        kept = {oid async for oid, _ in reachable(objects, roots, depth=depth, contents=False, boundary=boundary)}
        garbage = {oid async for oid in backend.ids() if oid not in kept}
        if isinstance(backend, Holding):
            held = await backend.held(garbage)
            kept |= {oid async for oid, _ in reachable(objects, held, depth=depth, contents=False, boundary=boundary)}
            garbage -= kept
        if isinstance(backend, Shallow) and boundary:
            await backend.set_shallow(boundary | await backend.shallow())
        await backend.delete(garbage)
        young = sum([await backend.contains(oid) for oid in garbage])
        objects.cache.clear()
        repo.commits.forget()
    return Collected(len(kept), len(garbage) - young, young)
