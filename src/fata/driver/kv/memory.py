"""A store in memory: the whole ladder, up to atomic batches."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from fata.device.kv import (
    BatchConflict,
    DictionaryExpected,
    InvalidKey,
    Kind,
    KvError,
    KvRw,
    NoSpace,
    NotFound,
    ValueExpected,
    segments,
)
from fata.driver.kv.digest import fold
from fata.driver.kv.tree import Dictionary, Node, Path, Tree, Value
from fata.errors import StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from fata.device.clock import WallClock

# What of a key a batch has looked at, each including the one before: a batch conflicts with others over no more.
KIND, NAMES, CONTENT = 0, 1, 2


class _TreeKv:
    """A KvRw over a tree. Nothing in it suspends, so every call is atomic under cancellation."""

    def __init__(self, tree: Tree, clock: WallClock | None) -> None:
        self._tree = tree
        self._clock = clock

    def _look(self, path: Path, aspect: int) -> None:
        """Called before every read, with what it reads."""

    def _change(self, paths: tuple[Path, ...], change: Callable[[Tree], None]) -> None:
        """Called for every change of the paths; calling it twice on equal trees makes equal trees."""
        change(self._tree)

    def _now(self) -> float | None:
        return None if self._clock is None else self._clock.wall()

    def _value(self, key: str) -> Value:
        path = segments(key)
        self._look(path, CONTENT)
        return self._tree.value(path)

    async def exists(self, key: str) -> Kind | None:
        path = segments(key)
        self._look(path, KIND)
        return _kind(self._tree.find(path))

    async def get(self, key: str) -> bytes:
        return self._value(key).content

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        _check_range(key, offset, length)
        return self._value(key).content[offset : offset + length]

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        path = segments(key)
        self._look(path, NAMES)
        node = self._tree.find(path)
        if node is None:
            raise NotFound(key)
        if isinstance(node, Value):
            raise DictionaryExpected(key)
        return sorted(_names(node).items(), key=lambda entry: entry[0])

    async def size(self, key: str) -> int:
        return self._value(key).size

    async def digest(self, key: str) -> bytes:
        node = self._node(key)
        if isinstance(node, Value):
            return _digest(node)
        return fold((name, _digest(value)) for name, value in node.values())

    async def last_modified(self, key: str) -> float | None:
        return self._node(key).modified

    def _node(self, key: str) -> Node:
        path = segments(key)
        self._look(path, CONTENT)
        node = self._tree.find(path)
        if node is None:
            raise NotFound(key)
        return node

    async def set(self, key: str, value: bytes) -> None:
        self._set(segments(key), bytes(value))

    def _set(self, path: Path, content: bytes) -> None:
        value = Value(content, self._now())
        self._change((path,), lambda tree: tree.set(path, value))

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        _check_range(key, offset, 0)
        old = self._value(key).content
        try:
            gap = bytes(max(offset - len(old), 0))
            content = b"".join((old[:offset], gap, data, old[offset + len(data) :])) if data else old
        except (MemoryError, OverflowError):
            raise NoSpace(key) from None
        self._set(segments(key), content)

    async def remove(self, key: str) -> None:
        path, now = segments(key), self._now()
        self._change((path,), lambda tree: tree.remove(path, now))

    async def rename(self, source: str, destination: str) -> None:
        old, new, now = segments(source), segments(destination), self._now()
        self._change((old, new), lambda tree: tree.rename(old, new, now))

    async def allocate(self, key: str, size: int) -> None:
        path = segments(key)
        _check_range(key, 0, size)
        try:
            value = Value(bytes(size), self._now())
        except (MemoryError, OverflowError):
            raise NoSpace(key) from None
        self._change((path,), lambda tree: tree.allocate(path, value))

    async def flush(self) -> None:
        """Do nothing: memory is as durable as it will ever be."""


class MemoryKv(_TreeKv):
    """A KvTx that is empty at the start and gone at the end.

    `capacity` bounds the values' octets together. Without a clock nothing knows when it was changed.
    """

    def __init__(self, capacity: int | None = None, clock: WallClock | None = None) -> None:
        super().__init__(Tree(capacity), clock)

    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        return _Batch(self._tree, self._clock)

    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        path = segments(key)
        node = self._tree.find(path)
        if isinstance(node, Dictionary):
            raise ValueExpected(key)
        if (None if node is None else node.content) != test:
            return False
        if new is None:
            self._tree.remove(path, self._now())
        else:
            self._set(path, bytes(new))
        return True


class _Batch(_TreeKv):
    """A group of changes on a snapshot, with a record of what it has looked at.

    On leaving, if the store has changed, everything looked at is compared by identity and the changes are
    made again on what is there now; what others have changed elsewhere stays.
    """

    def __init__(self, store: Tree, clock: WallClock | None) -> None:
        super().__init__(store, clock)
        self._store = store
        self._began_with = store.root
        self._state = "new"  # "open", "ended"
        self._looked: dict[Path, int] = {}
        self._changes: list[Callable[[Tree], None]] = []

    async def __aenter__(self) -> KvRw:
        if self._state != "new":
            raise StateError("a batch is opened once; ask the store for another")
        self._state = "open"
        self._tree = self._store.fork()
        self._began_with = self._tree.root
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._state = "ended"
        if kind is None:
            self._store.root = self._tree.root if self._store.root is self._began_with else self._merged().root

    def _merged(self) -> Tree:
        before = Tree(root=self._began_with)
        for path, aspect in self._looked.items():
            if not _same(before.find(path), self._store.find(path), aspect):
                raise BatchConflict("/".join(path))
        result = self._store.fork()
        for change in self._changes:
            try:
                change(result)
            except NoSpace:
                raise
            except KvError as error:  # somebody has put a value where a dictionary was to be, or the reverse
                raise BatchConflict(error.key) from error
        return result

    async def flush(self) -> None:
        """Do nothing: what has not been applied cannot be made durable."""
        self._check_open()

    def _check_open(self) -> None:
        if self._state != "open":
            raise StateError("a batch can be used only inside its `async with`")

    def _look(self, path: Path, aspect: int) -> None:
        self._check_open()
        self._looked[path] = max(aspect, self._looked.get(path, KIND))

    def _change(self, paths: tuple[Path, ...], change: Callable[[Tree], None]) -> None:
        for path in paths:
            self._look(path, CONTENT)
        try:
            change(self._tree)
        except NoSpace:
            self._look((), CONTENT)  # the size of everything was asked for
            raise
        except KvError as error:
            self._look(segments(error.key), KIND)  # a value on the way was seen, not only what the path names
            raise
        self._changes.append(change)


def _same(then: Node | None, now: Node | None, aspect: int) -> bool:
    if aspect == CONTENT:
        return then is now
    if aspect == NAMES and isinstance(then, Dictionary) and isinstance(now, Dictionary):
        return _names(then) == _names(now)
    return _kind(then) is _kind(now)


def _kind(node: Node | None) -> Kind | None:
    if node is None:
        return None
    return Kind.VALUE if isinstance(node, Value) else Kind.DICTIONARY


def _names(node: Dictionary) -> dict[str, Kind]:
    return {name: Kind.VALUE if isinstance(child, Value) else Kind.DICTIONARY for name, child in node.children.items()}


def _digest(value: Value) -> bytes:
    from hashlib import sha256

    value.digest = value.digest or sha256(value.content).digest()
    return value.digest


def _check_range(key: str, offset: int, length: int) -> None:
    if offset < 0 or length < 0:
        raise InvalidKey(f"key {key!r}: a range of {length} octets at {offset} does not exist")
