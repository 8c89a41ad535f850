"""What can be wrong with a FAT volume."""

from __future__ import annotations

from fata.errors import DeviceError


class FatError(DeviceError):
    """A volume that cannot be used as it is."""


class NotFat(FatError):
    """The boot sector describes no FAT volume, or one that cannot lie on this disk."""


class CorruptFat(FatError):
    """A chain or a directory is broken; the rest of the volume can be used. `check` tells more."""
