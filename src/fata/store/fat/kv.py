"""A FAT volume as a key-value store.

Keys are told apart by case, which FAT does not do: of two that differ in nothing else only the first can be there. What
FAT allows in no name is kept as characters of Unicode's private use, as Services for Macintosh and cifs do, so that
every key can be stored whose segments fit into 255 UTF-16 units.
"""

from __future__ import annotations

from fata.device.kv import InvalidKey, Kind, NotFound, segments
from fata.store.fat.file_system import FileSystem
from fata.store.fat.mount import mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.device.block import Block
    from fata.device.clock import WallClock

_SIGNS = '"*:<>?\\|'
_ENCODED = {ord(sign): 0xF020 + number for number, sign in enumerate(_SIGNS)} | {
    code: 0xF000 + code for code in range(1, 32)
}
_DECODED = {code: sign for sign, code in _ENCODED.items()}
_LAST = {" ": "\uf028", ".": "\uf029"}  # at the end of a name
_DECODED_LAST = {kept: sign for sign, kept in _LAST.items()}
_RESERVED = frozenset(map(chr, _DECODED)) | frozenset(_DECODED_LAST)
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/")


def path_of(key: str) -> str:
    """Return the path under which a key is kept. Raises InvalidKey."""
    if key and _PLAIN.issuperset(key):
        return key
    if not _RESERVED.isdisjoint(key):
        raise InvalidKey(f"key {key!r}: U+F001 to U+F029 stand for other characters on FAT")
    return "/".join(map(_encoded, segments(key)))


def _encoded(name: str) -> str:
    name = name.translate(_ENCODED)
    return name[:-1] + _LAST[name[-1]] if name[-1] in _LAST else name


def _segment_of(name: str) -> str:
    if name.isascii():
        return name
    name = name[:-1] + _DECODED_LAST.get(name[-1], name[-1])
    return name.translate(_DECODED)


class FatKvRo:
    """A KvRo over a mounted file system, which distinguishes case from then on. `close` closes that."""

    def __init__(self, file_system: FileSystem) -> None:
        self._files = file_system
        file_system.volume.exact_case = True

    async def exists(self, key: str) -> Kind | None:
        return await self._files.exists(path_of(key))

    async def get(self, key: str) -> bytes:
        return await self._files.read(path_of(key))

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        return await self._files.read(path_of(key), offset, length)

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        entries = await self._files.list(path_of(key))
        return sorted(((_segment_of(entry.name), entry.kind) for entry in entries), key=lambda entry: entry[0])

    async def size(self, key: str) -> int:
        return await self._files.size(path_of(key))

    async def digest(self, key: str) -> bytes:
        """Return the SHA-256 of a value, or of a dictionary's keys and their digests."""
        from hashlib import sha256  # brings OpenSSL in: only for those who ask

        path = path_of(key)
        if await self._files.exists(path) is Kind.VALUE:
            return sha256(await self._files.read(path)).digest()
        whole = sha256()
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            for entry in await self._files.list(folder):
                child = f"{folder}/{entry.name}" if folder else entry.name
                name = child[len(path) :].encode()
                if entry.kind is Kind.DICTIONARY:
                    waiting.append(child)
                    content = b""
                else:
                    content = sha256(await self._files.read(child)).digest()
                whole.update(len(name).to_bytes(8) + name + len(content).to_bytes(8) + content)
        return whole.digest()

    async def last_modified(self, key: str) -> float | None:
        """Return a value's time, of 2 s; None for a dictionary, since FAT does not note what was removed from it."""
        stat = await self._files.stat(path_of(key))
        return stat.modified if stat.kind is Kind.VALUE else None

    async def close(self) -> None:
        """Close the file system; the disk stays open."""
        await self._files.close()


class FatKv(FatKvRo):
    """A KvRw over a mounted file system. Emptied dictionaries stay."""

    async def set(self, key: str, value: bytes) -> None:
        await self._files.store(path_of(key), bytes(value), parents=True)

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        await self._files.patch(path_of(key), offset, data)

    async def remove(self, key: str) -> None:
        try:
            await self._files.remove_tree(path_of(key))
        except NotFound:
            pass

    async def rename(self, source: str, destination: str) -> None:
        await self._files.rename(path_of(source), path_of(destination), parents=True)

    async def allocate(self, key: str, size: int) -> None:
        await self._files.allocate(path_of(key), size, parents=True)

    async def flush(self) -> None:
        await self._files.flush()


async def open_fat_kv(block: Block, *, clock: WallClock | None = None) -> FatKv:
    """Mount a volume as a store that can be changed. Raises NotFat."""
    return FatKv(await mount(block, clock=clock))


async def open_fat_kv_ro(block: Block) -> FatKvRo:
    """Mount a volume as a store that can only be read. Raises NotFat."""
    return FatKvRo(await mount(block, read_only=True))
