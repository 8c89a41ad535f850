"""The contract between a store and what keeps its octets.

A backend keeps *objects*, which never change and whose ids the store computes, and *references*, names for ids, which
change by test-and-set. It knows nothing of trees, merges or values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from fata.disk.git.objects import Object

Objects = Mapping[bytes, Object]  # id -> (kind, body)


class RefChange(NamedTuple):
    """A reference's change: from `old` (None: it must not exist) to `new` (None: it is removed)."""

    name: str
    old: bytes | None
    new: bytes | None


Listener = Callable[[RefChange], None]


class Capabilities(NamedTuple):
    """What a backend may leave out. The conformance suite tests what is claimed, and that the rest is refused."""

    durable: bool = False  # what `commit` has returned from survives a crash of the program
    shared: bool = False  # other programs may change references meanwhile
    git: bool = False  # git's own programs can work on the same data


class Backend(Protocol):
    """Objects and references. Any method that is `async` may suspend, and may be cancelled wherever it does."""

    @property
    def capabilities(self) -> Capabilities:
        """What this backend can do."""
        ...

    async def read(self, oid: bytes) -> Object | None:
        """Return an object; None if it does not exist. Raises `CorruptObject`.

        The store checks the hash, and remembers what it has read: a backend needs no cache of its own.
        """
        ...

    async def contains(self, oid: bytes) -> bool:
        """Say whether an object exists."""
        ...

    async def write(self, objects: Objects) -> None:
        """Keep objects. They may exist already. Cancelled, some of them may have been kept."""
        ...

    async def commit(self, objects: Objects, changes: Iterable[RefChange]) -> bool:
        """Keep objects, then change references if each is as its change says; tell whether they were.

        All references change, or none. Whoever sees a new reference can read the objects. Where the backend has
        transactions, objects and references are one. Listeners are called before it returns, or before it is
        known to have been cancelled.
        """
        ...

    async def ref(self, name: str) -> bytes | None:
        """Return what a reference such as "refs/heads/main" points to; None if it does not exist."""
        ...

    async def refs(self, prefix: str) -> dict[str, bytes]:
        """Return all references whose names begin with `prefix`, sorted by name."""
        ...

    async def default_branch(self) -> str:
        """Return what HEAD names: "main" unless somebody chose another."""
        ...

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called with every change of a reference, also one by another program if `shared`.

        It is called in the order of the changes and must not raise. Returns what ends it.
        """
        ...

    def ids(self) -> AsyncIterator[bytes]:
        """Yield the id of every object, each at least once."""
        ...

    async def delete(self, oids: Iterable[bytes]) -> None:
        """Forget objects that nothing refers to (garbage collection). Unknown ids are passed over."""
        ...

    async def flush(self) -> None:
        """Make durable whatever was written, if `commit` does not see to that."""
        ...

    async def close(self) -> None:
        """Give back what the backend holds."""
        ...


@runtime_checkable
class Shallow(Protocol):
    """What a backend offers, too, if it has to note where history was cut, as a git directory has."""

    async def shallow(self) -> set[bytes]:
        """Return the commits whose parents are left out."""
        ...

    async def set_shallow(self, commits: set[bytes]) -> None:
        """Note the commits whose parents are left out from now on."""
        ...


@runtime_checkable
class Holding(Protocol):
    """What a backend offers, too, if others keep objects there by more than references, as git's index does."""

    async def held(self, ids: set[bytes]) -> set[bytes]:
        """Return those objects that somebody else still uses: they are no garbage."""
        ...


@runtime_checkable
class PackKeeper(Protocol):
    """What a backend offers, too, if it can keep a whole pack of git's as it comes."""

    def pack_directory(self) -> str:
        """Return where to put a pack's file until it is complete."""
        ...

    def adopt_pack(self, path: str, pack_hash: bytes, index: bytes) -> None:
        """Keep the pack at `path`, a file in that directory that is gone afterwards. It is complete and checked."""
        ...


@runtime_checkable
class Linked(Protocol):
    """What a backend offers, too, if it knows which commit has which parents without reading the commits."""

    def links(self) -> Iterable[tuple[bytes, tuple[bytes, ...], bytes, bytes | None]]:
        """Return commits, their parents, trees, and what git notes of their changes (`disk/git/changed_paths.py`).

        Parents come first. Any number of commits may be left out.
        """
        ...


@runtime_checkable
class Immediate(Protocol):
    """What a backend offers, too, if it has every object at hand: then no question about a tree ever waits."""

    def peek(self, oid: bytes, /) -> Object | None:
        """Return an object; None if it does not exist."""
        ...
