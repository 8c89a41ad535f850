"""A remote that is another repository of this program: objects go over one by one, and nothing is packed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fata.errors import StateError
from fata.irmin.backend.contract import RefChange, Shallow
from fata.irmin.errors import PushRejected
from fata.irmin.history.reachable import reachable
from fata.irmin.repo import Repo
from fata.irmin.slices import import_slice
from fata.irmin.sync.contract import Progress


class StoreRemote:
    """A repository, any backend."""

    def __init__(self, repo: Repo[Any], url: str) -> None:
        self.repo = repo
        self.url = url

    async def refs(self, prefix: str = "refs/") -> dict[str, bytes]:
        return await self.repo.backend.refs(prefix)

    async def default_branch(self) -> str:
        return await self.repo.backend.default_branch()

    async def fetch(self, repo: Repo[Any], wants: Iterable[bytes], depth: int | None, progress: Progress) -> None:
        boundary: set[bytes] = set()
        await copy(self.repo, repo, wants, depth, boundary, progress)
        backend = repo.backend
        if boundary and isinstance(backend, Shallow):
            await backend.set_shallow(await backend.shallow() | boundary)

    async def push(self, repo: Repo[Any], changes: Iterable[RefChange], progress: Progress) -> None:
        changes = tuple(changes)
        await copy(repo, self.repo, [new for _, _, new in changes if new is not None], None, set(), progress)
        if not await self.repo.backend.commit({}, changes):
            raise PushRejected(", ".join(name for name, _, _ in changes), "somebody else has changed it meanwhile")


async def copy(
    source: Repo[Any],
    target: Repo[Any],
    wants: Iterable[bytes],
    depth: int | None,
    boundary: set[bytes],
    progress: Progress,
) -> int:
    """Copy what `wants` lead to and `target` has not; return how many objects. Commits without parents: `boundary`."""
    if source.objects.id_size != target.objects.id_size or source.objects.new is not target.objects.new:
        raise StateError("the two repositories do not name objects by the same hash")
    wants = list(wants)
    known = await shared(source, target)
    missing = reachable(source.objects, wants, depth=depth, known=known, boundary=boundary)
    count = await import_slice(target, missing, checked=True)
    progress(f"copied {count} objects")
    return count


async def shared(source: Repo[Any], target: Repo[Any]) -> list[bytes]:
    """Return what the target's references point to and the source has as well."""
    found = set((await target.backend.refs("refs/")).values())
    return [oid for oid in found if await source.backend.contains(oid)]
