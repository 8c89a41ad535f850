"""The store as it was: until a snapshot is closed, or, if it has a name, until it is dropped."""

from __future__ import annotations

from fata.store.btree.nodes import Inner, Leaf
from fata.store.btree.reading import Reading, closed_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fata.disk.btree.pointer import Pointer
    from fata.disk.btree.snapshots import SnapshotEntry
    from fata.store.btree.cache import Cache
    from fata.store.btree.medium import Medium
    from fata.store.btree.nodes import Node
    from fata.store.btree.pins import Pin


class Snapshot(Reading):
    """A store's content at one moment. Writers go on; what they replace is kept for it."""

    def __init__(self, pin: Pin, medium: Medium, cache: Cache) -> None:
        super().__init__(pin, medium, cache)
        self._pin = pin

    def close(self) -> None:
        """Let the store have its pages back. A second call does nothing."""
        self._pin.release()
        self._ended = closed_error("snapshot")

    async def __aenter__(self) -> Snapshot:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class _Loaded:
    """The root of a tree that was read for a snapshot alone."""

    def __init__(self, root: Node) -> None:
        self.root = root


class NamedSnapshot(Reading):
    """A snapshot that is kept on the medium."""

    def __init__(self, name: str, root: Node, medium: Medium, cache: Cache) -> None:
        super().__init__(_Loaded(root), medium, cache)
        self.name = name

    def end(self) -> None:
        """Refuse every further call: the snapshot has been dropped, or the store closed."""
        self._ended = closed_error(f"snapshot {self.name!r}")


async def open_named(entry: SnapshotEntry, medium: Medium, cache: Cache) -> NamedSnapshot:
    """Read a named snapshot's inner nodes. Raises `Corrupt`."""
    return NamedSnapshot(entry.name, await _load(medium, entry.root, entry.level, None), medium, cache)


async def _load(medium: Medium, pointer: Pointer, level: int, parent: Inner | None) -> Node:
    if not level:
        return Leaf(0, parent, (*pointer,))
    content = await medium.inner(pointer, level)
    inner = Inner(0, level, parent, (*pointer,))
    inner.keys = content.keys
    inner.children = [await _load(medium, child, level - 1, inner) for child in content.children]
    return inner
