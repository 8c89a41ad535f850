"""What can go wrong in a store, each answering whose fault it is."""

from __future__ import annotations

from fata.errors import DeviceError, FataError, StateError, WireError


class IrminError(FataError):
    """Anything that a store raises on purpose."""


class InvalidPath(IrminError, StateError):
    """A path or name that no store can hold: an empty step, ".", "..", ".git", a "/" or NUL in a step."""


class InvalidName(IrminError, StateError):
    """A branch's name that git would refuse (git-check-ref-format)."""


class NotFound(IrminError, DeviceError):
    """Nothing is at the path, or no such branch or commit exists; told by the `get` family, never by `find`."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: not found")


class WrongKind(IrminError, DeviceError):
    """A directory where contents are wanted, or the reverse."""


class CorruptObject(IrminError, DeviceError):
    """An object whose octets do not make sense, or do not hash to its id."""

    def __init__(self, oid: bytes, reason: str) -> None:
        super().__init__(f"object {oid.hex()}: {reason}")
        self.oid = oid


class MissingObject(IrminError, DeviceError):
    """An object that another one refers to is not in the store: a damaged or shallow one (Irmin: Dangling_hash)."""

    def __init__(self, oid: bytes) -> None:
        super().__init__(f"object {oid.hex()} is missing")
        self.oid = oid


class TooDeep(IrminError, DeviceError):
    """A tree deeper than git would follow; nobody makes such a thing with good intent."""


class CorruptRef(IrminError, DeviceError):
    """A reference whose octets do not make sense."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"reference {name}: {reason}")
        self.name = name


class NameTaken(IrminError, DeviceError):
    """A reference cannot have this name while another exists: "a" and "a/b" exclude each other, as files do."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: the name is taken, or one above or below it")


class Busy(IrminError, DeviceError):
    """Somebody else holds a lock, and has not let go in time."""


class Conflict(IrminError, DeviceError):
    """Two changes that do not merge. `path` says where; `ours` and `theirs` are the sides, None: removed."""

    def __init__(self, reason: str, path: tuple[str, ...] = (), ours: object = None, theirs: object = None) -> None:
        super().__init__(reason, path, ours, theirs)
        self.reason = reason
        self.path = path
        self.ours = ours
        self.theirs = theirs

    def at(self, *steps: str) -> Conflict:
        """Return the same conflict, `steps` further from the root."""
        return Conflict(self.reason, (*steps, *self.path), self.ours, self.theirs)

    def __str__(self) -> str:
        return f"{'/'.join(self.path)!r}: {self.reason} (ours {_shown(self.ours)}, theirs {_shown(self.theirs)})"


class TestFailed(IrminError, DeviceError):
    """A test-and-set found something else than it was told to expect; `found` is that."""

    __test__ = False  # no pytest class

    def __init__(self, what: str, found: object) -> None:
        super().__init__(f"{what}: the test failed, found {_shown(found)}")
        self.found = found


class TooManyRetries(IrminError, DeviceError):
    """Others were faster, again and again."""

    def __init__(self, name: str, tries: int) -> None:
        super().__init__(f"branch {name}: changed by others during each of {tries} tries")


class HeadRejected(IrminError, DeviceError):
    """A head may not be moved so: no fast-forward, or nothing to change; `reason` says which."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadProof(IrminError, WireError):
    """A proof that does not prove what it says."""


class TooManyLcas(IrminError, DeviceError):
    """More common ancestors than the limit, or none within the depth that was allowed."""


class RemoteError(IrminError, WireError):
    """A remote repository that cannot be reached, refuses, or does not keep to git's protocol."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"{url}: {reason}")
        self.url = url


class PushRejected(IrminError, DeviceError):
    """The remote's branch was not changed: it is no ancestor of what was pushed, somebody was faster, or it refuses."""

    def __init__(self, branch: str, reason: str) -> None:
        super().__init__(f"branch {branch}: {reason}")
        self.branch = branch


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
