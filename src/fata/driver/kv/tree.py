"""Dictionaries and values in memory, with snapshots that cost nothing to take.

A dictionary node belongs to the tree that made it and is changed in place by that tree only; any other
tree copies it first. `fork` gives both trees a new identity, so that everything they share is copied by
whoever changes it: once a dictionary for each snapshot, and never while there are none. Values are
immutable, hence *a key was changed in between* is the same as *another object is found there*.
"""

from __future__ import annotations

from fata.device.kv import AlreadyPresent, DictionaryExpected, InvalidKey, NoSpace, NotFound, ValueExpected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]


class Value:
    """Octets under a key, and when they were stored."""

    __slots__ = ("content", "digest", "modified", "size")

    def __init__(self, content: bytes, modified: float | None) -> None:
        self.content = content
        self.size = len(content)
        self.modified = modified
        self.digest = b""  # the SHA-256 of the content once somebody has asked


class Dictionary:
    """Segments with what they name. `size` is the sum of its values' lengths."""

    __slots__ = ("children", "modified", "owner", "size")

    def __init__(self, owner: object, modified: float | None = None) -> None:
        self.owner = owner
        self.children: dict[str, Node] = {}
        self.modified = modified
        self.size = 0

    def copy(self, owner: object) -> Dictionary:
        """Return a dictionary of another owner with the same children."""
        twin = Dictionary(owner, self.modified)
        twin.children = dict(self.children)
        twin.size = self.size
        return twin

    def values(self) -> Iterator[tuple[str, Value]]:
        """Yield every value beneath with its relative key, in a fixed order. Keys may be deep: no recursion."""
        waiting: list[tuple[str, Node]] = [("", self)]
        while waiting:
            key, node = waiting.pop()
            if isinstance(node, Value):
                yield key, node
                continue
            prefix = f"{key}/" if key else ""
            waiting += [(prefix + name, node.children[name]) for name in sorted(node.children, reverse=True)]


Node = Value | Dictionary


class Tree:
    """A store's content. A dictionary exists as long as there is something in it; the root always does."""

    __slots__ = ("_capacity", "_owner", "root")

    def __init__(self, capacity: int | None = None, root: Dictionary | None = None) -> None:
        self._capacity = capacity  # octets of values; None: as many as memory holds
        self._owner = object()
        self.root = Dictionary(self._owner) if root is None else root

    def fork(self) -> Tree:
        """Return a tree with the same content; from now on neither sees the other's changes."""
        self._owner = object()
        return Tree(self._capacity, self.root)

    def find(self, path: Path) -> Node | None:
        """Return what the path names."""
        node: Node | None = self.root
        for segment in path:
            if not isinstance(node, Dictionary):
                return None
            node = node.children.get(segment)
        return node

    def value(self, path: Path) -> Value:
        """Return the value under the path, or raise `NotFound` or `ValueExpected`."""
        node = self.find(path)
        if node is None:
            raise NotFound("/".join(path))
        if isinstance(node, Dictionary):
            raise ValueExpected("/".join(path))
        return node

    def set(self, path: Path, value: Value) -> None:
        """Put a value in place, or raise and change nothing."""
        old = self._replaceable(path)
        self._check_room(path, value.size - (old.size if old else 0))
        self._put(path, value, value.modified)

    def allocate(self, path: Path, value: Value) -> None:
        """Put a value where there is none, or raise and change nothing."""
        if self._replaceable(path) is not None:
            raise AlreadyPresent("/".join(path))
        self.set(path, value)

    def rename(self, source: Path, destination: Path, now: float | None) -> None:
        """Move a node, or raise and change nothing."""
        if not source or not destination or (source != destination and destination[: len(source)] == source):
            raise InvalidKey(f"cannot rename {'/'.join(source)!r} to {'/'.join(destination)!r}, inside itself")
        node = self.find(source)
        if node is None:
            raise NotFound("/".join(source))
        self._replaceable(destination)
        if source != destination:
            self.remove(source, now)
            self._put(destination, node, now)

    def remove(self, path: Path, now: float | None) -> None:
        """Take away what the path names, if anything, and every dictionary that becomes empty."""
        gone = self.find(path)
        if gone is None:
            return
        if not path:
            self.root = Dictionary(self._owner, now)
            return
        parents = self._owned(path[:-1])
        for parent in parents:
            parent.size -= gone.size
            parent.modified = now
        for parent, segment in zip(reversed(parents), reversed(path), strict=True):
            del parent.children[segment]
            if parent.children:
                break

    def _replaceable(self, path: Path) -> Value | None:
        """Return the value that a new one would replace; raise if none can be put there."""
        node: Node | None = self.root
        for depth, segment in enumerate(path):
            if isinstance(node, Value):
                raise DictionaryExpected("/".join(path[:depth]))
            node = node.children.get(segment) if node is not None else None
        if isinstance(node, Dictionary):
            raise ValueExpected("/".join(path))
        return node

    def _check_room(self, path: Path, growth: int) -> None:
        if self._capacity is not None and growth > 0 and self.root.size + growth > self._capacity:
            raise NoSpace("/".join(path))

    def _put(self, path: Path, node: Node, now: float | None) -> None:
        parents = self._owned(path[:-1])
        children = parents[-1].children
        old = children.get(path[-1])
        children[path[-1]] = node
        for parent in parents:
            parent.size += node.size - (old.size if old else 0)
            parent.modified = now

    def _owned(self, path: Path) -> list[Dictionary]:
        """Return the dictionaries from the root to `path`, made where they are missing, all ours to change."""
        if self.root.owner is not self._owner:
            self.root = self.root.copy(self._owner)
        parents = [self.root]
        for segment in path:
            node = parents[-1].children.get(segment)
            child = node if isinstance(node, Dictionary) else Dictionary(self._owner)
            if child.owner is not self._owner:
                child = child.copy(self._owner)
            parents[-1].children[segment] = child
            parents.append(child)
        return parents
