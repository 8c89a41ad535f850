"""A branch of a git repository as a tree of files, for FUSE: closing a file commits it."""

from __future__ import annotations

from pathlib import Path

from fata.device.kv import AlreadyPresent, DictionaryExpected, Kind, NotFound, ValueExpected
from fata.irmin.backend.git import Durability, GitBackend
from fata.irmin.contents.plain import BYTES
from fata.irmin.kv import BranchKv
from fata.irmin.repo import Repo
from fata.store.fat.volume import DirectoryNotEmpty
from fata.tool.mounted import Entry, Room


class BranchTree:
    """The branch as it is at each moment; others may change it meanwhile.

    What is written to a file is kept here until the file is closed, or synchronised. Git has no empty directories: one
    that was made lives here until something is in it.
    """

    def __init__(self, kv: BranchKv, *, read_only: bool) -> None:
        self._kv = kv
        self.read_only = read_only
        self._written: dict[str, bytearray] = {}
        self._made: set[str] = {""}

    @property
    def files(self) -> BranchTree:
        """What changes files: this."""
        return self

    async def entry(self, path: str) -> Entry:
        if path in self._written:
            return Entry(False, len(self._written[path]), None)
        kind = await self._kv.exists(path)
        if kind is None and path not in self._made:
            raise NotFound(path)
        if kind is not Kind.VALUE:
            return Entry(True, 0, None)
        return Entry(False, await self._kv.size(path), await self._kv.last_modified(path))

    async def names(self, path: str) -> list[str]:
        prefix = f"{path}/" if path else ""
        known = [each for each in (*self._written, *self._made) if each and each.startswith(prefix)]
        added = {each[len(prefix) :].partition("/")[0] for each in known} - {""}
        if await self._kv.exists(path) is not None:
            added |= {name for name, _ in await self._kv.list(path)}
        elif path not in self._made:
            raise NotFound(path)
        return sorted(added)

    async def read(self, path: str, offset: int, length: int) -> bytes:
        if path in self._written:
            return bytes(self._written[path][offset : offset + length])
        return await self._kv.get_partial(path, offset, length)

    async def store(self, path: str, content: bytes) -> None:
        """Make a file, whose content is not committed yet."""
        await self._check_directory(path.rpartition("/")[0])
        self._written[path] = bytearray(content)

    async def write(self, path: str, offset: int, data: bytes) -> None:
        """Write into a file."""
        buffer = await self._buffer(path)
        buffer.extend(bytes(max(0, offset - len(buffer))))
        buffer[offset : offset + len(data)] = data

    async def truncate(self, path: str, length: int) -> None:
        """Cut a file, or add zeros."""
        buffer = await self._buffer(path)
        del buffer[length:]
        buffer.extend(bytes(length - len(buffer)))

    async def _buffer(self, path: str) -> bytearray:
        if path not in self._written:
            self._written[path] = bytearray(await self._kv.get(path))
        return self._written[path]

    async def mkdir(self, path: str) -> None:
        """Make a directory, which git will see when there is something in it."""
        await self._check_directory(path.rpartition("/")[0])
        if path in self._made or path in self._written or await self._kv.exists(path) is not None:
            raise AlreadyPresent(path)
        self._made.add(path)

    async def rmdir(self, path: str) -> None:
        """Remove an empty directory."""
        if not (await self.entry(path)).directory:
            raise DictionaryExpected(path)
        if await self.names(path):
            raise DirectoryNotEmpty(path)
        self._made.discard(path)

    async def remove(self, path: str) -> None:
        """Remove a file, by a commit."""
        if (await self.entry(path)).directory:
            raise ValueExpected(path)
        self._written.pop(path, None)
        self._keep_directory(path)
        await self._kv.remove(path)

    async def rename(self, source: str, destination: str) -> None:
        """Move a file or directory, by a commit."""
        await self.flush()
        await self._check_directory(destination.rpartition("/")[0])
        if await self._kv.exists(source) is not None:
            self._keep_directory(source)
            await self._kv.rename(source, destination)
        moved = {each for each in self._made if each == source or each.startswith(f"{source}/")}
        self._made -= moved
        self._made |= {destination + each[len(source) :] for each in moved}

    async def flush(self) -> None:
        """Commit what was written to all files, in one commit, and make it durable."""
        written, self._written = self._written, {}
        if written:
            async with self._kv.batch(f"write {', '.join(written)}") as batch:
                for path, content in written.items():
                    await batch.set(path, bytes(content))
        await self._kv.flush()

    def room(self) -> Room:
        """Nobody knows: the folder that the repository is in has room, or not."""
        return Room()

    async def closed(self, path: str) -> None:
        """Commit a file that was written to and is closed."""
        if path in self._written:
            await self._kv.set(path, bytes(self._written.pop(path)))

    async def close(self) -> None:
        """Commit what is left, and give the repository back."""
        await self.flush()
        await self._kv.close()

    async def _check_directory(self, path: str) -> None:
        if not (await self.entry(path)).directory:
            raise DictionaryExpected(path)

    def _keep_directory(self, path: str) -> None:
        """Have a directory stay that may lose its last entry: for users of files it does not vanish."""
        self._made.add(path.rpartition("/")[0])


async def open_branch(repository: Path, branch: str | None, *, read_only: bool) -> BranchTree:
    """Open a branch; None: what HEAD names. Raises `Unavailable`, `InvalidName`."""
    backend = GitBackend(str(repository), durability=Durability.SYNC)
    store = Repo(backend, BYTES).of_branch(branch or await backend.default_branch())
    return BranchTree(BranchKv(store), read_only=read_only)
