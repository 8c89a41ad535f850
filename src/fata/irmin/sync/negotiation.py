"""What we tell a server that we have, so that it sends only what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dulwich.objects import ObjectID

from fata.disk.git.objects import COMMIT
from fata.irmin.errors import IrminError
from fata.irmin.repo import Repo

MOST = 512  # commits; a server that knows none of them sends everything


class Walker:
    """Names commits to a server, newest first, until it knows one: dulwich's graph walker, over a list made before."""

    def __init__(self, haves: Iterable[bytes], shallow: Iterable[bytes]) -> None:
        self._haves = iter([ObjectID(oid.hex().encode()) for oid in haves])
        self.shallow = {oid.hex().encode() for oid in shallow}

    def __next__(self) -> ObjectID | None:
        return next(self._haves, None)

    next = __next__

    def __iter__(self) -> Walker:
        return self

    def ack(self, oid: ObjectID, /) -> None:
        """The server has a commit; dulwich counts them."""

    def nak(self) -> None:
        """It has none of those that were named."""


async def haves(repo: Repo[Any], remote: Iterable[bytes]) -> list[bytes]:
    """Return commits of ours: first those that the remote's references name, then heads, then what lies behind them.

    Further back they are named ever more sparsely.
    """
    found = [oid for oid in remote if await repo.backend.contains(oid)]
    level = list(dict.fromkeys([*found, *(await repo.backend.refs("refs/")).values()]))
    named: dict[bytes, None] = {}
    seen = set(level)
    depth, due = 0, 0
    while level and len(named) < MOST:
        if depth >= due:
            named.update(dict.fromkeys(level))
            due = depth + max(1, depth // 4)
        depth += 1
        behind = [parent for oid in level for parent in await _parents(repo, oid)]
        level = [oid for oid in dict.fromkeys(behind) if oid not in seen]
        seen.update(level)
    return list(named)[:MOST]


async def _parents(repo: Repo[Any], oid: bytes) -> tuple[bytes, ...]:
    """Return a commit's parents that are here; () for tags and what is damaged: it is not worth naming."""
    try:
        found = await repo.objects.read_any(oid, None)
        if found[0] != COMMIT:
            return ()
        parents = (await repo.commits.commit(oid)).parents
    except IrminError:
        return ()
    return tuple([parent for parent in parents if await repo.backend.contains(parent)])
