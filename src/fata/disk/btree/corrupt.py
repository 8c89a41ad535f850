"""What is wrong with a store's octets, and where."""

from __future__ import annotations

from fata.errors import DeviceError


class Corrupt(DeviceError):
    """Octets that are not what was written there: `what` (node, record …) at `address`, and the reason.

    `address` counts pages; for a log record it is a position in the log, in sectors.
    """

    def __init__(self, what: str, address: int, reason: str) -> None:
        super().__init__(f"btree: {what} at {address}: {reason}")
        self.what = what
        self.address = address
        self.reason = reason
