"""Key-value stores: a ladder of three contracts, each with what the one before it cannot promise.

A *key* is a path: segments joined by "/", without a leading or trailing one, such as "css/site.css".
The root dictionary is "". A segment is not empty, not "." or "..", and holds no "/", no NUL and no surrogate.
A key names a *value* (octets) or a *dictionary* (of segments), never both.
"""

from __future__ import annotations

from enum import Enum

from fata.device.protocol import Protocol
from fata.errors import DeviceError, StateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager


class Kind(Enum):
    """What a key names."""

    VALUE = "value"
    DICTIONARY = "dictionary"


class InvalidKey(StateError):
    """A string that is no key (see the module's grammar), or a range outside what the call allows."""


class KvError(DeviceError):
    """A store's refusal about one key."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key!r}: {reason}")
        self.key = key


class NotFound(KvError):
    """Nothing is stored under the key."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "not found")


class ValueExpected(KvError):
    """The key names a dictionary where a value is needed."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "is a dictionary, a value is expected")


class DictionaryExpected(KvError):
    """The key, or a prefix of it, names a value where a dictionary is needed."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "is a value, a dictionary is expected")


class AlreadyPresent(KvError):
    """The key has a value already."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "exists already")


class NoSpace(KvError):
    """The store is full; nothing has been changed."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "no space left in the store")


class BatchConflict(KvError):
    """Another task changed a key that this batch had read or written; nothing of it was applied. Try again."""

    def __init__(self, key: str) -> None:
        super().__init__(key, "changed by another task since the batch began")


def segments(key: str) -> tuple[str, ...]:
    """Split a key into its segments: () for the root. Raises `InvalidKey`."""
    if not key:
        return ()
    try:
        key.encode()
    except UnicodeEncodeError as error:
        raise InvalidKey(f"key {key!r}: character {error.start} is half a surrogate pair") from None
    parts = tuple(key.split("/"))
    for part in parts:
        if part in ("", ".", "..") or "\0" in part:
            raise InvalidKey(f"key {key!r}: segment {part!r} is not allowed")
    return parts


class KvRo(Protocol):
    """A store that can be read. Every method raises `InvalidKey` for a string that is no key."""

    async def exists(self, key: str) -> Kind | None:
        """Say what `key` names; None when nothing. The root always exists."""
        ...

    async def get(self, key: str) -> bytes:
        """Return the value. Raises `NotFound`, `ValueExpected`."""
        ...

    async def get_partial(self, key: str, offset: int, length: int) -> bytes:
        """Return at most `length` octets of the value from `offset` on; fewer only at its end, b"" beyond it.

        A negative offset or length is `InvalidKey`. Raises `NotFound`, `ValueExpected`.
        """
        ...

    async def list(self, key: str) -> list[tuple[str, Kind]]:
        """Return the dictionary's segments with what each names, sorted by segment.

        Raises `NotFound`, `DictionaryExpected`.
        """
        ...

    async def size(self, key: str) -> int:
        """Return the value's length in octets. Raises `NotFound`, `ValueExpected`."""
        ...

    async def digest(self, key: str) -> bytes:
        """Return a short name (at most 64 octets) of the value's or dictionary's present content.

        Two calls with equal answers saw equal content. It is not comparable between stores.
        """
        ...

    async def last_modified(self, key: str) -> float | None:
        """Return when the value (or anything in the dictionary) last changed, POSIX seconds; None if unknown."""
        ...


class KvRw(KvRo, Protocol):
    """A store that can be changed, one key at a time.

    A change that has returned is seen by every call that starts later. It survives a power cut only when
    a later `flush` has returned. Missing dictionaries come into being with their first value; whether an
    emptied one stays is the store's choice. Raises `NoSpace`, besides what `KvRo` raises.
    """

    async def set(self, key: str, value: bytes) -> None:
        """Store `value`, whole, in place of the key's value if there is one.

        Raises `ValueExpected` when the key names a dictionary, `DictionaryExpected` when a prefix names a value.
        """
        ...

    async def set_partial(self, key: str, offset: int, data: bytes) -> None:
        """Write `data` at `offset` of the value, which grows as needed, with zeros in a gap. The key must exist."""
        ...

    async def remove(self, key: str) -> None:
        """Remove the value, or the dictionary with everything in it. A key that is not there is fine."""
        ...

    async def rename(self, source: str, destination: str) -> None:
        """Move a value or dictionary; a value at `destination` is replaced.

        Raises `NotFound`; `ValueExpected` when `destination` names a dictionary; `InvalidKey` when
        `destination` lies inside `source`, or either is the root.
        """
        ...

    async def allocate(self, key: str, size: int) -> None:
        """Create the value as `size` zero octets. Raises `ValueExpected` or, if it exists, `AlreadyPresent`."""
        ...

    async def flush(self) -> None:
        """Make every change that has returned durable."""
        ...


class KvTx(KvRw, Protocol):
    """A store whose changes can be grouped: all of a group happen, or none."""

    def batch(self) -> AbstractAsyncContextManager[KvRw]:
        """Open a group of changes: `async with store.batch() as batch: await batch.set(...)`.

        Reads through the batch see the store as it was when the batch began, and the batch's own changes.
        Leaving the block applies them at once; leaving it by an exception or cancellation applies none.
        Raises `BatchConflict` on leaving if a key it read or changed was changed meanwhile (whether storing equal
        octets is a change is the store's choice). A batch used
        after its end, or opened in another, is a `StateError`.
        """
        ...

    async def test_and_set(self, key: str, test: bytes | None, new: bytes | None) -> bool:
        """If the key's value equals `test` (None: there is none) store `new` (None: remove it); say whether."""
        ...
