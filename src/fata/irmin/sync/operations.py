"""What is done with remotes: fetch, pull, push, clone."""

from __future__ import annotations

from typing import Literal, TypeVar, Unpack

from fata.irmin.backend.contract import RefChange
from fata.irmin.commit import Commit
from fata.irmin.errors import NotFound, PushRejected
from fata.irmin.refname import BRANCHES, branch_ref
from fata.irmin.repo import Repo
from fata.irmin.store.options import Options
from fata.irmin.store.store import Store
from fata.irmin.sync.contract import Progress, Remote, silent

T = TypeVar("T")


async def fetch(
    store: Store[T],
    remote: Remote,
    branch: str | None = None,
    *,
    depth: int | None = None,
    progress: Progress = silent,
) -> Commit[T] | None:
    """Bring a branch's history here; return its head, None if the remote has no such branch. No branch is moved.

    `branch` is the store's own, or else the remote's default one; `depth` how many commits deep. Raises `RemoteError`.
    """
    name = branch or store.branch or await remote.default_branch()
    oid = (await remote.refs(BRANCHES)).get(branch_ref(name))
    if oid is None:
        return None
    await remote.fetch(store.repo, [oid], depth, progress)
    return await store.repo.commits.commit(oid)


async def pull(
    store: Store[T],
    remote: Remote,
    branch: str | None = None,
    *,
    strategy: Literal["merge", "set"] = "merge",
    depth: int | None = None,
    progress: Progress = silent,
    **options: Unpack[Options],
) -> Commit[T] | None:
    """Fetch, then merge what came into the store, or make it the store's head ("set"). Returns the new head.

    None: there was nothing new. Raises `Conflict`, and then the store is as it was.
    """
    found = await fetch(store, remote, branch, depth=depth, progress=progress)
    if found is None:
        raise NotFound(f"{remote.url}: branch {branch or store.branch}")
    if strategy == "merge":
        return await store.merge_with(found, **options)
    if await store.commit() == found:
        return None
    await store.head.set(found)
    return found


async def push(
    store: Store[T],
    remote: Remote,
    branch: str | None = None,
    *,
    force: bool = False,
    progress: Progress = silent,
) -> bool:
    """Make the remote's branch the store's head; False if it was already.

    Unless `force`, only if nothing is lost there: the remote's head has to be an ancestor. Raises `PushRejected`,
    `RemoteError`, `NotFound` for a store with nothing in it.
    """
    head = await store.commit()
    if head is None:
        raise NotFound("a commit to push")
    name = branch or store.branch or await remote.default_branch()
    old = (await remote.refs(BRANCHES)).get(branch_ref(name))
    if old == head.oid:
        return False
    if old is not None and not force and not await _is_ancestor(store.repo, old, head.oid):
        raise PushRejected(name, "the remote has commits that are not here: pull first")
    await remote.push(store.repo, [RefChange(branch_ref(name), old, head.oid)], progress)
    return True


async def clone(
    repo: Repo[T],
    remote: Remote,
    branch: str | None = None,
    *,
    depth: int | None = None,
    progress: Progress = silent,
) -> Store[T]:
    """Fetch all branches (or one) and make branches of the same names; return the store on the default one, or that.

    With `depth` only that one branch comes, as with git. Raises `RemoteError`, `NotFound`, `HeadRejected` if a branch
    of that name exists here and is another.
    """
    name = branch or await remote.default_branch()
    found = await remote.refs(BRANCHES)
    if branch_ref(name) not in found:
        raise NotFound(f"{remote.url}: branch {name}")
    if branch is not None or depth is not None:
        found = {branch_ref(name): found[branch_ref(name)]}
    await remote.fetch(repo, found.values(), depth, progress)
    for ref, oid in found.items():
        await repo.of_commit(await repo.commits.commit(oid)).clone(ref.removeprefix(BRANCHES))
    return repo.of_branch(name)


async def _is_ancestor(repo: Repo[T], old: bytes, new: bytes) -> bool:
    return await repo.backend.contains(old) and await repo.commits.graph.is_ancestor(old, new)
