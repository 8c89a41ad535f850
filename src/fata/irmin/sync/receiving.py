"""From a pack that a server has sent to objects in a repository. Nothing in it is believed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from typing import IO, Any

from fata.disk.git import pack_index
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import BLOB, Object
from fata.disk.git.pack import Packed
from fata.disk.git.pack_check import read_pack
from fata.irmin.backend.contract import PackKeeper
from fata.irmin.errors import MissingObject, RemoteError
from fata.irmin.history.reachable import links_of
from fata.irmin.repo import Repo
from fata.irmin.sync.contract import Progress
from fata.irmin.sync.mapping import mapped

BATCH = 1 << 20  # octets of objects that are written at once, where a backend keeps no packs


class Arrival:
    """A pack's file while it comes in. Used in a `with` block, behind which the file is gone or adopted."""

    def __init__(self, repo: Repo[Any], url: str, limit: int) -> None:
        self._repo = repo
        self._url = url
        self._limit = limit
        self._keeper = repo.backend if isinstance(repo.backend, PackKeeper) else None
        self._file: IO[bytes] = tempfile.NamedTemporaryFile(  # noqa: SIM115 – closed by `__exit__`
            dir=None if self._keeper is None else self._keeper.pack_directory(), prefix="tmp_pack_", delete=False
        )
        self.size = 0
        self.cancelled = False

    def __enter__(self) -> Arrival:
        return self

    def __exit__(self, *_error: object) -> None:
        self.cancelled = True
        self._file.close()
        try:
            os.unlink(self._file.name)
        except FileNotFoundError:
            pass  # adopted

    def write(self, octets: bytes) -> int:
        """Take the next octets; may be called from another thread."""
        if self.cancelled:
            raise RemoteError(self._url, "cancelled")
        self.size += len(octets)
        return self._file.write(octets)

    async def keep(self, progress: Progress) -> int:
        """Check the pack and keep its objects; return how many. Raises `RemoteError` for one that is damaged."""
        self._file.flush()
        if not self.size:
            return 0
        # Not closed here: an error's traceback may still hold a piece of it.
        octets = mapped(self._file.fileno())
        try:
            return await self._keep(octets, progress)
        except Malformed as error:
            raise RemoteError(self._url, str(error)) from None

    async def _keep(self, octets: memoryview, progress: Progress) -> int:
        packed: list[Packed] = []
        batch: dict[bytes, Object] = {}
        size = 0
        for found in read_pack(octets, self._limit):
            packed.append(found.packed)
            if len(packed) % 1000 == 0:
                progress(f"checked {len(packed)} objects")
            if self._keeper is None:
                batch[found.oid] = found.object
                size += len(found.object[1])
                if size >= BATCH:
                    await self._repo.objects.write(batch)
                    batch, size = {}, 0
        if self._keeper is None:
            await self._repo.objects.write(batch)
        elif packed:
            pack_hash = bytes(octets[-20:])
            self._keeper.adopt_pack(self._file.name, pack_hash, pack_index.serialize(packed, pack_hash))
        return len(packed)


async def check_connected(repo: Repo[Any], url: str, wants: Iterable[bytes], cut: set[bytes]) -> None:
    """See that all that `wants` lead to is here, up to what references lead to. Raises `RemoteError`.

    `cut` are commits whose parents need not be here.
    """
    objects, backend = repo.objects, repo.backend
    seen = set((await backend.refs("refs/")).values())
    work: list[tuple[bytes, bytes | None]] = [(oid, None) for oid in wants]
    while work:
        oid, kind = work.pop()
        if oid in seen:
            continue
        seen.add(oid)
        try:
            if kind == BLOB:
                if not await backend.contains(oid):
                    raise MissingObject(oid)
                continue
            links = links_of(oid, await objects.read_any(oid, kind), objects.id_size)
        except MissingObject as error:
            raise RemoteError(url, f"what it sent is not complete: {error}") from None
        work += links.others
        work += [(parent, None) for parent in links.parents if oid not in cut]
