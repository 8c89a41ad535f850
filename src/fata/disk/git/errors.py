"""The one error of git's formats."""

from __future__ import annotations

from fata.errors import DeviceError


class Malformed(DeviceError):
    """Octets that are no object, tree, commit, tag, reference, pack or index of git's."""
