"""What can be wrong with a FAT volume."""

from __future__ import annotations

from fata.errors import DeviceError, Unavailable


class FatError(DeviceError):
    """A volume that cannot be used as it is."""


class NotFat(FatError, Unavailable):
    """The boot sector describes no FAT volume, or one that cannot lie on this disk."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no FAT volume: {reason}", "Is it the right disk? A new one is made by `fata fat create`, or mkfs.fat."
        )


class CorruptFat(FatError):
    """A chain or a directory is broken; the rest of the volume can be used. `check` tells more."""
