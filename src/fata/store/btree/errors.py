"""What a B-tree refuses, beside `Corrupt` (fata.disk.btree.corrupt)."""

from __future__ import annotations

from fata.errors import DeviceError, StateError


class OutOfSpace(DeviceError):
    """No room for this change; nothing has been changed. Deleting still works, and makes room."""


class NotAStore(DeviceError):
    """The disk holds no B-tree, or one that this program cannot read: format it, or use a newer program."""


class Failed(DeviceError):
    """An earlier write failed, so nobody knows what the medium has. Open the store again."""


class OtherWriter(StateError):
    """Somebody else writes to the same disk. Only one may; nothing of this one's has been written."""


class TooLarge(StateError):
    """A key or a value beyond the store's limits."""
