"""The backend: objects, loose and packed, and references of a git directory.

Files are read and written at once, without suspending: a small object's file takes tens of microseconds, less than
handing it to a thread would.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TYPE_CHECKING

from fata.disk.git import commit_graph
from fata.disk.git.errors import Malformed
from fata.disk.git.objects import Object
from fata.errors import Unavailable
from fata.irmin.backend.contract import Capabilities, Listener, Objects, RefChange
from fata.irmin.backend.git import repository
from fata.irmin.backend.git.files import READ_ONLY, Staged, read_whole
from fata.irmin.backend.git.group import Group, Request
from fata.irmin.backend.git.growing import GrowingPacks, Written
from fata.irmin.backend.git.held import held
from fata.irmin.backend.git.lock import Lock
from fata.irmin.backend.git.loose import LooseObjects
from fata.irmin.backend.git.packs import Packs
from fata.irmin.backend.git.persistence import Durability, Persistence
from fata.irmin.backend.git.pruning import prune
from fata.irmin.backend.git.references import Holding, References
from fata.irmin.backend.git.rewritable import Workshop, remove_abandoned
from fata.irmin.backend.listeners import Listeners
from fata.irmin.errors import CorruptObject, CorruptRef, IrminError

if TYPE_CHECKING:
    from fata.irmin.backend.git.others import Others

PACK_FROM = 200  # objects at once from which one pack is quicker than a file each; git's own limit is 100
ATTEMPTS = 10  # to find an object while others keep replacing the packs that it may be in
HOT = 4  # commits of one process from which it writes packs: a tool that commits once leaves loose objects
PRUNE_AGE = 3600.0  # seconds; git waits for two weeks, but its users have no other way to undo
LIMIT = 1 << 30  # octets of one object: what a hostile pack may make us allocate


class GitBackend:
    """A git directory, bare or not."""

    capabilities = Capabilities(durable=True, shared=True, git=True)

    def __init__(
        self,
        path: str,
        *,
        durability: Durability = Durability.NONE,
        level: int = 1,
        lock_timeout: float = 2.0,
        limit: int = LIMIT,
        prune_age: float = PRUNE_AGE,
    ) -> None:
        """Open the repository at `path`. `level` is zlib's. Raises `Unavailable`.

        Objects that are to be deleted stay for `prune_age` seconds after they were written.
        """
        places = repository.find(path)
        self.git = places.git
        self._objects = f"{places.shared}/objects"
        self._lock_timeout = lock_timeout
        self._prune_age = prune_age
        self._persistence = Persistence(durability)
        homes = [self._objects, *repository.alternates(self._objects)]
        self._loose = [LooseObjects(home, level=level, limit=limit) for home in homes]
        self._packs = [Packs(home, limit) for home in homes]
        self._homes: list[LooseObjects | Packs] = [*self._loose, *self._packs]
        self._workshop = Workshop(self._objects)
        self._refs = References(places.shared, self._persistence, self._workshop, timeout=lock_timeout)
        self._head = References(places.git, self._persistence, self._workshop, timeout=lock_timeout)
        self._listeners = Listeners()
        self._others: Others | None = None
        self._commits = 0  # by this process
        self._outrun = False  # whether somebody else was faster at the last commit
        self._growing = GrowingPacks(self.pack_directory(), level, self._persistence, self._workshop)
        self._group = Group(self._commit_group, self._tell)

    # Objects

    async def read(self, oid: bytes) -> Object | None:
        found = self._packs[0].read_near(oid)
        if found is not None:
            return found
        for _ in range(ATTEMPTS):
            for home in self._homes:
                if (found := home.read(oid)) is not None:
                    return found
            if not self._rescan():
                break
        for packs in self._packs:
            for name, reason in packs.broken.items():
                raise CorruptObject(oid, f"is nowhere, or in the damaged pack {name}: {reason}")
        return None

    async def contains(self, oid: bytes) -> bool:
        for _ in range(ATTEMPTS):
            if self._has(oid):
                return True
            if not self._rescan():
                break
        return False

    def _has(self, oid: bytes) -> bool:
        return any(home.contains(oid) for home in self._homes)

    def _rescan(self) -> bool:
        return sum(packs.rescan() for packs in self._packs) > 0

    async def write(self, objects: Objects) -> None:
        if self._persistence.immediate:
            await self._group.commit(objects, ())
        else:
            self._write(objects)

    def _write(self, objects: Objects) -> Written | None:
        """Write objects; return a pack that can be joined with others."""
        try:
            return self._settle(objects, many=len(objects) >= PACK_FROM)
        except OSError as error:
            raise self._unavailable(error) from error

    def _settle(self, objects: Objects, *, many: bool, also: Iterable[str] = ()) -> Written | None:
        """Write objects, which appear once they and the files of `also` are as durable as they have to be."""
        try:
            return self._settle_once(objects, many, also)
        except FileNotFoundError:  # `git gc --prune=now` takes what has not appeared yet
            self._growing.make_anew()
            return self._settle_once(objects, many, also)

    def _settle_once(self, objects: Objects, many: bool, also: Iterable[str]) -> Written | None:
        staged = Staged()
        try:
            written = self._stage(staged, objects, many=many)
            self._persistence.settle(staged, also)
        except OSError:
            staged.discard()
            raise
        return written

    def _stage(self, staged: Staged, objects: Objects, *, many: bool) -> Written | None:
        if many:
            self._growing.stage_compressed(staged, objects)
            return None
        if self._commits >= HOT and len(objects) > 1:
            return self._growing.stage(staged, objects)
        packs = self._packs[0]
        for oid, found in objects.items():
            if not packs.freshen(oid):
                self._loose[0].stage(staged, oid, found)
        return None

    def _unavailable(self, error: OSError) -> Unavailable:
        return Unavailable(f"{self.git}: {error.strerror}")

    def pack_directory(self) -> str:
        return f"{self._objects}/pack"

    def adopt_pack(self, path: str, pack_hash: bytes, index: bytes) -> None:
        final = f"{self.pack_directory()}/pack-{pack_hash.hex()}"
        staged = Staged()
        try:
            os.chmod(path, READ_ONLY)
            staged.files.append(path)
            staged.renames.append((path, f"{final}.pack"))
            staged.add(f"{final}.idx", index)  # with which git sees the pack
            self._persistence.settle(staged)
        except OSError as error:
            staged.discard()
            raise self._unavailable(error) from error
        self._packs[0].rescan()

    # References

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        changes = tuple(changes)
        if self._persistence.immediate:
            return await self._group.commit(objects, changes)
        # Whoever asks has just read the reference; looking again before writing objects pays only under contention.
        if self._outrun and any(self._refs.read(name) != old for name, old, _ in changes):
            return False
        written = self._write(objects)
        try:
            done = self._refs.change(changes)
        except OSError as error:
            raise self._unavailable(error) from error
        if written is not None:
            self._growing.join(written)
        self._outrun = not done
        if done:
            self._commits += 1
            self._tell(changes)
        return done

    def _tell(self, changes: Iterable[RefChange]) -> None:
        if self._others is None:
            self._listeners.tell(changes)
            return
        self._others.expect(changes)
        self._listeners.tell(changes)
        self._others.catch_up()

    def _commit_group(self, group: list[Request]) -> None:
        """Make commits together, each on the disk when this returns, and note what became of each.

        Three waits: for the octets of all files, for the names of the objects', for those of the references'.
        """
        held: list[tuple[Request, Holding]] = []
        try:
            self._hold(group, held)
            self._commit_held(held)
        except OSError as error:
            for request in group:
                request.error = request.error or self._unavailable(error)
        finally:
            for _, holding in held:
                holding.release()

    def _hold(self, group: list[Request], held: list[tuple[Request, Holding]]) -> None:
        taken: set[str] = set()
        for request in group:
            try:
                holding = self._refs.hold(request.changes, taken)
            except IrminError as error:
                request.error = error
                continue
            if holding is not None:
                taken.update(holding.names())
                held.append((request, holding))

    def _commit_held(self, held: list[tuple[Request, Holding]]) -> None:
        objects: dict[bytes, Object] = {}
        for request, _ in held:
            objects.update(request.objects)
        many = any(len(request.objects) >= PACK_FROM for request, _ in held)
        written = self._settle(objects, many=many, also=[file for _, holding in held for file in holding.files()])
        self._refs.put(holding for _, holding in held)
        for request, _ in held:
            request.done = True
            self._commits += bool(request.changes)
        if written is not None:
            self._growing.join(written)

    async def ref(self, name: str) -> bytes | None:
        return self._refs.read(name)

    async def refs(self, prefix: str) -> dict[str, bytes]:
        return self._refs.all(prefix)

    async def default_branch(self) -> str:
        return (self._head.symbolic("HEAD") or "").removeprefix("refs/heads/") or "main"

    def listen(self, listener: Listener) -> Callable[[], None]:
        end = self._listeners.add(listener)
        if self._others is None and "asyncio" in sys.modules:
            from fata.irmin.backend.git.others import Others  # a program without a loop does not pay for it

            self._others = Others(self._refs, self._listeners.tell, self._group)
        if self._others is not None:
            self._others.start()
        return end

    # The rest

    async def shallow(self) -> set[bytes]:
        lines = (read_whole(f"{self._objects}/../shallow") or b"").split()
        try:
            return {bytes.fromhex(line.decode()) for line in lines}
        except ValueError:
            raise CorruptRef("shallow", "a line is no id") from None

    async def set_shallow(self, commits: set[bytes]) -> None:
        path = os.path.normpath(f"{self._objects}/../shallow")
        with Lock(path, timeout=self._lock_timeout) as lock:
            lock.write(b"".join(b"%b\n" % oid.hex().encode() for oid in sorted(commits)))
            self._persistence.replace(lock)

    def links(self) -> list[commit_graph.Linked]:
        octets = read_whole(f"{self._objects}/info/commit-graph")
        # Where history is cut the graph still has what was there before: git does not believe it then, either.
        if octets is None or os.path.exists(f"{self._objects}/../shallow"):
            return []
        try:
            return commit_graph.parse(octets)
        except Malformed:
            return []  # it only repeats what the commits say

    async def ids(self) -> AsyncIterator[bytes]:
        self._rescan()
        for oid in self._loose[0].ids():
            yield oid
        for oid in self._packs[0].ids():
            yield oid

    async def held(self, ids: set[bytes]) -> set[bytes]:
        return held(os.path.normpath(f"{self._objects}/.."), ids)

    async def delete(self, oids: Iterable[bytes]) -> None:
        self._growing.settle()
        prune(set(oids), self._loose[0], self._packs[0], self._growing, self._prune_age)
        remove_abandoned(self._objects, time.time() - self._prune_age)

    async def flush(self) -> None:
        """Make durable what was written with `Durability.BATCH`."""
        self._growing.settle()
        try:
            self._persistence.flush()
        except OSError as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        self._listeners.close()
        self._group.close()
        self._growing.close()
        self._refs.forsake()
        self._workshop.close()
        self._persistence.close()
        if self._others is not None:
            self._others.stop()
