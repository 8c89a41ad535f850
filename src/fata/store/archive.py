"""A tree of members that is a store: what tar and zip have in common."""

from __future__ import annotations

from fata.device.kv import DictionaryExpected, InvalidKey, Kind, NotFound, ValueExpected, segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Member(Protocol):
        """A value's place; equal means the same octets. It can be a key of a dict."""

        @property
        def size(self) -> int:
            """Octets of the value."""
            ...

        @property
        def modified(self) -> float | None:
            """When it changed last, POSIX seconds."""
            ...


LONGEST_NAME = 8192  # octets: twice what Linux has as a path; each segment costs a dictionary
CHUNK = 1 << 18  # octets in memory at a time while a digest is made

Path = tuple[str, ...]


def too_deep(tree: Tree, members: int) -> bool:
    """Say whether an archive makes more dictionaries than honest ones do: each costs more memory than its name."""
    return tree.made > 65_536 + 4 * members


def key_of(name: bytes) -> str | None:
    """Turn a member's name into a key; None if it cannot be one. The archive's own root is ""."""
    if len(name) > LONGEST_NAME:
        return None
    try:
        text = name.decode()
    except UnicodeDecodeError:
        return None
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return None if ".." in parts or "\0" in text else "/".join(parts)


class Dictionary:
    """Segments with what they name. One that is `kept` stays when it is empty: the archive names it."""

    __slots__ = ("children", "kept")

    def __init__(self, kept: bool = False) -> None:
        self.children: dict[str, Member | Dictionary] = {}
        self.kept = kept

    def members(self) -> Iterator[tuple[str, Member]]:
        """Yield every member beneath with its relative key, in order. Keys may be deep: no recursion."""
        waiting: list[tuple[str, Member | Dictionary]] = [("", self)]
        while waiting:
            key, node = waiting.pop()
            if not isinstance(node, Dictionary):
                yield key, node
                continue
            prefix = f"{key}/" if key else ""
            waiting += [(prefix + name, node.children[name]) for name in sorted(node.children, reverse=True)]


class Tree:
    """Members by key. What is planted later takes the place of what was there."""

    def __init__(self) -> None:
        self.root = Dictionary(kept=True)
        self.made = 0  # dictionaries: names of an octet or two make many of them

    def find(self, path: Path) -> Member | Dictionary | None:
        """Return what a path names."""
        node: Member | Dictionary | None = self.root
        for segment in path:
            if not isinstance(node, Dictionary):
                return None
            node = node.children.get(segment)
        return node

    def plant(self, path: Path, member: Member) -> None:
        """Put a member in place, and dictionaries on the way."""
        self._dictionary(path[:-1], kept=False).children[path[-1]] = member

    def make(self, path: Path) -> None:
        """Make a dictionary that stays, unless it is there."""
        self._dictionary(path, kept=True)

    def _dictionary(self, path: Path, kept: bool) -> Dictionary:
        node = self.root
        for segment in path:
            child = node.children.get(segment)
            if not isinstance(child, Dictionary):
                child = node.children[segment] = Dictionary()
                self.made += 1
            node = child
        node.kept = node.kept or kept
        return node

    def remove(self, path: Path) -> None:
        """Take away what a path names, if anything, and dictionaries that become empty and are not kept."""
        parents = [self.root]
        for segment in path[:-1]:
            child = parents[-1].children.get(segment)
            if not isinstance(child, Dictionary):
                return
            parents.append(child)
        if parents[-1].children.pop(path[-1], None) is None:
            return
        for parent, segment in zip(reversed(parents[:-1]), reversed(path[:-1]), strict=True):
            child = parent.children[segment]
            if not isinstance(child, Dictionary) or child.children or child.kept:
                break
            del parent.children[segment]


class ArchiveKv:
    """A KvRo over a tree of members. Whoever inherits reads their octets."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._digests: dict[Member, bytes] = {}

    async def _read(self, key: str, member: Member, offset: int, length: int) -> bytes:
        """Return octets of a member, which reach to its end at most."""
        raise NotImplementedError

    async def exists(self, key: str) -> Kind | None:
        node = self._tree.find(segments(key))
        return None if node is None else _kind(node)

    async def get(self, key: str) -> bytes:
        member = self._member(key)
        return await self._read(key, member, 0, member.size)

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        if offset < 0 or length < 0:
            raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")
        member = self._member(key)
        length = min(length, member.size - offset)
        return await self._read(key, member, offset, length) if length > 0 else b""

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        node = self._node(key)
        if not isinstance(node, Dictionary):
            raise DictionaryExpected(key)
        return sorted(((name, _kind(child)) for name, child in node.children.items()), key=lambda entry: entry[0])

    async def size(self, key: str) -> int:
        return self._member(key).size

    async def digest(self, key: str) -> bytes:
        """Return a SHA-256: of the value, or of a dictionary's keys and the digests of their values."""
        node = self._node(key)
        if not isinstance(node, Dictionary):
            return await self._digest(key, node)
        from hashlib import sha256  # brings OpenSSL in: only for those who ask

        whole = sha256()
        for name, member in list(node.members()):
            part = await self._digest(f"{key}/{name}" if key else name, member)
            octets = name.encode()
            whole.update(len(octets).to_bytes(8) + octets + part)
        return whole.digest()

    async def _digest(self, key: str, member: Member) -> bytes:
        known = self._digests.get(member)
        if known is None:
            from hashlib import sha256

            content = sha256()
            for offset in range(0, member.size, CHUNK):
                content.update(await self._read(key, member, offset, min(CHUNK, member.size - offset)))
            known = self._digests[member] = content.digest()
        return known

    async def last_modified(self, key: str) -> float | None:
        node = self._node(key)
        if not isinstance(node, Dictionary):
            return node.modified
        times = [member.modified for _, member in node.members() if member.modified is not None]
        return max(times, default=None)

    def _node(self, key: str) -> Member | Dictionary:
        node = self._tree.find(segments(key))
        if node is None:
            raise NotFound(key)
        return node

    def _member(self, key: str) -> Member:
        node = self._node(key)
        if isinstance(node, Dictionary):
            raise ValueExpected(key)
        return node


def _kind(node: Member | Dictionary) -> Kind:
    return Kind.DICTIONARY if isinstance(node, Dictionary) else Kind.VALUE
