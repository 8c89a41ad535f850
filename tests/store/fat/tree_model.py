"""A file system as simple as can be: dicts in dicts, names told apart without their case."""

from __future__ import annotations

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, NotFound, ValueExpected
from fata.disk.fat.long_name import fold
from fata.store.fat.volume import DirectoryNotEmpty

Node = bytes | dict[str, "Named"]


class Named:
    """What is under a name."""

    def __init__(self, name: str, node: Node) -> None:
        self.name = name
        self.node = node


class TreeModel:
    """Does what `FileSystem` does, but for running out of space."""

    def __init__(self) -> None:
        self.root: dict[str, Named] = {}

    def tree(self, folder: dict[str, Named] | None = None, path: str = "") -> dict[str, bytes | None]:
        """Return all that is there, by path; a directory is None."""
        found: dict[str, bytes | None] = {}
        for named in (self.root if folder is None else folder).values():
            child = f"{path}/{named.name}" if path else named.name
            if isinstance(named.node, bytes):
                found[child] = named.node
            else:
                found[child] = None
                found |= self.tree(named.node, child)
        return found

    def _parent(self, key: str) -> tuple[dict[str, Named], str]:
        folder = self.root
        *way, last = key.split("/")
        for name in way:
            named = folder.get(fold(name))
            if named is None:
                raise NotFound(key)
            if isinstance(named.node, bytes):
                raise DictionaryExpected(key)
            folder = named.node
        return folder, last

    def _there(self, key: str) -> tuple[dict[str, Named], Named]:
        try:
            folder, last = self._parent(key)
        except DictionaryExpected:
            raise NotFound(key) from None
        named = folder.get(fold(last))
        if named is None:
            raise NotFound(key)
        return folder, named

    def _file(self, key: str) -> Named:
        named = self._there(key)[1]
        if not isinstance(named.node, bytes):
            raise ValueExpected(key)
        return named

    def read(self, key: str) -> bytes:
        node = self._file(key).node
        assert isinstance(node, bytes)
        return node

    def store(self, key: str, data: bytes) -> None:
        folder, last = self._parent(key)
        named = folder.setdefault(fold(last), Named(last, b""))
        if not isinstance(named.node, bytes):
            raise ValueExpected(key)
        named.node = data

    def write(self, key: str, offset: int, data: bytes) -> None:
        named = self._file(key)
        old = named.node
        assert isinstance(old, bytes)
        if data:
            named.node = old[:offset].ljust(offset, b"\0") + data + old[offset + len(data) :]

    def append(self, key: str, data: bytes) -> None:
        self._file(key).node = self.read(key) + data

    def truncate(self, key: str, size: int) -> None:
        self._file(key).node = self.read(key)[:size].ljust(size, b"\0")

    def allocate(self, key: str, size: int) -> None:
        folder, last = self._parent(key)
        if (named := folder.get(fold(last))) is not None:
            raise AlreadyPresent(key) if isinstance(named.node, bytes) else ValueExpected(key)
        folder[fold(last)] = Named(last, bytes(size))

    def mkdir(self, key: str) -> None:
        folder, last = self._parent(key)
        if fold(last) in folder:
            raise AlreadyPresent(key)
        folder[fold(last)] = Named(last, {})

    def rmdir(self, key: str) -> None:
        folder, named = self._there(key)
        if isinstance(named.node, bytes):
            raise DictionaryExpected(key)
        if named.node:
            raise DirectoryNotEmpty(key)
        del folder[fold(named.name)]

    def remove(self, key: str) -> None:
        self._file(key)
        self.remove_tree(key)

    def remove_tree(self, key: str) -> None:
        folder, named = self._there(key)
        del folder[fold(named.name)]

    def rename(self, source: str, destination: str) -> None:
        old, named = self._there(source)
        if fold(destination).startswith(f"{fold(source)}/"):
            raise InvalidKey(destination)
        new, last = self._parent(destination)
        target = new.get(fold(last))
        if target is named:
            if source == destination and not isinstance(named.node, bytes):
                raise ValueExpected(destination)
            named.name = last
            return
        if target is not None and not isinstance(target.node, bytes):
            raise ValueExpected(destination)
        del old[fold(named.name)]
        new[fold(last)] = Named(target.name if target is not None else last, named.node)
