"""The machine's own source of random octets."""

from __future__ import annotations

import os

from fata.errors import DeviceError, StateError


class OsEntropy:
    """An Entropy over getrandom(2), which waits, once after boot, until the kernel has gathered enough."""

    @property
    def secure(self) -> bool:
        return True

    def octets(self, count: int) -> bytes:
        if count < 0:
            raise StateError(f"cannot draw {count} octets")
        try:
            return os.urandom(count)
        except (OSError, NotImplementedError) as error:
            raise DeviceError(f"the machine gives no random octets: {error}") from error
